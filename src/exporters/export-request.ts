import type { ProfilesData } from '../otlp/profiles-data.ts';

/** What one reporting cycle hands to every exporter. Shared between them, so nobody changes it. */
export interface ExportRequest {
  readonly data: ProfilesData;
  /** Number of samples in all profiles: what the Collector calls items. */
  readonly sampleCount: number;
  /** `ExportProfilesServiceRequest` as protobuf; encoded at the first call, the same bytes after. */
  encoded(): Uint8Array;
}

/** A place in a sending queue, with the request kept where the queue is, be it on disk. To be taken or left at once. */
export interface Reservation {
  /** Lets the request be sent. */
  commit(): void;
  /** Lets go of it as if it had never been there. */
  cancel(): void;
}

/** `storage_too_small`: there will never be room for this request; the others may come again. */
export type StorageRefusal = 'storage_full' | 'storage_error' | 'storage_too_small';

/** Why a request was not taken; `undefined` when it was. */
export type Refusal = 'queue_full' | 'too_large' | 'stopped' | 'cancelled' | StorageRefusal;

/** Why a request, or a piece of it, was not sent; for whoever waits for its result. */
export interface Failure {
  readonly kind: 'failed';
  /** Whether the sender of the request may try again. */
  readonly isRetryable: boolean;
  readonly reason: string;
}

/** What became of an offer whose exporter takes its time; it has been counted. */
export type OfferOutcome = { readonly kind: 'taken' } | { readonly kind: 'refused' } | Failure;

/** An exporter as the pipeline sees it. */
export interface ProfilesExporter {
  readonly id: string;
  /**
   * Takes the request into the sending queue, or refuses it because the queue is full (counted by the exporter). The answer
   * comes at once, unless `block_on_overflow` lets the offer wait for room, or `wait_for_result` lets it wait for its end; it never
   * rejects. `signal` is that of a caller who waits for the answer: once it aborts, an
   * offer that still waits for room is withdrawn.
   */
  offer(request: ExportRequest, signal?: AbortSignal): boolean | Promise<OfferOutcome>;
  /** Whether an offer would be taken now, as far as that can be told before there is one. */
  readonly room: Room;
  /** The same in two steps, with no refusal counted. `undefined` where an offer waits for room instead. */
  readonly reserve?: ((request: ExportRequest) => Reservation | Refusal) | undefined;
}

/**
 * `full`: the sending queue is, or its storage is or fails. With `block_on_overflow` it is then `waiting`: an offer waits for room;
 * or `blocked`: as many as may wait already do.
 */
export type Room = 'open' | 'full' | 'waiting' | 'blocked';
