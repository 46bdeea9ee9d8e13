import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { whyGoIsUnusable } from '../../interop/go-toolchain.ts';
import { locatePeers, preparePeers } from '../../interop/peers.ts';
import type { RunningChild } from '../../support/child-process.ts';
import { runChild } from '../../support/child-process.ts';
import { freePorts } from '../../support/free-ports.ts';
import { readUsage } from '../../testbed/process-usage.ts';

/** `as shipped`: Framekeeper with the shipped configuration, on ports of its own; options change nothing in it. */
export type ContenderName = ShippedName | 'framekeeper' | 'collector' | 'grpc-js proxy' | 'http2 proxy';
type ShippedName = 'as shipped' | 'without symbolizer';

/** A server in a process of its own that takes OTLP over gRPC and sends it on to another port. */
export interface Contender {
  readonly name: ContenderName;
  readonly pid: number;
  readonly port: number;
  /** CPU time from its start until it listened. */
  readonly startCpuMs: number;
  stop(): Promise<void>;
}

export interface ContenderOptions {
  readonly targetPort: number;
  readonly isGzip: boolean;
  /** `merge`: Framekeeper holds requests until a reporting cycle ends. */
  readonly otlpProfiles?: 'pass_through' | 'merge';
  /** Of Framekeeper: `dist/main.js`, as in the image, or `src/main.ts`. */
  readonly main: string;
}

const root = join(import.meta.dirname, '../../..');

/** Builds peers and, unless it runs from source, Framekeeper. Ends the process where there is no Go, or the build fails. */
export async function prepareContenders(isFromSource = false): Promise<Pick<ContenderOptions, 'main'>> {
  const reason = await whyGoIsUnusable();
  if (reason !== undefined) {
    console.log(`PEERS SKIPPED: ${reason}. Nothing was measured beside the OpenTelemetry Collector.`);
    process.exit(0);
  }
  await preparePeers((line) => console.log(line));
  if (isFromSource) return { main: join(root, 'src/main.ts') };
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(1);
  return { main: join(root, 'dist/main.js') };
}

export async function startContender(name: ContenderName, options: ContenderOptions): Promise<Contender> {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-peers-'));
  const [port, ...otherPorts] = (await freePorts(4)) as [number, number, number, number];
  const child =
    name === 'as shipped' || name === 'without symbolizer'
      ? spawnShipped(name, folder, [port, ...otherPorts], options)
      : spawnContender(name, folder, port, options);
  await untilListening(port, child);
  const startCpuMs = readUsage(child.pid).cpuMs;
  const stop = async (): Promise<void> => {
    await child.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { name, pid: child.pid, port, startCpuMs, stop };
}

/** Of the image, docker/Dockerfile, and of the unit for systemd. */
export const imageMalloc = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '131072' } as const;
/** Of the image and of the executable. */
const imageFlags = ['--disable-sigusr1', '--max-semi-space-size=8'];

function spawnContender(
  name: Exclude<ContenderName, ShippedName>,
  folder: string,
  port: number,
  options: ContenderOptions,
): RunningChild {
  const { targetPort, main } = options;
  const env = ownEnvironment();
  const script = (file: string): RunningChild =>
    runChild(process.execPath, [join(import.meta.dirname, file), String(port), String(targetPort)], { env });
  if (name === 'http2 proxy') return script('http2-proxy.ts');
  if (name === 'grpc-js proxy') return script('grpc-js-proxy.ts');
  const config = join(folder, 'config.yaml');
  writeFileSync(config, stringify(configOf(name, port, options)));
  if (name === 'framekeeper')
    return runChild(process.execPath, [...imageFlags, main, '--config', config], {
      folder,
      env: { ...env, ...imageMalloc },
    });
  const args = ['--config', config, '--feature-gates', 'service.profilesSupport'];
  return runChild(locatePeers().collectors['0.164'], args, { folder, env });
}

function spawnShipped(
  name: ShippedName,
  folder: string,
  [grpc, http, health, metrics]: readonly [number, number, number, number],
  { main, targetPort }: ContenderOptions,
): RunningChild {
  const endpoints = {
    'receivers.frames.protocols.grpc.endpoint': grpc,
    'receivers.otlp.protocols.grpc.endpoint': grpc,
    'receivers.otlp.protocols.http.endpoint': http,
    'extensions.health_check.endpoint': health,
    'extensions.live_page.endpoint': health,
  };
  const sets = Object.entries(endpoints).flatMap(([key, port]) => ['--set', `${key}=127.0.0.1:${port}`]);
  const reader = `{pull: {exporter: {prometheus: {host: 127.0.0.1, port: ${metrics}}}}}`;
  sets.push('--set', `service.telemetry.metrics.readers=[${reader}]`);
  if (name === 'without symbolizer') sets.push('--set', `service.pipelines.profiles.processors=${shippedProcessors}`);
  const env = { ...ownEnvironment(), ...imageMalloc, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${targetPort}` };
  return runChild(process.execPath, [...imageFlags, main, '--config', shippedConfig, ...sets], { folder, env });
}

const shippedProcessors = '[memory_limiter, resource_detection, symbol_store, reporting_cycle]';
const shippedConfig = join(root, 'otel-config.yaml');

/** The environment without what would change a contender: NODE_EXTRA_CA_CERTS alone is 144 certificates, 1.4 MiB and 10 ms of the start. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const env = { ...process.env };
  for (const name of ['NODE_OPTIONS', 'NODE_TEST_CONTEXT', 'NODE_EXTRA_CA_CERTS', 'OTEL_EXPORTER_OTLP_ENDPOINT'])
    delete env[name];
  return env;
}

function configOf(
  name: 'framekeeper' | 'collector',
  port: number,
  { targetPort, isGzip, otlpProfiles = 'pass_through' }: ContenderOptions,
): object {
  const exporter = {
    endpoint: `127.0.0.1:${targetPort}`,
    tls: { insecure: true },
    compression: isGzip ? 'gzip' : 'none',
  };
  const cycle = otlpProfiles === 'merge' ? { reporting_cycle: { otlp_profiles: 'merge' } } : {};
  const processors = name === 'framekeeper' ? { symbol_store: {}, ...cycle } : {};
  const grpc = { endpoint: `127.0.0.1:${port}`, max_recv_msg_size_mib: 16 };
  return {
    receivers: { otlp: { protocols: { grpc } } },
    processors,
    exporters: { otlp_grpc: exporter },
    service: {
      pipelines: {
        profiles: { receivers: ['otlp'], processors: Object.keys(processors), exporters: ['otlp_grpc'] },
      },
      telemetry: { metrics: { level: 'none' }, logs: { level: 'error' } },
    },
  };
}

async function untilListening(port: number, child: RunningChild): Promise<void> {
  for (;;) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(false)).on('connect', () => socket.destroy());
    });
    if (isOpen) return;
    if (child.hasEnded()) throw new Error(`a contender ended before it listened:\n${child.output()}`);
    await sleep(20);
  }
}
