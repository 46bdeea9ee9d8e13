import type { ScanResult } from '../../otlp/passable/passable-scanner.ts';
import type { ProfilesData } from '../../otlp/profiles-data.ts';

/** Profiles whose references are sound. */
export interface ReceivedProfiles {
  /** Decoded when somebody asks for it, and once. */
  readonly data: ProfilesData;
  readonly sampleCount: number;
  /** The bytes that came in, if they are as we would send them; until the answer. */
  readonly scan: ScanResult;
  /** True if decoding would stop the loop for too long; the columns of the scan then belong to this message alone. */
  readonly isLarge?: boolean;
  /** The message as protobuf of the current version, where it is large and not passable. */
  readonly bytes?: Uint8Array;
  /**
   * Tells that the columns of the scan, or they and the bytes that came in, are of no use any more, so that their memory can be used
   * again: `scan` may not be used after that, and `data` only where the bytes are kept. Bytes that `data` refers to are kept.
   */
  readonly release?: (what: 'columns' | 'columns and bytes') => void;
  /** Releases the columns now, and the bytes by a call of the result, which keeps nothing of the message: a request may wait for long. */
  readonly lend?: () => () => void;
}

/** ProfilesSink takes the profiles of the receiver. */
export interface ProfilesSink {
  /**
   * Takes profiles, or says why it cannot. Called once a request; never rejects. The answer may come later where an exporter is
   * set to wait; once `signal` aborts, nobody is there to hear it. `hops` are the services that the profiles have passed, 0 by default.
   */
  submit(received: ReceivedProfiles, signal: AbortSignal, hops?: number): SinkAnswer | Promise<SinkAnswer>;
}

export type SinkAnswer =
  | { readonly kind: 'accepted' }
  /** The sender may try again, after a time. */
  | { readonly kind: 'busy'; readonly reason: string; readonly retryAfterMs?: number }
  /** The profiles were not sent, and would not be if they came again. */
  | { readonly kind: 'failed'; readonly reason: string };

/** A sink that holds profiles for a time, so that they can be kept on disk between its two steps. */
export interface HoldingSink extends ProfilesSink {
  /** False for profiles that are too large to be held, and leave as they are submitted. */
  canHold(received: ReceivedProfiles): boolean;
  /** Reason why profiles cannot be taken now; `undefined` when they can. */
  refuse(received: ReceivedProfiles): SinkAnswer | undefined;
  /** Takes profiles whatever the bounds: `refuse` has let them in, now or in an earlier run. */
  hold(data: ProfilesData): void;
  /** Takes the names in them alone. */
  learn(data: ProfilesData): void;
}
