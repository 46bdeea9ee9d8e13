import { status } from '../../grpc/status.ts';
import type { Admission } from '../../model/admission.ts';
import { InvalidMessage } from '../../model/invalid-message.ts';
import { MemoryShortage } from '../../model/memory-shortage.ts';
import type { ConnectJournal, RequestJournal, RestoredRequest } from '../../model/request-journal.ts';
import type { ExportResponse } from '../../otlp/protobuf/export-response.ts';
import type { Clock } from '../../support/clock.ts';
import { inTime } from '../../support/clock.ts';
import { mostHops, parseHops } from '../../support/hops.ts';
import type { RpcStatus } from '../rpc-status.ts';
import type { DecodingMemory, DecodingRefusal } from './bounded-reader.ts';
import { BoundedReader, processMemory } from './bounded-reader.ts';
import type { MessageContent } from './decode-message.ts';
import type { ReadMessage } from './message-reader.ts';
import { keptParts, parseKept } from './message-reader.ts';
import type { OtlpEvents, RefusalReason, Transport } from './otlp-events.ts';
import type { HoldingSink, ProfilesSink, SinkAnswer } from './profiles-sink.ts';
import { stopping } from './refusal.ts';
import type { SortedProfiles } from './sort-out-profiles.ts';

/** A message as it came in. */
export interface ExportMessage extends MessageContent {
  readonly transport: Transport;
  /** Services like this one that the message has passed. */
  readonly hops?: number;
  /** Aborted when nobody waits for the answer any more. */
  readonly caller: AbortController;
}

export type ExportOutcome =
  | { readonly kind: 'taken'; readonly response: ExportResponse }
  | { readonly kind: 'refused'; readonly refusal: RpcStatus };

/** Counts of a request, for metrics and for its answer. */
type SortedCounts = Omit<SortedProfiles, 'data' | 'loopedProfiles' | 'isAllRejected'> &
  Pick<ReadMessage, 'version' | 'mendedTexts'>;

export interface ProfilesIntakeDependencies {
  readonly sink: ProfilesSink;
  readonly admission: Admission;
  readonly keeping?: RequestKeeping | undefined;
  readonly own?: OwnProfiles | undefined;
  readonly events: OtlpEvents;
  readonly clock: Clock;
  /** Memory for decoding; that of this process where it is not set. */
  readonly memory?: DecodingMemory | undefined;
}

/** OwnProfiles are the profiles that this process made: none of them may come back to it. */
export interface OwnProfiles {
  /** First bytes of their IDs. */
  readonly idPrefix: Uint8Array;
  /** Places where they may go, as `path of the key (address)`, for messages. */
  destinations(): readonly string[];
}

/** Keeps requests on disk while the sink holds on to them. */
export interface RequestKeeping {
  readonly sink: HoldingSink;
  readonly connectJournal: ConnectJournal;
}

/** A call waits no longer than this for room in a queue or for a result, though its own deadline may be later. */
const mostWaitMs = 60_000;
/** Memory comes back as other messages are done. */
const shortageRetryMs = 2_000;

const accepted: SinkAnswer = { kind: 'accepted' };
const fullSuccess: ExportResponse = { rejectedProfiles: 0n, errorMessage: '' };

/** Takes the bytes of a request over either protocol: reads, sorts out, hands on, counts and answers. */
export class ProfilesIntake {
  readonly #sink: ProfilesSink;
  readonly #admission: Admission;
  readonly #events: OtlpEvents;
  readonly #clock: Clock;
  readonly #reader: BoundedReader;
  readonly #keeping: { readonly sink: HoldingSink; readonly journal: RequestJournal } | undefined;
  readonly #own: OwnProfiles | undefined;
  #isStopping = false;

