import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Counter, Meter } from '@opentelemetry/api';
import type { FastifyReply } from 'fastify';
import { QueryAborted, WorkSlices } from '../../profile/history/work-slices.ts';
import type { LiveHistory, LiveState } from './live-history.ts';
import type { LivePageConfig } from './live-page-config.ts';
import type { QueryScope } from './live-queries.ts';
import { liveQueries } from './live-queries.ts';
import { prepareDownload } from './profile-download.ts';
import type { QueryValues } from './query-parameters.ts';
import { BadParameter, QueryParameters } from './query-parameters.ts';

export interface LiveAnswersParts {
  readonly meter: Meter;
  readonly nowMs: () => number;
  readonly version: string;
}

interface Body {
  readonly text: string;
  readonly zipped: Uint8Array;
}

// Work of several queries takes turns; an answer can have some megabytes.
const maxRunning = 8;
const maxAnswers = 16;
const minZippedLength = 1024;

/**
 * LiveAnswers runs queries over the history. Equal queries of the same contents are answered once, whoever asks: several pages cost as
 * much as one. At most eight run at a time, and each lets the event loop go on.
 */
export class LiveAnswers {
  readonly #history: LiveHistory;
  readonly #config: LivePageConfig;
  readonly #parts: LiveAnswersParts;
  readonly #refused: Counter;
  /** By ETag, in the order of their first use. */
  readonly #answers = new Map<string, Promise<Body>>();
  #running = 0;

  constructor(history: LiveHistory, config: LivePageConfig, parts: LiveAnswersParts) {
    this.#history = history;
    this.#config = config;
    this.#parts = parts;
    this.#refused = parts.meter.createCounter('framekeeper_live_page_refused_queries', {
      description: `Queries of the live page that were refused, because ${maxRunning} were running or because they took too long.`,
      unit: '{query}',
    });
  }

  async state(): Promise<LiveState> {
    await this.#history.readPassed(this.#slices());
    return this.#history.state();
  }

  async answer(
    name: string,
    values: QueryValues,
    headers: IncomingHttpHeaders,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    return this.#guarded(reply, async () => {
      const slices = this.#slices();
      await this.#history.readPassed(slices);
      const parameters = new QueryParameters(values);
      const scope = this.#scope();
      const query = liveQueries[name]!(parameters, scope);
      parameters.end();
      const etag = `"${hash('sha1', `${name} ${JSON.stringify(values)} ${query.window}`, 'base64url')}"`;
      reply.headers({ etag, 'cache-control': 'private, no-cache', vary: 'accept-encoding, authorization' });
      if (headers['if-none-match'] === etag) return reply.code(304).send();
      const { text, zipped } = await this.#body(etag, () => query.run(slices));
      reply.type('application/json; charset=utf-8');
      const takesGzip = /\bgzip\b/.test(String(headers['accept-encoding'] ?? ''));
      if (!takesGzip || text.length < minZippedLength) return reply.send(text);
      return reply.header('content-encoding', 'gzip').send(zipped);
    });
  }

  /** A file for people and scripts. `go tool pprof` takes a failure's text only with `X-Go-Pprof` and text/plain. */
  async download(values: QueryValues, reply: FastifyReply): Promise<FastifyReply> {
    const fail = (code: number, text: string): FastifyReply => {
      return reply.code(code).header('x-go-pprof', '1').type('text/plain; charset=utf-8').send(`${text}\n`);
    };
    const send = async (): Promise<FastifyReply> => {
      const slices = this.#slices();
      await this.#history.readPassed(slices);
      const parameters = new QueryParameters(values);
      const make = prepareDownload(parameters, this.#scope(), `framekeeper@${this.#parts.version}`);
      parameters.end();
      const file = await make(slices);
      if (file === undefined) return fail(404, 'no sample of this type is in the history; leave the type out, or wait');
      if (file.omittedStacks > 0) reply.header('x-framekeeper-omitted-stacks', String(file.omittedStacks));
      return reply
        .headers({ 'content-disposition': `attachment; filename="${file.name}"`, 'cache-control': 'no-store' })
        .type(file.mediaType)
        .send(typeof file.content === 'string' ? file.content : Buffer.from(file.content));
    };
    return this.#guarded(reply, send, fail);
  }

  async #guarded(
    reply: FastifyReply,
    run: () => Promise<FastifyReply>,
    fail = (code: number, error: string): FastifyReply => reply.code(code).send({ error }),
  ): Promise<FastifyReply> {
    const refuse = (why: string): FastifyReply => {
      this.#refused.add(1);
      reply.header('retry-after', '1');
      return fail(503, why);
    };
    if (this.#running >= maxRunning) return refuse(`${maxRunning} queries are running; ask again`);
    this.#running += 1;
    try {
      return await run();
    } catch (error) {
      if (error instanceof BadParameter) return fail(400, error.message);
      if (error instanceof QueryAborted) return refuse(`${error.message}; ask for a shorter time`);
      throw error;
    } finally {
      this.#running -= 1;
    }
  }

  #body(etag: string, run: () => Promise<object>): Promise<Body> {
    const known = this.#answers.get(etag);
    if (known !== undefined) return known;
    const body = run().then(async (answer) => {
      const text = JSON.stringify(answer);
      return { text, zipped: await promisify<string, Buffer>(gzip)(text) };
    });
    this.#answers.set(etag, body);
    body.catch(() => this.#answers.delete(etag));
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= maxAnswers) break;
      this.#answers.delete(oldest);
    }
    return body;
  }

  #scope(): QueryScope {
    const { contents } = this.#history;
    const newest = contents.buckets.slice(-this.#config.cycles);
    const defaultMs = newest.length === 0 ? 0 : newest.at(-1)!.endUnixMs - newest[0]!.startUnixMs;
    return { contents, defaultMs, maxNodes: this.#config.maxNodes };
  }

  #slices(): WorkSlices {
    return new WorkSlices(this.#parts.nowMs);
  }
}
