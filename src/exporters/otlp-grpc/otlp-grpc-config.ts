import { readAuthenticatorId } from '../../config/auth-config.ts';
import type { ComponentType } from '../../config/component-type.ts';
import type { ConfigSection } from '../../config/config-section.ts';
import { bufferKeys, ignoreKeys } from '../../config/ignored-keys.ts';
import { needsTls, readClientTlsConfig } from '../../config/tls-config.ts';
import type { DialectName } from '../../profile/dialects/dialect.ts';
import type { Secret } from '../../support/secret.ts';
import type { ClientTlsConfig } from '../../support/tls/tls-config.ts';
import type { Compression } from '../compression.ts';
import { readDialect } from '../dialect-exporter.ts';
import { readMaxRequestBytes } from '../max-request-bytes.ts';
import { otlpFromEnvironment } from '../otlp-environment.ts';
import type { RetryConfig } from '../retry-config.ts';
import { readRetryConfig } from '../retry-config.ts';
import type { SendingQueueConfig } from '../sending-queue-config.ts';
import { readSendingQueueConfig } from '../sending-queue-config.ts';
import type { GrpcEndpoint } from './endpoint.ts';
import { parseGrpcEndpoint } from './endpoint.ts';

export interface OtlpGrpcConfig {
  /** Which backend profiles are written for. */
  readonly dialect: DialectName;
  /** `undefined`: switched off, by an empty endpoint and `optional: true`. */
  readonly endpoint: GrpcEndpoint | undefined;
  readonly isTls: boolean;
  readonly tls: ClientTlsConfig;
  /** Extension that gives credentials; empty = none. */
  readonly authenticator: string;
  readonly compression: Compression;
  /** Names are lower case. */
  readonly headers: ReadonlyMap<string, Secret>;
  readonly keepalive: KeepaliveConfig | undefined;
  readonly waitForReady: boolean;
  readonly balancerName: 'round_robin' | 'pick_first';
  /** Overrides the `:authority` of the endpoint; empty = none. */
  readonly authority: string;
  /** Overrides the user agent; empty = none. */
  readonly userAgent: string;
  readonly timeoutMs: number;
  /** Bound on the encoded size of a request; larger ones are split. */
  readonly maxRequestBytes: number;
  readonly retry: RetryConfig;
  readonly queue: SendingQueueConfig;
}

export interface KeepaliveConfig {
  readonly timeMs: number;
  readonly timeoutMs: number;
  readonly permitWithoutStream: boolean;
}

// Receivers take 4 MiB (4,194,304 bytes) unless they are told otherwise: gRPC's default, and so the Collector's. The rest is for
// what proxies on the way add. OTLP's own bound, 64 MiB, is the most that can be set.
const defaultMaxRequestBytes = 4_000_000;

export const otlpGrpcExporterType: ComponentType<OtlpGrpcConfig> = {
  kind: 'exporter',
  type: 'otlp_grpc',
  aliases: ['otlp'],
  stability: 'alpha',
  fromEnvironment: (values, env, report) =>
    otlpFromEnvironment(values, env, report, { base: 'endpoint', whole: 'endpoint' }),
  read: readOtlpGrpcConfig,
};

/** Reads an `otlp_grpc` exporter (https://github.com/open-telemetry/opentelemetry-collector/tree/main/exporter/otlpexporter). */
export function readOtlpGrpcConfig(section: ConfigSection): OtlpGrpcConfig {
  const endpoint = readEndpoint(section);
  const tls = readClientTlsConfig(section.section('tls'));
  const keepalive = section.optionalSection('keepalive');
  const config: OtlpGrpcConfig = {
    dialect: readDialect(section),
    endpoint,
    isTls: endpoint?.security === undefined ? !tls.insecure : endpoint.security === 'tls',
    tls,
    authenticator: readAuthenticatorId(section),
    compression: section.oneOf('compression', 'gzip', ['gzip', 'zstd', 'none']),
    headers: readHeaders(section),
    keepalive: keepalive && readKeepalive(keepalive),
    waitForReady: section.boolean('wait_for_ready', false),
    balancerName: section.oneOf('balancer_name', 'round_robin', ['round_robin', 'pick_first']),
    authority: section.string('authority', ''),
    userAgent: section.string('user_agent', ''),
    timeoutMs: section.durationMs('timeout', 5_000, { min: 0 }),
    maxRequestBytes: readMaxRequestBytes(section, defaultMaxRequestBytes),
    retry: readRetryConfig(section.section('retry_on_failure')),
    queue: readSendingQueueConfig(section.section('sending_queue')),
  };
  ignoreKeys(section, bufferKeys);
  section.end();
  refuseHalfTls(section, config);
  return config;
}

/** Whoever names an authority expects TLS: with `insecure` beside it, the Collector uses TLS all the same. */
function refuseHalfTls(section: ConfigSection, { endpoint, isTls, tls }: OtlpGrpcConfig): void {
  if (endpoint === undefined || isTls || !needsTls(tls)) return;
  if (endpoint.security === 'plaintext') {
    section.addProblem('endpoint', 'begins with http://, which is without TLS, but tls is set', 'write https://');
  } else {
    const problem = 'is true, which is without TLS, but a certificate or name for TLS is set beside it';
    section.section('tls').addProblem('insecure', problem, 'remove insecure, or all else of tls');
  }
}

function readEndpoint(section: ConfigSection): GrpcEndpoint | undefined {
  const isOptional = section.boolean('optional', false);
  const text = section.string('endpoint', '').trim();
  if (text === '') {
    if (!isOptional) {
      section.addProblem('endpoint', 'is empty', 'write host:port, or optional: true to switch the exporter off');
    }
    return undefined;
  }
  if (/^[^/]*(?:\/\/)?[^/]*@/.test(text)) {
    const problem = 'holds a user or password, which belongs under headers or auth';
    section.addProblem('endpoint', problem, 'write host:port, e.g. localhost:4317');
    return undefined;
  }
  const endpoint = parseGrpcEndpoint(text);
  if (typeof endpoint !== 'string') return endpoint;
  section.addProblem('endpoint', `"${text}" ${endpoint}`, 'write host:port, e.g. localhost:4317');
  return undefined;
}

/** What is refused here would make grpc-js throw an error that shows the value. */
function readHeaders(section: ConfigSection): ReadonlyMap<string, Secret> {
  const headers = new Map<string, Secret>();
  for (const [name, value] of section.opaqueMap('headers')) {
    const key = name.toLowerCase();
    if (!/^[0-9a-z_.-]+$/.test(key) || key.endsWith('-bin') || key.startsWith('grpc-')) {
      section.addProblem(`headers.${name}`, 'cannot be a text header of gRPC', 'use letters, digits, "_", "-" and "."');
    } else if (key === 'otlp-profiles-development-version') {
      section.addProblem(`headers.${name}`, 'is said by the exporter itself', 'remove it');
    } else if (!/^[ -~]*$/.test(value.reveal())) {
      section.addProblem(
        `headers.${name}`,
        'has a value with other than printable ASCII characters',
        'encode the value',
      );
    } else headers.set(key, value);
  }
  return headers;
}

// Less than a timer of Node.js can wait, 24.8 days: a longer one would fire at once.
const timerRange = { min: 1, max: 21 * 86_400_000 };

function readKeepalive(section: ConfigSection): KeepaliveConfig {
  const config = {
    timeMs: section.durationMs('time', 10_000, timerRange),
    timeoutMs: section.durationMs('timeout', 10_000, timerRange),
    permitWithoutStream: section.boolean('permit_without_stream', false),
  };
  section.end();
  return config;
}
