import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { gunzipSync } from 'node:zlib';
import type { Answer } from './otlp-answer.ts';
import { encodeStatus } from './rpc-status.ts';

/** What every answer begins with that is one of gRPC. */
export const responseHeaders: OutgoingHttpHeaders = { ':status': 200, 'content-type': 'application/grpc' };

/** OK with a message. */
export function respond(
  stream: ServerHttp2Stream,
  message: Uint8Array,
  { flag = 0, headers = {} }: { readonly flag?: number; readonly headers?: OutgoingHttpHeaders } = {},
): void {
  stream.respond({ ...responseHeaders, ...headers }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(framed(message, flag));
}

/** A message with its prefix. */
export function framed(message: Uint8Array, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** A status without a message. */
export function refuse(stream: ServerHttp2Stream, answer: Extract<Answer, { kind: 'status' }>): void {
  const { code, details = '', retryAfterMs } = answer;
  stream.respond(
    {
      ...responseHeaders,
      'grpc-status': String(code),
      'grpc-message': percentEncoded(details),
      ...(retryAfterMs !== undefined && {
        'grpc-status-details-bin': encodeStatus(code, details, retryAfterMs).toString('base64'),
      }),
    },
    { endStream: true },
  );
}

/** The one message of a unary call (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). */
export function readMessage(body: Buffer, headers: IncomingHttpHeaders): Uint8Array {
  const message = body.subarray(5, 5 + body.readUInt32BE(1));
  if (body[0] === 0) return message;
  if (headers['grpc-encoding'] !== 'gzip') throw new Error(`unexpected encoding: ${headers['grpc-encoding']}`);
  return gunzipSync(message);
}

/** As gRPC has it: percent signs and what is not printable ASCII (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses). */
function percentEncoded(text: string): string {
  return text.replaceAll(/[^ -$&-~]+/g, (part) => encodeURIComponent(part));
}
