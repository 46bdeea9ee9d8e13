import { choice, converted, duration, flag, optionalSection, section, text } from '../../config/config-keys.ts';
import type { ConfigSection } from '../../config/config-section.ts';
import type { ConfigKey, ConfigOf } from '../../config/config-table.ts';
import { configTable } from '../../config/config-table.ts';
import { bufferKeys } from '../../config/ignored-keys.ts';
import { authKey } from '../../config/references.ts';
import { clientTlsTable, needsTls } from '../../config/tls-config.ts';
import { checkBackend } from '../backend-checks.ts';
import { retryOnAuthFailureKey, retryTable } from '../retry-config.ts';
import { sendingQueueTable } from '../sending-queue-config.ts';
import type { HeaderRules } from '../shared-keys.ts';
import { dialectKey, dialectOptionsKey, headersKey, maxRequestBytesKey, optionalKey } from '../shared-keys.ts';

const headerRules: HeaderRules = {
  isName: (name) => /^[0-9a-z_.-]+$/.test(name) && !name.endsWith('-bin') && !name.startsWith('grpc-'),
  problem: 'cannot be a text header of gRPC',
  value: /^[ -~]*$/,
  own: new Set(['otlp-profiles-development-version']),
};

// Receivers take 4 MiB (4,194,304 bytes) unless they are told otherwise: gRPC's default, and so the Collector's. The rest is for
// what proxies on the way add. OTLP's own bound, 64 MiB, is the most that can be set.
const defaultMaxRequestBytes = 4_000_000;

// Less than a timer of Node.js can wait, 24.8 days: a longer one would fire at once.
const timerRange = { min: 1, max: 21 * 86_400_000 };

const keepaliveTable = configTable({
  about: 'Pings on a connection.',
  keys: {
    timeMs: duration(
      'time',
      { fallback: 10_000, ...timerRange },
      'A connection that is silent for this long is pinged.',
    ),
    timeoutMs: duration(
      'timeout',
      { fallback: 10_000, ...timerRange },
      'A ping without an answer for this long closes the connection.',
    ),
    permitWithoutStream: flag(
      'permit_without_stream',
      { fallback: false },
      'Pings also while no request is under way.',
    ),
  },
});

/** Exporter `otlp_grpc`. */
export const otlpGrpcTable = configTable(
  {
    about: 'Sends profiles by OTLP over gRPC.',
    source: 'https://github.com/open-telemetry/opentelemetry-collector/tree/main/exporter/otlpexporter',
    keys: {
      written: text(
        'endpoint',
        { fallback: '' },
        '`host:port`, also with `http://`, `https://`, `dns:` or `unix:`. Without it, `OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT` or `OTEL_EXPORTER_OTLP_ENDPOINT` of the environment, with the headers there.',
      ),
      isOptional: optionalKey,
      dialect: dialectKey,
      dialectOptions: dialectOptionsKey,
      tls: section('tls', clientTlsTable),
      authenticator: authKey('client authenticator'),
      compression: choice(
        'compression',
        { choices: ['gzip', 'zstd', 'none'], fallback: 'gzip' },
        'Compression of requests.',
      ),
      /** Names are lower case. */
      headers: headersKey('Metadata of each request, by name.', headerRules),
      keepalive: optionalSection('keepalive', keepaliveTable),
      waitForReady: flag(
        'wait_for_ready',
        { fallback: false },
        'A request waits for a connection, within its timeout.',
      ),
      balancerName: choice(
        'balancer_name',
        { choices: ['round_robin', 'pick_first'], fallback: 'round_robin' },
        'Use of several addresses of the endpoint.',
      ),
      authority: headerText('authority', /^[!-~]*$/, '`:authority` of requests, instead of that of the endpoint.'),
      userAgent: headerText('user_agent', /^[ -~]*$/, 'User agent of requests, instead of that of Framekeeper.'),
      timeoutMs: duration(
        'timeout',
        { fallback: 5_000, min: 0 },
        'Time for one attempt to send a request; `0s` is no bound.',
      ),
      /** Larger requests are split. */
      maxRequestBytes: maxRequestBytesKey(defaultMaxRequestBytes),
      retry: section('retry_on_failure', retryTable),
      retryOnAuthFailure: retryOnAuthFailureKey,
      queue: section('sending_queue', sendingQueueTable),
    },
    ignored: bufferKeys,
  },
  ({ written, isOptional, ...values }, own) => {
    const endpoint = readEndpoint(own, written.trim(), isOptional);
    const isTls = endpoint?.security === undefined ? !values.tls.insecure : endpoint.security === 'tls';
    const config = { ...values, endpoint, isTls };
    refuseHalfTls(own, config);
    refusePlaintextCredentials(own, config);
    checkBackend(own, 'grpc', values);
    return config;
  },
);

