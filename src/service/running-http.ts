import type { Endpoint } from '../config/endpoint.ts';
import type { HttpPart, HttpServerTools } from '../http/http-server.ts';
import { groupByServer, HttpServer } from '../http/http-server.ts';
import type { Component, LifecycleStatus } from '../support/lifecycle.ts';
import { Lifecycle } from '../support/lifecycle.ts';

interface Running {
  readonly parts: readonly HttpPart[];
  readonly server: HttpServer;
}

export interface RunningHttpParts extends HttpServerTools {
  readonly report: (id: string, status: LifecycleStatus, error?: unknown) => void;
  /** Forgets the status of a server that is gone, or about to be replaced. */
  readonly forget: (id: string) => void;
}

/** RunningHttp are the HTTP servers of health, pages and metrics, as one part of the service. */
export class RunningHttp implements Component {
  readonly id = 'http';
  readonly #parts: RunningHttpParts;
  #running: readonly Running[];

  constructor(served: readonly HttpPart[], parts: RunningHttpParts) {
    this.#parts = parts;
    this.#running = groupByServer(served).map((group) => this.#create(group));
  }

  /** Addresses by the parts that are served there. */
  get addresses(): ReadonlyMap<string, Endpoint> {
    return new Map(this.#running.map(({ server }) => [server.id, server.address]));
  }

  start(): Promise<void> {
    const servers = this.#running.map(({ server }) => server);
    const lifecycle = new Lifecycle(servers, ({ id }, status, error) => this.#parts.report(id, status, error));
    return lifecycle.start().catch((error) => {
      this.#running = [];
      throw error;
    });
  }

  async stop(deadline: AbortSignal): Promise<void> {
    await this.#stopAll([...this.#running].reverse(), deadline);
  }

  /**
   * Serves other parts. A server with the same parts stays, with its connections; the others stop before their successors
   * start. Rejects when one cannot start: then all are as before.
   */
  async replace(served: readonly HttpPart[], deadline: AbortSignal): Promise<void> {
    const before = this.#running;
    const groups = groupByServer(served);
    const kept = before.filter(({ parts }) => groups.some((group) => isSame(group, parts)));
    const gone = before.filter((running) => !kept.includes(running));
    await this.#stopAll(gone, deadline);
    const created = groups.filter((group) => !kept.some(({ parts }) => isSame(group, parts)));
    try {
      this.#running = [...kept, ...(await this.#startAll(created))];
    } catch (error) {
      // The ports of those that were stopped were free a moment ago.
      this.#running = [...kept, ...(await this.#startAll(gone.map(({ parts }) => parts)))];
      throw error;
    }
  }

  #create(parts: readonly HttpPart[]): Running {
    return { parts, server: new HttpServer(parts, this.#parts) };
  }

  /** All of them, or none. */
  async #startAll(groups: readonly (readonly HttpPart[])[]): Promise<Running[]> {
    const started: Running[] = [];
    for (const parts of groups) {
      const running = this.#create(parts);
      started.push(running);
      try {
        this.#parts.forget(running.server.id);
        this.#parts.report(running.server.id, 'starting');
        await running.server.start();
        this.#parts.report(running.server.id, 'ok');
      } catch (error) {
        this.#parts.report(running.server.id, 'permanent_error', error);
        await this.#stopAll(started, AbortSignal.abort());
        throw error;
      }
    }
    return started;
  }

  async #stopAll(servers: readonly Running[], deadline: AbortSignal): Promise<void> {
    for (const { server } of servers) {
      this.#parts.report(server.id, 'stopping');
      try {
        await server.stop(deadline);
        this.#parts.report(server.id, 'stopped');
      } catch (error) {
        this.#parts.report(server.id, 'permanent_error', error);
      }
    }
  }
}

function isSame(a: readonly HttpPart[], b: readonly HttpPart[]): boolean {
  return a.length === b.length && a.every(({ mount }, index) => mount === b[index]!.mount);
}
