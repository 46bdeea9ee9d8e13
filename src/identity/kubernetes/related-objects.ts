import type { Logger } from 'pino';
import type { Clock } from '../../support/clock.ts';
import { inTime, withDeadline } from '../../support/clock.ts';
import { messageOf } from '../../support/error-text.ts';
import type { ApiClient } from './api-client.ts';
import { ApiFailure } from './api-client.ts';
import type { Extraction, RelatedObject } from './extraction.ts';
import { relatedAttributesOf } from './extraction.ts';
import type { ObjectMetadata } from './pod.ts';

export interface RelatedObjectsParts {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** `missing`: there is no such object; `postponed`: a look-up that found as many requests under way as may be. */
  readonly count: (outcome: 'fetched' | 'failed' | 'missing' | 'postponed') => void;
}

export interface RelatedObjectsConfig {
  readonly extract: Extraction;
  readonly relatedRefreshMs: number;
}

interface Entry {
  /** UID that the object has; empty where there is no such object. */
  readonly uid: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly askAgainMs: number;
  /** Requests in a row that failed. */
  readonly failures: number;
}

/** Namespaces and owners of a node's pods are some hundred; those that were asked for longest ago are forgotten. */
const maxEntries = 2048;
/** Requests at once; further objects are asked for at their next sight. */
const maxRequests = 8;
const requestTimeoutMs = 10_000;
/** An object that could not be asked for is asked for again after this time, doubled each time up to the refresh. */
const firstRetryMs = 5_000;
/** A report or request waits no longer than this for requests under way, in each round of look-ups. */
const patienceMs = 500;

/**
 * RelatedObjects knows the attributes of objects beside the pods of a node: their namespaces, their owners, the node. Each is one
 * request at its first sight, and again when it is older than `relatedRefreshMs`: the cost depends on the node's pods, and a cluster's other
 * objects cost nothing.
 */
export class RelatedObjects {
  readonly #config: RelatedObjectsConfig;
  readonly #parts: RelatedObjectsParts;
  readonly #entries = new Map<string, Entry>();
  readonly #requests = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();
  #lastFault = '';

  constructor(config: RelatedObjectsConfig, parts: RelatedObjectsParts) {
    this.#config = config;
    this.#parts = parts;
  }

  /** Reason why the last request failed; empty when it did not. */
  get lastFault(): string {
    return this.#lastFault;
  }

  /** Attributes as far as known now; a request is under way for an object that is unknown or was asked for long ago. */
  lookUp(object: RelatedObject): ReadonlyMap<string, string> | undefined {
    const known = this.#entries.get(object.path);
    const isFresh = known !== undefined && this.#parts.clock.nowMs() < known.askAgainMs;
    if (!isFresh && !this.#requests.has(object.path)) this.#begin(object, known);
    // An owner that was made anew under its name is not the one of this pod.
    if (known === undefined || (object.uid !== '' && known.uid !== object.uid)) return undefined;
    return known.attributes;
  }

  /** Resolves when no request is under way, at the latest after half a second; `undefined` when none is. */
  settled(): Promise<void> | undefined {
    if (this.#requests.size === 0) return undefined;
    const all = Promise.all(this.#requests.values()).then(() => undefined);
    return inTime(this.#parts.clock, patienceMs, all, () => undefined);
  }

  /** Resolves when each of the objects has been answered for, however long that takes; aborts with `stop`. */
  async loadAll(objects: readonly RelatedObject[]): Promise<void> {
    const { signal } = this.#stopping;
    const isMissing = ({ path }: RelatedObject): boolean => (this.#entries.get(path)?.failures ?? 1) > 0;
    while (!signal.aborted) {
      const missing = objects.filter(isMissing);
      if (missing.length === 0) return;
      for (const object of missing) this.lookUp(object);
      if (this.#requests.size > 0) await Promise.race(this.#requests.values());
      else await this.#parts.clock.sleep(firstRetryMs, signal).catch(() => undefined);
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#requests.values());
  }

  #begin(object: RelatedObject, known: Entry | undefined): void {
    if (this.#stopping.signal.aborted) return;
    if (this.#requests.size >= maxRequests) {
      this.#parts.count('postponed');
      return;
    }
    const request = this.#ask(object, known).then((entry) => {
      this.#requests.delete(object.path);
      this.#entries.delete(object.path);
      this.#entries.set(object.path, entry);
      const [oldest] = this.#entries.keys();
      if (this.#entries.size > maxEntries) this.#entries.delete(oldest!);
    });
    this.#requests.set(object.path, request);
  }

  /** Keeps what was known where the server cannot be asked. */
  async #ask({ kind, path }: RelatedObject, known: Entry | undefined): Promise<Entry> {
    const { client, clock, count } = this.#parts;
    const { extract, relatedRefreshMs } = this.#config;
    try {
      const asked = withDeadline(clock, requestTimeoutMs, this.#stopping.signal, (signal) =>
        client.getMetadata(path, signal),
      );
      const { metadata = {} } = (await asked) as { readonly metadata?: ObjectMetadata };
      count('fetched');
      this.#lastFault = '';
      const attributes = relatedAttributesOf(kind, metadata, extract);
      return { uid: metadata.uid ?? '', attributes, askAgainMs: clock.nowMs() + relatedRefreshMs, failures: 0 };
    } catch (error) {
      if (error instanceof ApiFailure && error.status === 404) {
        count('missing');
        return { uid: '', attributes: new Map(), askAgainMs: clock.nowMs() + relatedRefreshMs, failures: 0 };
      }
      return this.#fail(error, known);
    }
  }

  #fail(error: unknown, known: Entry | undefined): Entry {
    const { clock, count, logger } = this.#parts;
    const failures = (known?.failures ?? 0) + 1;
    const delayMs = Math.min(firstRetryMs * 2 ** (failures - 1), this.#config.relatedRefreshMs);
    const reason = messageOf(error);
    if (!this.#stopping.signal.aborted) {
      count('failed');
      // Each namespace fails for the same reason, such as a right that is missing.
      if (this.#lastFault === '') logger.warn({ reason }, 'Cannot ask for an object beside the pods of this node.');
    }
    this.#lastFault = reason;
    const { uid = '', attributes = new Map<string, string>() } = known ?? {};
    return { uid, attributes, askAgainMs: clock.nowMs() + delayMs, failures };
  }
}
