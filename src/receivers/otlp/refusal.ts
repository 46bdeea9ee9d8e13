import { status } from '@grpc/grpc-js';
import { ProtobufWriter } from '../../otlp/protobuf-writer.ts';
import { statusText } from '../status-text.ts';

/** Why a request was not taken. */
export interface Refusal {
  readonly code: status;
  readonly message: string;
  /** How long the sender should wait before it tries again, where that helps. */
  readonly retryAfterMs?: number;
}

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

/**
 * The protobuf of a google.rpc.Status, with a google.rpc.RetryInfo where there is a time to wait
 * (https://github.com/googleapis/googleapis/blob/master/google/rpc/status.proto).
 */
export function encodeRpcStatus({ code, message, retryAfterMs }: Refusal): Uint8Array {
  const writer = new ProtobufWriter(4_096);
  if (retryAfterMs !== undefined) {
    // Written last first: Any { type_url = 1, value = 2: RetryInfo { retry_delay = 1: Duration { seconds = 1, nanos = 2 } } }.
    writer.int32(2, Math.round((retryAfterMs % 1000) * 1e6));
    writer.int64(1, BigInt(Math.floor(retryAfterMs / 1000)));
    writer.message(1, 0);
    writer.message(2, 0);
    writer.text(1, 'type.googleapis.com/google.rpc.RetryInfo');
    writer.message(3, 0);
  }
  writer.text(2, statusText(message));
  writer.int32(1, code);
  return writer.finish();
}

/** A google.rpc.Status as JSON. */
export function rpcStatusJson({ code, message, retryAfterMs }: Refusal): string {
  const details =
    retryAfterMs === undefined
      ? undefined
      : [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${retryAfterMs / 1000}s` }];
  return JSON.stringify({ code, message: statusText(message), details });
}
