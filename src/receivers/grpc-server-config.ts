import { readAuthenticatorId } from '../config/auth-config.ts';
import type { ConfigSection } from '../config/config-section.ts';
import { ignoreKeys, serverKeys } from '../config/ignored-keys.ts';
import { readServerTlsConfig } from '../config/tls-config.ts';
import type { ServerTlsConfig } from '../support/tls/tls-config.ts';

/** A gRPC server in the Collector's grammar (https://github.com/open-telemetry/opentelemetry-collector/tree/main/config/configgrpc). */
export interface GrpcServerConfig {
  /** `host:port`. */
  readonly endpoint: string;
  /** `undefined` for plain text. */
  readonly tls: ServerTlsConfig | undefined;
  /** Extension that knows the credentials of all calls; empty = nobody is asked. */
  readonly authenticator: string;
  /** Of one message, after decompression. */
  readonly maxReceiveMessageBytes: number;
  /** For each connection. */
  readonly maxConcurrentStreams: number;
  readonly maxConnections: number;
  /** `undefined` where there is no such limit. */
  readonly maxConnectionIdleMs: number | undefined;
  readonly maxConnectionAgeMs: number | undefined;
  readonly maxConnectionAgeGraceMs: number | undefined;
  readonly keepaliveTimeMs: number;
  readonly keepaliveTimeoutMs: number;
}

// RFC 9113 recommends at least 100 (https://www.rfc-editor.org/rfc/rfc9113#section-6.5.2).
const defaultMaxConcurrentStreams = 100;
// One a pod of a full node (110, the default of Kubernetes), twice.
const defaultMaxConnections = 256;
const mebibyte = 1024 * 1024;

/** `defaultEndpoint` differs between receivers only if they say so: the Collector's port is 4317. */
export function readGrpcServerConfig(section: ConfigSection, defaultEndpoint = 'localhost:4317'): GrpcServerConfig {
  const endpoint = section.string('endpoint', defaultEndpoint);
  if (!isHostAndPort(endpoint)) {
    section.addProblem('endpoint', `is "${endpoint}"`, 'write host:port, such as "localhost:4317" or "[::1]:4317"');
  }
  const tls = section.optionalSection('tls');
  // As in the Collector, 0 stands for the default.
  const sizeMib = section.integer('max_recv_msg_size_mib', 4, { min: 0, max: 1024 });
  const streams = section.integer('max_concurrent_streams', defaultMaxConcurrentStreams, { min: 0, max: 65_536 });
  const maxConnections = section.integer('max_connections', defaultMaxConnections, { min: 1, max: 65_536 });
  const config = {
    endpoint,
    tls: tls === undefined ? undefined : readServerTlsConfig(tls),
    authenticator: readAuthenticatorId(section),
    maxReceiveMessageBytes: (sizeMib === 0 ? 4 : sizeMib) * mebibyte,
    maxConcurrentStreams: streams === 0 ? defaultMaxConcurrentStreams : streams,
    maxConnections,
    ...readKeepalive(section.section('keepalive')),
  };
  section.oneOf('transport', 'tcp', ['tcp']);
  ignoreKeys(section, serverKeys);
  section.end();
  return config;
}

type KeepaliveConfig = Pick<
  GrpcServerConfig,
  'maxConnectionIdleMs' | 'maxConnectionAgeMs' | 'maxConnectionAgeGraceMs' | 'keepaliveTimeMs' | 'keepaliveTimeoutMs'
>;

// What a timer of Node.js can wait, 24.8 days, less what grpc-js adds by chance. A longer one would fire at once.
const timerRange = { min: 0, max: 21 * 86_400_000 };

function readKeepalive(section: ConfigSection): KeepaliveConfig {
  const server = section.section('server_parameters');
  const config = {
    maxConnectionIdleMs: server.durationMs('max_connection_idle', 0, timerRange) || undefined,
    maxConnectionAgeMs: server.durationMs('max_connection_age', 0, timerRange) || undefined,
    maxConnectionAgeGraceMs: server.durationMs('max_connection_age_grace', 0, timerRange) || undefined,
    // Defaults of grpc-go, which the Collector has.
    keepaliveTimeMs: server.durationMs('time', 7_200_000, timerRange) || 7_200_000,
    keepaliveTimeoutMs: server.durationMs('timeout', 20_000, timerRange) || 20_000,
  };
  server.end();
  ignoreKeys(section, { enforcement_policy: 'clients may send pings as often as they like' });
  section.end();
  return config;
}

/** Whether a text is an endpoint; the host may be empty, for all interfaces. */
export function isHostAndPort(endpoint: string): boolean {
  const match = /^(?:\[[0-9a-fA-F:.%]+\]|[^:[\]\s/]*):(\d{1,5})$/.exec(endpoint);
  return match !== null && Number(match[1]) <= 65_535;
}