  constructor(dependencies: ProfilesIntakeDependencies) {
    const { sink, admission, keeping, own, events, clock, memory = processMemory } = dependencies;
    this.#reader = new BoundedReader(memory, clock, own?.idPrefix);
    this.#own = own;
    this.#sink = sink;
    this.#admission = admission;
    this.#events = events;
    this.#clock = clock;
    if (keeping === undefined) return;
    const { sink: holder, connectJournal } = keeping;
    this.#keeping = { sink: holder, journal: connectJournal((request) => this.#restore(request, holder)) };
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Refuses from now on. */
  stop(): void {
    this.#isStopping = true;
  }

  /** Frees what decoding needs. Called once all requests are answered. */
  async end(): Promise<void> {
    await this.#reader.stop();
  }

  /** Asked before anything is decoded; OTLP wants UNAVAILABLE of a server that cannot keep up. `undefined`: come in. */
  refuseUnadmitted(): RpcStatus | undefined {
    if (this.#isStopping) return undefined;
    const refusal = this.#admission();
    return refusal && { code: status.UNAVAILABLE, message: refusal.reason, retryAfterMs: refusal.retryDelayMs };
  }

  /** Refuses a request that has passed too many services by the values of its header. `undefined`: come in. */
  refuseLoop(transport: Transport, hopsValues: readonly string[]): RpcStatus | undefined {
    const hops = parseHops(hopsValues);
    if (hops <= mostHops) return undefined;
    const problem = `the request has passed ${hops} services like this one, ${mostHops} at most may be: their exporters form a loop`;
    const refusal = { code: status.INVALID_ARGUMENT, message: `${problem}; one of them must name the backend instead` };
    this.#events.refusedLoop(transport, problem, this.#destinations());
    return refusal;
  }

  /** Counts a request that was refused before anybody decoded it. */
  refuse(transport: Transport, reason: RefusalReason, refusal: RpcStatus): ExportOutcome {
    // A stop and a refused admission are told where they happen.
    const isToldElsewhere = reason === 'stopping' || reason === 'not_admitted';
    this.#events.refused(transport, reason, 0, isToldElsewhere ? undefined : refusal.message);
    return { kind: 'refused', refusal };
  }

  /** Counts a message that was refused for its size, as one sample: how many it had nobody knows. */
  refuseTooLarge(transport: Transport, limit: string): RpcStatus {
    const message = `the message is larger than ${limit}; raise that, or send less at once`;
    this.#events.refused(transport, 'too_large', 1, message);
    return { code: status.RESOURCE_EXHAUSTED, message };
  }

  /** Never throws or rejects: a fault of ours must not end the process. */
  take(message: ExportMessage): ExportOutcome | Promise<ExportOutcome> {
    const { transport } = message;
    if (this.#isStopping) return this.refuse(transport, 'stopping', stopping);
    try {
      const read = this.#reader.read(message);
      const outcome =
        read instanceof Promise ? read.then((late) => this.#takeRead(message, late)) : this.#takeRead(message, read);
      return outcome instanceof Promise ? outcome.catch((error) => this.#refuseFault(error, transport)) : outcome;
    } catch (error) {
      return this.#refuseFault(error, transport);
    }
  }

  #refuseFault(error: unknown, transport: Transport): ExportOutcome {
    if (error instanceof InvalidMessage) {
      return this.refuse(transport, 'invalid', { code: status.INVALID_ARGUMENT, message: error.message });
    }
    if (error instanceof MemoryShortage) {
      const refusal = { code: status.UNAVAILABLE, message: error.message, retryAfterMs: shortageRetryMs };
      return this.refuse(transport, 'memory', refusal);
    }
    this.#events.failed(transport, error);
    const text = 'the service failed to handle the request; its log says why';
    return { kind: 'refused', refusal: { code: status.INTERNAL, message: text } };
  }

  #takeRead(message: ExportMessage, sorted: ReadMessage | DecodingRefusal): ExportOutcome | Promise<ExportOutcome> {
    const { transport, caller } = message;
    if ('reason' in sorted) {
      const { reason, retryDelayMs } = sorted;
      const refusal = { code: status.UNAVAILABLE, message: reason, retryAfterMs: retryDelayMs };
      return this.refuse(transport, 'busy', refusal);
    }
    if (sorted.loopedProfiles > 0) {
      this.#events.looped(transport, sorted.loopedProfiles, faultsOf(sorted), this.#destinations());
    }
    if (sorted.isAllRejected) {
      const refusal = { code: status.INVALID_ARGUMENT, message: faultsOf(sorted) };
      this.#events.refused(transport, 'invalid', sorted.rejectedSamples, refusal.message);
      return { kind: 'refused', refusal };
    }
    // As in the Collector, a request without samples is taken and goes no further.
    const answer = sorted.sampleCount === 0 ? accepted : this.#submit(message, sorted, caller.signal);
    const { sampleCount, rejectedProfiles, rejectedSamples, faults, faultCount, version, mendedTexts } = sorted;
    // Without the data, which need not be held while the answer is awaited.
    const counts = { sampleCount, rejectedProfiles, rejectedSamples, faults, faultCount, version, mendedTexts };
    if (!(answer instanceof Promise)) {
      sorted.release?.('columns');
      return this.#conclude(answer, counts, transport);
    }
    return this.#inTime(answer, caller).then((late) => this.#conclude(late, counts, transport));
  }

  /** The answer, or after a while that there is none. */
  #inTime(answer: Promise<SinkAnswer>, caller: AbortController): Promise<SinkAnswer> {
    return inTime(this.#clock, mostWaitMs, answer, () => {
      caller.abort();
      return { kind: 'busy', reason: `no answer of the exporters within ${mostWaitMs / 1000} s` };
    });
  }

  #conclude(answer: SinkAnswer, sorted: SortedCounts, transport: Transport): ExportOutcome {
    if (answer.kind !== 'accepted') {
      this.#events.refused(transport, answer.kind, sorted.sampleCount + sorted.rejectedSamples);
      return { kind: 'refused', refusal: refusalOf(answer) };
    }
    this.#events.taken(transport, sorted.sampleCount, sorted.version);
    if (sorted.mendedTexts > 0) this.#events.mended(transport, sorted.mendedTexts);
    if (sorted.rejectedSamples === 0 && sorted.rejectedProfiles === 0) return { kind: 'taken', response: fullSuccess };
    const errorMessage = faultsOf(sorted);
    this.#events.rejected(transport, sorted.rejectedProfiles, sorted.rejectedSamples, errorMessage);
    return { kind: 'taken', response: { rejectedProfiles: BigInt(sorted.rejectedProfiles), errorMessage } };
  }

