import type { AddressInfo } from 'node:net';
import type { Server as TlsServer } from 'node:tls';
import type { Meter } from '@opentelemetry/api';
import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  onRequestAsyncHookHandler,
  onRequestHookHandler,
} from 'fastify';
import { fastify } from 'fastify';
import type { Logger } from 'pino';
import type { Endpoint } from '../config/endpoint.ts';
import { formatEndpoint } from '../config/endpoint.ts';
import type { RequestGuard } from '../model/authentication.ts';
import type { Clock } from '../support/clock.ts';
import type { ConnectionLimiter } from '../support/connection-limiter.ts';
import { countClosed, limitConnections } from '../support/connection-limiter.ts';
import { codeOf, messageOf } from '../support/error-text.ts';
import { refuseBodies, refuseForeignHost, refuseOddTransfer } from '../support/http-requests.ts';
import type { Component } from '../support/lifecycle.ts';
import { closeHttp, deadlineLooksMs, openHttp, withoutSchemas } from '../support/open-http.ts';
import { warnIfOpen } from '../support/open-listener.ts';
import { ListenerTls } from '../support/tls/listener-tls.ts';
import type { ServerTlsConfig } from '../support/tls/tls-config.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** True for a route without data that is also answered without a bearer token: a page in which one can be written. */
    isOpenToBearers?: boolean;
  }
}

/** Routes of one part. Several parts with equal endpoints share one server. */
export interface HttpMount {
  /** The part's identifier, for messages. */
  readonly id: string;
  /** True for what must be answered while others hold all connections: the oldest of these makes room. */
  readonly isVital?: boolean;
  addRoutes(app: FastifyInstance): void;
  /** Ends responses that would go on for ever; called before the server waits for the open ones. */
  close?(): void;
}

/** A part, where it is served and to whom. */
export interface HttpPart {
  readonly endpoint: Endpoint;
  /** TLS of the first part counts for a server; a configuration in which others differ has been refused. */
  readonly tls: ServerTlsConfig | undefined;
  /** Asked about every request for the part. */
  readonly guard: RequestGuard | undefined;
  /** Names by which a listener on the loopback may be called, beside its own; "*" is any. */
  readonly allowedHosts?: readonly string[];
  readonly mount: HttpMount;
}

export interface HttpServerTools {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly meter: Meter;
  /** Time for the head of a request, 10 s by default. */
  readonly requestMs?: number;
}

// Everything served here is small and read only: a request has no body, a line and a few headers.
const limits = { headerBytes: 16_384, requestMs: 10_000, keepAliveMs: 30_000, connections: 128 } as const;

/** Parts of one endpoint each, in the order in which the endpoints appear. */
export function groupByServer(parts: readonly HttpPart[]): HttpPart[][] {
  return [...Map.groupBy(parts, ({ endpoint }) => serverKeyOf(endpoint)).values()];
}

/** Parts of one key share a server. */
function serverKeyOf(endpoint: Endpoint): string {
  return formatEndpoint(endpoint).toLowerCase();
}

/** HTTP/1.1 for people and probes: health, metrics, live page. Bounded in header size, time and connections. */
export class HttpServer implements Component {
  readonly id: string;
  readonly #endpoint: Endpoint;
  readonly #parts: readonly HttpPart[];
  readonly #tls: ListenerTls | undefined;
  readonly #app: FastifyInstance;
  readonly #limiter: ConnectionLimiter;
  readonly #logger: Logger;
  #address: AddressInfo | undefined;

