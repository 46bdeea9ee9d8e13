import type { Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import { parseEndpoint } from '../config/endpoint.ts';
import { Http2GrpcServer } from '../grpc/server.ts';
import type { Decompress, Method } from '../grpc/server-call.ts';
import { givenUpTexts } from '../grpc/unfinished-messages.ts';
import type { RequestGuard } from '../model/authentication.ts';
import type { Clock } from '../support/clock.ts';
import { countClosed } from '../support/connection-limiter.ts';
import { warnIfOpen } from '../support/open-listener.ts';
import { WorkQueue } from '../support/steps.ts';
import { TlsFiles } from '../support/tls/tls-files.ts';
import type { ContentEncoding } from './content-encoding.ts';
import { decompress } from './content-encoding.ts';
import { GrpcHealth, healthServiceName } from './grpc-health.ts';
import { GrpcReflection, reflectionServiceNames } from './grpc-reflection.ts';
import type { GrpcServerConfig } from './grpc-server-config.ts';

/** A service that a receiver has on a gRPC server. */
export interface GrpcService {
  /** Full name, e.g. `framekeeper.frames.v1.FramesService`. */
  readonly name: string;
  readonly methods: Readonly<Record<string, Method>>;
  /** Called for each message that was refused for its size. `limit` is the limit and the key that raises the limit. */
  readonly onMessageTooLarge: (limit: string) => void;
  /** Called first at a stop: refuses new calls, and ends open calls once their work is done. */
  readonly endCalls: () => void;
}

export interface GrpcServerDependencies {
  readonly clock: Clock;
  /** Asked about every call. */
  readonly guard?: RequestGuard | undefined;
  readonly meter: Meter;
  readonly logger: Logger;
}

// Larger windows gain nothing: a batch of 1,000 samples has 90 KB, and 1 MiB of them in flight keeps a core busy.
export const flowControlWindowBytes: number = 1024 * 1024;

/** A client says its settings at once, with the first bytes that it sends; as long as grpc-go gives it. */
export const settingsTimeoutMs = 120_000;

/**
 * One gRPC server at one endpoint, shared by the receivers that name it, with health and reflection beside them.
 * Receivers add their services before the first `start`; `start` and `stop` may be called by each of them.
 */
export class GrpcServer {
  readonly #config: GrpcServerConfig;
  readonly #logger: Logger;
  readonly #hasGuard: boolean;
  readonly #health = new GrpcHealth();
  readonly #services: GrpcService[] = [];
  readonly #server: Http2GrpcServer;
  readonly #tlsFiles: TlsFiles | undefined;
  #reflection: GrpcReflection | undefined;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #port = 0;

  constructor(config: GrpcServerConfig, { clock, guard, meter, logger }: GrpcServerDependencies) {
    this.#config = config;
    this.#logger = logger;
    this.#hasGuard = guard !== undefined;
    const givenUp = meter.createCounter('framekeeper_grpc_given_up_messages', {
      description: 'Messages given up before they were whole, by reason.',
      unit: '{message}',
    });
    const refusedStreams = meter.createCounter('framekeeper_grpc_refused_streams', {
      description: 'Calls refused because their connection had `max_concurrent_streams` open; clients make them again.',
      unit: '{call}',
    });
    // Series exist from the start, for alerts.
    refusedStreams.add(0);
    for (const reason of Object.keys(givenUpTexts)) givenUp.add(0, { reason });
    this.#server = new Http2GrpcServer({
      ...config,
      windowBytes: flowControlWindowBytes,
      maxMessageBytes: config.maxReceiveMessageBytes,
      minTlsVersion: config.tls?.minVersion ?? 'TLSv1.2',
      decompressors: decompressorsOn(new WorkQueue(clock)),
      guard,
      settingsTimeoutMs,
      clock,
      events: {
        onConnectionRefused: countClosed(meter, 'framekeeper_grpc', 'refused_connections'),
        onIdleConnectionClosed: countClosed(meter, 'framekeeper_grpc', 'closed_idle_connections'),
        onStreamRefused: () => refusedStreams.add(1),
        onMessageGivenUp: (reason) => givenUp.add(1, { reason }),
        onMessageTooLarge: (path) => this.#tellTooLarge(path),
        onFloodClosed: countClosed(meter, 'framekeeper_grpc', 'closed_flooding_connections'),
        onFault: (error) => logger.error({ err: error }, 'Could not handle a call because of a fault of this service.'),
      },
    });
    const tlsDependencies = { part: config.endpoint, path: 'tls', clock, meter, logger };
    this.#tlsFiles =
      config.tls && new TlsFiles(config.tls.files, tlsDependencies, (set) => this.#server.setSecureContext(set));
  }

  /** The port of the listener; 0 before the start. */
  get port(): number {
    return this.#port;
  }

  get isStopped(): boolean {
    return this.#stopped !== undefined;
  }

  add(service: GrpcService): void {
    this.#services.push(service);
    this.#server.addService(service.name, service.methods);
    this.#health.addService(service.name);
  }

  /** Sets the answer of the health service: serving once the whole service is ready, not serving first thing at a shutdown. */
  setServing(isServing: boolean): void {
    this.#health.setServing(isServing && this.#stopped === undefined);
  }

  /** Rejects when it cannot listen. */
  start(): Promise<void> {
    this.#started ??= this.#listen();
    return this.#started;
  }

  /** Ends all calls, waits until `deadline` for what they have begun, and closes every connection. */
  stop(deadline: AbortSignal): Promise<void> {
    this.#stopped ??= this.#close(deadline);
    return this.#stopped;
  }

  async #listen(): Promise<void> {
    this.#server.addService(healthServiceName, this.#health.methods());
    this.#reflection = new GrpcReflection([...this.#services.map(({ name }) => name), healthServiceName]);
    for (const name of reflectionServiceNames) this.#server.addService(name, this.#reflection.methods());
    const { endpoint } = this.#config;
    // The endpoint was checked with the configuration.
    const { host, port } = parseEndpoint(endpoint)!;
    const pem = await this.#tlsFiles?.start();
    this.#port = await this.#server.listen(host, port, pem).catch((error: Error) => {
      const message = `endpoint: cannot listen on ${endpoint} (${error.message}); free the port or change the endpoint`;
      throw new Error(message, { cause: error });
    });
    this.#logger.info(
      { endpoint, port: this.#port, services: this.#services.map(({ name }) => name) },
      'gRPC server is listening.',
    );
    warnIfOpen(this.#logger, { endpoint, tls: this.#config.tls, hasGuard: this.#hasGuard });
  }

  #tellTooLarge(path: string): void {
    const mib = this.#config.maxReceiveMessageBytes / 1024 / 1024;
    const service = this.#services.find(({ name }) => path.startsWith(`/${name}/`));
    service?.onMessageTooLarge(`max_recv_msg_size_mib (${mib} MiB)`);
  }

  async #close(deadline: AbortSignal): Promise<void> {
    this.#tlsFiles?.stop();
    this.#health.setServing(false);
    for (const service of this.#services) service.endCalls();
    this.#health.endWatches();
    this.#reflection?.endCalls();
    await this.#started?.catch(() => undefined);
    const wasInTime = await this.#server.close(deadline);
    if (wasInTime || this.#port === 0) return;
    this.#logger.warn({ endpoint: this.#config.endpoint }, 'Closed gRPC connections that did not end in time.');
  }
}

const encodings: Readonly<Record<string, ContentEncoding>> = {
  gzip: 'gzip',
  deflate: 'deflate',
  zstd: 'zstd',
  // The framed format of HTTP is what gRPC calls snappy (klauspost/compress and golang/snappy, which users of grpc-go register).
  snappy: 'x-snappy-framed',
};

/** By their names in `grpc-encoding`; large messages are decompressed in the slices of `work`. */
function decompressorsOn(work: WorkQueue): ReadonlyMap<string, Decompress> {
  return new Map(
    Object.entries(encodings).map(([name, encoding]) => [
      name,
      (bytes, maxBytes) => decompress(bytes, encoding, maxBytes, work),
    ]),
  );
}
