import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { RunningChild } from '../support/child-process.ts';
import { runChild, waitForHealth } from '../support/child-process.ts';
import { freePorts } from '../support/free-ports.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

export interface LoadedServiceOptions {
  readonly backendPort: number;
  readonly intervalMs: number;
  /** Bound on what waits in memory, in bytes; `undefined`: the default, 1,000 requests. Of no meaning on disk. */
  readonly queueBytes?: number | undefined;
  /** Window and queue on disk. */
  readonly isDurable: boolean;
}

/** The service as users run it, in a process of its own. */
export interface LoadedService {
  readonly pid: number;
  readonly port: number;
  /** The sum of a metric over its labels. */
  metric(name: string): Promise<number>;
  stop(): Promise<void>;
}

export async function startService(options: LoadedServiceOptions): Promise<LoadedService> {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-testbed-'));
  const [port, healthPort, metricsPort] = (await freePorts(3)) as [number, number, number];
  const config = join(folder, 'framekeeper.yaml');
  writeFileSync(config, stringify(configOf(options, join(folder, 'storage'), { port, healthPort, metricsPort })));
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, OTEL_EXPORTER_OTLP_ENDPOINT: ___, ...env } = process.env;
  const child: RunningChild = runChild(process.execPath, [main, '--config', config], { folder, env });
  await waitForHealth(`http://127.0.0.1:${healthPort}/`, child);
  return {
    pid: child.pid,
    port,
    metric: async (name) => {
      const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
      const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
      return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
    },
    stop: async () => {
      const code = await child.stop(30_000);
      rmSync(folder, { recursive: true, force: true });
      if (code !== 0) throw new Error(`the service ended with ${code}:\n${child.output()}`);
    },
  };
}

interface Ports {
  readonly port: number;
  readonly healthPort: number;
  readonly metricsPort: number;
}

function configOf(options: LoadedServiceOptions, directory: string, ports: Ports): unknown {
  const { backendPort, intervalMs, queueBytes, isDurable } = options;
  const storage = isDurable ? { storage: 'file_storage' } : {};
  const bound = queueBytes === undefined ? {} : { sizer: 'bytes', queue_size: queueBytes };
  return {
    receivers: { frames: { protocols: { grpc: { endpoint: `127.0.0.1:${ports.port}` } } } },
    processors: { symbol_store: {}, reporting_cycle: { interval: `${intervalMs}ms`, jitter: 0, ...storage } },
    exporters: {
      otlp_grpc: {
        endpoint: `127.0.0.1:${backendPort}`,
        tls: { insecure: true },
        retry_on_failure: isDurable ? { max_elapsed_time: 0 } : {},
        sending_queue: { ...bound, ...storage },
      },
    },
    extensions: {
      health_check: { endpoint: `127.0.0.1:${ports.healthPort}` },
      ...(isDurable && { file_storage: { directory, create_directory: true } }),
    },
    service: {
      extensions: ['health_check', ...(isDurable ? ['file_storage'] : [])],
      pipelines: {
        profiles: { receivers: ['frames'], processors: ['symbol_store', 'reporting_cycle'], exporters: ['otlp_grpc'] },
      },
      telemetry: {
        metrics: { readers: [{ pull: { exporter: { prometheus: { host: '127.0.0.1', port: ports.metricsPort } } } }] },
      },
    },
  };
}
