import type { ServerResponse } from 'node:http';
import type { Meter } from '@opentelemetry/api';

const maxClients = 16;
// An event has some forty bytes: who has so many of them waiting does not read.
const maxWaitingBytes = 16_384;

/** Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) to a bounded number of pages. */
export class LiveEvents {
  readonly #clients = new Set<ServerResponse>();
  readonly #refused;

  constructor(meter: Meter) {
    this.#refused = meter.createCounter('framekeeper_live_page_refused_clients', {
      description: `Number of live page clients sent away, because ${maxClients} were there or because they did not read.`,
      unit: '{client}',
    });
    meter
      .createObservableGauge('framekeeper_live_page_clients', {
        description: 'Number of live page clients.',
        unit: '{client}',
      })
      .addCallback((result) => result.observe(this.#clients.size));
  }

  /** True when one more client may come; a refusal is counted. */
  hasRoom(): boolean {
    if (this.#clients.size < maxClients) return true;
    this.#refused.add(1, { reason: 'full' });
    return false;
  }

  /** Keeps the response open and writes every event to it until either side closes. */
  open(response: ServerResponse): void {
    response.socket?.setKeepAlive(true, 30_000);
    response.socket?.setNoDelay(true);
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.write('retry: 2000\n\n');
    this.#clients.add(response);
    response.on('close', () => this.#clients.delete(response));
    response.on('error', () => this.#clients.delete(response));
  }

  /** `data` is one line. */
  send(event: string, data: string): void {
    for (const client of this.#clients) {
      if (client.writableLength > maxWaitingBytes) {
        this.#refused.add(1, { reason: 'slow' });
        this.#clients.delete(client);
        client.destroy();
      } else {
        client.write(`event: ${event}\ndata: ${data}\n\n`);
      }
    }
  }

  close(): void {
    for (const client of this.#clients) client.end();
  }
}
