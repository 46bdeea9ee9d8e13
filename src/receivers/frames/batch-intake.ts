import type { AdmissionRefusal } from '../../model/admission.ts';
import type { BatchOutcome, SampleRejection } from '../../model/batch-outcome.ts';
import type { FrameBatch, SampleColumns } from '../../model/frame-batch.ts';
import { InvalidMessage } from '../../model/invalid-message.ts';
import type { ConnectJournal, RequestJournal, RestoredRequest } from '../../model/request-journal.ts';
import type { Clock } from '../../support/clock.ts';
import type { FairTurns, NotDone } from '../../support/fair-turns.ts';
import type { Steps } from '../../support/steps.ts';
import type { DecodedBatch } from './batch-decoder.ts';
import { BatchDecoder } from './batch-decoder.ts';
import type { BatchReply } from './batch-reply.ts';
import { asDuplicate, encodeReply } from './batch-reply.ts';
import type { FramesMetrics } from './frames-metrics.ts';
import { mostRejectionsListed } from './rejections.ts';
import type { TimeBounds } from './sample-time.ts';
import { defaultSequenceMemoryLimits, SequenceMemory } from './sequence-memory.ts';
import type { TextRepairs } from './wire-reader.ts';

export interface BatchIntakeDependencies {
  readonly sink: FrameSink;
  readonly clock: Clock;
  readonly metrics: FramesMetrics;
  /** `undefined`: what was taken and not yet reported goes with the process. */
  readonly connectJournal?: ConnectJournal | undefined;
  /** Called for each batch with texts that are not as they were sent. */
  readonly onRepairedTexts?: (instanceId: string, repairs: TextRepairs) => void;
}

/** BatchIntake decodes the bytes of a batch, counts the batch once, keeps it in the journal, hands it on and encodes the reply. */
export class BatchIntake {
  readonly #timeBounds: TimeBounds;
  readonly #decoder: BatchDecoder;
  readonly #sequences: SequenceMemory;
  readonly #sink: FrameSink;
  readonly #clock: Clock;
  readonly #metrics: FramesMetrics;
  readonly #journal: RequestJournal | undefined;
  readonly #onRepairedTexts: BatchIntakeDependencies['onRepairedTexts'];

  constructor(timeBounds: TimeBounds, dependencies: BatchIntakeDependencies) {
    const { sink, clock, metrics, connectJournal, onRepairedTexts } = dependencies;
    this.#onRepairedTexts = onRepairedTexts;
    this.#timeBounds = timeBounds;
    this.#decoder = new BatchDecoder(timeBounds);
    this.#sequences = new SequenceMemory(defaultSequenceMemoryLimits, metrics);
    this.#sink = sink;
    this.#clock = clock;
    this.#metrics = metrics;
    this.#journal = connectJournal?.((request) => this.#restore(request));
  }

  /**
   * The encoded reply to an encoded batch, or why it cannot be taken at present; then nothing of it is taken. A promise for a long
   * batch, and for one that comes while another is in work. `sender` is the connection that the batch came by; a batch is not taken
   * when its caller has gone by its turn.
   * @throws InvalidMessage, or rejects with it, when the batch is at fault as a whole; then nothing of it is taken either
   */
  take(
    message: Buffer,
    sender: object,
    caller: { readonly isGone: boolean } = present,
  ): Buffer | AdmissionRefusal | Promise<Buffer | AdmissionRefusal> {
    return this.#sink.turns.run<Buffer | AdmissionRefusal>({
      ...{ sender, caller },
      sizeBytes: message.length,
      begin: () => this.#takeInSteps(message),
      giveUp: (reason) => {
        this.#metrics.countRefused(refusals[reason], 0);
        return { reason: refusalTexts[reason], retryDelayMs: busyDelayMs };
      },
    });
  }

  *#takeInSteps(message: Buffer): Steps<Buffer | AdmissionRefusal> {
    try {
      const answer = yield* this.#decodeAndTake(message);
      if (!Buffer.isBuffer(answer)) this.#metrics.countRefused('not_admitted', this.#decoder.sampleCount);
      return answer;
    } catch (error) {
      const reason = error instanceof InvalidMessage ? 'invalid' : 'internal';
      this.#metrics.countRefused(reason, this.#decoder.sampleCount);
      throw error;
    }
  }

  *#decodeAndTake(message: Buffer): Steps<Buffer | AdmissionRefusal> {
    const receivedUnixNano = this.#clock.unixNano();
    const decoded = yield* this.#decoder.decodeInSteps(message, receivedUnixNano);
    const remembered = this.#recall(decoded);
    if (remembered !== undefined) {
      this.#metrics.countDuplicate();
      return asDuplicate(remembered);
    }
    const sampleCount = decoded.batch.samples.count;
    const receipt = { receivedUnixNano, timeBounds: this.#timeBounds };
    const kept = this.#journal?.keep([encodeReceipt(receipt), message], sampleCount);
    if (kept !== undefined && 'reason' in kept) return kept;
    const outcome = yield* this.#sink.submitInSteps(decoded.batch);
    if (outcome.acceptedSamples < sampleCount) kept?.amend(outcome.acceptedSamples);
    this.#metrics.countBatch(decoded, outcome.acceptedSamples);
    const { repairs } = decoded;
    if (repairs.mendedCount + repairs.cutCount > 0)
      this.#onRepairedTexts?.(decoded.batch.collector.instanceId, repairs);
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
    if (sequence !== 0n) this.#sequences.remember(collector.instanceId, reply, bytes, this.#clock.nowMs());
    return bytes;
  }
}

