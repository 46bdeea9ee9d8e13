import { status } from '@grpc/grpc-js';
import type { Refusal } from '../rpc-status.ts';
import { statusText } from '../status-text.ts';

export const stopping: Refusal = {
  code: status.UNAVAILABLE,
  message: 'the service stops; send the request again later',
};

/** The HTTP status of a gRPC one: the Collector's table, which is the reverse of how its clients read HTTP. */
export function httpStatusOf(code: status): number {
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
export function rpcStatusJson({ code, message, retryAfterMs }: Refusal): string {
  const details =
    retryAfterMs === undefined
      ? undefined
      : [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${retryAfterMs / 1000}s` }];
  return JSON.stringify({ code, message: statusText(message), details });
}
