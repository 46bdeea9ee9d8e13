import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Clock } from '../../support/clock.ts';
import { withDeadline } from '../../support/clock.ts';
import { identify } from './file-identity.ts';
import { openRegularFile } from './open-file.ts';

/** Outcome of one search for a debug file on all servers; `bounded_out` if none was asked, as its turn came too late or all rest. */
export type DebugFileOutcome =
  | 'fetched'
  | 'not_found'
  | 'too_large'
  | 'build_id_differs'
  | 'timeout'
  | 'failed'
  | 'bounded_out';

export interface DebuginfodOptions {
  /** Base addresses of servers, asked in this order. */
  readonly urls: readonly string[];
  /** Laid out as the one of elfutils: `BUILD-ID/debuginfo`. */
  readonly cacheDirectory: string;
  /** Of one debug file: the wait for other downloads and all servers together. */
  readonly timeoutMs: number;
  /** Of one file, and of the cache after each download. */
  readonly maxBytes: number;
}

export interface DebuginfodParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: {
    debugFile(outcome: DebugFileOutcome): void;
    downloaded(bytes: number): void;
  };
}

/** Build IDs of debug files are hexadecimal; nothing else becomes part of an address or a path. */
const hexadecimal = /^(?:[0-9a-f]{2}){4,64}$/;
const lanes = 4;
/** A build ID is not asked for again for so long, whatever came of it: elfutils' time for a file that no server has. */
const answeredMs = 600_000;
const maxAnswered = 4096;
/** A server that failed is left alone for so long. */
const restMs = 60_000;

/**
 * Downloads debug files from debuginfod servers (https://sourceware.org/elfutils/Debuginfod.html) into a cache directory, where the worker
 * finds them. Up to four downloads at a time. A file enters the cache whole, within the bounds of size and time, and with the right build ID,
 * or not at all.
 */
export class DebuginfodClient {
  readonly #options: DebuginfodOptions;
  readonly #parts: DebuginfodParts;
  /** End of the time for which a build ID is not asked for, the oldest first. */
  readonly #answered = new Map<string, number>();
  /** End of the rest of servers that failed. */
  readonly #resting = new Map<string, number>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #lanes: Promise<void>[] = Array.from({ length: lanes }, () => Promise.resolve());
  readonly #stopping = new AbortController();
  #searches = 0;

