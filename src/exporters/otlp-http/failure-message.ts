import { InvalidMessage } from '../../model/invalid-message.ts';
import { ProtobufReader } from '../../otlp/protobuf/protobuf-reader.ts';

/**
 * Message for people in the body of a failure: that of a google.rpc.Status in protobuf or JSON, as OTLP has it; of other JSON its
 * `message` or `error`; plain text as it is. As long as it came; empty when the body cannot be read, because a failure is too
 * late a place to fail.
 */
export function readFailureMessage(contentType: string, body: Uint8Array): string {
  try {
    if (contentType === 'application/x-protobuf') return readStatus(body);
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
    if (contentType === 'application/json') return readJson(text);
    return contentType === 'text/plain' ? text : '';
  } catch (error) {
    if (error instanceof InvalidMessage || error instanceof SyntaxError) return '';
    throw error;
  }
}

/** https://github.com/googleapis/googleapis/blob/master/google/rpc/status.proto: code = 1, message = 2, details = 3. */
function readStatus(body: Uint8Array): string {
  const reader = new ProtobufReader(body, undefined);
  let message = '';
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x12) message = reader.text();
    else reader.skip();
  }
  return message;
}

function readJson(text: string): string {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) return '';
  const { message, error } = value as { readonly message?: unknown; readonly error?: unknown };
  if (typeof message === 'string') return message;
  return typeof error === 'string' ? error : '';
}
