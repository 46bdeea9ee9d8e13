import { once } from 'node:events';
import type { ClientHttp2Session, OutgoingHttpHeaders } from 'node:http2';
import { connect } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

export const exportPath = '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export';

/** A request as it goes over the wire: the five bytes of its head, and the message. */
export interface WireMessage {
  readonly frame: Buffer;
  readonly isGzip: boolean;
}

export function wireMessage(bytes: Uint8Array, isGzip: boolean): WireMessage {
  const message = isGzip ? gzipSync(bytes) : Buffer.from(bytes);
  const head = Buffer.alloc(5);
  head[0] = isGzip ? 1 : 0;
  head.writeUInt32BE(message.length, 1);
  return { frame: Buffer.concat([head, message]), isGzip };
}

/** OTLP calls over one connection of bare HTTP/2: it costs the machine as little as it can. */
export class GrpcLoad {
  readonly #session: ClientHttp2Session;

  private constructor(session: ClientHttp2Session) {
    this.#session = session;
  }

  static async connect(port: number): Promise<GrpcLoad> {
    const session = connect(`http://127.0.0.1:${port}`);
    await once(session, 'connect');
    return new GrpcLoad(session);
  }

  /** @throws Error unless the call ends with status 0 */
  async send({ frame, isGzip }: WireMessage): Promise<void> {
    const headers: OutgoingHttpHeaders = {
      ':method': 'POST',
      ':path': exportPath,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...(isGzip && { 'grpc-encoding': 'gzip' }),
    };
    const stream = this.#session.request(headers);
    const status = new Promise<OutgoingHttpHeaders>((resolve, reject) => {
      let head: OutgoingHttpHeaders = {};
      stream.on('response', (response) => {
        head = response;
      });
      stream.on('trailers', (trailers) => {
        head = { ...head, ...trailers };
      });
      stream.on('error', reject);
      stream.on('close', () => resolve(head));
    });
    stream.resume();
    stream.end(frame);
    const { 'grpc-status': code, 'grpc-message': message } = await status;
    if (code !== '0') throw new Error(`the call ended with status ${code ?? 'none'}: ${message ?? ''}`);
  }

  close(): void {
    this.#session.destroy();
  }
}

/**
 * Sends messages in turn, `count` in all, and resolves when the backend has them: some at a time, and no more than a few that
 * the server has taken and not sent on, since queues that fill up are another matter than the price of a request.
 */
export async function sendAll(
  load: GrpcLoad,
  messages: readonly WireMessage[],
  count: number,
  backend: { readonly requestCount: number },
): Promise<void> {
  const before = backend.requestCount;
  let sent = 0;
  const worker = async (): Promise<void> => {
    while (sent < count) {
      const message = messages[sent++ % messages.length]!;
      await load.send(message);
      await arrival(sent - mostOnTheWay);
    }
  };
  /** Resolves when the backend has so many of them. */
  const arrival = async (wanted: number): Promise<void> => {
    const deadlineMs = performance.now() + patienceMs;
    while (backend.requestCount - before < wanted) {
      if (performance.now() > deadlineMs) {
        throw new Error(`the backend has ${backend.requestCount - before} of ${sent} requests after ${patienceMs} ms`);
      }
      await sleep(1);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  await arrival(count);
}

const concurrency = 4;
const mostOnTheWay = 12;
/** A request that is lost must not keep a bench for ever. */
const patienceMs = 60_000;
