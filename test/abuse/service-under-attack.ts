import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { stringify } from 'yaml';
import type { RunningChild } from '../support/child-process.ts';
import { runChild, waitForHealth } from '../support/child-process.ts';
import { freePorts } from '../support/free-ports.ts';
import { readGrowingProtoFile } from '../support/proto-file.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

export interface AttackedOptions {
  /** Limit of the heap in MiB; the default of Node.js where it is not set. */
  readonly heapMib?: number | undefined;
  readonly processors?: Record<string, unknown>;
  /** Keys of the reporting cycle beside its interval. */
  readonly cycle?: Record<string, unknown>;
  readonly grpc?: Record<string, unknown>;
  readonly http?: Record<string, unknown>;
  /** Exporters beside the one whose file is read, by their identifiers. */
  readonly exporters?: Record<string, Record<string, unknown>>;
  /** True for a file storage of the name `file_storage`. */
  readonly hasStorage?: boolean;
  /** True for a live page on the endpoint of health. */
  readonly hasLivePage?: boolean;
}

/** A service in a process of its own, with a port for each of its listeners. */
export interface AttackedService {
  readonly child: RunningChild;
  readonly grpcPort: number;
  readonly httpUrl: string;
  readonly httpPort: number;
  readonly healthPort: number;
  /** Begins to watch the event loop; the result tells its longest stop since then, in milliseconds of CPU time. */
  readonly watchLoop: () => () => number;
  /** The most memory that the process has ever had, in bytes. */
  readonly peakBytes: () => number;
  /** The sum of a metric over all series that contain `labels`. */
  readonly metric: (name: string, labels?: string) => Promise<number>;
  /** The OTLP messages that were exported. */
  readonly exported: () => Buffer[];
}

export async function startAttacked(t: TestContext, options: AttackedOptions = {}): Promise<AttackedService> {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-abuse-'));
  const [grpcPort, httpPort, healthPort, metricsPort] = (await freePorts(4)) as [number, number, number, number];
  const grpc = { endpoint: `127.0.0.1:${grpcPort}`, ...options.grpc };
  const exports = join(folder, 'exports.otlp');
  const health = { endpoint: `127.0.0.1:${healthPort}` };
  const storage = { file_storage: { directory: join(folder, 'storage'), create_directory: true } };
  const extensions = {
    health_check: health,
    ...(options.hasLivePage && { live_page: health }),
    ...(options.hasStorage && storage),
  };
  const others = Object.entries(options.exporters ?? {}).map(([id, values]) => {
    return [id, id.startsWith('file') ? { ...values, path: join(folder, id.replace('/', '-')) } : values];
  });
  const config = {
    receivers: {
      frames: { protocols: { grpc } },
      otlp: { protocols: { grpc, http: { endpoint: `127.0.0.1:${httpPort}`, ...options.http } } },
    },
    processors: {
      symbol_store: {},
      reporting_cycle: { interval: '1s', ...options.cycle },
      ...options.processors,
    },
    exporters: { file: { path: exports, format: 'proto' }, ...Object.fromEntries(others) },
    extensions,
    service: {
      extensions: Object.keys(extensions),
      pipelines: {
        profiles: {
          receivers: ['frames', 'otlp'],
          processors: [...Object.keys(options.processors ?? {}), 'symbol_store', 'reporting_cycle'].filter(
            (id, index, all) => all.indexOf(id) === index,
          ),
          exporters: ['file', ...others.map(([id]) => id)],
        },
      },
      telemetry: {
        metrics: { readers: [{ pull: { exporter: { prometheus: { host: '127.0.0.1', port: metricsPort } } } }] },
      },
    },
  };
  const path = join(folder, 'config.yaml');
  writeFileSync(path, stringify(config));
  // As the image starts it.
  const heap = ['--max-semi-space-size=8'];
  if (options.heapMib !== undefined) heap.push(`--max-old-space-size=${options.heapMib}`);
  const loopFile = join(folder, 'longest-stop');
  const watch = ['--import', join(import.meta.dirname, 'watch-loop.ts')];
  const child = runChild(process.execPath, [...heap, ...watch, main, '--config', path], {
    env: { ...process.env, LOOP_FILE: loopFile },
  });
  t.after(async () => {
    await child.kill();
    rmSync(folder, { recursive: true });
  });
  await waitForHealth(`http://127.0.0.1:${healthPort}/`, child);
  return {
    child,
    grpcPort,
    httpPort,
    healthPort,
    httpUrl: `http://127.0.0.1:${httpPort}/v1development/profiles`,
    watchLoop: () => {
      writeFileSync(loopFile, '0');
      return () => Number(readFileSync(loopFile, 'utf8'));
    },
    peakBytes: () => {
      const text = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      return Number(/VmHWM:\s+(\d+) kB/.exec(text)![1]) * 1024;
    },
    metric: async (name, labels = '') => {
      const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
      const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
      return lines
        .filter((line) => line.includes(labels))
        .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    },
    exported: () => readGrowingProtoFile(exports),
  };
}
