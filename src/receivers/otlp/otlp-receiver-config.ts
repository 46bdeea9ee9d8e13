import { readAuthenticatorId } from '../../config/auth-config.ts';
import type { ConfigSection } from '../../config/config-section.ts';
import { ignoreKeys, serverKeys } from '../../config/ignored-keys.ts';
import { readServerTlsConfig } from '../../config/tls-config.ts';
import type { ServerTlsConfig } from '../../support/tls/tls-config.ts';
import type { ContentEncoding } from '../content-encoding.ts';
import { contentEncodings } from '../content-encoding.ts';
import type { GrpcServerConfig } from '../grpc-server-config.ts';
import { isHostAndPort, readGrpcServerConfig } from '../grpc-server-config.ts';

/** Receiver `otlp`, in the Collector's grammar; at least one of the protocols is there. */
export interface OtlpReceiverConfig {
  readonly grpc: GrpcServerConfig | undefined;
  readonly http: OtlpHttpConfig | undefined;
}

/** An HTTP server in the Collector's grammar (https://github.com/open-telemetry/opentelemetry-collector/tree/main/config/confighttp). */
export interface OtlpHttpConfig {
  /** `host:port`. */
  readonly endpoint: string;
  /** `undefined` for plain text. */
  readonly tls: ServerTlsConfig | undefined;
  /** Extension that knows the credentials of requests; empty = nobody is asked. */
  readonly authenticator: string;
  /** Before decompression and after it. */
  readonly maxRequestBodyBytes: number;
  readonly compressionAlgorithms: readonly ContentEncoding[];
  /** For a whole request; 0 for no bound. */
  readonly readTimeoutMs: number;
  readonly readHeaderTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxConnections: number;
}

export function readOtlpReceiverConfig(section: ConfigSection): OtlpReceiverConfig {
  const protocols = section.section('protocols');
  const grpc = protocols.optionalSection('grpc');
  const http = protocols.optionalSection('http');
  if (grpc === undefined && http === undefined) {
    const problem = 'must specify at least one protocol when using the OTLP receiver';
    section.addProblem('protocols', problem, 'write "protocols: {grpc: {}, http: {}}" for both with their defaults');
  }
  const config = {
    grpc: grpc === undefined ? undefined : readGrpcServerConfig(grpc),
    http: http === undefined ? undefined : readHttpConfig(http),
  };
  protocols.end();
  section.end();
  return config;
}

function readHttpConfig(section: ConfigSection): OtlpHttpConfig {
  const endpoint = section.string('endpoint', 'localhost:4318');
  if (!isHostAndPort(endpoint)) {
    section.addProblem('endpoint', `is "${endpoint}"`, 'write host:port, such as "localhost:4318" or "[::1]:4318"');
  }
  const tls = section.optionalSection('tls');
  // As in the Collector, 0 stands for the default.
  const bodyBytes = section.integer('max_request_body_size', defaultBodyBytes, { min: 0, max: 1024 ** 3 });
  const config = {
    endpoint,
    tls: tls === undefined ? undefined : readServerTlsConfig(tls),
    authenticator: readAuthenticatorId(section),
    maxRequestBodyBytes: bodyBytes === 0 ? defaultBodyBytes : bodyBytes,
    compressionAlgorithms: readAlgorithms(section),
    // The Collector has none of these bounds; a sender that is slower than a minute holds memory for nothing. Node.js takes
    // whole milliseconds alone.
    readTimeoutMs: Math.ceil(section.durationMs('read_timeout', 60_000, { min: 0 })),
    readHeaderTimeoutMs: Math.ceil(section.durationMs('read_header_timeout', 60_000, { min: 0 })),
    idleTimeoutMs: Math.ceil(section.durationMs('idle_timeout', 60_000, { min: 0 })),
    maxConnections: section.integer('max_connections', 256, { min: 1, max: 65_536 }),
  };
  section.oneOf('transport', 'tcp', ['tcp']);
  ignoreKeys(section, { ...serverKeys, ...otherSignals });
  section.end();
  return config;
}

const onlyProfiles = 'only profiles are taken here';
const otherSignals = { traces_url_path: onlyProfiles, metrics_url_path: onlyProfiles, logs_url_path: onlyProfiles };

const defaultBodyBytes = 20 * 1024 * 1024;

function readAlgorithms(section: ConfigSection): readonly ContentEncoding[] {
  const names = section.stringList('compression_algorithms', contentEncodings);
  const known = contentEncodings.filter((encoding) => names.includes(encoding));
  for (const name of names) {
    if (known.some((encoding) => encoding === name)) continue;
    const listed = contentEncodings.map((encoding) => encoding || '""').join(', ');
    section.addProblem('compression_algorithms', `"${name}" is not known here`, `choose from ${listed}`);
  }
  return known;
}
