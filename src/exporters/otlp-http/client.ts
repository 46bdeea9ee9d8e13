import type { SecureContext } from 'node:tls';
import type { Dispatcher } from 'undici';
import type { ClientCredentials } from '../../model/authentication.ts';
import type { Clock } from '../../support/clock.ts';
import { codeOf, messageOf } from '../../support/error-text.ts';
import { hopsHeader } from '../../support/hops.ts';
import { loadPackage } from '../../support/program-files.ts';
import { compress } from '../compression.ts';
import { describeConnectionFault } from '../connection-fault.ts';
import { Connections, userAgentOf } from '../connections.ts';
import type { ExportClient, SendResult } from '../export-client.ts';
import type { ExportRequest } from '../export-request.ts';
import type { ExporterDependencies } from '../exporter-type.ts';
import { jsonOf, LargeRequests } from '../large-requests.ts';
import type { OtlpHttpConfig } from './otlp-http-config.ts';
import { shownUrl } from './otlp-http-config.ts';
import type { HttpResponse } from './send-result.ts';
import { resultOfResponse } from './send-result.ts';

// OTLP bounds requests, before compression, to 64 MiB and responses to 4 MiB
// (https://github.com/open-telemetry/opentelemetry-proto/blob/main/docs/specification.md). Of a failure's body the
// Collector reads 64 KiB: it is for people.
const maxRequestSizeBytes = 64 * 1024 * 1024;
const maxResponseSizeBytes = 4 * 1024 * 1024;
const maxFailureSizeBytes = 64 * 1024;

export interface OtlpHttpClientParts extends Pick<ExporterDependencies, 'clock' | 'meter' | 'logger' | 'credentials'> {
  /** Of the exporter. */
  readonly id: string;
  /** Of this service, for the user agent. */
  readonly version: string;
}

interface HttpMessage {
  readonly body: Uint8Array;
  /** Of this message alone. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Posts requests to one receiver of OTLP profiles over lasting connections. */
export class OtlpHttpClient implements ExportClient {
  readonly sendsProtobuf: boolean;
  readonly #config: OtlpHttpConfig;
  readonly #url: URL;
  readonly #clock: Clock;
  readonly #large: LargeRequests;
  #hasAnswered = false;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #credentials: ClientCredentials | undefined;
  readonly #connections: Connections<Dispatcher>;

  constructor(config: OtlpHttpConfig, url: URL, { id, version, credentials, ...parts }: OtlpHttpClientParts) {
    this.sendsProtobuf = config.encoding !== 'json';
    this.#config = config;
    this.#url = url;
    this.#clock = parts.clock;
    this.#large = new LargeRequests(parts.clock);
    this.#headers = createHeaders(config, version);
    this.#credentials = credentials;
    const kind = {
      create: (context: SecureContext | undefined) => createDispatcher(config, context),
      // The chain has left behind every request that is still under way.
      destroy: (dispatcher: Dispatcher) => dispatcher.destroy(),
    };
    this.#connections = new Connections(config.tls, url.protocol === 'https:', kind, { part: id, ...parts });
  }

  async start(): Promise<void> {
    await this.#connections.start();
  }

