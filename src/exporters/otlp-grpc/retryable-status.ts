import { codeNames, status } from '../../grpc/status.ts';

/**
 * gRPC status codes after which a client may send again: the table of https://opentelemetry.io/docs/specs/otlp/#failures.
 * Codes that are not listed are permanent.
 */
export const retryableCodes: ReadonlyMap<number, 'always' | 'with RetryInfo'> = new Map<
  number,
  'always' | 'with RetryInfo'
>([
  [status.CANCELLED, 'always'],
  [status.DEADLINE_EXCEEDED, 'always'],
  [status.ABORTED, 'always'],
  [status.OUT_OF_RANGE, 'always'],
  [status.UNAVAILABLE, 'always'],
  [status.DATA_LOSS, 'always'],
  [status.RESOURCE_EXHAUSTED, 'with RetryInfo'],
]);

/** Codes with which Pyroscope answers when it has stored some series of a request and refused others. */
export const partialCodes: ReadonlySet<number> = new Set<number>([
  status.INVALID_ARGUMENT,
  status.RESOURCE_EXHAUSTED,
  status.INTERNAL,
  status.UNKNOWN,
]);

/** The name of a code as Go writes it, which is what the Collector puts into `error_type`: `DeadlineExceeded`. */
export function codeName(code: number): string {
  // Go alone spells it with one l (https://pkg.go.dev/google.golang.org/grpc/codes).
  if (code === status.CANCELLED) return 'Canceled';
  const name = codeNames.get(code) ?? `CODE_${code}`;
  return name.replace(/([A-Z])([A-Z]*)_?/g, (_, first: string, rest: string) => first + rest.toLowerCase());
}
