import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import protobuf from 'protobufjs';
import { stringify } from 'yaml';
import { buildGo, whyGoIsUnusable } from '../interop/go-toolchain.ts';
import { runChild, waitForHealth } from '../support/child-process.ts';
import { freePorts } from '../support/free-ports.ts';
import { DiscardingBackend } from '../testbed/discarding-backend.ts';
import { readUsage } from '../testbed/process-usage.ts';
import type { BenchOptions, BenchRow, BenchSuite } from './bench.ts';
import { quantile } from './bench.ts';
import { namesOf, syntheticBatch } from './synthetic-batch.ts';

const root = join(import.meta.dirname, '../..');
const Batch = protobuf
  .loadSync(join(root, 'proto/framekeeper/frames/v1/frames.proto'))
  .lookupType('framekeeper.frames.v1.Batch');
/** Seconds of a stream, two cycles each, that are measured: V8 compiles in the first for the second, which is how a stream of days goes on. */
const spans = [
  { name: 'seconds 4 to 14', beginSeconds: 4 },
  { name: 'seconds 20 to 30', beginSeconds: 20 },
] as const;
const spanSeconds = 10;
const tickMs = 2_000;
const warmUpTicks = 3;
const measuredTicks = 7;

interface Load {
  /** Samples a second. */
  readonly rate: number;
  readonly seconds: number;
  readonly freshStacks: boolean;
}

/** Printed by the sender at its end. */
interface Sent {
  readonly accepted: number;
  readonly rejected: number;
  readonly seconds: number;
  readonly reason: string;
}

