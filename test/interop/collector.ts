import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { runChild, waitForHealth } from '../support/child-process.ts';
import { freePorts } from '../support/free-ports.ts';
import { readProtoFile } from '../support/proto-file.ts';
import type { CollectorVersion } from './build-collector.ts';
import { newestCollector } from './build-collector.ts';
import { locatePeers } from './peers.ts';
import { readJsonFile } from './profile-files.ts';

/** A running OpenTelemetry Collector that takes profiles and writes them to files. */
export interface Collector {
  /** host:port of its OTLP receiver. */
  readonly grpcEndpoint: string;
  /** Base URL of its OTLP receiver. */
  readonly httpEndpoint: string;
  readonly ports: CollectorPorts;
  /** Stops it, so that its files are whole. @throws Error unless it ended by itself with code 0. */
  stop(): Promise<void>;
  /** What its file exporters wrote, message by message; only after `stop`. */
  readJson(): ProfilesData[];
  readProto(): Uint8Array[];
}

export interface CollectorOptions {
  /** The newest when not given. */
  readonly version?: CollectorVersion;
  /** host:port to which it sends on all that it takes, by OTLP over gRPC. */
  readonly forwardTo?: string;
  /** Further exporters, by identifier. */
  readonly exporters?: Readonly<Record<string, object>>;
  /** Further settings of its OTLP receiver. */
  readonly grpc?: object;
  readonly http?: object;
  /** Of its OTLP receiver; any free ones when not given. */
  readonly ports?: CollectorPorts;
}

export interface CollectorPorts {
  readonly grpc: number;
  readonly http: number;
}

/** Starts a Collector whose configuration and files are in `folder`; resolves when it is healthy. */
export async function startCollector(folder: string, options: CollectorOptions = {}): Promise<Collector> {
  const [grpcPort, httpPort, healthPort] = (await freePorts(3)) as [number, number, number];
  const ports = options.ports ?? { grpc: grpcPort, http: httpPort };
  const endpoints = {
    grpc: `127.0.0.1:${ports.grpc}`,
    http: `127.0.0.1:${ports.http}`,
    health: `127.0.0.1:${healthPort}`,
  };
  const files = { json: join(folder, 'profiles.jsonl'), proto: join(folder, 'profiles.proto') };
  const config = join(folder, 'collector.yaml');
  writeFileSync(config, stringify(collectorConfig(endpoints, files, options)));
  const args = ['--config', config, '--feature-gates', 'service.profilesSupport'];
  const child = runChild(locatePeers().collectors[options.version ?? newestCollector], args, { folder });
  await waitForHealth(`http://${endpoints.health}/`, child).catch(async (error) => {
    await child.stop();
    throw error;
  });
  return {
    grpcEndpoint: endpoints.grpc,
    httpEndpoint: `http://${endpoints.http}`,
    ports,
    stop: async () => {
      const code = await child.stop();
      if (code !== 0) throw new Error(`The Collector ended with code ${code}:\n${child.output()}`);
    },
    readJson: () => readJsonFile(files.json),
    readProto: () => readProtoFile(files.proto),
  };
}

function collectorConfig(
  endpoints: { grpc: string; http: string; health: string },
  files: { json: string; proto: string },
  { forwardTo, exporters: more = {}, grpc, http }: CollectorOptions,
): object {
  const exporters = {
    'file/json': { path: files.json },
    'file/proto': { path: files.proto, format: 'proto' },
    debug: { verbosity: 'basic' },
    ...more,
    ...(forwardTo && {
      otlp_grpc: { endpoint: forwardTo, tls: { insecure: true }, sending_queue: { enabled: false } },
    }),
  };
  return {
    receivers: {
      otlp: {
        protocols: { grpc: { endpoint: endpoints.grpc, ...grpc }, http: { endpoint: endpoints.http, ...http } },
      },
    },
    processors: { memory_limiter: { check_interval: '1s', limit_mib: 1024 } },
    exporters,
    extensions: { health_check: { endpoint: endpoints.health } },
    service: {
      extensions: ['health_check'],
      pipelines: {
        profiles: { receivers: ['otlp'], processors: ['memory_limiter'], exporters: Object.keys(exporters) },
      },
      // Its own metrics would listen on a fixed port.
      telemetry: { metrics: { level: 'none' } },
    },
  };
}