  /** A request that a sink holds on to is on disk before the sink has it, and so before the sender is told. */
  #submit(message: ExportMessage, received: ReadMessage, signal: AbortSignal): SinkAnswer | Promise<SinkAnswer> {
    if (this.#keeping === undefined || !this.#keeping.sink.canHold(received)) {
      return this.#sink.submit(received, signal, message.hops);
    }
    const { sink, journal } = this.#keeping;
    const refusal = sink.refuse(received);
    if (refusal !== undefined) return refusal;
    const kept = journal.keep(keptParts(message), received.sampleCount);
    if ('reason' in kept) return { kind: 'busy', reason: kept.reason, retryAfterMs: kept.retryDelayMs };
    sink.hold(received.data);
    return accepted;
  }

  /** A request is reported as a whole: one of which the journal knows events is in a report. */
  #restore({ body, events }: RestoredRequest, sink: HoldingSink): void {
    const { data } = this.#reader.readAgain(parseKept(body));
    if (events === undefined) sink.hold(data);
    else sink.learn(data);
  }

  #destinations(): readonly string[] {
    return this.#own?.destinations() ?? [];
  }
}

/** The Collector's mapping: what may come again is UNAVAILABLE, what must not is INTERNAL. */
function refusalOf(answer: Exclude<SinkAnswer, { kind: 'accepted' }>): RpcStatus {
  const message = answer.reason;
  if (answer.kind === 'failed') return { code: status.INTERNAL, message };
  const { retryAfterMs } = answer;
  return { code: status.UNAVAILABLE, message, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

function faultsOf({ faults, faultCount }: Pick<SortedProfiles, 'faults' | 'faultCount'>): string {
  const more = faultCount - faults.length;
  return more === 0 ? faults.join('; ') : `${faults.join('; ')}; and ${more} more`;
}
