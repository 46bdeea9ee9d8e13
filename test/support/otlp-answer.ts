/** What the server does with one call. */
export type Answer =
  | { readonly kind: 'ok' }
  /** OK with these bytes as the response message, e.g. a partial success or garbage. */
  | { readonly kind: 'response'; readonly message: Uint8Array }
  /** A status, with RetryInfo when `retryAfterMs` is there. */
  | { readonly kind: 'status'; readonly code: number; readonly details?: string; readonly retryAfterMs?: number }
  /** Waits for the promise before it answers. */
  | { readonly kind: 'slow'; readonly until: Promise<void>; readonly answer: Answer }
  /** Answers by what is in the message. */
  | { readonly kind: 'read'; readonly answer: (bytes: Uint8Array) => Answer }
  /** Takes the request and never answers. */
  | { readonly kind: 'silence' }
  /** Breaks the connection: before the whole request is read, after it, or within the response. */
  | { readonly kind: 'reset'; readonly when: 'mid_request' | 'after_request' | 'mid_response' }
  /** Ends the call without headers or status, and keeps the connection. */
  | { readonly kind: 'no_answer' }
  /** Ends the stream after a message, or at once, without a status. */
  | { readonly kind: 'half_closed'; readonly message?: Uint8Array }
  /** OK with a message that says it is compressed in an encoding that nobody announced. */
  | { readonly kind: 'wrong_compression' }
  /** HTTP that is not gRPC, as proxies answer. */
  | { readonly kind: 'http'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** GOAWAY that says this call was not processed, then the connection closes. */
  | { readonly kind: 'goaway' };

/** Answers of the calls in the order of their arrival, 0 being the first; past the end of a list every answer is ok. */
export type Script = readonly Answer[] | ((callIndex: number) => Answer);
