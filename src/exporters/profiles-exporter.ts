import type { Steps } from '../support/steps.ts';
import type { Failed } from './export-client.ts';
import type { ExportRequest } from './export-request.ts';

/** An exporter as the pipeline sees it. */
export interface ProfilesExporter {
  readonly id: string;
  /** Key `block_on_overflow`: an offer to a full queue waits for room, and a report must not be lost for want of it. */
  readonly blocksOnOverflow: boolean;
  /**
   * True when the sending queue would take a report, or an OTLP request whose caller may wait for room, as far as that can be told before
   * the report or request is there. Costs next to nothing.
   */
  hasRoomFor(what: 'report' | 'request'): boolean;
  /**
   * Does what takes long of a later offer or reservation: writing the request for the backend, and encoding it. One that no other exporter
   * gets may become the parts that this one sends.
   */
  prepare(request: ExportRequest, isShared: boolean): Steps<void>;
  /**
   * Takes the request into the sending queue, or refuses it. The result comes at once, unless `block_on_overflow` lets the offer wait for
   * room, or `wait_for_result` for the end of the request; never rejects. `signal` is that of a caller who waits: once it
   * aborts, an offer that still waits for room is withdrawn.
   */
  offer(request: ExportRequest, signal?: AbortSignal): OfferResult | Promise<OfferResult>;
  /** First half of an offer, for a request that all exporters shall have or none. A refusal is not counted. */
  reserve(request: ExportRequest): Reservation | Refusal;
}

/** Result of an offer; all samples that are not taken are counted. */
export type OfferResult =
  | { readonly kind: 'taken' }
  /** Lost to this exporter alone. `isFinal`: there will never be room for the request, because it is larger than the whole queue. */
  | { readonly kind: 'refused'; readonly isFinal: boolean }
  /** Not sent, and the caller shall know. */
  | Failed;

/** A place in a sending queue, with the request kept where the queue is, be it on disk. To be committed or cancelled at once. */
export interface Reservation {
  /** Lets the request be sent. */
  commit(): void;
  /** Undoes the reservation. */
  cancel(): void;
}

/** Reason why a request was not taken into the sending queue. */
export type Refusal = 'queue_full' | 'too_large' | 'stopped' | 'cancelled' | StorageRefusal;

/** `storage_too_small`: there will never be room for this request; the others may pass. */
export type StorageRefusal = 'storage_full' | 'storage_error' | 'storage_too_small';

/** Reservation of a request that needs no place. */
export const nothingReserved: Reservation = { commit: () => undefined, cancel: () => undefined };
