import type { PlainFinding } from '../../otlp/plain/plain-profiles.ts';
import type { ProfilesData } from '../../otlp/profiles-data.ts';

/** Profiles whose references are sound. */
export interface ReceivedProfiles {
  /** Decoded when somebody asks for it, and once. */
  readonly data: ProfilesData;
  readonly sampleCount: number;
  /** The bytes that came in, if they are as we would send them; until the answer. */
  readonly plain: PlainFinding;
}

/** Where the receiver hands profiles to. */
export interface ProfilesSink {
  /** Takes profiles, or says why it cannot now. Called once a request; must not wait. */
  submit(received: ReceivedProfiles): SinkAnswer;
}

export type SinkAnswer = { readonly kind: 'accepted' } | SinkRefusal;

/** The sender may try again, after a time. */
export interface SinkRefusal {
  readonly kind: 'busy';
  readonly reason: string;
  readonly retryAfterMs: number;
}

/** A sink that holds on to what it takes: that can be kept on disk as well, between its two steps. */
export interface HoldingSink extends ProfilesSink {
  /** Why profiles cannot be taken now; `undefined` when they can. */
  refuse(received: ReceivedProfiles): SinkRefusal | undefined;
  /** Takes profiles whatever the bounds: `refuse` has let them in, now or in an earlier run. */
  hold(data: ProfilesData): void;
  /** Takes the names in them alone. */
  learn(data: ProfilesData): void;
}