/** A caller that waits in any case. */
const present = { isGone: false };

/** Reasons of the metric, and for the sender. */
const refusals = { busy: 'busy', gone: 'cancelled', closed: 'stopping' } as const;
const refusalTexts: Readonly<Record<NotDone, string>> = {
  busy: 'too many batches wait for their turn; send it again later',
  gone: 'the call has ended',
  closed: 'the service stops; send the batch again later',
};

/** Most waits are shorter: 64 MiB of batches take some seconds. */
const busyDelayMs = 1_000;

/** The names that a batch needs were asked for when it came first. */
const nothingNeeded = { namesNeeded: [], executablesNeeded: [], retryDelayMs: 0 };

/** Samples that the sink of an earlier run had no room for: a sink takes samples in order until a bound is met. */
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

/** FrameSink takes the batches of the receiver. */
export interface FrameSink {
  /** Turns of the batches of all receivers: each is decoded and submitted within one. */
  readonly turns: FairTurns;
  /**
   * Takes what it needs of the batch, whose arrays are written again after the last step, and says what became of it.
   * Positions in the paths of rejections are those of `batch.samples`.
   */
  submitInSteps(batch: FrameBatch): Steps<BatchOutcome>;
  /** Takes all of a batch that an earlier run had taken, whatever the bounds on what comes anew. */
  restore(batch: FrameBatch): void;
}

/** BatchReceipt decides, besides the bytes of a batch, which of its samples are taken. Kept with the batch, which is read the same way again. */
export interface BatchReceipt {
  readonly receivedUnixNano: bigint;
  readonly timeBounds: TimeBounds;
}

/** Little-endian: time of receipt u64, `maxAgeMs` f64, `maxFutureMs` f64. */
const receiptBytes = 24;

function encodeReceipt({ receivedUnixNano, timeBounds }: BatchReceipt): Buffer {
  const bytes = Buffer.allocUnsafe(receiptBytes);
  bytes.writeBigUInt64LE(receivedUnixNano);
  bytes.writeDoubleLE(timeBounds.maxAgeMs, 8);
  bytes.writeDoubleLE(timeBounds.maxFutureMs, 16);
  return bytes;
}

/** @throws RangeError when there are fewer bytes than a receipt has */
function decodeReceipt(bytes: Buffer): BatchReceipt {
  const timeBounds = { maxAgeMs: bytes.readDoubleLE(8), maxFutureMs: bytes.readDoubleLE(16) };
  return { receivedUnixNano: bytes.readBigUInt64LE(), timeBounds };
}

/**
 * The first `sampleCount` samples, and of their moments those with the numbers `moments`, rising; `undefined`: all of them. A
 * sample that keeps none is left out.
 */
function selectMoments(samples: SampleColumns, sampleCount: number, moments: Uint32Array | undefined): SampleColumns {
  if (moments === undefined) return { ...samples, count: Math.min(sampleCount, samples.count) };
  const kept: number[] = [];
  const momentStart = [0];
  let next = 0;
  for (let sample = 0; sample < Math.min(sampleCount, samples.count); sample++) {
    const first = next;
    while (next < moments.length && moments[next]! < samples.momentStart[sample + 1]!) next++;
    if (next === first) continue;
    kept.push(sample);
    momentStart.push(next);
  }
  const column = (values: Uint32Array): Uint32Array => Uint32Array.from(kept, (sample) => values[sample]!);
  return {
    count: kept.length,
    stack: column(samples.stack),
    process: column(samples.process),
    profileType: column(samples.profileType),
    threadId: column(samples.threadId),
    threadName: column(samples.threadName),
    cpuPlusOne: column(samples.cpuPlusOne),
    link: column(samples.link),
    labelSet: column(samples.labelSet),
    momentStart: Uint32Array.from(momentStart),
    timestampsUnixNano: BigUint64Array.from(moments, (moment) => samples.timestampsUnixNano[moment]!),
    values: BigInt64Array.from(moments, (moment) => samples.values[moment]!),
  };
}