  constructor(options: DebuginfodOptions, parts: DebuginfodParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** False for a build ID that is not hexadecimal or was asked for lately, and while all servers rest. */
  isWorthAsking(buildId: string): boolean {
    if (!hexadecimal.test(buildId) || this.#stopping.signal.aborted) return false;
    const nowMs = this.#parts.clock.nowMs();
    return (this.#answered.get(buildId) ?? nowMs) <= nowMs && this.#options.urls.some((url) => !this.#rests(url));
  }

  /** Resolves when the cache has the debug file, or when the search ended without one. Never rejects. */
  fetch(buildId: string): Promise<void> {
    if (!this.isWorthAsking(buildId)) return Promise.resolve();
    const running = this.#running.get(buildId);
    if (running !== undefined) return running;
    const lane = this.#searches++ % lanes;
    const search = this.#searchInTime(buildId, this.#lanes[lane]!).finally(() => this.#running.delete(buildId));
    this.#lanes[lane] = search;
    this.#running.set(buildId, search);
    return search;
  }

  /** Ends all downloads; nothing of them stays in the cache. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running.values());
  }

  /** The wait for the `turn` counts as well. */
  async #searchInTime(buildId: string, turn: Promise<void>): Promise<void> {
    const { clock, metrics } = this.#parts;
    const outcome = await withDeadline(clock, this.#options.timeoutMs, this.#stopping.signal, async (signal) => {
      await turn;
      return signal.aborted ? 'bounded_out' : this.#search(buildId, signal);
    });
    if (this.#stopping.signal.aborted) return;
    metrics.debugFile(outcome);
    this.#postpone(buildId, outcome === 'bounded_out' ? restMs : answeredMs);
  }

  /** Asks the servers that do not rest, one after the other. A failure counts more than the word of another server that it has no such file. */
  async #search(buildId: string, signal: AbortSignal): Promise<DebugFileOutcome> {
    let outcome: DebugFileOutcome = 'bounded_out';
    for (const url of this.#options.urls) {
      if (this.#rests(url)) continue;
      const answer = await this.#download(url, buildId, signal);
      if (answer === 'fetched') return answer;
      if (answer !== 'not_found' || outcome === 'bounded_out') outcome = answer;
      if (answer === 'failed' || answer === 'timeout') this.#resting.set(url, this.#parts.clock.nowMs() + restMs);
      if (signal.aborted) break;
    }
    return outcome;
  }

  async #download(url: string, buildId: string, signal: AbortSignal): Promise<DebugFileOutcome> {
    try {
      const response = await fetch(`${url.replace(/\/+$/, '')}/buildid/${buildId}/debuginfo`, { signal });
      const isTooLarge = Number(response.headers.get('content-length')) > this.#options.maxBytes;
      if (response.ok && !isTooLarge && response.body !== null) return await this.#keep(response.body, buildId);
      await response.body?.cancel();
      if (response.ok) return isTooLarge ? 'too_large' : 'failed';
      if (response.status === 404) return 'not_found';
      this.#warn(url, `status ${response.status}`);
      return 'failed';
    } catch (error) {
      if (this.#stopping.signal.aborted) return 'failed';
      const problem = signal.aborted ? `no debug file within ${this.#options.timeoutMs} ms` : textOf(error);
      this.#warn(url, problem);
      return signal.aborted ? 'timeout' : 'failed';
    }
  }

  /** Writes a debug file beside its place in the cache, and moves it there once its build ID is known to be right. */
  async #keep(body: AsyncIterable<Uint8Array>, buildId: string): Promise<DebugFileOutcome> {
    const folder = `${this.#options.cacheDirectory}/${buildId}`;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const temporary = `${folder}/debuginfo.${randomUUID()}`;
    try {
      if (!(await this.#write(body, temporary))) return 'too_large';
      if (buildIdOf(temporary, this.#options.maxBytes) !== buildId) return 'build_id_differs';
      await rename(temporary, `${folder}/debuginfo`);
    } finally {
      await rm(temporary, { force: true });
      // Only a folder without a file can be removed.
      await rmdir(folder).catch(() => undefined);
    }
    await trimCache(this.#options.cacheDirectory, this.#options.maxBytes, new Set([...this.#running.keys(), buildId]));
    return 'fetched';
  }

  /** False for a body that is longer than allowed. */
  async #write(body: AsyncIterable<Uint8Array>, path: string): Promise<boolean> {
    const file = await open(path, 'wx', 0o600);
    let sizeBytes = 0;
    try {
      for await (const chunk of body) {
        sizeBytes += chunk.length;
        this.#parts.metrics.downloaded(chunk.length);
        if (sizeBytes > this.#options.maxBytes) return false;
        await file.writeFile(chunk);
      }
      return true;
    } finally {
      await file.close();
    }
  }

  #rests(url: string): boolean {
    return (this.#resting.get(url) ?? 0) > this.#parts.clock.nowMs();
  }

  #postpone(buildId: string, ms: number): void {
    this.#answered.delete(buildId);
    this.#answered.set(buildId, this.#parts.clock.nowMs() + ms);
    if (this.#answered.size > maxAnswered) this.#answered.delete(this.#answered.keys().next().value!);
  }

  #warn(url: string, problem: string): void {
    const { origin } = new URL(url);
    this.#parts.logger.warn(
      { server: origin, problem },
      'A debug file could not be fetched; the server is left alone for a minute.',
    );
  }
}

function buildIdOf(path: string, maxBytes: number): string | undefined {
  const opened = openRegularFile(path, maxBytes);
  try {
    return opened && identify(opened.source)?.identity.gnuBuildId;
  } finally {
    opened?.close();
  }
}

/** Removes debug files, those used longest ago first, until all together have at most `maxBytes`; what `kept` names stays. */
async function trimCache(directory: string, maxBytes: number, kept: ReadonlySet<string>): Promise<void> {
  const files: { folder: string; path: string; sizeBytes: number; usedMs: number }[] = [];
  for (const folder of await readdir(directory)) {
    if (!hexadecimal.test(folder)) continue;
    for (const name of await readdir(`${directory}/${folder}`).catch(() => [])) {
      const path = `${directory}/${folder}/${name}`;
      const found = name.startsWith('debuginfo') ? await stat(path).catch(() => undefined) : undefined;
      if (found?.isFile() !== true) continue;
      files.push({ folder, path, sizeBytes: found.size, usedMs: Math.max(found.atimeMs, found.mtimeMs) });
    }
  }
  let totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  for (const { folder, path, sizeBytes } of files.sort((a, b) => a.usedMs - b.usedMs)) {
    if (totalBytes <= maxBytes) return;
    if (kept.has(folder)) continue;
    await rm(path, { force: true });
    await rmdir(`${directory}/${folder}`).catch(() => undefined);
    totalBytes -= sizeBytes;
  }
}

/** The cause says more than "fetch failed". */
function textOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? cause.message : message;
}
