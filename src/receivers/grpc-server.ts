import type { Server, ServerOptions, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { ServerCredentials } from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import type { Counter, Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { RequestGuard } from '../model/authentication.ts';
import type { Clock } from '../support/clock.ts';
import { warnIfOpen } from '../support/open-listener.ts';
import type { PemSet } from '../support/tls/pem-set.ts';
import { TlsFiles } from '../support/tls/tls-files.ts';
import { createAuthInterceptor } from './auth-interceptor.ts';
import { GrpcHealth, healthService, loadHealthProto } from './grpc-health.ts';
import { GrpcReflection } from './grpc-reflection.ts';
import type { GrpcServerConfig } from './grpc-server-config.ts';
import { createGrpcTransport } from './grpc-transport.ts';

/** A service that a receiver has on a gRPC server. */
export interface GrpcService {
  /** Full name, e.g. `framekeeper.frames.v1.FramesService`. */
  readonly name: string;
  readonly definition: ServiceDefinition;
  readonly handlers: UntypedServiceImplementation;
  /** Description of the service, loaded when a client asks for reflection. */
  readonly loadProto: () => PackageDefinition;
  /** Called for each message that was refused for its size. `limit` names it and the key that raises it. */
  readonly onMessageTooLarge: (limit: string) => void;
  /** Called first at a stop: refuses new calls, and ends the open ones once what they have begun is done. */
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
  readonly #refusedConnections: Counter;
  readonly #health = new GrpcHealth();
  readonly #services: GrpcService[] = [];
  readonly #server: Server;
  readonly #destroyConnections: () => void;
  readonly #tlsFiles: TlsFiles | undefined;
  #reflection: GrpcReflection | undefined;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #port = 0;

  constructor(config: GrpcServerConfig, { clock, guard, meter, logger }: GrpcServerDependencies) {
    this.#config = config;
    this.#logger = logger;
    this.#hasGuard = guard !== undefined;
    this.#refusedConnections = meter.createCounter('framekeeper_grpc_refused_connections', {
      description: 'Connections closed at once because there were max_connections already.',
      unit: '{connection}',
    });
    const idleClosed = meter.createCounter('framekeeper_grpc_closed_idle_connections', {
      description: 'Idle connections closed to make room for new ones.',
      unit: '{connection}',
    });
    const givenUp = meter.createCounter('framekeeper_grpc_given_up_messages', {
      description: 'Messages given up before they were whole, by reason.',
      unit: '{message}',
    });
    // There from the start, for alerts.
    this.#refusedConnections.add(0);
    idleClosed.add(0);
    const { server, destroyConnections, setSecureContext } = createGrpcTransport(channelOptions(config, guard), {
      windowBytes: flowControlWindowBytes,
      maxConnections: config.maxConnections,
      maxMessageBytes: config.maxReceiveMessageBytes,
      onIdleConnectionClosed: () => idleClosed.add(1),
      onMessageGivenUp: (reason) => givenUp.add(1, { reason }),
      onMessageTooLarge: (path) => this.#tellTooLarge(path),
      minTlsVersion: config.tls?.minVersion ?? 'TLSv1.2',
      onConnectionRefused: () => this.#refusedConnections.add(1),
      settingsTimeoutMs,
      clock,
    });
    this.#server = server;
    this.#destroyConnections = destroyConnections;
    const tlsDependencies = { part: config.endpoint, path: 'tls', clock, meter, logger };
    this.#tlsFiles = config.tls && new TlsFiles(config.tls.files, tlsDependencies, setSecureContext);
  }

  /** The port that it listens at; 0 before it does. */
  get port(): number {
    return this.#port;
  }

  add(service: GrpcService): void {
    this.#services.push(service);
    this.#server.addService(service.definition, service.handlers);
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
    this.#server.addService(healthService, this.#health.handlers());
    const loaders = [...this.#services.map(({ loadProto }) => loadProto), loadHealthProto];
    this.#reflection = new GrpcReflection(() => Object.assign({}, ...loaders.map((load) => load())));
    this.#reflection.addTo(this.#server);
    const { endpoint } = this.#config;
    const credentials = credentialsOf(await this.#tlsFiles?.start());
    this.#port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(endpoint, credentials, (error, port) => {
        if (error === null) return resolve(port);
        const message = `endpoint: cannot listen on ${endpoint} (${error.message}); free the port or change the endpoint`;
        reject(new Error(message, { cause: error }));
      });
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
    if (this.#port === 0) return this.#server.forceShutdown();
    await new Promise<void>((resolve) => {
      const force = (): void => {
        this.#logger.warn({ endpoint: this.#config.endpoint }, 'Closed gRPC connections that did not end in time.');
        this.#server.forceShutdown();
        this.#destroyConnections();
        resolve();
      };
      if (deadline.aborted) return force();
      deadline.addEventListener('abort', force, { once: true });
      this.#server.tryShutdown(() => {
        deadline.removeEventListener('abort', force);
        resolve();
      });
    });
  }
}

function channelOptions(config: GrpcServerConfig, guard: RequestGuard | undefined): ServerOptions {
  return {
    'grpc.max_receive_message_length': config.maxReceiveMessageBytes,
    'grpc.max_concurrent_streams': config.maxConcurrentStreams,
    'grpc.keepalive_time_ms': config.keepaliveTimeMs,
    'grpc.keepalive_timeout_ms': config.keepaliveTimeoutMs,
    // Nobody asks a sidecar for channelz; it costs 8 % of a small message.
    'grpc.enable_channelz': 0,
    ...(guard !== undefined && { interceptors: [createAuthInterceptor(guard)] }),
    ...(config.maxConnectionIdleMs !== undefined && { 'grpc.max_connection_idle_ms': config.maxConnectionIdleMs }),
    ...(config.maxConnectionAgeMs !== undefined && { 'grpc.max_connection_age_ms': config.maxConnectionAgeMs }),
    ...(config.maxConnectionAgeGraceMs !== undefined && {
      'grpc.max_connection_age_grace_ms': config.maxConnectionAgeGraceMs,
    }),
  };
}

function credentialsOf(pem: PemSet | undefined): ServerCredentials {
  if (pem === undefined) return ServerCredentials.createInsecure();
  // A server's configuration has both, or was refused.
  const pair = { private_key: pem.key!, cert_chain: pem.cert! };
  return ServerCredentials.createSsl(pem.ca ?? null, [pair], pem.ca !== undefined);
}
