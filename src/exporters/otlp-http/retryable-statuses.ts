/**
 * What a client may send again, by HTTP status: the table of https://opentelemetry.io/docs/specs/otlp/#otlphttp-response.
 * Statuses that are not listed are permanent. The value says whether `Retry-After` is heeded.
 */
export const retryableStatuses: ReadonlyMap<number, 'with Retry-After' | 'by backoff'> = new Map([
  [429, 'with Retry-After'],
  [502, 'by backoff'],
  [503, 'with Retry-After'],
  [504, 'by backoff'],
]);

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
