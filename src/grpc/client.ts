import { inOnePiece } from '../support/gather-bytes.ts';
import { atOnce } from '../support/steps.ts';
import type { CallEnd, CallLimits } from './client-call.ts';
import { callUnary, notBegun } from './client-call.ts';
import type { ClientConnectionOptions } from './client-connection.ts';
import { ClientConnection } from './client-connection.ts';
import { StreamCall } from './client-stream.ts';
import type { Address, Target } from './client-target.ts';
import type { OutgoingHeaders } from './http2/header-codec.ts';
import { status } from './status.ts';

/** Compresses messages, under its name in `grpc-encoding`. */
export interface Compressor {
  readonly name: string;
  readonly compress: (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;
}

export interface GrpcClientOptions extends ClientConnectionOptions, CallLimits {
  readonly target: Target;
  /** `:authority` instead of the target's; empty = that. */
  readonly authority: string;
  readonly userAgent: string;
  /** `round_robin`: connections to all addresses, in turns. `pick_first`: to the first that can be reached. */
  readonly balancer: 'round_robin' | 'pick_first';
  /** True: a call waits for a connection. False: a call fails when none can be made now. */
  readonly waitForReady: boolean;
  readonly compressor: Compressor | undefined;
}

export interface UnaryRequest {
  readonly path: string;
  /** Names are lower case. */
  readonly headers: OutgoingHeaders;
  /** One message, in its pieces. */
  readonly pieces: readonly Uint8Array[];
}

/** A name is looked up again at most so often, as in gRPC. */
const lookupIntervalMs = 30_000;
/** A call that receivers did not look at is made again so often. */
const mostRepeats = 3;

/**
 * Calls to the servers of one target over HTTP/2. Nothing is opened before the first call, and what was lost is opened
 * by the next.
 */
export class GrpcClient {
  readonly #options: GrpcClientOptions;
  readonly #headers: OutgoingHeaders;
  readonly #closing = new AbortController();
  #connections: readonly ClientConnection[] = [];
  #byAddress = new Map<string, ClientConnection>();
  #lookup: Promise<void> | undefined;
  #lookedUpMs = Number.NEGATIVE_INFINITY;
  #lookupFault: string | undefined;
  #turn = 0;
  /** False from the moment when a receiver said that it does not take the encoding. */
  #isCompressing: boolean;

  constructor(options: GrpcClientOptions) {
    const { target, authority, tls, userAgent, decompressors, compressor } = options;
    this.#options = options;
    this.#isCompressing = compressor !== undefined;
    this.#headers = {
      ':method': 'POST',
      ':scheme': tls === undefined ? 'http' : 'https',
      ':authority': authority === '' ? target.authority : authority,
      // Of each call; it has its place before other headers.
      ':path': '',
      te: 'trailers',
      'content-type': 'application/grpc',
      'user-agent': userAgent,
      'grpc-accept-encoding': ['identity', ...decompressors.keys()].join(','),
    };
  }

