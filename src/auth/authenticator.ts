import type { Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { ClientCredentials, HeaderReader } from '../model/authentication.ts';
import type { Clock } from '../support/clock.ts';
import type { Component } from '../support/lifecycle.ts';

/** Result of looking at a request's credential. `busy`: too many unknown ones came at once to look at it. */
export type Verdict = 'ok' | 'missing' | 'malformed' | 'mismatch' | 'busy';

/** The side of a listener. */
export interface Verifier {
  /** HTTP's `WWW-Authenticate`. */
  readonly challenge: string;
  verify(header: HeaderReader): Verdict | Promise<Verdict>;
}

/** An extension with credentials: for listeners to verify, for clients to send, or both. */
export interface Authenticator extends Component {
  readonly verifier?: Verifier;
  readonly credentials?: ClientCredentials;
}

export interface AuthenticatorDependencies {
  readonly clock: Clock;
  readonly meter: Meter;
  readonly logger: Logger;
}
