import type { Attributes, Counter, Meter, UpDownCounter } from '@opentelemetry/api';
import type { LostSamples } from '../../model/frame-batch.ts';
import type { DecodedBatch } from './batch-decoder.ts';
import type { ForgetReason, SequenceMemoryEvents } from './sequence-memory.ts';

const batchRefusals = ['invalid', 'internal', 'stopping', 'not_admitted', 'busy', 'cancelled', 'too_large'] as const;

/** The instruments of one frames receiver; the first two are the Collector's own. */
export class FramesMetrics implements SequenceMemoryEvents {
  readonly openStreams: UpDownCounter;
  readonly #attributes: Attributes;
  readonly #acceptedSamples: Counter;
  readonly #refusedSamples: Counter;
  readonly #batches: Counter;
  readonly #duplicateBatches: Counter;
  readonly #refusedBatches: Counter;
  readonly #rejectedSamples: Counter;
  readonly #rejectedEntries: Counter;
  readonly #lostSamples: Counter;
  readonly #unknownFrameKinds: Counter;
  readonly #forgottenInstances: Counter;
  readonly #repairedTexts: Counter;
  readonly #forgottenBatches: Counter;

  constructor(meter: Meter, receiverId: string) {
    this.#attributes = { receiver: receiverId, transport: 'grpc' };
    const counter = (name: string, unit: string, description: string): Counter =>
      meter.createCounter(name, { unit: `{${unit}}`, description });
    this.#acceptedSamples = counter('otelcol_receiver_accepted_profile_samples', 'sample', 'Samples taken.');
    this.#refusedSamples = counter('otelcol_receiver_refused_profile_samples', 'sample', 'Samples not taken.');
    this.#batches = counter('framekeeper_frames_batches', 'batch', 'Batches taken.');
    this.#duplicateBatches = counter(
      'framekeeper_frames_duplicate_batches',
      'batch',
      'Batches that had been counted before.',
    );
    this.#refusedBatches = counter(
      'framekeeper_frames_refused_batches',
      'batch',
      'Batches refused as a whole, by reason.',
    );
    this.#rejectedSamples = counter('framekeeper_frames_rejected_samples', 'sample', 'Samples at fault, by reason.');
    this.#rejectedEntries = counter(
      'framekeeper_frames_rejected_entries',
      'entry',
      'Symbols, stubs, executables and process exits at fault, by list.',
    );
    this.#lostSamples = counter(
      'framekeeper_frames_lost_samples',
      'sample',
      'Samples that collectors lost, by reason.',
    );
    this.#unknownFrameKinds = counter(
      'framekeeper_frames_unknown_frame_kinds',
      'frame',
      'Frames of a kind not known here.',
    );
    this.#forgottenInstances = counter(
      'framekeeper_frames_forgotten_instances',
      'instance',
      'Collector instances whose sequence numbers were forgotten, or not remembered, because there were too many, by reason.',
    );
    this.#forgottenBatches = counter(
      'framekeeper_frames_forgotten_batches',
      'batch',
      'Batches that were forgotten because the sequence numbers of all instances took too many bytes.',
    );
    this.#repairedTexts = counter(
      'framekeeper_frames_repaired_texts',
      'text',
      'Texts of batches that were not UTF-8, or too long and lost their ends, by reason.',
    );
    this.openStreams = meter.createUpDownCounter('framekeeper_frames_open_streams', {
      unit: '{stream}',
      description: 'Streams of collectors that are open.',
    });
    const alerting = [this.#acceptedSamples, this.#refusedSamples, this.#batches];
    for (const started of alerting) started.add(0, this.#attributes);
    for (const reason of batchRefusals) this.#refusedBatches.add(0, { ...this.#attributes, reason });
  }

  countBatch({ batch, rejections, unknownFrameKinds, repairs }: DecodedBatch, acceptedSamples: number): void {
    const attributes = this.#attributes;
    const notTaken = batch.samples.count - acceptedSamples;
    this.#batches.add(1, attributes);
    this.#acceptedSamples.add(acceptedSamples, attributes);
    add(this.#refusedSamples, rejections.sampleCount + notTaken, attributes);
    add(this.#rejectedSamples, notTaken, { ...attributes, reason: 'not_taken' });
    for (const [reason, count] of rejections.samplesByCause) {
      this.#rejectedSamples.add(count, { ...attributes, reason });
    }
    for (const [list, count] of rejections.entriesByList) {
      if (list !== 'samples') this.#rejectedEntries.add(count, { ...attributes, list });
    }
    for (const lost of batch.lostSamples) this.#countLost(lost);
    add(this.#unknownFrameKinds, unknownFrameKinds, attributes);
    add(this.#repairedTexts, repairs.mendedCount, { ...attributes, reason: 'not_utf8' });
    add(this.#repairedTexts, repairs.cutCount, { ...attributes, reason: 'too_long' });
  }

  countDuplicate(): void {
    this.#duplicateBatches.add(1, this.#attributes);
  }

  /** `sampleCount` is how many samples the batch seems to have had; 0 when it was not looked into. */
  countRefused(reason: (typeof batchRefusals)[number], sampleCount: number): void {
    this.#refusedBatches.add(1, { ...this.#attributes, reason });
    add(this.#refusedSamples, sampleCount, this.#attributes);
  }

  instanceForgotten(reason: ForgetReason): void {
    this.#forgottenInstances.add(1, { ...this.#attributes, reason });
  }

  batchForgotten(): void {
    this.#forgottenBatches.add(1, this.#attributes);
  }

  #countLost({ reason, count }: LostSamples): void {
    // A counter is a double; what no double can count is a fault of the collector and must not become infinite.
    const bounded = count > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(count);
    this.#lostSamples.add(bounded, { ...this.#attributes, reason });
  }
}

function add(counter: Counter, value: number, attributes: Attributes): void {
  if (value > 0) counter.add(value, attributes);
}
