import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { RunningChild } from '../support/child-process.ts';
import { runChild, waitForHealth } from '../support/child-process.ts';
import { freePorts } from '../support/free-ports.ts';
import type { ServiceSettings } from './chaos-schedule.ts';
import type { FullableDisk } from './full-disk.ts';

const main = join(import.meta.dirname, '../../src/main.ts');
/** As long as Kubernetes waits between SIGTERM and SIGKILL. */
const stopWithinMs = 30_000;
const rssIntervalMs = 200;

export interface ServiceParts {
  readonly folder: string;
  readonly settings: ServiceSettings;
  readonly backendPort: number;
  readonly metricsEndpoint: string;
  /** Where window and queue are kept; without it they are in memory. */
  readonly disk: FullableDisk | undefined;
}

/** The service as a child process that ends and starts again, in one configuration at the same ports. */
export class ServiceUnderChaos {
  /** Frames and OTLP over gRPC. */
  readonly port: number;
  readonly #healthUrl: string;
  readonly #config: string;
  readonly #folder: string;
  readonly #disk: FullableDisk | undefined;
  readonly #watch: NodeJS.Timeout;
  #child: RunningChild | undefined;
  #isDiskFull = false;
  peakRssBytes = 0;
  /** Starts so far, from 1 on: which of its lives the service is in. */
  life = 0;
  /** Starts that failed because the disk was full; a supervisor tries again. */
  failedStarts = 0;
  /** What went wrong that should not have. */
  readonly problems: string[] = [];
  /** What its lives logged as errors, each kind once: for whoever has to find out why a run failed. */
  readonly errors: Set<string> = new Set();

  private constructor(parts: ServiceParts, [port, healthPort]: readonly number[]) {
    this.port = port!;
    this.#healthUrl = `http://127.0.0.1:${healthPort}/`;
    this.#folder = parts.folder;
    this.#disk = parts.disk;
    this.#config = join(parts.folder, 'framekeeper.yaml');
    writeFileSync(this.#config, stringify(configOf(parts, port!, healthPort!)));
    this.#watch = setInterval(() => this.#measure(), rssIntervalMs).unref();
  }

  static async create(parts: ServiceParts): Promise<ServiceUnderChaos> {
    return new ServiceUnderChaos(parts, await freePorts(2));
  }

  /** Resolves when it is healthy; on a full disk it may need several starts. */
  async start(): Promise<void> {
    for (;;) {
      const child = this.#spawn();
      const problem = await waitForHealth(this.#healthUrl, child).then(
        () => undefined,
        (error: Error) => error.message,
      );
      if (problem === undefined) return;
      if (!child.hasEnded()) await child.kill();
      if (!this.#isDiskFull) return void this.problems.push(`the service did not start: ${problem}`);
      this.failedStarts += 1;
    }
  }

  /** Asks it to stop; it has to end with code 0 in time. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    if (child.hasEnded()) this.problems.push(`the service ended by itself:\n${child.output()}`);
    const code = await child.stop(stopWithinMs);
    this.#noteErrors(child);
    this.#child = undefined;
    if (code !== 0) this.problems.push(`SIGTERM: the service ended with ${code ?? 'SIGKILL'}:\n${child.output()}`);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child?.hasEnded()) this.problems.push(`the service ended by itself:\n${child.output()}`);
    await child?.kill();
    if (child !== undefined) this.#noteErrors(child);
    this.#child = undefined;
  }

  /** Starts it and kills it after a time, healthy or not. */
  async startAndKill(afterMs: number): Promise<void> {
    const child = this.#spawn();
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    await child.kill();
    this.#child = undefined;
  }

  setDiskFull(isFull: boolean): void {
    this.#isDiskFull = isFull;
    this.#disk?.setFull(isFull, this.#child?.pid ?? 0);
  }

  async remove(): Promise<void> {
    clearInterval(this.#watch);
    await this.#child?.kill();
  }

  #spawn(): RunningChild {
    this.life += 1;
    const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, OTEL_EXPORTER_OTLP_ENDPOINT: ___, ...env } = process.env;
    const child = runChild(process.execPath, [main, '--config', this.#config], { folder: this.#folder, env });
    this.#child = child;
    // A limit belongs to the process that it was put onto.
    this.#disk?.setFull(this.#isDiskFull, child.pid);
    return child;
  }

  #noteErrors(child: RunningChild): void {
    for (const line of child.output().split('\n')) {
      const [, level, message, fields = ''] = line.split('\t');
      if (level === 'error') this.errors.add(`${message} ${fields.replace(/"\w+":\d+,?/g, '')}`);
    }
  }

  #measure(): void {
    if (this.#child === undefined || this.#child.hasEnded()) return;
    this.peakRssBytes = Math.max(this.peakRssBytes, residentBytes(this.#child.pid));
  }
}

/** Resident memory of a process; 0 when it is gone, or where there is no /proc. */
export function residentBytes(pid: number): number {
  try {
    const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kibibytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function configOf(parts: ServiceParts, port: number, healthPort: number): unknown {
  const { settings, disk, backendPort, metricsEndpoint } = parts;
  const endpoint = `127.0.0.1:${port}`;
  const { cycleMs, maxEvents, consumerCount, queueSize, maxRequestBytes, isBatching, timeoutMs, maxElapsedMs } =
    settings;
  const storage = disk === undefined ? {} : { storage: 'file_storage' };
  const batch = isBatching ? { batch: { flush_timeout: '50ms', min_size: 200 } } : {};
  return {
    receivers: {
      frames: { protocols: { grpc: { endpoint } } },
      otlp: { protocols: { grpc: { endpoint } } },
    },
    processors: {
      symbol_store: {},
      reporting_cycle: { interval: `${cycleMs}ms`, max_events: maxEvents, max_bytes: 8_388_608, ...storage },
    },
    exporters: {
      otlp_grpc: {
        endpoint: `127.0.0.1:${backendPort}`,
        tls: { insecure: true },
        timeout: `${timeoutMs}ms`,
        max_request_bytes: maxRequestBytes,
        retry_on_failure: {
          initial_interval: '50ms',
          max_interval: '200ms',
          max_elapsed_time: disk === undefined ? `${maxElapsedMs}ms` : 0,
        },
        sending_queue: { num_consumers: consumerCount, queue_size: queueSize, ...storage, ...batch },
      },
    },
    extensions: {
      health_check: { endpoint: `127.0.0.1:${healthPort}` },
      ...(disk && { file_storage: { directory: disk.folder, max_size_mib: 8, timeout: '5s' } }),
    },
    service: {
      extensions: ['health_check', ...(disk ? ['file_storage'] : [])],
      pipelines: {
        profiles: {
          receivers: ['frames', 'otlp'],
          processors: ['symbol_store', 'reporting_cycle'],
          exporters: ['otlp_grpc'],
        },
      },
      telemetry: {
        metrics: {
          readers: [{ periodic: { interval: 200, timeout: 200, exporter: { otlp: { endpoint: metricsEndpoint } } } }],
        },
      },
    },
  };
}
