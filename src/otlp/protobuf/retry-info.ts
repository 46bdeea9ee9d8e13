import { InvalidMessage } from '../../model/invalid-message.ts';
import { ProtobufReader } from './protobuf-reader.ts';

/**
 * Milliseconds that a receiver asks a client to wait, from the bytes of `grpc-status-details-bin`: a google.rpc.Status
 * whose details hold a google.rpc.RetryInfo. `undefined` when there is none, or when the bytes are something else: a
 * status is too late a place to fail. Messages:
 * https://github.com/googleapis/googleapis/blob/master/google/rpc/status.proto and error_details.proto.
 */
export function readRetryDelayMs(statusBytes: Uint8Array): number | undefined {
  const draft: { delayMs?: number } = {};
  try {
    readField(new ProtobufReader(statusBytes, undefined), 3, 'details', draft, readDetail);
    return draft.delayMs;
  } catch (error) {
    if (error instanceof InvalidMessage) return undefined;
    throw error;
  }
}

type Reader = ProtobufReader<undefined>;

/** Reads one message field, and passes over all others. */
function readField<Draft>(
  reader: Reader,
  field: number,
  name: string,
  draft: Draft,
  read: (reader: Reader, draft: Draft) => void,
): void {
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === ((field << 3) | 2)) reader.message(name, draft, read);
    else reader.skip();
  }
}

/** google.protobuf.Any: type_url = 1, value = 2. */
function readDetail(reader: Reader, draft: { delayMs?: number }): void {
  let typeUrl = '';
  let value: Uint8Array = new Uint8Array(0);
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x0a) typeUrl = reader.text();
    else if (tag === 0x12) value = reader.bytes();
    else reader.skip();
  }
  if (!typeUrl.endsWith('/google.rpc.RetryInfo') || draft.delayMs !== undefined) return;
  const duration = { ms: 0 };
  readField(new ProtobufReader(value, undefined), 1, 'retry_delay', duration, readDuration);
  draft.delayMs = Math.max(0, duration.ms);
}

/** google.protobuf.Duration: seconds = 1, nanos = 2; a negative delay is none. */
function readDuration(reader: Reader, draft: { ms: number }): void {
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x08) draft.ms += Number(reader.int64()) * 1e3;
    else if (tag === 0x10) draft.ms += reader.int32() / 1e6;
    else reader.skip();
  }
}