  /** `parts` are one or more, of one endpoint. */
  constructor(parts: readonly HttpPart[], { clock, logger, meter, requestMs = limits.requestMs }: HttpServerTools) {
    const { endpoint, tls } = parts[0]!;
    this.id = parts.map(({ mount }) => mount.id).join('+');
    this.#endpoint = endpoint;
    this.#parts = parts;
    this.#logger = logger;
    const tlsDependencies = { part: formatEndpoint(endpoint), path: `${this.id}: tls`, clock, meter, logger };
    this.#tls = tls && new ListenerTls(tls, tlsDependencies);
    this.#app = createApp(logger, requestMs, this.#tls?.serverOptions);
    const prefix = 'framekeeper_http';
    const onBusyClosed = countClosed(meter, prefix, 'closed_busy_connections');
    const isShared = parts.some(({ mount }) => mount.isVital) && !parts.every(({ mount }) => mount.isVital);
    this.#limiter = limitConnections(this.#app.server, limits.connections, clock, {
      onRefused: countClosed(meter, prefix, 'refused_connections'),
      onIdleClosed: countClosed(meter, prefix, 'closed_idle_connections'),
      onPipelineClosed: countClosed(meter, prefix, 'closed_pipelining_connections'),
      onBusyClosed: isShared ? onBusyClosed : undefined,
    });
  }

  async start(): Promise<void> {
    warnIfOpen(this.#logger, {
      endpoint: formatEndpoint(this.#endpoint),
      tls: this.#parts[0]!.tls,
      hasGuard: this.#parts.every(({ guard }) => guard !== undefined),
    });
    this.#addAllRoutes();
    await this.#tls?.start(this.#app.server as unknown as TlsServer);
    try {
      await openHttp(this.#app, this.#endpoint.host, this.#endpoint.port);
    } catch (cause) {
      const text = formatEndpoint(this.#endpoint);
      const problem = `cannot listen on ${text}: ${messageOf(cause)}`;
      throw new Error(`${this.id}: endpoint: ${problem}; free it or set another.`, { cause });
    }
    this.#address = this.#app.server.address() as AddressInfo;
    this.#logger.info(
      { endpoint: `${formatEndpoint(this.address)}` },
      `Serving ${this.id} over ${this.#tls ? 'HTTPS' : 'HTTP'}.`,
    );
  }

  #addAllRoutes(): void {
    let hooks: readonly onRequestAsyncHookHandler[] = [];
    // Told of every route before it is made, also of those that fastify adds for HEAD.
    this.#app.addHook('onRoute', (route) => {
      route.onRequest = [...hooks, ...[route.onRequest ?? []].flat()] as onRequestHookHandler[];
    });
    for (const { mount, guard, allowedHosts = [] } of this.#parts) {
      const ask: onRequestAsyncHookHandler = async (request, reply) => {
        const isOpen = request.routeOptions.config.isOpenToBearers && guard?.challenge.startsWith('Bearer');
        return guard && !isOpen ? askGuard(guard, request, reply) : undefined;
      };
      const keep: onRequestAsyncHookHandler = async ({ raw }) => this.#limiter.keep(raw.socket);
      hooks = [
        ...(mount.isVital ? [keep] : []),
        refuseForeignHost(allowedHosts),
        ...(guard === undefined ? [] : [ask]),
      ];
      this.#addRoutes(mount);
    }
  }

  #addRoutes(mount: HttpMount): void {
    try {
      mount.addRoutes(this.#app);
    } catch (cause) {
      if (codeOf(cause) !== 'FST_ERR_DUPLICATED_ROUTE') throw cause;
      const problem = `${formatEndpoint(this.#endpoint)} answers a path of ${mount.id} for another part already`;
      throw new Error(`${mount.id}: endpoint: ${problem}; give each an endpoint or a path of its own.`, { cause });
    }
  }

  /** Address on which the server listens in fact. @throws Error before `start`. */
  get address(): Endpoint {
    if (this.#address === undefined) throw new Error(`${this.id}: does not listen yet`);
    return { host: this.#address.address, port: this.#address.port };
  }

  async stop(deadline: AbortSignal): Promise<void> {
    this.#tls?.stop();
    for (const { mount } of this.#parts) mount.close?.();
    await closeHttp(this.#app, deadline);
  }
}

async function askGuard(guard: RequestGuard, { headers }: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const refusal = await guard.check((name) => [headers[name] ?? []].flat()[0]);
  if (refusal === undefined) return undefined;
  const { message, retryAfterMs } = refusal;
  if (retryAfterMs === undefined) reply.code(401).header('www-authenticate', guard.challenge);
  else reply.code(503).header('retry-after', String(Math.ceil(retryAfterMs / 1000)));
  return reply.type('text/plain; charset=utf-8').send(`${reply.statusCode} ${message}\n`);
}

function createApp(
  logger: Logger,
  requestMs: number,
  tlsOptions: ListenerTls['serverOptions'] | undefined,
): FastifyInstance {
  const deadlines = { headersTimeout: requestMs, connectionsCheckingInterval: deadlineLooksMs(requestMs) };
  const http = { maxHeaderSize: limits.headerBytes, ...deadlines };
  const app = fastify({
    bodyLimit: 1,
    requestTimeout: requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    forceCloseConnections: 'idle',
    schemaController: withoutSchemas,
    routerOptions: { maxParamLength: 256 },
    // fastify's types tell servers apart by it; what is asked of them here is the same.
    ...((tlsOptions === undefined ? { http } : { https: { ...http, ...tlsOptions } }) as { http: typeof http }),
  });
  // No route reads a body, so none is parsed; a connection that carries one is closed after the answer.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.addHook('onRequest', refuseOddTransfer);
  app.addHook('onRequest', refuseBodies);
  app.addHook('onRequest', async ({ headers }, reply) => {
    const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
    if (hasBody) reply.header('connection', 'close');
    reply.header('x-content-type-options', 'nosniff');
  });
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).type('text/plain; charset=utf-8').send('404 not found\n'),
  );
  app.setErrorHandler((error: { statusCode?: number } & Error, request, reply) => {
    const code = error.statusCode !== undefined && error.statusCode < 500 ? error.statusCode : 500;
    if (code === 500) logger.error({ error, path: request.url.slice(0, 200) }, 'Cannot answer an HTTP request.');
    return reply
      .code(code)
      .type('text/plain; charset=utf-8')
      .send(`${code} ${code === 500 ? 'internal error' : 'bad request'}\n`);
  });
  return app;
}
