import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '../soak/seeded-random.ts';
import { freePorts } from '../support/free-ports.ts';
import type { ChaosKinds, ChaosSchedule, Restart } from './chaos-schedule.ts';
import { scheduleOf } from './chaos-schedule.ts';
import type { Verdict } from './check-record.ts';
import { checkRecord } from './check-record.ts';
import { CounterSink } from './counter-sink.ts';
import { FramesCollector, pause } from './frames-collector.ts';
import { createFullableDisk } from './full-disk.ts';
import { Ledger, NumberSource } from './ledger.ts';
import { firstOtlpNumber, NumberedSamples } from './numbered-samples.ts';
import { sendOtlp } from './otlp-sender.ts';
import { RecordingBackend } from './recording-backend.ts';
import { ServiceUnderChaos } from './service-under-chaos.ts';

export interface ChaosScenario {
  readonly name: string;
  readonly kinds: ChaosKinds;
  /** Window and queue on disk; otherwise in memory. */
  readonly isDurable: boolean;
  readonly loadMs: number;
}

export interface ChaosOutcome {
  readonly violations: readonly string[];
  /** What the service logged as errors. */
  readonly errors: readonly string[];
  /** What happened, in a few lines. */
  readonly summary: string;
}

const framesPerSecond = 600;
const otlpPerSecond = 100;
/** What the collectors have at most to send all they hold, once all is well again. */
const recoveryMs = 60_000;
/** Longer than the longest pause of any retry. */
const noProgressMs = 10_000;
const maxRssBytes = 400 << 20;
/** Answers of the backend count as arrived only after this time without a broken connection. */
const settleMs = 1_200;

