import type { SecureContext } from 'node:tls';
import type { Compressor } from '../../grpc/client.ts';
import { GrpcClient } from '../../grpc/client.ts';
import type { CallEnd } from '../../grpc/client-call.ts';
import type { ClientTls } from '../../grpc/client-socket.ts';
import { parseTarget } from '../../grpc/client-target.ts';
import type { ClientCredentials } from '../../model/authentication.ts';
import { hopsHeader } from '../../support/hops.ts';
import { compressUnasked, decompressors } from '../compression.ts';
import { Connections, userAgentOf } from '../connections.ts';
import type { ExportClient, SendResult } from '../export-client.ts';
import type { ExportRequest } from '../export-request.ts';
import type { ExporterDependencies } from '../exporter-type.ts';
import type { OtlpGrpcConfig } from './otlp-grpc-config.ts';
import type { CallReceiver } from './send-result.ts';
import { resultOfCall } from './send-result.ts';

const exportPath = '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export';

// OTLP's bound (https://github.com/open-telemetry/opentelemetry-proto/blob/main/docs/specification.md).
const maxResponseBytes = 4 * 1024 * 1024;

// gRPC's own default is 2 minutes. A backend that is back should be found well before retries run out (5 minutes).
const maxReconnectBackoffMs = 10_000;

export interface OtlpGrpcClientParts
  extends Pick<ExporterDependencies, 'clock' | 'random' | 'meter' | 'logger' | 'credentials'> {
  /** Of the exporter. */
  readonly id: string;
  /** Of this service, for the user agent. */
  readonly version: string;
}

/** Sends to one receiver of OTLP profiles over gRPC. */
export class OtlpGrpcClient implements ExportClient {
  readonly sendsProtobuf = true;
  readonly #headers: Readonly<Record<string, string>>;
  /** Compression needs a message in one piece. */
  readonly #isCompressed: boolean;
  readonly #receiver: Pick<CallReceiver, 'dialect' | 'isTls'>;
  #hasAnswered = false;
  readonly #credentials: ClientCredentials | undefined;
  readonly #connections: Connections<GrpcClient>;

  constructor(
    config: OtlpGrpcConfig,
    target: string,
    { id, version, credentials, random, ...parts }: OtlpGrpcClientParts,
  ) {
    this.#headers = headersOf(config);
    this.#isCompressed = config.compression !== 'none';
    this.#receiver = { dialect: config.dialect, isTls: config.isTls };
    this.#credentials = credentials;
    const { clock } = parts;
    const create = (context: SecureContext | undefined): GrpcClient =>
      new GrpcClient({
        ...config,
        target: parseTarget(target, process.env),
        tls: tlsOf(config, context),
        // As in the Collector, the name of the certificate stands for the receiver.
        authority: config.authority || (config.isTls ? config.tls.serverNameOverride : ''),
        userAgent: config.userAgent || userAgentOf(version),
        balancer: config.balancerName,
        compressor: compressors[config.compression],
        maxReconnectBackoffMs,
        maxResponseBytes,
        decompressors,
        clock,
        random,
      });
    const destroy = (client: GrpcClient): void => client.close();
    this.#connections = new Connections(config.tls, config.isTls, { create, destroy }, { part: id, ...parts });
  }

  async start(): Promise<void> {
    await this.#connections.start();
  }

  readonly send = async (request: ExportRequest, signal: AbortSignal): Promise<SendResult> => {
    const { sizeBytes } = request;
    const pieces = this.#isCompressed ? [request.encoded()] : request.lendPieces();
    const end = await this.#connections.use((client) => this.#call(client, pieces, request.hops, signal));
    this.#hasAnswered ||= end.isAnswered;
    const result = resultOfCall(end, sizeBytes, { ...this.#receiver, hasAnswered: this.#hasAnswered });
    // An attempt that was aborted is taken for a failure, and made again.
    const isDone = result.kind === 'accepted' && end.isWritten === true && !signal.aborted;
    if (isDone && !this.#isCompressed) request.returnPieces();
    return result;
  };

  async close(): Promise<void> {
    await this.#connections.close();
  }

  #call(client: GrpcClient, pieces: readonly Uint8Array[], hops: number, signal: AbortSignal): Promise<CallEnd> {
    const credentials = lowerCased(this.#credentials?.() ?? []);
    const headers = { ...this.#headers, [hopsHeader]: String(hops + 1), ...credentials };
    return client.call({ path: exportPath, headers, pieces }, signal);
  }
}

function tlsOf({ tls }: OtlpGrpcConfig, context: SecureContext | undefined): ClientTls | undefined {
  if (context === undefined) return undefined;
  return { context, rejectUnauthorized: !tls.insecureSkipVerify, serverName: tls.serverNameOverride };
}

/** Names as HTTP/2 has them. */
function lowerCased(headers: Iterable<readonly [string, string]>): Record<string, string> {
  return Object.fromEntries(Array.from(headers, ([name, value]) => [name.toLowerCase(), value]));
}

function headersOf({ headers, timeoutMs }: OtlpGrpcConfig): Readonly<Record<string, string>> {
  return {
    ...lowerCased([...headers].map(([name, value]) => [name, value.reveal()])),
    // https://github.com/open-telemetry/opentelemetry-proto/pull/857: the schema that the bytes follow.
    'otlp-profiles-development-version': '1',
    // The time that withTimeout gives an attempt, so that the receiver can drop a call that is given up. At most 8 digits.
    ...(timeoutMs > 0 && {
      'grpc-timeout': timeoutMs < 1e8 ? `${Math.ceil(timeoutMs)}m` : `${Math.ceil(timeoutMs / 1000)}S`,
    }),
  };
}

const compressors: Readonly<Record<OtlpGrpcConfig['compression'], Compressor | undefined>> = {
  gzip: { name: 'gzip', compress: (bytes) => compressUnasked(bytes, 'gzip') },
  zstd: { name: 'zstd', compress: (bytes) => compressUnasked(bytes, 'zstd') },
  none: undefined,
};