  readonly send = async (request: ExportRequest, signal: AbortSignal): Promise<SendResult> => {
    const { encoding, compression, compressionLevel, dialect } = this.#config;
    const message = encoding === 'json' ? await jsonOf(request, this.#large) : request.encoded();
    if (message.length > maxRequestSizeBytes) return tooLarge(message.length);
    const body = await compress(message, compression, compressionLevel);
    const own = { [hopsHeader]: String(request.hops + 1) };
    const end = await this.#connections.use((dispatcher) => this.#post(dispatcher, { body, headers: own }, signal));
    if ('kind' in end) return end;
    const nowUnixMs = Number(this.#clock.unixNano() / 1_000_000n);
    return resultOfResponse(end, { url: this.#url, dialect, nowUnixMs });
  };

  async close(): Promise<void> {
    await Promise.all([this.#connections.close(), this.#large.stop()]);
  }

  async #post(
    dispatcher: Dispatcher,
    { body, headers }: HttpMessage,
    signal: AbortSignal,
  ): Promise<HttpResponse | SendResult> {
    const { origin, pathname, search } = this.#url;
    try {
      const response = await dispatcher.request({
        origin,
        path: pathname + search,
        method: 'POST',
        headers: { ...this.#headers, ...headers, ...Object.fromEntries(this.#credentials?.() ?? []) },
        body,
        signal,
      });
      this.#hasAnswered = true;
      return await readResponse(response);
    } catch (error) {
      if (codeOf(error) === 'UND_ERR_INVALID_ARG') return unusable(error, this.#url);
      // Refused, broken off, or no HTTP at all: whether the receiver has the request is unknown.
      const isTls = this.#url.protocol === 'https:';
      const connecting = { protocol: 'http', isTls, hasAnswered: this.#hasAnswered } as const;
      const fault = describeConnectionFault(describeError(error), connecting);
      const reason = `Unavailable: ${shownUrl(this.#url)}: ${fault}`;
      return { kind: 'retryable', errorType: 'Unavailable', reason };
    }
  }
}

/** The connections of one exporter, none open yet; `context` is there for https. */
function createDispatcher(config: OtlpHttpConfig, context: SecureContext | undefined): Dispatcher {
  const { tls, proxyUrl } = config;
  const connect = {
    rejectUnauthorized: !tls.insecureSkipVerify,
    ...(context !== undefined && { secureContext: context }),
    ...(tls.serverNameOverride !== '' && { servername: tls.serverNameOverride }),
  };
  const options = {
    // One request a connection at a time: a slow one holds up no other. 0 closes each connection after its request.
    pipelining: config.disableKeepAlives ? 0 : 1,
    connections: config.maxConnsPerHost || null,
    keepAliveTimeout: config.idleConnTimeoutMs,
    keepAliveMaxTimeout: config.idleConnTimeoutMs,
    // One stream at a time would gain nothing from HTTP/2, and OTLP wants HTTP/1.1 everywhere.
    allowH2: false,
    // The time of an attempt is the chain's to measure.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  const { Agent, ProxyAgent } = loadPackage<typeof import('undici')>('undici');
  if (proxyUrl === undefined) return new Agent({ ...options, connect });
  return new ProxyAgent({ ...options, uri: proxyUrl.reveal(), requestTls: connect });
}

async function readResponse({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<HttpResponse> {
  const isFailure = statusCode >= 300;
  const limit = isFailure ? maxFailureSizeBytes : maxResponseSizeBytes;
  const chunks: Uint8Array[] = [];
  let length = 0;
  // A body that is too long is left behind on purpose: its error then is no fault.
  body.on('error', () => undefined);
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > limit) break;
    }
  } catch (error) {
    // The status of a failure has said enough.
    if (!isFailure) throw error;
  }
  return {
    status: statusCode,
    header: (name) => [headers[name] ?? ''].flat()[0]!,
    body: Buffer.concat(chunks).subarray(0, limit),
    isCut: length > limit,
  };
}

function createHeaders({ headers, encoding, compression }: OtlpHttpConfig, version: string): Record<string, string> {
  return {
    'user-agent': userAgentOf(version),
    ...Object.fromEntries(Array.from(headers, ([name, value]) => [name, value.reveal()])),
    'content-type': encoding === 'json' ? 'application/json' : 'application/x-protobuf',
    ...(compression !== 'none' && { 'content-encoding': compression }),
    // https://github.com/open-telemetry/opentelemetry-proto/pull/857: the schema that the bytes follow.
    'otlp-profiles-development-version': '1',
  };
}

function tooLarge(sizeBytes: number): SendResult {
  const reason = `ResourceExhausted: the request has ${sizeBytes} bytes, and OTLP allows ${maxRequestSizeBytes}`;
  return { kind: 'permanent', errorType: 'ResourceExhausted', reason, tooLarge: { limitBytes: undefined } };
}

/** A request that no receiver can get this way, such as through a proxy that wants another password. */
function unusable(error: unknown, url: URL): SendResult {
  return { kind: 'permanent', errorType: '_OTHER', reason: `${shownUrl(url)}: ${describeError(error)}` };
}

/** Node.js reports a refusal by every address of a host in an error without a message of its own. */
function describeError(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(describeError).join('; ');
  return messageOf(error);
}
