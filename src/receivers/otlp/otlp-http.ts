import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { status } from '../../grpc/status.ts';
import type { UnfinishedMessages } from '../../grpc/unfinished-messages.ts';
import { givenUpTexts } from '../../grpc/unfinished-messages.ts';
import type { RequestGuard } from '../../model/authentication.ts';
import { encodeExportResponseJson } from '../../otlp/json/export-response-json.ts';
import type { ExportResponse } from '../../otlp/protobuf/export-response.ts';
import { encodeExportResponse } from '../../otlp/protobuf/export-response.ts';
import { gathered } from '../../support/gather-bytes.ts';
import { hopsHeader, parseHops } from '../../support/hops.ts';
import type { WorkQueue } from '../../support/steps.ts';
import type { ContentEncoding } from '../content-encoding.ts';
import { contentEncodingOf, decompress } from '../content-encoding.ts';
import type { RpcStatus } from '../rpc-status.ts';
import { encodeRpcStatus } from '../rpc-status.ts';
import type { ExportMessage, ProfilesIntake } from './profiles-intake.ts';
import {
  developmentVersionKey,
  httpStatusOf,
  refuseDevelopmentVersion,
  retryAfterSeconds,
  rpcStatusJson,
  stopping,
} from './refusal.ts';

/** Every response closes in the end: with a reason of its own, an abort makes no error with a stack trace. */
const connectionClosed = 'the connection is closed';

export const profilesPath = '/v1development/profiles';

export interface OtlpHttpLimits {
  /** Before decompression and after it. */
  readonly maxRequestBodyBytes: number;
  readonly compressionAlgorithms: readonly ContentEncoding[];
  /** Path of the key that sets `maxRequestBodyBytes`. */
  readonly limitKey: string;
  /** Account of the bodies that have come in part. */
  readonly bodies: UnfinishedMessages;
  /** Gathers and decompresses large bodies. */
  readonly work: WorkQueue;
}

type Encoding = ExportMessage['encoding'];

const contentTypes = { protobuf: 'application/x-protobuf', json: 'application/json' } as const;

/**
 * OTLP over HTTP (https://opentelemetry.io/docs/specs/otlp/#otlphttp). What can be refused by the head of a request is
 * refused before its body is read; every other refusal is a google.rpc.Status in the encoding of the request.
 */
export function addOtlpRoutes(
  app: FastifyInstance,
  intake: ProfilesIntake,
  limits: OtlpHttpLimits,
  guard: RequestGuard | undefined,
): void {
  if (guard !== undefined) app.addHook('onRequest', async (request, reply) => askGuard(guard, request, reply));
  const limit = `${limits.limitKey} (${limits.maxRequestBodyBytes} bytes)`;
  const refuseTooLarge = (reply: FastifyReply, encoding: Encoding): FastifyReply =>
    sendStatus(reply, encoding, 413, intake.refuseTooLarge('http', limit));
  app.removeAllContentTypeParsers();
  const bodyLimit = limits.maxRequestBodyBytes;
  app.addContentTypeParser('*', { bodyLimit }, (request, payload, done) => {
    readBody(request, payload, limits).then((body) => done(null, body), done);
  });
  app.post(profilesPath, {
    bodyLimit,
    onRequest: async (request, reply) => refuseByHead(request, reply, intake, limits),
    handler: async (request, reply) => {
      const body = (request.body as Buffer | undefined) ?? Buffer.alloc(0);
      const encoding = encodingOf(request)!;
      const compression = contentEncodingOf(request.headers['content-encoding'])!;
      const content = await decompress(body, compression, limits.maxRequestBodyBytes, limits.work);
      if (content.kind === 'too_large') return refuseTooLarge(reply, encoding);
      if (content.kind === 'damaged') {
        const message = `cannot decompress the request body as ${compression}: ${content.reason}`;
        return refuse(reply, encoding, intake, 'encoding', { code: status.INVALID_ARGUMENT, message });
      }
      const isVersionDeclared = valuesOf(request, developmentVersionKey).length > 0;
      const caller = new AbortController();
      // The client may have left while its request was decompressed.
      if (reply.raw.closed) caller.abort(connectionClosed);
      else reply.raw.once('close', () => caller.abort(connectionClosed));
      const outcome = await intake.take({
        transport: 'http',
        encoding,
        bytes: content.bytes,
        isVersionDeclared,
        hops: parseHops(valuesOf(request, hopsHeader)),
        caller,
      });
      if (outcome.kind === 'taken') return sendResponse(reply, encoding, outcome.response);
      return sendStatus(reply, encoding, httpStatusOf(outcome.refusal.code), outcome.refusal);
    },
  });
  app.setNotFoundHandler((request, reply) => {
    if (pathOf(request) !== profilesPath) return sendText(reply, 404, '404 page not found');
    return sendText(reply.header('allow', 'POST'), 405, '405 method not allowed, supported: [POST]');
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const encoding = encodingOf(request) ?? 'json';
    // The rest of the body is not waited for.
    if (error.statusCode !== undefined) reply.header('connection', 'close');
    if (error.statusCode === 413) return refuseTooLarge(reply, encoding);
    if (error.statusCode === 503) {
      const refusal = { code: status.UNAVAILABLE, message: error.message, retryAfterMs: 1_000 };
      return refuse(reply, encoding, intake, 'busy', refusal);
    }
    const code = error.statusCode !== undefined && error.statusCode < 500 ? status.INVALID_ARGUMENT : status.INTERNAL;
    return refuse(reply, encoding, intake, code === status.INTERNAL ? 'internal' : 'invalid', {
      code,
      message: code === status.INTERNAL ? 'the service failed to handle the request' : error.message,
    });
  });
}

