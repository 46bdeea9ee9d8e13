import type { Listener } from '../config/component-type.ts';
import { choice, converted, duration, integer, optionalSection, section, text } from '../config/config-keys.ts';
import type { ConfigKey, ConfigOf } from '../config/config-table.ts';
import { configTable } from '../config/config-table.ts';
import { parseEndpoint } from '../config/endpoint.ts';
import { serverKeys } from '../config/ignored-keys.ts';
import { authKey } from '../config/references.ts';
import { serverTlsTable } from '../config/tls-config.ts';

// RFC 9113 recommends at least 100 (https://www.rfc-editor.org/rfc/rfc9113#section-6.5.2).
const defaultMaxConcurrentStreams = 100;
// Twice as many as a full node has pods (110, the default of Kubernetes).
const defaultMaxConnections = 256;
// The largest report that the eBPF profiler sends. Memory is bounded by what a message holds, not by its bytes.
const defaultMessageMib = 32;
const mebibyte = 1024 * 1024;

// A timer of Node.js can wait 24.8 days, and an age is a tenth longer for some connections. A longer one would fire at once.
const timerRange = { min: 0, max: 21 * 86_400_000 };

const keepaliveTable = configTable({
  about: 'Pings and limits of connections.',
  keys: {
    server: section(
      'server_parameters',
      configTable({
        about: 'Limits of a connection; 0 is no limit.',
        keys: {
          maxConnectionIdleMs: orNone('max_connection_idle', 'A connection without a call for this long is closed.'),
          maxConnectionAgeMs: orNone('max_connection_age', 'A connection that is older is closed.'),
          maxConnectionAgeGraceMs: orNone(
            'max_connection_age_grace',
            'Time for the calls of a connection that is closed for its age.',
          ),
          // Defaults of grpc-go, which the Collector has.
          keepaliveTimeMs: orDefault(
            'time',
            7_200_000,
            'A connection that is silent for this long is pinged; 0 is the default.',
          ),
          keepaliveTimeoutMs: orDefault(
            'timeout',
            20_000,
            'A ping without an answer for this long closes the connection; 0 is the default.',
          ),
        },
      }),
    ),
  },
  ignored: { enforcement_policy: 'clients may send pings as often as they like' },
});

/** Key `transport` of the Collector. */
export const onlyTcp: ConfigKey<'tcp'> = choice('transport', { choices: ['tcp'], fallback: 'tcp' }, 'Only `tcp`.');

/** A gRPC server. */
export const grpcServerTable = configTable(
  {
    title: 'gRPC server',
    about: 'A gRPC server. Receivers with the same endpoint share one, and must agree on all its keys.',
    source: 'https://github.com/open-telemetry/opentelemetry-collector/tree/main/config/configgrpc',
    keys: {
      endpoint: hostAndPort('localhost:4317'),
      tls: optionalSection('tls', serverTlsTable),
      authenticator: authKey('server authenticator'),
      /** Bound of one message after decompression. */
      maxReceiveMessageBytes: converted(
        integer(
          'max_recv_msg_size_mib',
          { fallback: defaultMessageMib, min: 0, max: 1024 },
          'Largest message in MiB, after decompression; 0 is the default.',
        ),
        // As in the Collector, 0 stands for the default.
        (mib) => (mib === 0 ? defaultMessageMib : mib) * mebibyte,
      ),
      /** Bound for each connection. */
      maxConcurrentStreams: converted(
        integer(
          'max_concurrent_streams',
          { fallback: defaultMaxConcurrentStreams, min: 0, max: 65_536 },
          'Calls at the same time, on each connection; 0 is the default.',
        ),
        (streams) => (streams === 0 ? defaultMaxConcurrentStreams : streams),
      ),
      maxConnections: integer(
        'max_connections',
        { fallback: defaultMaxConnections, min: 1, max: 65_536 },
        'Connections at the same time.',
      ),
      keepalive: section('keepalive', keepaliveTable),
      transport: onlyTcp,
    },
    ignored: serverKeys,
  },
  ({ keepalive, transport, ...config }) => ({ ...config, ...keepalive.server }),
);

/** Typed keys of a gRPC server. A duration that is `undefined` is no limit. */
export type GrpcServerConfig = ConfigOf<typeof grpcServerTable>;

/** The socket of a gRPC server. A faulty endpoint, which is reported as such, is that of any free port. */
export function grpcListener(path: string, config: { readonly endpoint: string }): Listener {
  const endpoint = parseEndpoint(config.endpoint) ?? { host: '', port: 0 };
  return { path, endpoint, server: 'grpc', settings: { ...config } };
}

function orNone(key: string, meaning: string): ConfigKey<number | undefined> {
  return converted(duration(key, { fallback: 0, ...timerRange }, meaning), (ms) => ms || undefined);
}

function orDefault(key: string, fallback: number, meaning: string): ConfigKey<number> {
  return converted(duration(key, { fallback, ...timerRange }, meaning), (ms) => ms || fallback);
}

/** Key `endpoint` of a receiver. */
export function hostAndPort(fallback: string): ConfigKey<string> {
  const meaning = '`host:port` to listen on; an empty host is every interface, and port 0 lets the system choose.';
  return converted(text('endpoint', { fallback }, meaning), (endpoint, parent) => {
    if (parseEndpoint(endpoint) === undefined) {
      const port = fallback.split(':').at(-1);
      parent.addProblem(
        'endpoint',
        `is "${endpoint}"`,
        `write host:port, such as "localhost:${port}" or "[::1]:${port}"`,
      );
    }
    return endpoint;
  });
}
