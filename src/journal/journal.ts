import type { AdmissionRefusal } from '../model/admission.ts';
import type { KeptRequest, RequestJournal, RestoreRequest } from '../model/request-journal.ts';
import type { LogRecord } from '../storage/segment.ts';
import type { OpenedLog, SegmentLog } from '../storage/segment-log.ts';
import type { Clock } from '../support/clock.ts';
import { messageOf } from '../support/error-text.ts';
import { sizeOf } from '../support/gather-bytes.ts';
import type { Component } from '../support/lifecycle.ts';
import type { JournalEvents } from './journal-events.ts';
import type { Position, RequestKind, WindowEntry } from './journal-record.ts';
import { carryEntries, encodeMark, encodeRequestHead, positionOf } from './journal-record.ts';
import { replay } from './replay.ts';

export interface JournalParts {
  readonly log: SegmentLog;
  /** The number of events in the window at hand. */
  readonly countEvents: () => number;
  readonly events: JournalEvents;
  readonly clock: Clock;
}

interface WriteFailure {
  /** The system's code, or `journal_full`. */
  readonly errorType: string;
  readonly why: string;
}

/** Room is made by the next report, and most disks are looked after in longer times. */
const retryDelayMs = 1_000;

/**
 * Keeps every request on disk from before it is acknowledged until the window that it went into is reported, and puts what
 * an earlier run had not reported into the window again. Starts before the receivers, and stops after the last report.
 *
 * Marks say which windows are reported: one record each, so that a mark holds for all of a window or for nothing of it. The window
 * that was reported last stays on disk until the next one is: a collector that sends a batch again because the reply was lost
 * finds it known after a restart, too.
 * Invariant: every record of the log is in `#entries`, in `#settled`, or in a window that is being reported; or it is `#mark`.
 */
export class Journal implements Component {
  readonly id: string;
  readonly #parts: JournalParts;
  readonly #restorers = new Map<RequestKind, Map<string, RestoreRequest>>();
  /** Records of the window at hand, in the order of its events. */
  #entries: WindowEntry[] = [];
  /** Records of the window that was reported last. */
  #settled: LogRecord[] = [];
  #mark: LogRecord | undefined;
  /** The newest request. */
  #last: Position = { segment: 0, offset: 0 };
  #refusal: { readonly answer: AdmissionRefusal; readonly untilMs: number } | undefined;
  #endObservation: () => void = () => undefined;

  constructor(id: string, parts: JournalParts) {
    this.id = id;
    this.#parts = parts;
  }

