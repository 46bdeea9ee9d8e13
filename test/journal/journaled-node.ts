import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { checkDocument } from '../../src/config/check-document.ts';
import type { ProfilesExporter } from '../../src/exporters/profiles-exporter.ts';
import type { AdmissionRefusal } from '../../src/model/admission.ts';
import { createPipeline } from '../../src/pipeline/create-pipeline.ts';
import type { Pipeline } from '../../src/pipeline/pipeline.ts';
import { BatchIntake } from '../../src/receivers/frames/batch-intake.ts';
import { FramesMetrics } from '../../src/receivers/frames/frames-metrics.ts';
import { componentTypes } from '../../src/service/components.ts';
import type { SegmentLog } from '../../src/storage/segment-log.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeExporter } from '../support/fake-exporter.ts';
import type { PlainBatch, PlainReply } from '../support/frames-client.ts';
import { decodeReply, encodeBatch } from '../support/frames-client.ts';
import type { LogLine } from '../support/log-recorder.ts';
import { recordLogs } from '../support/log-recorder.ts';
import { recordMetrics } from '../support/metric-recorder.ts';
import { patienceMs } from '../support/patience.ts';
import { plainSamples } from '../support/plain-view.ts';
import { load } from '../support/test-config.ts';

export interface NodeOptions {
  /** YAML of the reporting cycle, besides an interval of 5 s without jitter. */
  readonly cycle?: string;
  /** Time since the clocks of all nodes began. */
  readonly nowMs?: number;
  readonly maxAgeMs?: number;
  readonly exporters?: readonly ProfilesExporter[];
}

/**
 * A pipeline with a journal, from the bytes of a batch to the exporter, in this process: one life of the service. It is killed by
 * not being used any more, since what it has written is with the system.
 */
export class JournaledNode {
  /** What the exporter got: `thread@timestamp` of each event. Of all lives, if the next one gets it. */
  readonly reported: string[];
  readonly clock: FakeClock = new FakeClock();
  readonly log: SegmentLog;
  readonly lines: readonly LogLine[];
  readonly values: () => Promise<Map<string, number>>;
  /** Called with the number of events of each window that is taken for a report. */
  onWindowTaken: (events: number) => void = () => undefined;
  readonly #pipeline: Pipeline;
  readonly #intake: BatchIntake;

  private constructor(log: SegmentLog, reported: string[], options: NodeOptions) {
    this.log = log;
    this.reported = reported;
    const logs = recordLogs();
    const { meter, values } = recordMetrics();
    this.lines = logs.lines;
    this.values = values;
    const clock = this.clock;
    const { cycle = '', maxAgeMs = 86_400_000, exporters = [collectInto(reported)] } = options;
    const document = load(`
receivers: {frames: {protocols: {grpc: }}}
processors: {symbol_store: , reporting_cycle: {interval: 5s, jitter: 0, ${cycle}}}
exporters: {debug: }
service: {pipelines: {profiles: {receivers: [frames], processors: [symbol_store, reporting_cycle], exporters: [debug]}}}
`);
    const config = checkDocument(document, componentTypes);
    const outlets = { exporters, consumers: () => [], passed: [], substitutes: () => [], journalLog: log };
    const random = (): number => 0.5;
    const parts = { meter, logger: logs.logger, clock, random, createProfileId: () => randomBytes(16) };
    this.#pipeline = createPipeline('profiles', config, outlets, parts);
    const intake = this.#pipeline.intake!;
    const takeWindow = intake.takeWindow.bind(intake);
    intake.takeWindow = (next) => {
      const window = takeWindow(next);
      this.onWindowTaken(window.events.count);
      return window;
    };
    const journal = this.#pipeline.journal!;
    this.#intake = new BatchIntake(
      { maxAgeMs, maxFutureMs: 3_600_000 },
      {
        sink: this.#pipeline.intake!,
        clock,
        metrics: new FramesMetrics(meter, 'frames'),
        connectJournal: (restore) => journal.connect('frames', 'frames', restore),
      },
    );
  }

  static async start(log: SegmentLog, reported: string[] = [], options: NodeOptions = {}): Promise<JournaledNode> {
    const node = new JournaledNode(log, reported, options);
    await node.clock.advance(options.nowMs ?? 0);
    for (const component of node.#pipeline.components) await component.start();
    return node;
  }

  /** What a collector is answered. */
  take(batch: PlainBatch | Buffer): PlainReply | AdmissionRefusal {
    return this.#pipeline.admissions.frames() ?? this.takeUnadmitted(batch);
  }

  /** The same for a batch that was let in a moment ago. */
  takeUnadmitted(batch: PlainBatch | Buffer): PlainReply | AdmissionRefusal {
    const answer = this.#intake.take(Buffer.isBuffer(batch) ? batch : encodeBatch(batch), this);
    // Time stands still, so that every batch is taken at once.
    assert.ok(!(answer instanceof Promise));
    return Buffer.isBuffer(answer) ? decodeReply(answer) : answer;
  }

  /** Whether an OTLP request would be decoded. */
  get admitsOtlp(): boolean {
    return this.#pipeline.admissions.otlp() === undefined;
  }

  get windowEvents(): number {
    return this.#pipeline.intake!.window.events.count;
  }

  /** The end of a reporting cycle. */
  async tick(): Promise<void> {
    await this.clock.advance(5_000);
  }

  async stop(deadline: AbortSignal = AbortSignal.timeout(patienceMs)): Promise<void> {
    for (const component of this.#pipeline.components.toReversed()) await component.stop(deadline);
  }
}

/** An exporter in memory. */
export function collectInto(reported: string[], isFailing: () => boolean = () => false): ProfilesExporter {
  return fakeExporter('debug', ({ data }) => {
    if (isFailing()) return false;
    for (const { attributes, timestamps } of plainSamples(data)) {
      for (const timestamp of timestamps) reported.push(`${attributes['thread.id']}@${timestamp}`);
    }
    return true;
  });
}
