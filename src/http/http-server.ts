import { lookup } from 'node:dns/promises';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Meter } from '@opentelemetry/api';
import type { FastifyInstance } from 'fastify';
import { fastify } from 'fastify';
import type { Logger } from 'pino';
import type { Component } from '../support/component.ts';
import type { Endpoint } from './endpoint.ts';
import { formatEndpoint } from './endpoint.ts';

/** Routes of one part. Several parts with equal endpoints share one server. */
export interface HttpMount {
  /** The part's identifier, for messages. */
  readonly id: string;
  addRoutes(app: FastifyInstance): void;
  /** Ends responses that would go on for ever; called before the server waits for the open ones. */
  close?(): void;
}

export interface HttpServerTools {
  readonly logger: Logger;
  readonly meter: Meter;
}

// What is served here is small and read only: a request has no body, a line and a few headers.
const limits = { headerBytes: 16_384, requestMs: 10_000, keepAliveMs: 30_000, connections: 128 } as const;

/** Makes one server for each different endpoint, in the order in which the endpoints appear. */
export function createHttpServers(
  parts: readonly { readonly endpoint: Endpoint; readonly mount: HttpMount }[],
  tools: HttpServerTools,
): HttpServer[] {
  const mounts = Map.groupBy(parts, ({ endpoint }) => formatEndpoint(endpoint).toLowerCase());
  return [...mounts.values()].map(
    (group) =>
      new HttpServer(
        group[0]!.endpoint,
        group.map(({ mount }) => mount),
        tools,
      ),
  );
}

/** HTTP/1.1 for people and probes: health, metrics, live page. Bounded in header size, time and connections. */
export class HttpServer implements Component {
  readonly id: string;
  readonly #endpoint: Endpoint;
  readonly #mounts: readonly HttpMount[];
  readonly #app: FastifyInstance;
  readonly #logger: Logger;
  #address: AddressInfo | undefined;

  constructor(endpoint: Endpoint, mounts: readonly HttpMount[], { logger, meter }: HttpServerTools) {
    this.id = mounts.map(({ id }) => id).join('+');
    this.#endpoint = endpoint;
    this.#mounts = mounts;
    this.#logger = logger;
    this.#app = createApp(logger);
    const refused = meter.createCounter('framekeeper_http_refused_connections', {
      description: `Number of HTTP connections refused because ${limits.connections} were open.`,
      unit: '{connection}',
    });
    this.#app.server.maxConnections = limits.connections;
    this.#app.server.on('drop', () => refused.add(1));
  }

  async start(): Promise<void> {
    for (const mount of this.#mounts) this.#addRoutes(mount);
    try {
      await this.#listen();
    } catch (cause) {
      const text = formatEndpoint(this.#endpoint);
      const problem = `cannot listen on ${text}: ${(cause as Error).message}`;
      throw new Error(`${this.id}: endpoint: ${problem}; free it or set another.`, { cause });
    }
    this.#address = this.#app.server.address() as AddressInfo;
    this.#logger.info({ endpoint: `${formatEndpoint(this.address)}` }, `Serving ${this.id} over HTTP.`);
  }

  #addRoutes(mount: HttpMount): void {
    try {
      mount.addRoutes(this.#app);
    } catch (cause) {
      if ((cause as { code?: string }).code !== 'FST_ERR_DUPLICATED_ROUTE') throw cause;
      const problem = `${formatEndpoint(this.#endpoint)} answers a path of ${mount.id} for another part already`;
      throw new Error(`${mount.id}: endpoint: ${problem}; give each an endpoint or a path of its own.`, { cause });
    }
  }

  async #listen(): Promise<void> {
    const { host, port } = this.#endpoint;
    // One address only, as Go listens: fastify would open a second, unlimited server for the other "localhost".
    if (host !== '') return void (await this.#app.listen({ host: await addressOf(host), port }));
    const isWithoutIpv6 = !Object.values(networkInterfaces()).some((list) =>
      list?.some(({ family }) => family === 'IPv6'),
    );
    await this.#app.listen({ host: isWithoutIpv6 ? '0.0.0.0' : '::', port });
  }

  /** Where it listens in fact. @throws Error before `start`. */
  get address(): Endpoint {
    if (this.#address === undefined) throw new Error(`${this.id}: does not listen yet`);
    return { host: this.#address.address, port: this.#address.port };
  }

  async stop(deadline: AbortSignal): Promise<void> {
    for (const mount of this.#mounts) mount.close?.();
    const cut = (): void => this.#app.server.closeAllConnections();
    if (deadline.aborted) cut();
    deadline.addEventListener('abort', cut, { once: true });
    await this.#app.close();
    deadline.removeEventListener('abort', cut);
  }
}

async function addressOf(host: string): Promise<string> {
  return (await lookup(host, { order: 'ipv4first' })).address;
}

function createApp(logger: Logger): FastifyInstance {
  const app = fastify({
    bodyLimit: 1,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 256 },
    http: { maxHeaderSize: limits.headerBytes, headersTimeout: limits.requestMs },
  });
  // No route reads a body, so none is parsed; a connection that carries one is closed after the answer.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
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