  /** The part of the journal that belongs to one receiver. `restore` is called at the start. */
  connect(kind: RequestKind, source: string, restore: RestoreRequest): RequestJournal {
    const ofKind = this.#restorers.get(kind) ?? new Map<string, RestoreRequest>();
    this.#restorers.set(kind, ofKind.set(source, restore));
    const head = encodeRequestHead(kind, source);
    // Profiles are no events of the window, and come in between two steps of a batch.
    const countEvents = kind === 'frames' ? this.#parts.countEvents : () => undefined;
    return { keep: (body, sampleCount) => this.#keep([head, ...body], sampleCount, countEvents()) };
  }

  async start(): Promise<void> {
    const { log, events } = this.#parts;
    const { records, damage } = this.#open();
    this.#endObservation = events.observe(log);
    events.damaged(damage);
    const replayed = await replay(records, this.#restorers, this.#parts);
    this.#entries = replayed.entries;
    this.#settled = replayed.settled;
    this.#mark = replayed.mark;
    const last = records.at(-1);
    if (last !== undefined) this.#last = positionOf(last);
    // Damaged or not: nothing is written behind what an earlier run has left.
    log.rotate();
  }

  #open(): OpenedLog {
    try {
      return this.#parts.log.open();
    } catch (cause) {
      const remedy = 'look after the directory of the storage, or remove the key';
      const problem = `cannot open the journal (${messageOf(cause)})`;
      throw new Error(`processors.${this.id}.storage: ${problem}; ${remedy}.`, { cause });
    }
  }

  async stop(): Promise<void> {
    const { log, events } = this.#parts;
    events.closed(log.recordCount - this.#settled.length - (this.#mark === undefined ? 0 : 1));
    this.#endObservation();
    log.close();
  }

  /** Refuses for a while after a request could not be kept, so that nobody decodes what cannot be kept either. */
  readonly admission = (): AdmissionRefusal | undefined =>
    this.#refusal !== undefined && this.#parts.clock.nowMs() < this.#refusal.untilMs ? this.#refusal.answer : undefined;

  /**
   * Call when a window was taken to be reported; `held` are the numbers of those of its events, rising, that are the first
   * of the next window. The result is to be called once the rest is where it has to arrive; until then, all is kept.
   */
  turn(held: readonly number[]): () => void {
    const taken = this.#entries;
    if (taken.length === 0) return () => undefined;
    const carried = carryEntries(taken, held);
    const upTo = this.#last;
    // A copy: requests may come in before the window is reported, and are none of those that wait.
    this.#entries = [...carried];
    // Each window has files of its own, to be deleted as a whole; the mark is the first thing in those of the next one.
    this.#parts.log.rotate();
    return () => this.#settle(taken, carried, upTo);
  }

  /** Drops the window that was reported last, which is kept only for collectors that send a batch of it again. */
  makeRoom(): void {
    this.#forgetSettled();
  }

  #keep(
    payload: readonly Uint8Array[],
    sampleCount: number,
    firstEvent: number | undefined,
  ): KeptRequest | AdmissionRefusal {
    const { events, log } = this.#parts;
    const neededBytes = sizeOf(payload);
    if (neededBytes > log.maxPayloadBytes) return this.#refuseTooLarge(neededBytes);
    let record = this.#append(payload, sampleCount);
    if ('why' in record && this.#settled.length > 0) {
      this.#forgetSettled();
      record = this.#append(payload, sampleCount);
    }
    if ('why' in record) return this.#refuse(record);
    const kept = record;
    events.written();
    this.#refusal = undefined;
    this.#entries.push({ record: kept, firstEvent, events: undefined });
    this.#last = positionOf(kept);
    return {
      amend: (takenSamples) => {
        try {
          log.amend(kept, takenSamples);
        } catch (error) {
          events.amendFailed(error as Error);
        }
      },
    };
  }

  #append(payload: readonly Uint8Array[], sampleCount: number): LogRecord | WriteFailure {
    try {
      const full = { errorType: 'journal_full', why: 'it has the size that max_size_mib of its storage allows' };
      return this.#parts.log.append(payload, sampleCount) ?? full;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      return { errorType: code, why: message };
    }
  }

  #refuse({ errorType, why }: WriteFailure): AdmissionRefusal {
    this.#parts.events.writeFailed(errorType, why);
    const answer = { reason: `the journal cannot be written (${errorType}); it is tried again`, retryDelayMs };
    this.#refusal = { answer, untilMs: this.#parts.clock.nowMs() + retryDelayMs };
    return answer;
  }

  /** Nobody else has to come again because of it. */
  #refuseTooLarge(neededBytes: number): AdmissionRefusal {
    const { events, log } = this.#parts;
    events.tooLarge(neededBytes);
    const reason = `the request needs ${neededBytes} bytes of a journal that holds ${log.maxPayloadBytes} (max_size_mib)`;
    return { reason: `${reason}; raise that, or send smaller ones`, retryDelayMs };
  }

  #settle(taken: readonly WindowEntry[], carried: readonly WindowEntry[], upTo: Position): void {
    const { log, events } = this.#parts;
    const waiting = new Set(carried.map(({ record }) => record));
    const reported = taken.map(({ record }) => record).filter((record) => !waiting.has(record));
    const held = carried.map(({ record, events: numbers }) => ({ position: positionOf(record), events: numbers! }));
    // First, because it makes room.
    this.#forgetSettled();
    const mark = this.#append([encodeMark({ upTo, held })], 0);
    this.#settled = reported;
    if ('why' in mark) {
      // With nothing that waits, to delete the files says the same, and takes no room.
      if (carried.length > 0) events.markFailed(mark.why);
      else this.#forgetSettled();
    }
    if ('why' in mark && carried.length > 0) return;
    if (this.#mark !== undefined) log.forget(this.#mark);
    this.#mark = 'why' in mark ? undefined : mark;
  }

  #forgetSettled(): void {
    for (const record of this.#settled.splice(0)) this.#parts.log.forget(record);
  }
}
