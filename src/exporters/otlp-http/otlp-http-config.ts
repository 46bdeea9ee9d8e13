import { readAuthenticatorId } from '../../config/auth-config.ts';
import type { ComponentType } from '../../config/component-type.ts';
import type { ConfigSection } from '../../config/config-section.ts';
import { bufferKeys, ignoreKeys } from '../../config/ignored-keys.ts';
import { needsTls, readClientTlsConfig } from '../../config/tls-config.ts';
import type { DialectName } from '../../profile/dialects/dialect.ts';
import { Secret } from '../../support/secret.ts';
import type { ClientTlsConfig } from '../../support/tls/tls-config.ts';
import type { Compression } from '../compression.ts';
import { readCompressionLevel } from '../compression.ts';
import { readDialect } from '../dialect-exporter.ts';
import { readMaxRequestBytes } from '../max-request-bytes.ts';
import { otlpFromEnvironment } from '../otlp-environment.ts';
import type { RetryConfig } from '../retry-config.ts';
import { readRetryConfig } from '../retry-config.ts';
import type { SendingQueueConfig } from '../sending-queue-config.ts';
import { readSendingQueueConfig } from '../sending-queue-config.ts';
import { parseProfilesUrl } from './profiles-url.ts';

export interface OtlpHttpConfig {
  /** Which backend profiles are written for. */
  readonly dialect: DialectName;
  /** Where profiles are posted. `undefined`: switched off, by an empty endpoint and `optional: true`. */
  readonly url: URL | undefined;
  readonly encoding: 'proto' | 'json';
  readonly compression: Compression;
  /** Unused without compression. */
  readonly compressionLevel: number;
  readonly tls: ClientTlsConfig;
  /** Extension that gives credentials; empty = none. */
  readonly authenticator: string;
  /** Names are lower case. */
  readonly headers: ReadonlyMap<string, Secret>;
  /** Proxy to connect through, with its user and password if it wants them. */
  readonly proxyUrl: Secret | undefined;
  /** Connections at the same time; 0 = as many as requests. */
  readonly maxConnsPerHost: number;
  /** A connection that was idle for so long is closed, or earlier if the receiver says so. */
  readonly idleConnTimeoutMs: number;
  /** Whether each request has a connection of its own. */
  readonly disableKeepAlives: boolean;
  readonly timeoutMs: number;
  /** Bound on the size of a request as protobuf; larger ones are split. */
  readonly maxRequestBytes: number;
  readonly retry: RetryConfig;
  readonly queue: SendingQueueConfig;
}

// A Collector takes bodies of 20 MiB (20,971,520 bytes) unless it is told otherwise, and answers 400 to larger ones.
const defaultMaxRequestBytes = 20_000_000;

export const otlpHttpExporterType: ComponentType<OtlpHttpConfig> = {
  kind: 'exporter',
  type: 'otlp_http',
  aliases: ['otlphttp'],
  stability: 'alpha',
  fromEnvironment: (values, env, report) =>
    otlpFromEnvironment(values, env, report, { base: 'endpoint', whole: 'profiles_endpoint' }),
  read: readOtlpHttpConfig,
};

/** Reads an `otlp_http` exporter (https://github.com/open-telemetry/opentelemetry-collector/tree/main/exporter/otlphttpexporter). */
export function readOtlpHttpConfig(section: ConfigSection): OtlpHttpConfig {
  const url = readUrl(section);
  const tls = readClientTlsConfig(section.section('tls'));
  const compression = section.oneOf('compression', 'gzip', ['gzip', 'zstd', 'none']);
  const config: OtlpHttpConfig = {
    dialect: readDialect(section),
    url,
    encoding: section.oneOf('encoding', 'proto', ['proto', 'json']),
    compression,
    compressionLevel: readCompressionLevel(section.section('compression_params'), compression),
    tls,
    authenticator: readAuthenticatorId(section),
    headers: readHeaders(section),
    proxyUrl: readProxyUrl(section),
    maxConnsPerHost: section.integer('max_conns_per_host', 0, { min: 0 }),
    idleConnTimeoutMs: section.durationMs('idle_conn_timeout', 90_000, { min: 1 }),
    disableKeepAlives: section.boolean('disable_keep_alives', false),
    timeoutMs: section.durationMs('timeout', 30_000, { min: 0 }),
    maxRequestBytes: readMaxRequestBytes(section, defaultMaxRequestBytes),
    retry: readRetryConfig(section.section('retry_on_failure')),
    queue: readSendingQueueConfig(section.section('sending_queue')),
  };
  refuseIdleBounds(section);
  ignoreKeys(section, { ...bufferKeys, ...otherKeys });
  section.end();
  if (url?.protocol === 'https:' && tls.insecure) {
    section.section('tls').addWarning('insecure', insecureHasNoEffect);
  }
  if (url?.protocol === 'http:' && needsTls(tls)) {
    const key = section.has('profiles_endpoint') ? 'profiles_endpoint' : 'endpoint';
    section.addProblem(key, 'begins with http://, which is without TLS, but tls is set', 'write https://');
  }
  return config;
}

