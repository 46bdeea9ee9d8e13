import type { RequestListener, Server } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Server as TlsServer } from 'node:tls';
import type { Meter } from '@opentelemetry/api';
import type { FastifyInstance } from 'fastify';
import { fastify } from 'fastify';
import type { Logger } from 'pino';
import { givenUpTexts, UnfinishedMessages, unfinishedLimits } from '../../grpc/unfinished-messages.ts';
import type { RequestGuard } from '../../model/authentication.ts';
import type { Clock } from '../../support/clock.ts';
import { countClosed, limitConnections } from '../../support/connection-limiter.ts';
import { messageOf } from '../../support/error-text.ts';
import { refuseBodies, refuseForeignHost, refuseOddTransfer } from '../../support/http-requests.ts';
import { closeHttp, deadlineLooksMs, openHttp, withoutSchemas } from '../../support/open-http.ts';
import { warnIfOpen } from '../../support/open-listener.ts';
import { WorkQueue } from '../../support/steps.ts';
import { ListenerTls } from '../../support/tls/listener-tls.ts';
import { addOtlpRoutes } from './otlp-http.ts';
import type { OtlpHttpServerConfig } from './otlp-receiver-config.ts';
import type { ProfilesIntake } from './profiles-intake.ts';

export interface OtlpHttpServerDependencies {
  readonly intake: ProfilesIntake;
  readonly clock: Clock;
  /** Asked about every request. */
  readonly guard?: RequestGuard | undefined;
  readonly meter: Meter;
  readonly logger: Logger;
}

/** The HTTP/1.1 server of one otlp receiver. */
export class OtlpHttpServer {
  readonly #config: OtlpHttpServerConfig;
  readonly #app: FastifyInstance;
  readonly #logger: Logger;
  readonly #hasGuard: boolean;
  readonly #tls: ListenerTls | undefined;
  readonly #bodies: UnfinishedMessages;
  #port = 0;

  constructor(
    id: string,
    config: OtlpHttpServerConfig,
    { intake, clock, guard, meter, logger }: OtlpHttpServerDependencies,
  ) {
    this.#config = config;
    this.#logger = logger;
    this.#hasGuard = guard !== undefined;
    const tlsDependencies = { part: config.endpoint, path: 'tls', clock, meter, logger };
    this.#tls = config.tls && new ListenerTls(config.tls, tlsDependencies);
    const givenUp = meter.createCounter('framekeeper_otlp_given_up_bodies', {
      description: 'Request bodies given up before they were whole, by reason.',
      unit: '{request}',
    });
    this.#bodies = new UnfinishedMessages(
      unfinishedLimits(config.maxRequestBodyBytes, config.readTimeoutMs || Number.POSITIVE_INFINITY),
      clock,
      (reason) => givenUp.add(1, { reason }),
    );
    this.#app = fastify({
      serverFactory: (listener) => createBoundedServer(listener, config, this.#tls?.serverOptions),
      bodyLimit: config.maxRequestBodyBytes,
      forceCloseConnections: 'idle',
      schemaController: withoutSchemas,
      exposeHeadRoutes: false,
    });
    // Series exist from the start, for alerts.
    for (const reason of Object.keys(givenUpTexts)) givenUp.add(0, { reason });
    const prefix = 'framekeeper_otlp';
    limitConnections(this.#app.server, config.maxConnections, clock, {
      onRefused: countClosed(meter, prefix, 'refused_connections'),
      onIdleClosed: countClosed(meter, prefix, 'closed_idle_connections'),
      onPipelineClosed: countClosed(meter, prefix, 'closed_pipelining_connections'),
    });
    const limitKey = `receivers.${id}.protocols.http.max_request_body_size`;
    this.#app.addHook('onRequest', refuseOddTransfer);
    this.#app.addHook('onRequest', refuseBodies);
    this.#app.addHook('onRequest', refuseForeignHost(config.allowedHosts));
    const work = new WorkQueue(clock);
    addOtlpRoutes(this.#app, intake, { ...config, limitKey, bodies: this.#bodies, work }, guard);
  }

  /** The port of the listener; 0 before the start. */
  get port(): number {
    return this.#port;
  }

  /** Rejects when it cannot listen. */
  async start(): Promise<void> {
    const { endpoint } = this.#config;
    await this.#tls?.start(this.#app.server as unknown as TlsServer);
    const [, host, port] = /^(.*):(\d+)$/.exec(endpoint)!;
    try {
      // One address only, as Go listens: fastify would open a second server for the other "localhost".
      await openHttp(this.#app, host!.replace(/^\[|\]$/g, ''), Number(port));
    } catch (cause) {
      const problem = `cannot listen on ${endpoint} (${messageOf(cause)})`;
      throw new Error(`endpoint: ${problem}; free the port or change the endpoint`, { cause });
    }
    this.#port = (this.#app.server.address() as AddressInfo).port;
    this.#logger.info({ endpoint, port: this.#port }, 'HTTP server is listening.');
    warnIfOpen(this.#logger, { endpoint, tls: this.#config.tls, hasGuard: this.#hasGuard });
  }

  /** Answers the open requests until `deadline`, and closes every connection. */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#tls?.stop();
    await closeHttp(this.#app, deadline);
    this.#bodies.stop();
  }
}

function createBoundedServer(
  listener: RequestListener,
  { readTimeoutMs, readHeaderTimeoutMs, idleTimeoutMs }: OtlpHttpServerConfig,
  tlsOptions: ListenerTls['serverOptions'] | undefined,
): Server {
  const options = {
    requestTimeout: readTimeoutMs,
    // Node takes no bound on the headers that is longer than the one on the whole request.
    headersTimeout:
      readTimeoutMs === 0 ? readHeaderTimeoutMs : Math.min(readHeaderTimeoutMs || readTimeoutMs, readTimeoutMs),
    keepAliveTimeout: idleTimeoutMs,
    connectionsCheckingInterval: deadlineLooksMs(readTimeoutMs, readHeaderTimeoutMs),
    maxHeaderSize: 65_536,
  };
  return tlsOptions === undefined
    ? createServer(options, listener)
    : (createSecureServer({ ...options, ...tlsOptions }, listener) as Server);
}
