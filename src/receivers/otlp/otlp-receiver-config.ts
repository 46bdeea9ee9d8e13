import { converted, duration, integer, optionalSection, section, textList } from '../../config/config-keys.ts';
import type { ConfigKey, ConfigOf } from '../../config/config-table.ts';
import { configTable } from '../../config/config-table.ts';
import { allowedHostsKey } from '../../config/endpoint.ts';
import { serverKeys } from '../../config/ignored-keys.ts';
import { authKey } from '../../config/references.ts';
import { serverTlsTable } from '../../config/tls-config.ts';
import type { ContentEncoding } from '../content-encoding.ts';
import { contentEncodings } from '../content-encoding.ts';
import { grpcServerTable, hostAndPort, onlyTcp } from '../grpc-server-config.ts';

// The largest report that the eBPF profiler sends. Memory is bounded by what a message holds, not by its bytes.
const defaultBodyBytes = 32 * 1024 * 1024;

const onlyProfiles = 'only profiles are taken here';

const httpTable = configTable(
  {
    about: 'An HTTP server for OTLP, at `/v1development/profiles`.',
    source: 'https://github.com/open-telemetry/opentelemetry-collector/tree/main/config/confighttp',
    keys: {
      endpoint: hostAndPort('localhost:4318'),
      tls: optionalSection('tls', serverTlsTable),
      allowedHosts: allowedHostsKey,
      authenticator: authKey('server authenticator'),
      /** Bound before decompression and after it. */
      maxRequestBodyBytes: converted(
        integer(
          'max_request_body_size',
          { fallback: defaultBodyBytes, min: 0, max: 1024 ** 3 },
          'Largest body in bytes, before decompression and after; 0 is the default.',
        ),
        // As in the Collector, 0 stands for the default.
        (bytes) => (bytes === 0 ? defaultBodyBytes : bytes),
      ),
      compressionAlgorithms: algorithmsKey(),
      // The Collector has none of these bounds; a sender that is slower than a minute holds memory for nothing.
      readTimeoutMs: wholeMs('read_timeout', 'Time for a whole request; 0 is no bound.'),
      readHeaderTimeoutMs: wholeMs('read_header_timeout', 'Time for the headers of a request; 0 is no bound.'),
      idleTimeoutMs: wholeMs('idle_timeout', 'A connection without a request for this long is closed; 0 is no bound.'),
      maxConnections: integer(
        'max_connections',
        { fallback: 256, min: 1, max: 65_536 },
        'Connections at the same time.',
      ),
      transport: onlyTcp,
    },
    ignored: {
      ...serverKeys,
      traces_url_path: onlyProfiles,
      metrics_url_path: onlyProfiles,
      logs_url_path: onlyProfiles,
    },
  },
  ({ transport, ...config }) => config,
);

/** Typed keys of an HTTP server for OTLP. */
export type OtlpHttpServerConfig = ConfigOf<typeof httpTable>;

const protocolsTable = configTable({
  about: 'The protocols of the receiver; at least one of them.',
  keys: { grpc: optionalSection('grpc', grpcServerTable), http: optionalSection('http', httpTable) },
});

/** Receiver `otlp`; at least one of the protocols is there. */
export const otlpReceiverTable = configTable(
  {
    about: 'Takes OTLP profiles over gRPC and HTTP.',
    source: 'https://github.com/open-telemetry/opentelemetry-collector/tree/main/receiver/otlpreceiver',
    keys: { protocols: section('protocols', protocolsTable) },
  },
  ({ protocols }, own) => {
    if (protocols.grpc === undefined && protocols.http === undefined) {
      const problem = 'must specify at least one protocol when using the OTLP receiver';
      own.addProblem('protocols', problem, 'write "protocols: {grpc: {}, http: {}}" for both with their defaults');
    }
    return protocols;
  },
);

export type OtlpReceiverConfig = ConfigOf<typeof otlpReceiverTable>;

/** A duration of a minute, in whole milliseconds: Node.js takes no others. */
function wholeMs(key: string, meaning: string): ConfigKey<number> {
  return converted(duration(key, { fallback: 60_000, min: 0 }, meaning), Math.ceil);
}

function algorithmsKey(): ConfigKey<readonly ContentEncoding[]> {
  const key = 'compression_algorithms';
  const meaning = 'Encodings of bodies that are taken; `""` is none.';
  return converted(textList(key, { fallback: contentEncodings, choices: contentEncodings }, meaning), (names, own) => {
    const known = contentEncodings.filter((encoding) => names.includes(encoding));
    for (const name of names) {
      if (known.some((encoding) => encoding === name)) continue;
      const listed = contentEncodings.map((encoding) => encoding || '""').join(', ');
      own.addProblem(key, `"${name}" is not known here`, `choose from ${listed}`);
    }
    return known;
  });
}
