import { choice, converted, duration, flag, integer, secret, section, text } from '../../config/config-keys.ts';
import type { ConfigSection } from '../../config/config-section.ts';
import type { ConfigOf } from '../../config/config-table.ts';
import { configTable } from '../../config/config-table.ts';
import { bufferKeys } from '../../config/ignored-keys.ts';
import { authKey } from '../../config/references.ts';
import { clientTlsTable, needsTls } from '../../config/tls-config.ts';
import { Secret } from '../../support/secret.ts';
import { checkBackend } from '../backend-checks.ts';
import { compressionParamsTable, readCompressionLevel } from '../compression.ts';
import { retryOnAuthFailureKey, retryTable } from '../retry-config.ts';
import { sendingQueueTable } from '../sending-queue-config.ts';
import type { HeaderRules } from '../shared-keys.ts';
import { dialectKey, dialectOptionsKey, headersKey, maxRequestBytesKey, optionalKey } from '../shared-keys.ts';

const headerRules: HeaderRules = {
  isName: (name) => /^[0-9a-z!#$%&'*+.^_`|~-]+$/.test(name),
  problem: 'cannot be the name of a header',
  value: /^[\t -~]*$/,
  own: new Set([
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
  ]),
};

// A Collector takes bodies of 20 MiB (20,971,520 bytes) unless it is told otherwise, and answers 400 to larger ones.
const defaultMaxRequestBytes = 20_000_000;

const http1 = 'requests go over HTTP/1.1';
const onlyProfiles = 'only profiles are sent';

const idleBound: readonly [string, string] = [
  'is set, but no more connections are idle than were in use',
  'remove it, or bound them with max_conns_per_host or idle_conn_timeout',
];

/** Exporter `otlp_http`. */
export const otlpHttpTable = configTable(
  {
    about: 'Sends profiles by OTLP over HTTP.',
    source: 'https://github.com/open-telemetry/opentelemetry-collector/tree/main/exporter/otlphttpexporter',
    keys: {
      base: text(
        'endpoint',
        { fallback: '' },
        'Base URL; `/v1development/profiles` is added. Without it, `OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT` or `OTEL_EXPORTER_OTLP_ENDPOINT` of the environment, with the headers there.',
      ),
      whole: text('profiles_endpoint', { fallback: '' }, 'URL that is used as it is; goes before `endpoint`.'),
      isOptional: optionalKey,
      dialect: dialectKey,
      dialectOptions: dialectOptionsKey,
      encoding: choice('encoding', { choices: ['proto', 'json'], fallback: 'proto' }, 'Encoding of requests.'),
      compression: choice(
        'compression',
        { choices: ['gzip', 'zstd', 'none'], fallback: 'gzip' },
        'Compression of requests.',
      ),
      params: section('compression_params', compressionParamsTable),
      tls: section('tls', clientTlsTable),
      authenticator: authKey('client authenticator'),
      /** Names are lower case. */
      headers: headersKey('Headers of each request, by name.', headerRules),
      /** With user and password where the proxy wants them. */
      proxyUrl: converted(secret('proxy_url', 'URL of a proxy to connect through.'), takeProxyUrl),
      maxConnsPerHost: integer(
        'max_conns_per_host',
        { fallback: 0, min: 0 },
        'Connections at the same time; 0 is as many as requests.',
      ),
      idleConnTimeoutMs: duration(
        'idle_conn_timeout',
        { fallback: 90_000, min: 1 },
        'A connection that was idle for this long is closed, or earlier if the receiver says so.',
      ),
      disableKeepAlives: flag('disable_keep_alives', { fallback: false }, 'Each request has a connection of its own.'),
      timeoutMs: duration(
        'timeout',
        { fallback: 30_000, min: 0 },
        'Time for one attempt to send a request; `0s` is no bound.',
      ),
      /** Larger requests are split. */
      maxRequestBytes: maxRequestBytesKey(defaultMaxRequestBytes),
      retry: section('retry_on_failure', retryTable),
      retryOnAuthFailure: retryOnAuthFailureKey,
      queue: section('sending_queue', sendingQueueTable),
    },
    refused: { max_idle_conns: idleBound, max_idle_conns_per_host: idleBound },
    ignored: {
      ...bufferKeys,
      force_attempt_http2: http1,
      http2_read_idle_timeout: http1,
      http2_ping_timeout: http1,
      traces_endpoint: onlyProfiles,
      metrics_endpoint: onlyProfiles,
      logs_endpoint: onlyProfiles,
    },
  },
  ({ base, whole, isOptional, params, ...values }, own) => {
    const url = readUrl(own, { base: base.trim(), whole: whole.trim(), isOptional });
    const { tls, compression } = values;
    if (url?.protocol === 'https:' && tls.insecure) own.section('tls').addWarning('insecure', insecureHasNoEffect);
    if (url?.protocol === 'http:' && needsTls(tls)) {
      const key = own.has('profiles_endpoint') ? 'profiles_endpoint' : 'endpoint';
      own.addProblem(key, 'begins with http://, which is without TLS, but tls is set', 'write https://');
    }
    checkBackend(own, 'http', values);
    /** `compressionLevel` is unused without compression. */
    return { ...values, url, compressionLevel: readCompressionLevel(own, compression) };
  },
);

/** `url` is `undefined` where the exporter is switched off, by an empty endpoint and `optional: true`. */
export type OtlpHttpConfig = ConfigOf<typeof otlpHttpTable>;

const insecureHasNoEffect =
  'has no effect beside an https:// endpoint, which is TLS; write http:// for plaintext, or insecure_skip_verify';

interface WrittenUrl {
  readonly base: string;
  readonly whole: string;
  readonly isOptional: boolean;
}

/** `profiles_endpoint` goes before `endpoint`, as a signal's own does everywhere in OTLP. */
function readUrl(section: ConfigSection, { base, whole, isOptional }: WrittenUrl): URL | undefined {
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

function takeProxyUrl(written: Secret, section: ConfigSection): Secret | undefined {
  const text = written.reveal().trim();
  if (text === '') return undefined;
  if (/^https?:\/\//i.test(text) && URL.canParse(text)) return new Secret(text);
  section.addProblem('proxy_url', 'is no URL of a proxy', 'write one that begins with http:// or https://');
  return undefined;
}

/** Path of OTLP profiles below a base URL (https://opentelemetry.io/docs/specs/otlp/#otlphttp-request). */
const profilesPath = '/v1development/profiles';

/**
 * Reads a URL of OTLP over HTTP: `base` gets the path of profiles appended, `whole` is used as it is. A text is the
 * problem that it has; it never repeats the URL, which may hold a password.
 */
function parseProfilesUrl(text: string, kind: 'base' | 'whole'): URL | string {
  if (!/^https?:\/\//i.test(text)) return 'does not begin with http:// or https://';
  const url = URL.parse(text);
  if (url === null) return 'is no URL';
  if (url.username !== '' || url.password !== '') return 'holds a user or password, which belongs under headers';
  if (url.hash !== '') return 'has a fragment, which is never sent';
  if (kind === 'whole') return url;
  if (url.search !== '') return 'has a query, which a base URL cannot have';
  url.pathname = url.pathname.replace(/\/$/, '') + profilesPath;
  return url;
}

/** The URL as messages show it: without its query, which may hold a token. */
export function shownUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