/** `endpoint` is `undefined` where the exporter is switched off, by an empty endpoint and `optional: true`. */
export type OtlpGrpcConfig = ConfigOf<typeof otlpGrpcTable>;

type Security = Pick<OtlpGrpcConfig, 'endpoint' | 'isTls' | 'tls' | 'authenticator'>;

/** A text that is a header of each request. A server ends the whole connection for characters that no header has. */
function headerText(key: string, allowed: RegExp, meaning: string): ConfigKey<string> {
  return converted(text(key, { fallback: '' }, meaning), (value, section) => {
    if (allowed.test(value)) return value;
    section.addProblem(key, `${JSON.stringify(value)} has characters that no header can have`, 'use printable ASCII');
    return '';
  });
}

/** As in the Collector, whose gRPC sends credentials over TLS alone. */
function refusePlaintextCredentials(own: ConfigSection, { endpoint, isTls, authenticator }: Security): void {
  if (isTls || endpoint === undefined || authenticator === '') return;
  const problem = 'the credentials require transport level security, and the endpoint is without TLS';
  own.addProblem('auth', problem, 'use TLS, or remove auth');
}

/** An authority means TLS: with `insecure` beside an authority, the Collector uses TLS all the same. */
function refuseHalfTls(section: ConfigSection, { endpoint, isTls, tls }: Security): void {
  if (endpoint === undefined || isTls || !needsTls(tls)) return;
  if (endpoint.security === 'plaintext') {
    section.addProblem('endpoint', 'begins with http://, which is without TLS, but tls is set', 'write https://');
  } else {
    const problem = 'is true, which is without TLS, but a certificate or name for TLS is set beside it';
    section.section('tls').addProblem('insecure', problem, 'remove insecure, or all else of tls');
  }
}

function readEndpoint(section: ConfigSection, text: string, isOptional: boolean): GrpcEndpoint | undefined {
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

/** Address of a receiver, in the form of gRPC. */
export interface GrpcEndpoint {
  readonly target: string;
  /** Security by the scheme: `https` is TLS, `http` is not; other schemes leave it to the `tls` section. */
  readonly security: 'tls' | 'plaintext' | undefined;
}

/**
 * Reads `host:port`, `http://host:port`, `https://host:port`, `dns:///host:port`, `unix:path` or `unix:///absolute/path`.
 * A text is the problem that it has.
 */
function parseGrpcEndpoint(text: string): GrpcEndpoint | string {
  if (/^unix:/.test(text)) return text.length > 'unix:'.length ? { target: text, security: undefined } : 'has no path';
  const [, scheme = '', rest = ''] = /^(https?:\/\/|dns:\/\/[^/]*\/|dns:(?!\/))?(.*)$/s.exec(text)!;
  const isHttp = scheme.startsWith('http');
  const address = isHttp ? rest.replace(/\/$/, '') : rest;
  const match = /^(\[[0-9a-fA-F:.%]+\]|[^\s:/[\]]+)(?::(.*))?$/s.exec(address);
  if (match === null) return 'is no address';
  const port = match[2];
  if (port === undefined) return 'has no port';
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535 || Number(port) === 0) return `has the invalid port "${port}"`;
  if (!isHttp) return { target: text, security: undefined };
  return { target: address, security: scheme === 'https://' ? 'tls' : 'plaintext' };
}
