import type { Http2SecureServer, Http2Server, Http2Session, ServerHttp2Stream } from 'node:http2';
import { createRequire } from 'node:module';
import { isIP } from 'node:net';
import type { Readable } from 'node:stream';
import type { ChannelCredentials, Server, ServerCredentials } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { CompressionAlgorithms } from '@grpc/grpc-js/build/src/compression-algorithms.js';
import { CompressionFilterFactory } from '@grpc/grpc-js/build/src/compression-filter.js';
import { BaseServerInterceptingCall } from '@grpc/grpc-js/build/src/server-interceptors.js';

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

/** Calls `prepare` with the HTTP/2 server of `server` before it listens (server.js, `createHttp2Server`). */
export function prepareHttp2Server(
  server: Server,
  prepare: (http2Server: Http2Server | Http2SecureServer, credentials: ServerCredentials) => void,
): void {
  checkGrpcVersion();
  const internals = server as unknown as {
    createHttp2Server(credentials: ServerCredentials): Http2Server | Http2SecureServer;
  };
  const create = internals.createHttp2Server.bind(server);
  internals.createHttp2Server = (credentials) => {
    const http2Server = create(credentials);
    prepare(http2Server, credentials);
    return http2Server;
  };
}

/** Reads a received message. Rejects with a status, `{ code, details }`, as grpc-js's own readers do. */
export type ReadMessage = (body: Buffer, maxBytes: number) => Promise<Buffer>;

interface ServerCall {
  readonly stream: ServerHttp2Stream;
  readonly handler: { readonly path: string };
  readonly maxReceiveMessageSize: number;
  readonly decoder: {
    readonly readState: number;
    readonly readMessageSize: number;
    readonly readMessageRemaining: number;
    readonly readPartialMessage: readonly Buffer[];
  };
  /** `message` begins with the five bytes of its prefix. */
  decompressMessage(message: Buffer, encoding: string): Buffer | Promise<Buffer>;
  handleDataFrame(data: Buffer): void;
  sendStatus(answer: { readonly code: status; readonly details: string; readonly metadata: null }): void;
}

const calls = BaseServerInterceptingCall.prototype as unknown as ServerCall;

let hasServerReaders = false;

/** Adds encodings, by their names in `grpc-encoding`, to all servers of this process (server-interceptors.js, `decompressMessage`). */
export function addServerEncodings(readers: Readonly<Record<string, ReadMessage>>): void {
  checkGrpcVersion();
  if (hasServerReaders) return;
  const readKnown = calls.decompressMessage;
  calls.decompressMessage = function (message, encoding) {
    const read = readers[encoding];
    if (read === undefined) return readKnown.call(this, message, encoding);
    return read(message.subarray(5), this.maxReceiveMessageSize);
  };
  hasServerReaders = true;
}

/** A call of which a part of a message has come. */
export interface PartOfMessage {
  /** Bytes of the message that are held, in `pieces` buffers; 0 once the message is whole. */
  readonly heldBytes: number;
  readonly pieces: number;
  /** Answers the call with a status, and takes nothing of it any more. */
  readonly end: (code: status, details: string) => void;
}

export interface MessageWatcher {
  /** Called for each DATA frame. */
  readonly onPart: (stream: ServerHttp2Stream, part: PartOfMessage) => void;
  /** Called when a message is refused for its size. `path` is that of the method. */
  readonly onTooLarge: (path: string) => void;
}

const watchers = new WeakMap<Http2Session, MessageWatcher>();
/** Calls whose message was too large: the rest of it may still come. */
const refused = new WeakSet<ServerHttp2Stream>();
const readingMessage = 2;
let isWatching = false;

/** Watches the messages that come by one connection (server-interceptors.js, `handleDataFrame`; stream-decoder.js). */
export function watchMessages(session: Http2Session, watcher: MessageWatcher): void {
  checkGrpcVersion();
  watchers.set(session, watcher);
  if (isWatching) return;
  isWatching = true;
  const { handleDataFrame, decompressMessage } = calls;
  calls.handleDataFrame = function (data) {
    handleDataFrame.call(this, data);
    const { stream, decoder, handler } = this;
    const known = stream.session && watchers.get(stream.session);
    if (known === undefined) return;
    if (decoder.readMessageSize > this.maxReceiveMessageSize && !refused.has(stream)) {
      refused.add(stream);
      known.onTooLarge(handler.path);
    }
    const isReading = decoder.readState === readingMessage;
    known.onPart(stream, {
      heldBytes: isReading ? decoder.readMessageSize - decoder.readMessageRemaining : 0,
      pieces: isReading ? decoder.readPartialMessage.length : 0,
      end: (code, details) => endCall(this, code, details),
    });
  };
  calls.decompressMessage = function (message, encoding) {
    const bytes = decompressMessage.call(this, message, encoding);
    if (!(bytes instanceof Promise)) return bytes;
    return bytes.catch((error: { readonly code?: status }) => {
      const known = this.stream.session && watchers.get(this.stream.session);
      if (error.code === status.RESOURCE_EXHAUSTED) known?.onTooLarge(this.handler.path);
      throw error;
    });
  };
}

/** A response that is whole before its request is ends the stream without an error (RFC 9113, 8.1). */
function endCall(call: ServerCall, code: status, details: string): void {
  call.sendStatus({ code, details, metadata: null });
  call.stream.once('finish', () => call.stream.close());
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
 * Lets a stream of a server read one message ahead of its handler. grpc-js reads 16, which are 64 MiB at 4 MiB a message, and its
 * constructor of streams has no parameter for the number.
 */
export function readOneAhead(call: Readable): void {
  checkGrpcVersion();
  const { _readableState: state } = call as unknown as { _readableState: { highWaterMark: number } };
  state.highWaterMark = 1;
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
