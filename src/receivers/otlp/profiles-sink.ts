import type { ProfilesData } from '../../otlp/profiles-data.ts';

/** Where the receiver hands profiles to. */
export interface ProfilesSink {
  /** Takes profiles whose references are sound, or says why it cannot now. Called once a request; must not wait. */
  submit(data: ProfilesData): SinkAnswer;
}

export type SinkAnswer =
  | { readonly kind: 'accepted' }
  /** The sender may try again, after a time. */
  | { readonly kind: 'busy'; readonly reason: string; readonly retryAfterMs: number };
