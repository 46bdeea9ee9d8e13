/** A header of a request by its name in lower case; `undefined` when there is none. */
export type HeaderReader = (name: string) => string | undefined;

/** Reason why a request is not let in. */
export interface AuthenticationRefusal {
  /** For the sender; has nothing of what it sent. */
  readonly message: string;
  /** When nobody has looked at its credential yet: how long to wait. */
  readonly retryAfterMs?: number;
}

/** Asked by listeners before they look at anything else of a request. `undefined`: come in. */
export interface RequestGuard {
  /** HTTP's `WWW-Authenticate`: what would be taken. */
  readonly challenge: string;
  check(header: HeaderReader): AuthenticationRefusal | undefined | Promise<AuthenticationRefusal | undefined>;
}

/** Credentials of a client as headers: names, in lower case, and values. Asked for each request: they may change. */
export type ClientCredentials = () => readonly (readonly [name: string, value: string])[];
