import type { BatchOutcome, SampleRejection } from '../../model/batch-outcome.ts';
import type { Clock } from '../../support/clock.ts';
import type { DecodedBatch } from './batch-decoder.ts';
import { BatchDecoder } from './batch-decoder.ts';
import type { BatchReply } from './batch-reply.ts';
import { asDuplicate, encodeReply } from './batch-reply.ts';
import type { FrameSink } from './frame-sink.ts';
import type { FramesMetrics } from './frames-metrics.ts';
import { mostRejectionsListed } from './rejections.ts';
import type { TimeBounds } from './sample-time.ts';
import { defaultSequenceMemoryLimits, SequenceMemory } from './sequence-memory.ts';

export interface BatchIntakeDependencies {
  readonly sink: FrameSink;
  readonly clock: Clock;
  readonly metrics: FramesMetrics;
}

/** What becomes of the bytes of a batch, whichever call they came by: decoded, counted once, handed on, answered. */
export class BatchIntake {
  readonly #decoder: BatchDecoder;
  readonly #sequences: SequenceMemory;
  readonly #sink: FrameSink;
  readonly #clock: Clock;
  readonly #metrics: FramesMetrics;

  constructor(timeBounds: TimeBounds, { sink, clock, metrics }: BatchIntakeDependencies) {
    this.#decoder = new BatchDecoder(timeBounds);
    this.#sequences = new SequenceMemory(defaultSequenceMemoryLimits, () => metrics.countForgottenInstance());
    this.#sink = sink;
    this.#clock = clock;
    this.#metrics = metrics;
  }

  /** How many samples the batch that was taken last has, with those at fault, as far as its bytes could be read. */
  get sampleCount(): number {
    return this.#decoder.sampleCount;
  }

  /** The encoded reply to an encoded batch. @throws InvalidMessage when the batch is refused; then nothing of it is kept. */
  take(message: Buffer): Buffer {
    const decoded = this.#decoder.decode(message, this.#clock.unixNano());
    const { sequence, collector } = decoded.batch;
    const remembered = sequence === 0n ? undefined : this.#sequences.recall(collector.instanceId, sequence);
    if (remembered !== undefined) {
      this.#metrics.countDuplicate();
      return asDuplicate(remembered);
    }
    const outcome = this.#sink.submit(decoded.batch);
    this.#metrics.countBatch(decoded, outcome.acceptedSamples);
    const reply = replyTo(decoded, outcome);
    const bytes = encodeReply(reply);
    if (sequence !== 0n) this.#sequences.remember(collector.instanceId, reply, bytes);
    return bytes;
  }
}

function replyTo({ batch, rejections, samplePositions }: DecodedBatch, outcome: BatchOutcome): BatchReply {
  const notTaken = outcome.rejections.map((rejection) => withPosition(rejection, samplePositions));
  return {
    sequence: batch.sequence,
    acceptedSamples: outcome.acceptedSamples,
    rejectedSamples: rejections.sampleCount + batch.samples.count - outcome.acceptedSamples,
    rejections: [...rejections.listed, ...notTaken].slice(0, mostRejectionsListed),
    namesNeeded: outcome.namesNeeded,
    retryDelayMs: outcome.retryDelayMs,
  };
}

/** The sink counts the samples that it got; the collector, those that it sent. */
function withPosition({ path, reason }: SampleRejection, positions: Uint32Array): SampleRejection {
  return { path: path.replace(/^samples\[(\d+)\]/, (_, index) => `samples[${positions[Number(index)]}]`), reason };
}