/** Before anything else, also of what there is not to be found, as in the Collector. */
async function askGuard(
  guard: RequestGuard,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply | undefined> {
  const refusal = await guard.check((name) => [request.headers[name] ?? []].flat()[0]);
  if (refusal === undefined) return undefined;
  const isBusy = refusal.retryAfterMs !== undefined;
  if (!isBusy) reply.header('www-authenticate', guard.challenge);
  const code = isBusy ? status.UNAVAILABLE : status.UNAUTHENTICATED;
  return sendStatus(reply, encodingOf(request) ?? 'json', httpStatusOf(code), { code, ...refusal });
}

async function refuseByHead(
  request: FastifyRequest,
  reply: FastifyReply,
  intake: ProfilesIntake,
  limits: OtlpHttpLimits,
): Promise<FastifyReply | undefined> {
  const encoding = encodingOf(request);
  if (encoding === undefined) {
    const supported = `${contentTypes.json}, ${contentTypes.protobuf}`;
    return sendText(reply, 415, `415 unsupported media type, supported: [${supported}]`);
  }
  if (intake.isStopping) return refuse(reply, encoding, intake, 'stopping', stopping);
  const version = refuseDevelopmentVersion(valuesOf(request, developmentVersionKey));
  if (version !== undefined) return refuse(reply, encoding, intake, 'version', version);
  const loop = intake.refuseLoop('http', valuesOf(request, hopsHeader));
  if (loop !== undefined) return sendStatus(reply, encoding, httpStatusOf(loop.code), loop);
  const notAdmitted = intake.refuseUnadmitted();
  if (notAdmitted !== undefined) return refuse(reply, encoding, intake, 'not_admitted', notAdmitted);
  const header = request.headers['content-encoding'];
  const compression = contentEncodingOf(header);
  if (compression !== undefined && limits.compressionAlgorithms.includes(compression)) return undefined;
  const message = `unsupported Content-Encoding: ${header ?? 'none'}`;
  return refuse(reply, encoding, intake, 'encoding', { code: status.INVALID_ARGUMENT, message });
}

/** Node joins a header that comes twice with a comma, so there is one value or none. */
function valuesOf({ headers }: FastifyRequest, name: string): string[] {
  const value = headers[name];
  return value === undefined ? [] : [value].flat();
}

/** By the content type, whose parameters say nothing here. */
function encodingOf({ headers }: FastifyRequest): Encoding | undefined {
  const type = (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
  if (type === contentTypes.protobuf) return 'protobuf';
  return type === contentTypes.json ? 'json' : undefined;
}

function pathOf({ url }: FastifyRequest): string {
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}

function refuse(
  reply: FastifyReply,
  encoding: Encoding,
  intake: ProfilesIntake,
  reason: Parameters<ProfilesIntake['refuse']>[1],
  refusal: RpcStatus,
): FastifyReply {
  intake.refuse('http', reason, refusal);
  return sendStatus(reply, encoding, httpStatusOf(refusal.code), refusal);
}

/**
 * The whole body. Rejects with an error that has a `statusCode`: 413 for one that is too large, 408 for one that does not get any further,
 * 503 where too much is held of others.
 */
function readBody(
  { raw, headers }: FastifyRequest,
  payload: NodeJS.ReadableStream,
  { maxRequestBodyBytes, bodies, work }: OtlpHttpLimits,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    const fail = (statusCode: number, message: string): void => {
      body.finish();
      chunks.length = 0;
      payload.removeAllListeners('data').resume();
      reject(Object.assign(new Error(message), { statusCode }));
    };
    const body = bodies.begin(raw.socket, (reason) =>
      fail(reason === 'stalled' || reason === 'too_slow' ? 408 : 503, givenUpTexts[reason]),
    );
    if (Number(headers['content-length'] ?? 0) > maxRequestBodyBytes) return fail(413, '');
    payload.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (sizeBytes > maxRequestBodyBytes) return fail(413, '');
      chunks.push(chunk);
      body.hold(sizeBytes, chunks.length);
    });
    payload.on('end', () => {
      body.finish();
      resolve(gathered(chunks, work));
    });
    payload.on('error', (error) => fail(400, error.message));
    raw.once('close', () => body.finish());
  });
}

function sendStatus(reply: FastifyReply, encoding: Encoding, httpStatus: number, refusal: RpcStatus): FastifyReply {
  const mayRetry = httpStatus === 429 || httpStatus === 503;
  if (mayRetry && refusal.retryAfterMs !== undefined) {
    reply.header('retry-after', retryAfterSeconds(refusal.retryAfterMs));
  }
  return send(reply, encoding, httpStatus, () =>
    encoding === 'json' ? rpcStatusJson(refusal) : encodeRpcStatus(refusal),
  );
}

function sendResponse(reply: FastifyReply, encoding: Encoding, response: ExportResponse): FastifyReply {
  return send(reply, encoding, 200, () =>
    encoding === 'json' ? encodeExportResponseJson(response) : encodeExportResponse(response),
  );
}

function send(reply: FastifyReply, encoding: Encoding, code: number, body: () => string | Uint8Array): FastifyReply {
  const content = body();
  const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.from(content);
  return reply.code(code).header('content-type', contentTypes[encoding]).send(bytes);
}

function sendText(reply: FastifyReply, code: number, text: string): FastifyReply {
  return reply.code(code).header('content-type', 'text/plain; charset=utf-8').send(text);
}