  /** Never rejects. `signal` cancels. */
  async call({ path, headers, pieces }: UnaryRequest, signal: AbortSignal): Promise<CallEnd> {
    const { compressor, maxResponseBytes, decompressors } = this.#options;
    const isCompressed = this.#isCompressing && compressor !== undefined;
    const sent = isCompressed ? [await compressor.compress(atOnce(inOnePiece(pieces)))] : pieces;
    const encoding = isCompressed ? { 'grpc-encoding': compressor.name } : undefined;
    const all: OutgoingHeaders = { ...this.#headers, ':path': path, ...headers, ...encoding };
    for (let repeats = 0; ; repeats++) {
      const connection = this.#ready() ?? (await this.#connect(signal));
      if (!(connection instanceof ClientConnection)) return connection;
      const { session } = connection;
      // Another call that waited for the same connection took its last stream.
      if (session === undefined) continue;
      const leave = connection.begin();
      const message = { pieces: sent, isCompressed };
      const end = await callUnary(session, all, message, { maxResponseBytes, decompressors, signal });
      leave();
      if (end.isUnprocessed === true && repeats < mostRepeats && !signal.aborted) continue;
      this.#noteEncodings(end);
      // Of an earlier try, another connection may still have pieces to write.
      return repeats === 0 ? end : { ...end, isWritten: false };
    }
  }

  /** Begins a call of messages in both directions. `onMessage` gets those of the receiver; `signal` cancels. */
  stream(
    path: string,
    headers: OutgoingHeaders,
    onMessage: (bytes: Uint8Array) => void,
    signal: AbortSignal,
  ): StreamCall {
    const call = new StreamCall(this.#options.maxResponseBytes, onMessage, signal);
    void Promise.resolve(this.#ready() ?? this.#connect(signal)).then((connection) => {
      if (!(connection instanceof ClientConnection)) return call.fail(connection);
      const { session } = connection;
      if (session === undefined) return call.fail(notBegun);
      const leave = connection.begin();
      call.open(session, { ...this.#headers, ':path': path, ...headers });
      return call.ended.then(leave);
    });
    return call;
  }

  /** Ends all connections once their calls have ended. */
  close(): void {
    this.#closing.abort();
    for (const connection of this.#connections) connection.close();
    this.#connections = [];
  }

  #noteEncodings({ acceptEncoding }: CallEnd): void {
    const { compressor } = this.#options;
    if (acceptEncoding === undefined || compressor === undefined) return;
    const names = acceptEncoding.split(',').map((name) => name.trim());
    if (!names.includes(compressor.name)) this.#isCompressing = false;
  }

  /** The next connection that takes calls; those that were lost are opened again behind it, for round_robin. */
  #ready(): ClientConnection | undefined {
    const connections = this.#connections;
    let found: ClientConnection | undefined;
    for (let step = 0; step < connections.length; step++) {
      const index = (this.#turn + step) % connections.length;
      const connection = connections[index]!;
      if (connection.session === undefined) continue;
      if (this.#options.balancer === 'round_robin') this.#turn = (index + 1) % connections.length;
      found = connection;
      break;
    }
    if (found !== undefined && this.#options.balancer === 'round_robin' && connections.length > 1) {
      for (const connection of this.#due()) void connection.connect();
    }
    return found;
  }

  /** Connections that may be opened now. */
  #due(): ClientConnection[] {
    const nowMs = this.#options.clock.nowMs();
    return this.#connections.filter(({ session, retryAtMs }) => session === undefined && retryAtMs <= nowMs);
  }

  /** A connection that takes calls, or the end of the call. */
  async #connect(signal: AbortSignal): Promise<ClientConnection | CallEnd> {
    for (;;) {
      await whenAnyOrAborted([this.#lookUp()], signal);
      if (signal.aborted || this.#closing.signal.aborted) {
        return unconnected(status.CANCELLED, 'the call was cancelled before there was a connection');
      }
      const due = this.#due();
      if (this.#options.balancer === 'pick_first') due.splice(1);
      await whenAnyOrAborted(
        due.map((connection) => connection.connect().then(() => connection.session !== undefined)),
        signal,
      );
      const ready = this.#ready();
      if (ready !== undefined) return ready;
      if (this.#due().length > 0) continue;
      if (!this.#options.waitForReady) {
        return unconnected(status.UNAVAILABLE, this.#lastFault());
      }
      await this.#untilDue(signal);
    }
  }

  #lastFault(): string {
    if (this.#connections.length === 0) return this.#lookupFault ?? 'the target has no address';
    return this.#connections
      .map(({ fault }) => fault)
      .filter((fault, index, all) => all.indexOf(fault) === index)
      .join('; ');
  }

  async #untilDue(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const times = this.#connections.map(({ retryAtMs }) => retryAtMs);
    const atMs = times.length === 0 ? clock.nowMs() + 1_000 : Math.min(...times);
    const ended = AbortSignal.any([signal, this.#closing.signal]);
    await clock.sleep(Math.max(1, atMs - clock.nowMs()), ended).catch(() => undefined);
  }

  /** Looks the addresses up, where that is due. */
  #lookUp(): Promise<void> {
    const { clock } = this.#options;
    const isKnown = this.#connections.length > 0 && clock.nowMs() - this.#lookedUpMs < lookupIntervalMs;
    if (isKnown) return Promise.resolve();
    this.#lookup ??= this.#options.target
      .resolve()
      .then(
        (addresses) => this.#setAddresses(addresses),
        (error: Error) => {
          // Connections to addresses that were found before stay.
          this.#lookupFault = `Name resolution failed for target ${this.#options.target.host}: ${error.message}`;
        },
      )
      .finally(() => {
        this.#lookup = undefined;
      });
    return this.#lookup;
  }

  #setAddresses(addresses: readonly Address[]): void {
    this.#lookedUpMs = this.#options.clock.nowMs();
    if (this.#closing.signal.aborted) return;
    const former = this.#byAddress;
    this.#byAddress = new Map();
    for (const address of addresses) {
      const key = JSON.stringify(address);
      const known = former.get(key) ?? this.#byAddress.get(key);
      this.#byAddress.set(key, known ?? new ClientConnection(address, this.#options.target, this.#options));
    }
    this.#connections = [...this.#byAddress.values()];
    for (const [key, connection] of former) if (!this.#byAddress.has(key)) connection.close();
  }
}

function unconnected(code: number, details: string): CallEnd {
  return { status: { code, details }, isAnswered: false, origin: 'unconnected' };
}

/** Resolves once one of `attempts` resolves with other than false, all have settled, or `signal` aborts. */
function whenAnyOrAborted(attempts: readonly Promise<unknown>[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
    for (const attempt of attempts)
      void attempt.then(
        (isSuccess) => isSuccess !== false && done(),
        () => undefined,
      );
    void Promise.allSettled(attempts).then(done);
  });
}