const insecureHasNoEffect =
  'has no effect beside an https:// endpoint, which is TLS; write http:// for plaintext, or insecure_skip_verify';

/** `profiles_endpoint` goes before `endpoint`, as a signal's own does everywhere in OTLP. */
function readUrl(section: ConfigSection): URL | undefined {
  const isOptional = section.boolean('optional', false);
  const base = section.string('endpoint', '').trim();
  const whole = section.string('profiles_endpoint', '').trim();
  const key = whole === '' ? 'endpoint' : 'profiles_endpoint';
  const text = whole || base;
  if (text === '') {
    if (!isOptional) {
      const remedy = 'write a URL such as http://localhost:4318, or optional: true to switch the exporter off';
      section.addProblem(key, 'is empty', remedy);
    }
    return undefined;
  }
  const url = parseProfilesUrl(text, whole === '' ? 'base' : 'whole');
  if (typeof url !== 'string') return url;
  const example = whole === '' ? 'http://localhost:4318' : 'http://localhost:4318/v1development/profiles';
  section.addProblem(key, url, `write a URL such as ${example}`);
  return undefined;
}

function readProxyUrl(section: ConfigSection): Secret | undefined {
  const text = section.opaque('proxy_url').reveal().trim();
  if (text === '') return undefined;
  if (/^https?:\/\//i.test(text) && URL.canParse(text)) return new Secret(text);
  section.addProblem('proxy_url', 'is no URL of a proxy', 'write one that begins with http:// or https://');
  return undefined;
}

/** What is refused here would be an error at each request, or would contradict what the exporter says itself. */
function readHeaders(section: ConfigSection): ReadonlyMap<string, Secret> {
  const headers = new Map<string, Secret>();
  for (const [name, value] of section.opaqueMap('headers')) {
    const key = name.toLowerCase();
    const path = `headers.${name}`;
    if (!/^[0-9a-z!#$%&'*+.^_`|~-]+$/.test(key)) {
      section.addProblem(path, 'cannot be the name of a header', 'use letters, digits, "_", "-" and "."');
    } else if (ownHeaders.has(key)) {
      section.addProblem(path, 'is said by the exporter itself', 'remove it');
    } else if (!/^[\t -~]*$/.test(value.reveal())) {
      section.addProblem(path, 'has a value with other than printable ASCII characters', 'encode the value');
    } else headers.set(key, value);
  }
  return headers;
}

const ownHeaders: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'keep-alive',
  'otlp-profiles-development-version',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const http1 = 'requests go over HTTP/1.1';
const onlyProfiles = 'only profiles are sent';
const otherKeys = {
  force_attempt_http2: http1,
  http2_read_idle_timeout: http1,
  http2_ping_timeout: http1,
  traces_endpoint: onlyProfiles,
  metrics_endpoint: onlyProfiles,
  logs_endpoint: onlyProfiles,
};

function refuseIdleBounds(section: ConfigSection): void {
  for (const key of ['max_idle_conns', 'max_idle_conns_per_host']) {
    if (!section.has(key)) continue;
    const problem = 'is set, but no more connections are idle than were in use';
    section.addProblem(key, problem, 'remove it, or bound them with max_conns_per_host or idle_conn_timeout');
  }
}
