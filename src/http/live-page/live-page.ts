import { readdirSync, readFileSync } from 'node:fs';
import type { Counter, Meter } from '@opentelemetry/api';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { HttpMount } from '../http-server.ts';
import type { LiveQuery } from './cycle-history.ts';
import { CycleHistory } from './cycle-history.ts';
import type { LiveCycle } from './live-cycle.ts';
import { LiveEvents } from './live-events.ts';
import type { LivePageConfig } from './live-page-config.ts';
import type { PassedRequest, RequestFolder } from './passed-requests.ts';

export interface LivePageFacts {
  readonly version: string;
  /** Endpoints of receivers, which the page shows while there are no samples. */
  readonly receivers: readonly { readonly id: string; readonly endpoint: string }[];
}

export interface LivePageParts {
  readonly meter: Meter;
  readonly nowMs: () => number;
  readonly createFolder: () => RequestFolder;
}

/** Extension `live_page`: a flame graph of what has just been reported, and the state of the store. */
export class LivePage implements HttpMount {
  readonly id: string;
  readonly #config: LivePageConfig;
  readonly #facts: LivePageFacts;
  /** Bound of the flame graph's nodes. */
  readonly maxNodes: number;
  readonly #history: CycleHistory;
  readonly #events: LiveEvents;
  readonly #nowMs: () => number;
  readonly #skipped: Counter;
  #toldMs = -Infinity;
  /** Answers of the current cycle by query, so that several pages cost as much as one. */
  readonly #answers = new Map<string, string>();

  constructor(id: string, config: LivePageConfig, facts: LivePageFacts, { meter, nowMs, createFolder }: LivePageParts) {
    this.id = id;
    this.#config = config;
    this.#facts = facts;
    this.maxNodes = config.maxNodes;
    this.#nowMs = nowMs;
    this.#history = new CycleHistory({ ...config, maxCycles: config.cycles }, createFolder);
    this.#events = new LiveEvents(meter);
    this.#skipped = meter.createCounter('framekeeper_live_page_skipped_samples', {
      description:
        'Samples of OTLP requests sent on that the live page gave up before anybody looked, for lack of room.',
      unit: '{sample}',
    });
  }

  /** True when the page draws requests that pass. */
  get keepsPassed(): boolean {
    return this.#config.maxPassedBytes > 0;
  }

  /** Called once a reporting cycle. */
  addCycle(cycle: LiveCycle): void {
    this.#history.add(cycle);
    this.#answers.clear();
    this.#toldMs = this.#nowMs();
    this.#events.send('cycle', JSON.stringify({ endUnixMs: cycle.endUnixMs }));
  }

  /** Called for each request that is sent on by itself. Nothing is decoded before somebody looks. */
  addPassed(request: PassedRequest): void {
    const skippedSampleCount = this.#history.addPassed(request);
    if (skippedSampleCount > 0) this.#skipped.add(skippedSampleCount);
    this.#answers.clear();
    const nowMs = this.#nowMs();
    if (nowMs - this.#toldMs < newsIntervalMs) return;
    this.#toldMs = nowMs;
    this.#events.send('passed', '{}');
  }

  addRoutes(app: FastifyInstance): void {
    const { path } = this.#config;
    const onRequest = [addSecurityHeaders];
    for (const { name, type, text } of readAssets()) {
      const url = name === 'index.html' ? path : `${path}/${name}`;
      const body = text.replaceAll('{{path}}', path);
      app.get(url, { onRequest }, (_request, reply) => reply.type(type).send(body));
    }
    app.get(`${path}/`, { onRequest }, (_request, reply) => reply.redirect(path, 308));
    app.get<{ Querystring: Query }>(`${path}/data.json`, { onRequest }, ({ query }, reply) =>
      this.#answer(query, reply),
    );
    app.get(`${path}/events`, { onRequest, exposeHeadRoute: false }, (_request, reply) => {
      if (!this.#events.hasRoom()) return reply.code(503).header('retry-after', '10').send('503 too many live pages\n');
      reply.hijack();
      this.#events.open(reply.raw);
      return reply;
    });
  }

  close(): void {
    this.#events.close();
  }

  #answer(query: Query, reply: FastifyReply): FastifyReply {
    const { type = '', service = '', cycles = String(this.#config.cycles) } = query;
    const count = typeof cycles === 'string' && /^\d{1,4}$/.test(cycles) ? Number(cycles) : 0;
    if (count < 1 || count > this.#config.cycles) {
      const problem = `is ${JSON.stringify(cycles)}; write a whole number from 1 to ${this.#config.cycles}`;
      return reply.code(400).send({ error: `cycles: ${problem}.` });
    }
    if (typeof type !== 'string' || typeof service !== 'string') {
      return reply.code(400).send({ error: 'type, service: stand more than once; write each once.' });
    }
    return reply.type('application/json; charset=utf-8').send(this.#read({ type, service, cycles: count }));
  }

  #read(query: LiveQuery): string {
    const key = JSON.stringify([query.type, query.service, query.cycles]);
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const endMs = this.#nowMs() + foldingMs;
    // The first request in any case: whoever asks often enough sees all of them.
    let isFirst = true;
    const data = this.#history.read(query, () => {
      const hasTime = isFirst || this.#nowMs() < endMs;
      isFirst = false;
      return hasTime;
    });
    const body = JSON.stringify({ ...this.#facts, maxCycles: this.#config.cycles, ...data });
    if (data.waitingSampleCount === 0 && this.#answers.size < maxAnswers) this.#answers.set(key, body);
    return body;
  }
}

type Query = Readonly<Record<string, string | string[] | undefined>>;

// As often as a reporting cycle would tell of something new.
const newsIntervalMs = 5_000;

// Ingestion stands still while requests are folded.
const foldingMs = 50;

// An answer can have a megabyte.
const maxAnswers = 8;

const contentTypes = { html: 'text/html', css: 'text/css', js: 'text/javascript' } as const;

/** The page's files stand beside this one, in the sources as in the build. */
function readAssets(): { name: string; type: string; text: string }[] {
  const folder = new URL('assets/', import.meta.url);
  return readdirSync(folder).map((name) => {
    const type = contentTypes[name.slice(name.lastIndexOf('.') + 1) as keyof typeof contentTypes];
    return { name, type: `${type}; charset=utf-8`, text: readFileSync(new URL(name, folder), 'utf8') };
  });
}

async function addSecurityHeaders(_request: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.headers({
    'cache-control': 'no-store',
    'content-security-policy':
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-frame-options': 'DENY',
  });
}
