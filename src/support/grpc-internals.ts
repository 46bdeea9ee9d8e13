import { createRequire } from 'node:module';
import { isIP } from 'node:net';
import type { ChannelCredentials } from '@grpc/grpc-js';
import { CompressionAlgorithms } from '@grpc/grpc-js/build/src/compression-algorithms.js';
import { CompressionFilterFactory } from '@grpc/grpc-js/build/src/compression-filter.js';

/*
 * The private parts of grpc-js that Framekeeper uses: all of them, and no other file has any. Each function here checks the version
 * first, so that a service with another release of grpc-js does not start instead of half working. A test holds the list.
 */

const knownVersion = '1.14.7';

const { version } = createRequire(import.meta.url)('@grpc/grpc-js/package.json') as { readonly version: string };

/** @throws Error unless grpc-js has the version whose private parts are known here */
export function checkGrpcVersion(found: string = version): void {
  if (found === knownVersion) return;
  throw new Error(
    `@grpc/grpc-js is ${found}, and its private parts are known of ${knownVersion}; install that version`,
  );
}

/** A message as it travels has a prefix: a byte that says whether it is compressed, and four of length. */
export interface MessageCoder {
  writeMessage(message: Buffer, isCompressed: boolean): Promise<Buffer>;
  readMessage(message: Buffer): Promise<Buffer>;
}

interface ClientFilter {
  readonly currentCompressionAlgorithm: string;
  readonly maxReceiveMessageLength: number;
  sendCompression: MessageCoder;
  receiveCompression: MessageCoder;
}

const clientEncodings = new Set<string>();

/**
 * Adds an encoding to all clients of this process: that of calls with `algorithm` as their `grpc.default_compression_algorithm`, and
 * of answers that name it (compression-algorithms.js, compression-filter.js).
 */
export function addClientEncoding(
  name: string,
  algorithm: CompressionAlgorithms,
  coderFor: (maxReceiveBytes: number) => MessageCoder,
): void {
  checkGrpcVersion();
  if (clientEncodings.has(name)) return;
  (CompressionAlgorithms as unknown as Record<number, string>)[algorithm] = name;
  const factory = CompressionFilterFactory.prototype;
  const { createFilter } = factory;
  factory.createFilter = function () {
    const filter = createFilter.call(this);
    const internals = filter as unknown as ClientFilter;
    const coder = coderFor(internals.maxReceiveMessageLength);
    if (internals.currentCompressionAlgorithm === name) internals.sendCompression = coder;
    const receiveMetadata = filter.receiveMetadata.bind(filter);
    filter.receiveMetadata = (metadata) => {
      const [encoding] = metadata.get('grpc-encoding');
      const rest = receiveMetadata(metadata);
      if (encoding === name) internals.receiveCompression = coder;
      return rest;
    };
    return filter;
  };
  clientEncodings.add(name);
}

/**
 * Lets a client send no server name where its host is an IP address, as RFC 6066 wants; Node.js warns of such names
 * (channel-credentials.js, `_createSecureConnector`). The certificate is checked against the address all the same.
 */
export function omitIpServerName(credentials: ChannelCredentials): void {
  checkGrpcVersion();
  interface Connector {
    readonly connectionOptions: { servername?: string | undefined };
  }
  const internals = credentials as unknown as { _createSecureConnector(...args: unknown[]): Connector };
  const create = internals._createSecureConnector.bind(credentials);
  internals._createSecureConnector = (...args) => {
    const connector = create(...args);
    const { connectionOptions } = connector;
    if (isIP(connectionOptions.servername ?? '') !== 0) delete connectionOptions.servername;
    return connector;
  };
}
