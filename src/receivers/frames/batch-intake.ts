import type { AdmissionRefusal } from '../../model/admission.ts';
import type { BatchOutcome, SampleRejection } from '../../model/batch-outcome.ts';
import type { ConnectJournal, RequestJournal, RestoredRequest } from '../../model/request-journal.ts';
import type { Clock } from '../../support/clock.ts';
import type { DecodedBatch } from './batch-decoder.ts';
import { BatchDecoder } from './batch-decoder.ts';
import { decodeReceipt, encodeReceipt, receiptBytes } from './batch-receipt.ts';
import type { BatchReply } from './batch-reply.ts';
import { asDuplicate, encodeReply } from './batch-reply.ts';
import type { FrameSink } from './frame-sink.ts';
import type { FramesMetrics } from './frames-metrics.ts';
import { mostRejectionsListed } from './rejections.ts';
import type { TimeBounds } from './sample-time.ts';
import { selectMoments } from './select-moments.ts';
import { defaultSequenceMemoryLimits, SequenceMemory } from './sequence-memory.ts';

export interface BatchIntakeDependencies {
  readonly sink: FrameSink;
  readonly clock: Clock;
  readonly metrics: FramesMetrics;
  /** `undefined`: what was taken and not yet reported goes with the process. */
  readonly connectJournal?: ConnectJournal | undefined;
}

/** What becomes of the bytes of a batch, whichever call they came by: decoded, counted once, kept, handed on, answered. */
export class BatchIntake {
  readonly #timeBounds: TimeBounds;
  readonly #decoder: BatchDecoder;
  readonly #sequences: SequenceMemory;
  readonly #sink: FrameSink;
  readonly #clock: Clock;
  readonly #metrics: FramesMetrics;
  readonly #journal: RequestJournal | undefined;

  constructor(timeBounds: TimeBounds, { sink, clock, metrics, connectJournal }: BatchIntakeDependencies) {
    this.#timeBounds = timeBounds;
    this.#decoder = new BatchDecoder(timeBounds);
    this.#sequences = new SequenceMemory(defaultSequenceMemoryLimits, () => metrics.countForgottenInstance());
    this.#sink = sink;
    this.#clock = clock;
    this.#metrics = metrics;
    this.#journal = connectJournal?.((request) => this.#restore(request));
  }

  /** How many samples the batch that was taken last has, with those at fault, as far as its bytes could be read. */
  get sampleCount(): number {
    return this.#decoder.sampleCount;
  }

  /**
   * The encoded reply to an encoded batch, or why it cannot be kept at present; then nothing of it is taken.
   * @throws InvalidMessage when the batch is at fault as a whole; then nothing of it is taken either
   */
  take(message: Buffer): Buffer | AdmissionRefusal {
    const receivedUnixNano = this.#clock.unixNano();
    const decoded = this.#decoder.decode(message, receivedUnixNano);
    const remembered = this.#recall(decoded);
    if (remembered !== undefined) {
      this.#metrics.countDuplicate();
      return asDuplicate(remembered);
    }
    const sampleCount = decoded.batch.samples.count;
    const receipt = { receivedUnixNano, timeBounds: this.#timeBounds };
    const kept = this.#journal?.keep([encodeReceipt(receipt), message], sampleCount);
    if (kept !== undefined && 'reason' in kept) return kept;
    const outcome = this.#sink.submit(decoded.batch);
    if (outcome.acceptedSamples < sampleCount) kept?.amend(outcome.acceptedSamples);
    this.#metrics.countBatch(decoded, outcome.acceptedSamples);
    return this.#remember(decoded, outcome);
  }

  /** Takes what an earlier run had taken and not reported, and knows the batch when it comes again. */
  #restore({ body, acceptedSamples, events }: RestoredRequest): void {
    const { receivedUnixNano, timeBounds } = decodeReceipt(body);
    const decoded = this.#decoder.decode(body.subarray(receiptBytes), receivedUnixNano, timeBounds);
    // Only when it was kept although the file system said that it was not, and came again.
    if (this.#recall(decoded) !== undefined) return;
    const { batch } = decoded;
    const accepted = Math.min(acceptedSamples, batch.samples.count);
    this.#sink.restore({ ...batch, samples: selectMoments(batch.samples, accepted, events) });
    const rejections = rejectionsFrom(accepted, batch.samples.count);
    this.#remember(decoded, { ...nothingNeeded, acceptedSamples: accepted, rejections });
  }

  #recall({ batch: { sequence, collector } }: DecodedBatch): Buffer | undefined {
    return sequence === 0n ? undefined : this.#sequences.recall(collector.instanceId, sequence);
  }

  /** The encoded reply. */
  #remember(decoded: DecodedBatch, outcome: BatchOutcome): Buffer {
    const { sequence, collector } = decoded.batch;
    const reply = replyTo(decoded, outcome);
    const bytes = encodeReply(reply);
    if (sequence !== 0n) this.#sequences.remember(collector.instanceId, reply, bytes);
    return bytes;
  }
}

/** What it needed was told when it came first. */
const nothingNeeded = { namesNeeded: [], executablesNeeded: [], retryDelayMs: 0 };

/** What the sink of an earlier run had no room for: it takes samples in order until a bound is met. */
function rejectionsFrom(accepted: number, sampleCount: number): SampleRejection[] {
  const reason = 'the window of the reporting cycle was full; send it again';
  return Array.from({ length: Math.min(sampleCount - accepted, mostRejectionsListed) }, (_, index) => ({
    path: `samples[${accepted + index}]`,
    reason,
  }));
}

function replyTo({ batch, rejections, samplePositions }: DecodedBatch, outcome: BatchOutcome): BatchReply {
  const notTaken = outcome.rejections.map((rejection) => withPosition(rejection, samplePositions));
  return {
    sequence: batch.sequence,
    acceptedSamples: outcome.acceptedSamples,
    rejectedSamples: rejections.sampleCount + batch.samples.count - outcome.acceptedSamples,
    rejections: [...rejections.listed, ...notTaken].slice(0, mostRejectionsListed),
    namesNeeded: outcome.namesNeeded,
    executablesNeeded: outcome.executablesNeeded,
    retryDelayMs: outcome.retryDelayMs,
  };
}

/** The sink counts the samples that it got; the collector, those that it sent. */
function withPosition({ path, reason }: SampleRejection, positions: Uint32Array): SampleRejection {
  return { path: path.replace(/^samples\[(\d+)\]/, (_, index) => `samples[${positions[Number(index)]}]`), reason };
}
