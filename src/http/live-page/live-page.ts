import type { Meter } from '@opentelemetry/api';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { listProgramFiles, readProgramFile } from '../../support/program-files.ts';
import type { Steps } from '../../support/steps.ts';
import { atOnce } from '../../support/steps.ts';
import type { HttpMount } from '../http-server.ts';
import { LiveAnswers } from './live-answers.ts';
import type { LiveCycle, PassedRequest } from './live-cycle.ts';
import { LiveEvents } from './live-events.ts';
import type { LiveHistoryParts } from './live-history.ts';
import { LiveHistory } from './live-history.ts';
import type { LivePageConfig } from './live-page-config.ts';
import { liveQueries } from './live-queries.ts';
import type { QueryValues } from './query-parameters.ts';

export interface LivePageFacts {
  readonly version: string;
  /** Endpoints of receivers, which the page shows while there are no samples. */
  readonly receivers: readonly { readonly id: string; readonly endpoint: string }[];
}

export interface LivePageParts extends LiveHistoryParts {
  readonly meter: Meter;
  readonly nowMs: () => number;
  readonly unixMs: () => number;
}

/** Extension `live_page`: flame graphs, tables and comparisons of the last hour's reports, and the state of the store. */
export class LivePage implements HttpMount {
  readonly id: string;
  readonly #config: LivePageConfig;
  readonly #facts: LivePageFacts;
  readonly #history: LiveHistory;
  readonly #answers: LiveAnswers;
  readonly #events: LiveEvents;
  readonly #parts: LivePageParts;
  #toldMs = -Infinity;

  constructor(id: string, config: LivePageConfig, facts: LivePageFacts, parts: LivePageParts) {
    this.id = id;
    this.#config = config;
    this.#facts = facts;
    this.#parts = parts;
    this.#history = new LiveHistory(config, parts);
    this.#answers = new LiveAnswers(this.#history, config, { ...parts, version: facts.version });
    this.#events = new LiveEvents(parts.meter);
  }

  /** True when the page draws requests that pass. */
  get keepsPassed(): boolean {
    return this.#config.maxPassedBytes > 0;
  }

  /** Called once a reporting cycle. */
  addCycle(cycle: LiveCycle): void {
    atOnce(this.addCycleInSteps(cycle));
  }

  /** The same in steps. */
  *addCycleInSteps(cycle: LiveCycle): Steps<void> {
    yield* this.#history.addCycle(cycle);
    this.#toldMs = this.#parts.nowMs();
    this.#events.send('cycle', JSON.stringify({ endUnixMs: cycle.endUnixMs }));
  }

  /** Called for each request that is sent on by itself. Nothing is decoded before somebody looks. */
  addPassed(request: PassedRequest): void {
    this.#history.addPassed(request, this.#parts.unixMs());
    const nowMs = this.#parts.nowMs();
    if (nowMs - this.#toldMs < newsIntervalMs) return;
    this.#toldMs = nowMs;
    this.#events.send('passed', '{}');
  }

  addRoutes(app: FastifyInstance): void {
    const { path } = this.#config;
    const onRequest = [addSecurityHeaders];
    // Without data: a browser can only send a token that somebody has written into the page.
    const open = { onRequest, config: { isOpenToBearers: true } };
    for (const { name, type, text } of readAssets()) {
      const url = name === 'index.html' ? path : `${path}/${name}`;
      const body = text.replaceAll('{{path}}', path);
      app.get(url, open, (_request, reply) => reply.type(type).send(body));
    }
    app.get(`${path}/`, open, (_request, reply) => reply.redirect(path, 308));
    app.get(`${path}/state`, { onRequest }, async (_request, reply) => this.#state(reply));
    for (const name of Object.keys(liveQueries)) {
      app.get<{ Querystring: QueryValues }>(`${path}/${name}`, { onRequest }, ({ query, headers }, reply) =>
        this.#answers.answer(name, query, headers, reply),
      );
    }
    app.get<{ Querystring: QueryValues }>(`${path}/profile`, { onRequest }, ({ query }, reply) =>
      this.#answers.download(query, reply),
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

  async #state(reply: FastifyReply): Promise<FastifyReply> {
    const { cycles, maxNodes } = this.#config;
    return reply.send({ ...this.#facts, maxNodes, shownCycles: cycles, ...(await this.#answers.state()) });
  }
}

// As often as a reporting cycle would tell of something new.
const newsIntervalMs = 5_000;

const contentTypes = { html: 'text/html', css: 'text/css', js: 'text/javascript' } as const;

const assetsFolder = 'http/live-page/assets/';

function readAssets(): { name: string; type: string; text: string }[] {
  return listProgramFiles(assetsFolder).map((name) => {
    const type = contentTypes[name.slice(name.lastIndexOf('.') + 1) as keyof typeof contentTypes];
    return { name, type: `${type}; charset=utf-8`, text: readProgramFile(`${assetsFolder}${name}`).toString() };
  });
}

async function addSecurityHeaders(_request: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.headers({
    'cache-control': 'no-store',
    'content-security-policy':
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-frame-options': 'DENY',
  });
}
