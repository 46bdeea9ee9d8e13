import type { GrpcStatus, StatusCode } from '../grpc/status.ts';
import { ProtobufWriter } from '../otlp/protobuf/protobuf-writer.ts';

/** RpcStatus is the reason of a refused call. */
export interface RpcStatus {
  readonly code: StatusCode;
  readonly message: string;
  /** Time that the sender should wait before it retries; `undefined` where a retry does not help. */
  readonly retryAfterMs?: number;
}

/** A refusal as gRPC tells it: with a google.rpc.RetryInfo in `grpc-status-details-bin` where there is a time to wait. */
export function grpcStatusOf(refusal: RpcStatus): GrpcStatus {
  const { code, message, retryAfterMs } = refusal;
  return {
    code,
    details: statusText(message),
    detailsBin: retryAfterMs === undefined ? undefined : encodeRpcStatus(refusal),
  };
}

/**
 * The protobuf of a google.rpc.Status, with a google.rpc.RetryInfo where there is a time to wait
 * (https://github.com/googleapis/googleapis/blob/master/google/rpc/status.proto).
 */
export function encodeRpcStatus({ code, message, retryAfterMs }: RpcStatus): Uint8Array {
  const writer = new ProtobufWriter(4_096);
  if (retryAfterMs !== undefined) {
    // Written last first: Any { type_url = 1, value = 2: RetryInfo { retry_delay = 1: Duration { seconds = 1, nanos = 2 } } }.
    writer.int32(2, Math.floor((retryAfterMs % 1000) * 1e6));
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

// A status goes into a header: peers refuse long ones, commonly beyond 8 KiB.
const mostLength = 1_024;

/** A status's text: bounded, and without halves of surrogate pairs, which have no UTF-8. */
export function statusText(message: string): string {
  return (message.length > mostLength ? `${message.slice(0, mostLength)}…` : message).toWellFormed();
}