/** One run: load and faults as the seed says, then everything heals, drains and stops, and the books are compared. */
export async function runChaos(scenario: ChaosScenario, seed: number): Promise<ChaosOutcome> {
  const schedule = scheduleOf(seed, scenario.kinds, scenario.loadMs);
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-chaos-'));
  const sink = await CounterSink.start();
  const [backendPort] = (await freePorts(1)) as [number];
  const { settings } = schedule;
  const backend = new RecordingBackend(backendPort, seededRandom(seed + 1), 1.5 * settings.timeoutMs);
  const disk = scenario.isDurable ? createFullableDisk(folder, 'storage') : undefined;
  const parts = { folder, settings, backendPort, metricsEndpoint: sink.endpoint, disk };
  const service = await ServiceUnderChaos.create(parts);
  const world = new World(scenario, schedule, service, backend);
  try {
    await world.run();
    const dropped = {
      sendFailed: sink.total('otelcol_exporter_send_failed_profile_samples'),
      enqueueFailed: sink.total('otelcol_exporter_enqueue_failed_profile_samples'),
    };
    const writeFailures = ['framekeeper_journal_write_failures', 'framekeeper_exporter_storage_write_failures'];
    const failureCount = writeFailures.reduce((sum, name) => sum + sink.total(name), 0);
    return world.judge(dropped, `${disk?.how ?? 'nothing'}, ${failureCount} writes failed`);
  } finally {
    await service.remove();
    await Promise.all([backend.stop(), sink.stop()]);
    disk?.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Everything that takes part in a run. */
class World {
  readonly #scenario: ChaosScenario;
  readonly #schedule: ChaosSchedule;
  readonly #service: ServiceUnderChaos;
  readonly #backend: RecordingBackend;
  readonly #samples = new NumberedSamples(BigInt(Date.now()) * 1_000_000n);
  readonly #ledger: Ledger;
  readonly #killedLives: number[] = [];
  readonly #stoppedLives: number[] = [];
  readonly #problems: string[] = [];

  constructor(scenario: ChaosScenario, schedule: ChaosSchedule, service: ServiceUnderChaos, backend: RecordingBackend) {
    this.#scenario = scenario;
    this.#schedule = schedule;
    this.#service = service;
    this.#backend = backend;
    this.#ledger = new Ledger(() => service.life);
  }

  async run(): Promise<void> {
    await this.#backend.set('ok');
    await this.#service.start();
    const giveUp = new AbortController();
    const sources = [new NumberSource(1, framesPerSecond), new NumberSource(firstOtlpNumber, otlpPerSecond)] as const;
    const senders = this.#startSenders(sources, giveUp.signal);
    await Promise.all([this.#playFaults(performance.now()), this.#playRestarts()]);
    await this.#heal();
    for (const source of sources) source.end();
    const limit = setTimeout(() => giveUp.abort(), recoveryMs);
    await senders;
    clearTimeout(limit);
    if (giveUp.signal.aborted)
      this.#problems.push(`not all was acknowledged ${recoveryMs} ms after all was well again`);
    if (this.#scenario.isDurable) await this.#untilAllArrived();
    await this.#service.stop();
    await pause(settleMs);
  }

  judge(dropped: { sendFailed: number; enqueueFailed: number }, disk: string): ChaosOutcome {
    const { isDurable } = this.#scenario;
    const record = this.#backend.record();
    const { isBatching, maxRequestBytes } = this.#schedule.settings;
    const partingLives = isDurable && (isBatching || maxRequestBytes < 1_000_000) ? this.#stoppedLives : [];
    const verdict = checkRecord({
      samples: this.#samples,
      ledger: this.#ledger,
      record,
      dropped,
      isDurable,
      killedLives: this.#killedLives,
      partingLives,
    });
    const { peakRssBytes, problems } = this.#service;
    const tooMuch = peakRssBytes > maxRssBytes ? [`${peakRssBytes >> 20} MiB of resident memory`] : [];
    const violations = [...problems, ...this.#problems, ...verdict.violations, ...tooMuch];
    return { violations, errors: [...this.#service.errors], summary: this.#summary(verdict, dropped, disk) };
  }

  #startSenders([frames, otlp]: readonly [NumberSource, NumberSource], giveUp: AbortSignal): Promise<unknown> {
    const { seed } = this.#schedule;
    const common = { port: this.#service.port, samples: this.#samples, ledger: this.#ledger };
    const collectors = [true, false].map((isStreaming, index) => {
      const random = seededRandom(seed + 10 + index);
      const instanceId = Buffer.from(Array.from({ length: 16 }, () => Math.floor(random() * 256)));
      return new FramesCollector({ ...common, source: frames, random, instanceId, isStreaming }).run(giveUp);
    });
    return Promise.all([...collectors, sendOtlp({ ...common, source: otlp, random: seededRandom(seed + 20) }, giveUp)]);
  }

  async #playFaults(startedMs: number): Promise<void> {
    for (const { atMs, change } of this.#schedule.faults) {
      await pause(startedMs + atMs - performance.now());
      if (change.kind === 'backend') await this.#backend.set(change.mode);
      else this.#service.setDiskFull(change.isFull);
    }
    await pause(startedMs + this.#schedule.loadMs - performance.now());
  }

  async #playRestarts(): Promise<void> {
    for (const restart of this.#schedule.restarts) {
      await pause(restart.afterMs);
      await this.#end(restart);
      await pause(restart.pauseMs);
      await this.#service.start();
    }
  }

  async #end({ kind, secondAfterMs }: Restart): Promise<void> {
    const service = this.#service;
    if (kind === 'stop') {
      this.#stoppedLives.push(service.life);
      return service.stop();
    }
    this.#killedLives.push(service.life);
    await service.kill();
    if (kind === 'kill') return;
    await service.startAndKill(secondAfterMs);
    this.#killedLives.push(service.life);
  }

  async #heal(): Promise<void> {
    this.#service.setDiskFull(false);
    await this.#backend.set('ok');
  }

  async #untilAllArrived(): Promise<void> {
    let arrived = 0;
    let giveUpAtMs = Infinity;
    while (performance.now() < giveUpAtMs) {
      const record = this.#backend.record();
      if ([...this.#ledger.acknowledged].every((number) => record.has(number))) return;
      if (record.size > arrived || giveUpAtMs === Infinity) giveUpAtMs = performance.now() + noProgressMs;
      arrived = record.size;
      await pause(100);
    }
  }

  #summary({ missingCount, duplicateCount }: Verdict, dropped: Dropped, disk: string): string {
    const { sent, acknowledged, refusedCount, brokenCount, duplicateReplyCount, rejectedCount } = this.#ledger;
    const { life, failedStarts, peakRssBytes } = this.#service;
    const { faults, settings } = this.#schedule;
    const modes = faults.flatMap(({ change }) => (change.kind === 'backend' ? [change.mode] : []));
    return [
      `settings: ${JSON.stringify(settings)}`,
      `backend: ok, ${modes.join(', ')}; disk full by: ${disk}`,
      `samples: ${sent.size} sent, ${acknowledged.size} acknowledged, ${this.#backend.record().size} in the record, ` +
        `${missingCount} missing (dropped: ${dropped.sendFailed} send_failed, ${dropped.enqueueFailed} enqueue_failed), ` +
        `${duplicateCount} more than once`,
      `senders: ${refusedCount} times "later", ${brokenCount} broken attempts, ${duplicateReplyCount} replies "duplicate", ` +
        `${rejectedCount} rejections sent again`,
      `service: ${life} starts, ${this.#killedLives.length} kills, ${this.#stoppedLives.length} stops in mid-load, ` +
        `${failedStarts} starts failed on a full disk, peak RSS ${peakRssBytes >> 20} MiB; ${this.#backend.requestCount} requests taken`,
    ].join('\n  ');
  }
}

type Dropped = { readonly sendFailed: number; readonly enqueueFailed: number };
