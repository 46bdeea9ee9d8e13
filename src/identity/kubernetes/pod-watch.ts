import type { Logger } from 'pino';
import type { Clock, Random } from '../../support/clock.ts';
import { withDeadline } from '../../support/clock.ts';
import { messageOf } from '../../support/error-text.ts';
import type { ApiClient } from './api-client.ts';
import { ApiFailure } from './api-client.ts';
import type { Pod } from './pod.ts';

/** PodSink takes what a watch tells. */
export interface PodSink {
  replaceAll(pods: readonly Pod[]): void;
  set(pod: Pod): void;
  delete(uid: string): void;
}

export interface PodWatchParts {
  readonly client: ApiClient;
  readonly sink: PodSink;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Counts lists, watches and failures: `listed`, `watched`, `expired`, `failed`. */
  readonly count: (outcome: WatchOutcome) => void;
}

export type WatchOutcome = 'listed' | 'watched' | 'expired' | 'failed';

interface WatchEvent {
  readonly type?: string;
  readonly object?: Pod & { readonly code?: number; readonly message?: string };
}

/** The server ends a watch after a time between these, so that not all clients come again at once. */
const watchSeconds = { least: 300, most: 600 };
/** Silence that is longer than a watch is a connection that was lost. */
const silenceMs = (watchSeconds.most + 30) * 1_000;
const listTimeoutMs = 30_000;
/** A watch that is shorter ended for a reason of its own: a second one in a row costs a delay. */
const shortWatchMs = 1_000;
const backoffMs = { first: 1_000, most: 60_000 };
/** A server may ask for no longer delay. */
const maxRetryAfterMs = 300_000;

/**
 * Keeps a sink up to date with the pods of one list: lists them, watches from there, and lists again where the server has forgotten
 * what came in between (https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes). What was known
 * stays while the server cannot be asked.
 */
export class PodWatch {
  readonly #path: string;
  readonly #selectors: string;
  readonly #parts: PodWatchParts;
  readonly #listed = Promise.withResolvers<void>();
  #failures = 0;
  /** Times in a row that the server had forgotten the version of the list that it had just given. */
  #expiries = 0;
  /** Watches in a row that ended as soon as they had begun. */
  #shortWatches = 0;
  #lastFault = '';

  /** `path` is that of the list, `selectors` its query. */
  constructor(path: string, selectors: URLSearchParams, parts: PodWatchParts) {
    this.#path = path;
    this.#selectors = selectors.toString();
    this.#parts = parts;
  }

  /** Resolves with the first list. */
  get listed(): Promise<void> {
    return this.#listed.promise;
  }

  /** Reason why the last request failed; empty when it did not. */
  get lastFault(): string {
    return this.#lastFault;
  }

  /** Watches until `signal` aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    let version = '';
    while (!signal.aborted) {
      try {
        if (version === '') version = await this.#list(signal);
        version = await this.#watch(version, signal);
      } catch (error) {
        if (signal.aborted) return;
        // The list or the watch is too old: begin anew, and at once.
        const isExpired = error instanceof ApiFailure && error.status === 410;
        version = isExpired ? '' : version;
        if (isExpired) this.#parts.count('expired');
        if (!isExpired || this.#expiries++ > 0) await this.#waitAfter(error, signal);
      }
    }
  }

  async #list(signal: AbortSignal): Promise<string> {
    const { client, clock, sink, count } = this.#parts;
    // From the server's cache: a list that is a little old costs its database nothing, and the watch goes on from there.
    const query = `${this.#path}?${this.#selectors}&resourceVersion=0`;
    const list = (await withDeadline(clock, listTimeoutMs, signal, (own) => client.get(query, own))) as {
      readonly metadata?: { readonly resourceVersion?: string };
      readonly items?: readonly Pod[];
    };
    sink.replaceAll(list.items ?? []);
    this.#succeed();
    count('listed');
    this.#listed.resolve();
    return list.metadata?.resourceVersion ?? '0';
  }

  /** Watches until the server ends it; returns the version to go on from. @throws ApiFailure, with status 410 where that is forgotten */
  async #watch(from: string, signal: AbortSignal): Promise<string> {
    const { client, random, count } = this.#parts;
    const { least, most } = watchSeconds;
    const timeoutSeconds = Math.round(least + (most - least) * random());
    const query = `resourceVersion=${from}&watch=1&allowWatchBookmarks=true&timeoutSeconds=${timeoutSeconds}`;
    let version = from;
    const beganMs = this.#parts.clock.nowMs();
    count('watched');
    for await (const event of client.lines(`${this.#path}?${this.#selectors}&${query}`, silenceMs, signal)) {
      version = this.#take(event as WatchEvent) || version;
      this.#succeed();
      this.#expiries = 0;
    }
    this.#expiries = 0;
    this.#shortWatches = this.#parts.clock.nowMs() - beganMs < shortWatchMs ? this.#shortWatches + 1 : 0;
    if (this.#shortWatches > 1) await this.#waitAfter(new ApiFailure(`${this.#path}: watches end at once`), signal);
    return version;
  }

  /** Returns the version of the event; empty without one. */
  #take({ type = '', object = {} }: WatchEvent): string {
    const { sink } = this.#parts;
    switch (type) {
      case 'ADDED':
      case 'MODIFIED':
        sink.set(object);
        break;
      case 'DELETED':
        // As it was last: its containers may have come since.
        sink.set(object);
        sink.delete(object.metadata?.uid ?? '');
        break;
      case 'ERROR':
        throw new ApiFailure(`the watch failed: ${object.message ?? 'no reason'}`, { status: object.code ?? 0 });
      default:
        break;
    }
    return object.metadata?.resourceVersion ?? '';
  }

  #succeed(): void {
    this.#failures = 0;
    this.#lastFault = '';
  }

  async #waitAfter(error: unknown, signal: AbortSignal): Promise<void> {
    const { clock, random, logger, count } = this.#parts;
    const reason = messageOf(error);
    const attempt = Math.max(this.#failures, this.#expiries - 2);
    const grown = Math.min(backoffMs.first * 2 ** attempt, backoffMs.most);
    const asked = error instanceof ApiFailure ? Math.min(error.retryAfterMs, maxRetryAfterMs) : 0;
    const delayMs = Math.max(asked, grown * (0.5 + random()));
    this.#failures++;
    this.#lastFault = reason;
    count('failed');
    logger.warn({ reason, delay_ms: Math.round(delayMs) }, 'Cannot ask for the pods of this node; those known stay.');
    await clock.sleep(delayMs, signal).catch(() => undefined);
  }
}
