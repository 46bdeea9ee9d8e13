import type { StatusCode } from '../../grpc/status.ts';
import { status } from '../../grpc/status.ts';
import type { RpcStatus } from '../rpc-status.ts';
import { statusText } from '../rpc-status.ts';

export const stopping: RpcStatus = {
  code: status.UNAVAILABLE,
  message: 'the service stops; send the request again later',
};

/** The HTTP status of a gRPC one: the Collector's table, which is the reverse of how its clients read HTTP. */
export function httpStatusOf(code: StatusCode): number {
  switch (code) {
    case status.INVALID_ARGUMENT:
      return 400;
    case status.UNAUTHENTICATED:
      return 401;
    case status.PERMISSION_DENIED:
      return 403;
    case status.UNIMPLEMENTED:
      return 404;
    case status.RESOURCE_EXHAUSTED:
      return 429;
    case status.CANCELLED:
    case status.DEADLINE_EXCEEDED:
    case status.ABORTED:
    case status.OUT_OF_RANGE:
    case status.UNAVAILABLE:
    case status.DATA_LOSS:
      return 503;
    default:
      return 500;
  }
}

/** HTTP's `Retry-After`, in whole seconds. */
export function retryAfterSeconds(retryAfterMs: number): string {
  return String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
}

/** A google.rpc.Status as JSON. */
export function rpcStatusJson({ code, message, retryAfterMs }: RpcStatus): string {
  const details =
    retryAfterMs === undefined
      ? undefined
      : [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${retryAfterMs / 1000}s` }];
  return JSON.stringify({ code, message: statusText(message), details });
}

/**
 * By which senders say what schema of the profiles they wrote, as long as the signal is in development
 * (https://github.com/open-telemetry/opentelemetry-proto/pull/857).
 */
export const developmentVersionKey = 'otlp-profiles-development-version';

/** Looked at before anything is decoded: another schema has other field numbers. `undefined` when the request may be read. */
export function refuseDevelopmentVersion(values: readonly string[]): RpcStatus | undefined {
  if (values.length === 0 || (values.length === 1 && values[0] === '1')) return undefined;
  const isOne = values.length === 1 && !values[0]!.includes(',');
  const problem = isOne ? 'invalid or unsupported' : 'must contain exactly one value';
  const message = isOne
    ? `${problem} ${developmentVersionKey}: supported version is 1`
    : `${developmentVersionKey} ${problem}`;
  return { code: status.INVALID_ARGUMENT, message };
}
