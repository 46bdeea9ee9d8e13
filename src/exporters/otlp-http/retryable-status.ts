import type { DialectName } from '../../profile/dialects/dialect.ts';

/**
 * HTTP statuses after which a client may send again: the table of https://opentelemetry.io/docs/specs/otlp/#otlphttp-response.
 * Statuses that are not listed are permanent. The value says whether `Retry-After` is heeded.
 */
export const retryableStatuses: ReadonlyMap<number, 'with Retry-After' | 'by backoff'> = new Map([
  [429, 'with Retry-After'],
  [502, 'by backoff'],
  [503, 'with Retry-After'],
  [504, 'by backoff'],
]);

/** Rule for the wait before a retry; `undefined` when a client must not send again. `message` is the receiver's, whole. */
export function retryRuleOf(
  status: number,
  message: string,
  dialect: DialectName,
): 'with Retry-After' | 'by backoff' | undefined {
  // Pyroscope answers 500 for a gRPC status of its own parts, also while it starts or stops; over gRPC the same is UNAVAILABLE.
  const isTransient = dialect === 'pyroscope' && status === 500 && transientCode.test(message);
  return isTransient ? 'by backoff' : retryableStatuses.get(status);
}

const transientCode = /\bcode = (?:Unavailable|DeadlineExceeded|Canceled)\b/;

/** Statuses with which Pyroscope answers when it has stored some series of a request and refused others. */
export const partialStatuses: ReadonlySet<number> = new Set([400, 429, 500]);

/**
 * The gRPC code name of a status, which is what the Collector puts into `error_type`
 * (https://github.com/open-telemetry/opentelemetry-collector/tree/main/internal/statusutil).
 */
export function codeNameOf(status: number): string {
  return codeNames.get(status) ?? 'Unknown';
}

const codeNames: ReadonlyMap<number, string> = new Map([
  [400, 'InvalidArgument'],
  [401, 'Unauthenticated'],
  [403, 'PermissionDenied'],
  [404, 'Unimplemented'],
  [429, 'ResourceExhausted'],
  [502, 'Unavailable'],
  [503, 'Unavailable'],
  [504, 'Unavailable'],
]);

/**
 * Milliseconds that a `Retry-After` header asks to wait, in either of its forms: seconds, or a date
 * (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after). A date that is past asks for 0. `undefined` for a text
 * that is neither.
 */
export function parseRetryAfterMs(text: string, nowUnixMs: number): number | undefined {
  const value = text.trim();
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  if (!datePattern.test(value)) return undefined;
  const dateUnixMs = Date.parse(value);
  return Number.isNaN(dateUnixMs) ? undefined : Math.max(0, dateUnixMs - nowUnixMs);
}

// Only the form that senders must use; Date.parse alone takes much more for a date.
const datePattern = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