/** The compiled service with its reporting cycle, raw frames in by a stream of gRPC as Go writes them, OTLP with gzip out. */
export const suite: BenchSuite = {
  name: 'service',
  async run(_: BenchOptions): Promise<BenchRow[]> {
    const reason = await whyGoIsUnusable();
    if (reason !== undefined) {
      console.error(`service: left out; ${reason}`);
      return [];
    }
    const folder = mkdtempSync(join(tmpdir(), 'framekeeper-service-bench-'));
    try {
      const { status } = spawnSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
      if (status !== 0) throw new Error('the service could not be built');
      const sender = join(folder, 'frames-sender');
      await buildGo(join(import.meta.dirname, '../interop/peers/frames-sender'), '.', sender);
      const encode = (batch: Record<string, unknown>): Uint8Array => Batch.encode(Batch.fromObject(batch)).finish();
      writeFileSync(join(folder, 'batch'), encode(syntheticBatch()));
      writeFileSync(join(folder, 'names'), encode(namesOf(syntheticBatch())));
      return [
        ...(await throughput(folder, 200_000)),
        ...(await throughput(folder, 500_000)),
        ...(await throughput(folder, 1_000_000)),
        ...(await stops(folder, 13_000)),
        ...(await stops(folder, 24_000)),
      ];
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** Samples of one core's second, the reports included, and what the window refused. */
async function throughput(folder: string, rate: number): Promise<BenchRow[]> {
  const service = await startService(folder, { intervalMs: 5_000 });
  const seconds = spans.at(-1)!.beginSeconds + spanSeconds;
  const beganMs = performance.now();
  const sending = send(folder, service.port, { rate, seconds, freshStacks: false });
  const what = `stream of 1,000-sample batches, ${rate / 1e6} M/s offered`;
  const row = (name: string, unit: string, median: number): BenchRow => ({
    what: `${what}: ${name}`,
    unit,
    median,
    spread: 0,
  });
  const rows: BenchRow[] = [];
  for (const { name, beginSeconds } of spans) {
    await sleep(beganMs + beginSeconds * 1000 - performance.now());
    const before = await service.spent();
    await sleep(spanSeconds * 1000);
    const after = await service.spent();
    const accepted = after.accepted - before.accepted;
    rows.push(row(`samples of a core, ${name}`, 'M/s', (1000 * accepted) / (after.cpuNs - before.cpuNs)));
    rows.push(row(`samples taken, ${name}`, 'M/s', (1000 * accepted) / (after.ns - before.ns)));
  }
  const { rssBytes } = readUsage(service.pid);
  const { rejected, accepted: all, reason } = await sending;
  await service.stop();
  if (rejected > 0) console.error(`service: samples were rejected: ${reason}`);
  rows.push(row('refused by the window', '%', (100 * rejected) / (rejected + all)));
  rows.push(row('resident at the end', 'MiB', rssBytes / 2 ** 20));
  return rows;
}

/** The longest stop of the event loop of each tick, by CPU time of the main thread. */
async function stops(folder: string, eventCount: number): Promise<BenchRow[]> {
  const file = join(folder, 'stops.json');
  const service = await startService(folder, { intervalMs: tickMs, stopsFile: file });
  const seconds = ((warmUpTicks + measuredTicks) * tickMs) / 1000;
  await send(folder, service.port, { rate: (eventCount * 1000) / tickMs, seconds, freshStacks: true });
  await service.stop();
  const bySlot = JSON.parse(readFileSync(file, 'utf8')) as (number | null)[];
  const longest = bySlot.slice(warmUpTicks, warmUpTicks + measuredTicks).map((ms) => ms ?? 0);
  const what = `longest stop of the loop, tick of ${eventCount.toLocaleString('en')} events`;
  const spread = quantile(longest, 0.75) - quantile(longest, 0.25);
  return [
    { what, unit: 'ms CPU', median: quantile(longest, 0.5), spread },
    { what: `${what}, of all ticks`, unit: 'ms CPU', median: Math.max(...longest), spread: 0 },
  ];
}

async function send(folder: string, port: number, { rate, seconds, freshStacks }: Load): Promise<Sent> {
  const args = [`-endpoint=127.0.0.1:${port}`, `-names=${join(folder, 'names')}`, `-batch=${join(folder, 'batch')}`];
  const load = [`-rate=${rate}`, `-duration=${seconds}s`, `-fresh-stacks=${freshStacks}`];
  const child = spawn(join(folder, 'frames-sender'), [...args, ...load], { stdio: ['ignore', 'pipe', 'inherit'] });
  return JSON.parse(await text(child.stdout)) as Sent;
}

/** CPU time of all threads that a process has, in nanoseconds; finer than the clock ticks of its `stat`. */
function cpuNs(pid: number): number {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [own] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
    sum += Number(own);
  }
  return sum;
}

async function startService(folder: string, options: { readonly intervalMs: number; readonly stopsFile?: string }) {
  const backend = await DiscardingBackend.start();
  const [port, healthPort, metricsPort] = (await freePorts(3)) as [number, number, number];
  const config = join(folder, 'config.yaml');
  writeFileSync(config, stringify(configOf(options.intervalMs, backend.port, { port, healthPort, metricsPort })));
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, OTEL_EXPORTER_OTLP_ENDPOINT: ___, ...env } = process.env;
  const { stopsFile } = options;
  const preload = stopsFile === undefined ? [] : ['--import', join(import.meta.dirname, 'loop-stops.mjs')];
  const stopsEnv = stopsFile === undefined ? {} : { LOOP_STOPS_FILE: stopsFile, LOOP_STOPS_SLOT_MS: String(tickMs) };
  const args = [...preload, join(root, 'dist/main.js'), '--config', config];
  const child = runChild(process.execPath, args, { folder, env: { ...env, ...stopsEnv } });
  await waitForHealth(`http://127.0.0.1:${healthPort}/`, child);
  return {
    pid: child.pid,
    port,
    /** Samples taken, CPU time and time so far. */
    spent: async () => {
      const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
      const accepted = /^otelcol_receiver_accepted_profile_samples(?:_total)?\{[^}]*\} (\d+)/m.exec(metrics)?.[1];
      return { accepted: Number(accepted), cpuNs: cpuNs(child.pid), ns: 1e6 * performance.now() };
    },
    stop: async () => {
      await child.stop(30_000);
      await backend.stop();
    },
  };
}

function configOf(
  intervalMs: number,
  backendPort: number,
  ports: { readonly port: number; readonly healthPort: number; readonly metricsPort: number },
): unknown {
  return {
    receivers: { frames: { protocols: { grpc: { endpoint: `127.0.0.1:${ports.port}` } } } },
    processors: { symbol_store: {}, reporting_cycle: { interval: `${intervalMs}ms`, jitter: 0 } },
    exporters: { otlp_grpc: { endpoint: `127.0.0.1:${backendPort}`, tls: { insecure: true } } },
    extensions: { health_check: { endpoint: `127.0.0.1:${ports.healthPort}` } },
    service: {
      extensions: ['health_check'],
      pipelines: {
        profiles: { receivers: ['frames'], processors: ['symbol_store', 'reporting_cycle'], exporters: ['otlp_grpc'] },
      },
      telemetry: {
        metrics: { readers: [{ pull: { exporter: { prometheus: { host: '127.0.0.1', port: ports.metricsPort } } } }] },
      },
    },
  };
}
