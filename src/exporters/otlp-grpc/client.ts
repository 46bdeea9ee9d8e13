import type { SecureContext } from 'node:tls';
import type { ChannelOptions } from '@grpc/grpc-js';
import { ChannelCredentials, Client, compressionAlgorithms, Metadata } from '@grpc/grpc-js';
import type { ClientCredentials } from '../../model/authentication.ts';
import { omitIpServerName } from '../../support/grpc-internals.ts';
import { hopsHeader } from '../../support/hops.ts';
import { Connections } from '../connections.ts';
import type { ExportClient, SendResult } from '../export-client.ts';
import type { ExportRequest } from '../export-request.ts';
import type { ExporterDependencies } from '../exporter-dependencies.ts';
import { userAgentOf } from '../user-agent.ts';
import type { OtlpGrpcConfig } from './otlp-grpc-config.ts';
import type { CallEnd, CallReceiver } from './send-result.ts';
import { resultOfCall } from './send-result.ts';
import { allowZstdCalls, zstdAlgorithm } from './zstd-calls.ts';

const exportPath = '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export';

// OTLP bounds responses to 4 MiB and requests, which the configuration bounds as well, to 64 MiB
// (https://github.com/open-telemetry/opentelemetry-proto/blob/main/docs/specification.md).
const maxResponseSizeBytes = 4 * 1024 * 1024;
const maxRequestSizeBytes = 64 * 1024 * 1024;

// gRPC's own default is 2 minutes. A backend that is back should be found well before retries run out (5 minutes).
const maxReconnectBackoffMs = 10_000;

export interface OtlpGrpcClientParts extends Pick<ExporterDependencies, 'clock' | 'meter' | 'logger' | 'credentials'> {
  /** Of the exporter. */
  readonly id: string;
  /** Of this service, for the user agent. */
  readonly version: string;
}

/** One gRPC channel to one receiver of OTLP profiles. */
export class OtlpGrpcClient implements ExportClient {
  readonly sendsProtobuf = true;
  readonly #metadata: Metadata;
  readonly #receiver: Pick<CallReceiver, 'dialect' | 'isTls'>;
  #hasAnswered = false;
  readonly #credentials: ClientCredentials | undefined;
  readonly #connections: Connections<Client>;

  constructor(config: OtlpGrpcConfig, target: string, { id, version, credentials, ...parts }: OtlpGrpcClientParts) {
    if (config.compression === 'zstd') allowZstdCalls();
    this.#metadata = createMetadata(config);
    this.#receiver = { dialect: config.dialect, isTls: config.isTls };
    this.#credentials = credentials;
    const options = channelOptions(config, version);
    const kind = {
      create: (context: SecureContext | undefined) => new Client(target, credentialsOf(config, context), options),
      destroy: (client: Client) => client.close(),
    };
    this.#connections = new Connections(config.tls, config.isTls, kind, { part: id, ...parts });
  }

  async start(): Promise<void> {
    await this.#connections.start();
  }

  readonly send = async (request: ExportRequest, signal: AbortSignal): Promise<SendResult> => {
    const bytes = request.encoded();
    const end = await this.#connections.use((client) => this.#call(client, request, signal));
    this.#hasAnswered ||= end.isAnswered;
    return resultOfCall(end, bytes.length, { ...this.#receiver, hasAnswered: this.#hasAnswered });
  };

  async close(): Promise<void> {
    await this.#connections.close();
  }

  #metadataOf({ hops }: ExportRequest): Metadata {
    const metadata = this.#metadata.clone();
    metadata.set(hopsHeader, String(hops + 1));
    for (const [name, value] of this.#credentials?.() ?? []) metadata.set(name, value);
    return metadata;
  }

  #call(client: Client, request: ExportRequest, signal: AbortSignal): Promise<CallEnd> {
    return new Promise((resolve) => {
      let isAnswered = false;
      const call = client.makeUnaryRequest(
        exportPath,
        (message: Uint8Array) => Buffer.from(message.buffer, message.byteOffset, message.byteLength),
        (response: Buffer) => response,
        request.encoded(),
        this.#metadataOf(request),
        (error, response) => {
          signal.removeEventListener('abort', cancel);
          resolve({ error, response, isAnswered });
        },
      );
      call.on('metadata', () => {
        isAnswered = true;
      });
      const cancel = (): void => call.cancel();
      if (signal.aborted) cancel();
      else signal.addEventListener('abort', cancel, { once: true });
    });
  }
}

function credentialsOf({ tls }: OtlpGrpcConfig, context: SecureContext | undefined): ChannelCredentials {
  if (context === undefined) return ChannelCredentials.createInsecure();
  const credentials = ChannelCredentials.createFromSecureContext(context, {
    rejectUnauthorized: !tls.insecureSkipVerify,
  });
  omitIpServerName(credentials);
  return credentials;
}

function createMetadata({ headers, waitForReady, timeoutMs }: OtlpGrpcConfig): Metadata {
  const metadata = new Metadata({ waitForReady });
  for (const [name, value] of headers) metadata.set(name, value.reveal());
  // https://github.com/open-telemetry/opentelemetry-proto/pull/857: the schema that the bytes follow.
  metadata.set('otlp-profiles-development-version', '1');
  // The time that withTimeout gives an attempt, so that the receiver can drop a call that is given up. At most 8 digits.
  if (timeoutMs > 0) {
    metadata.set('grpc-timeout', timeoutMs < 1e8 ? `${Math.ceil(timeoutMs)}m` : `${Math.ceil(timeoutMs / 1000)}S`);
  }
  return metadata;
}

const algorithms = {
  gzip: compressionAlgorithms.gzip,
  zstd: zstdAlgorithm,
  none: compressionAlgorithms.identity,
} as const;

function channelOptions(config: OtlpGrpcConfig, version: string): ChannelOptions {
  const { keepalive, tls } = config;
  return {
    'grpc.primary_user_agent': config.userAgent || userAgentOf(version),
    'grpc.default_compression_algorithm': algorithms[config.compression],
    'grpc.max_receive_message_length': maxResponseSizeBytes,
    'grpc.max_send_message_length': maxRequestSizeBytes,
    'grpc.max_reconnect_backoff_ms': maxReconnectBackoffMs,
    'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ [config.balancerName]: {} }] }),
    // A receiver's DNS zone must not change how data is sent.
    'grpc.service_config_disable_resolution': 1,
    // Exporters do not share connections: closing one ends its own.
    'grpc.use_local_subchannel_pool': 1,
    ...(keepalive && {
      'grpc.keepalive_time_ms': keepalive.timeMs,
      'grpc.keepalive_timeout_ms': keepalive.timeoutMs,
      'grpc.keepalive_permit_without_calls': keepalive.permitWithoutStream ? 1 : 0,
    }),
    ...(config.isTls && tls.serverNameOverride !== '' && { 'grpc.ssl_target_name_override': tls.serverNameOverride }),
    ...(config.authority !== '' && { 'grpc.default_authority': config.authority }),
  };
}
