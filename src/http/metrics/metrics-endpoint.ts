import type { FastifyInstance } from 'fastify';
import type { HttpMount } from '../http-server.ts';

/** `/metrics` for Prometheus. Any method is answered, as by the Collector. */
export class MetricsEndpoint implements HttpMount {
  readonly id = 'metrics';
  readonly #collectText: () => Promise<string>;

  /** `collectText` gives all metrics in the Prometheus text format. */
  constructor(collectText: () => Promise<string>) {
    this.#collectText = collectText;
  }

  addRoutes(app: FastifyInstance): void {
    app.all('/metrics', async (_request, reply) =>
      reply.type('text/plain; version=0.0.4; charset=utf-8').send(await this.#collectText()),
    );
  }
}
