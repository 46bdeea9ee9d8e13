import { mkdir, rename } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { Clock } from '../../support/clock.ts';
import { everyInterval } from '../../support/clock.ts';
import type { FileLock } from '../../support/file-lock.ts';
import { tryLockFile } from '../../support/file-lock.ts';
import type { Component } from '../../support/lifecycle.ts';
import type { SymbolStore } from '../symbol-store.ts';
import type { SnapshotConfig } from '../symbol-store-config.ts';
import { loadSnapshot } from './load-snapshot.ts';
import { saveSnapshot } from './save-snapshot.ts';
import type { SnapshotEvents } from './snapshot-events.ts';
import { createSnapshotEvents } from './snapshot-events.ts';
import { SnapshotFault } from './snapshot-format.ts';
import type { StoreRestore } from './store-restore.ts';

/** Between two steps of a snapshot that is not urgent; a step takes about a millisecond. */
const pauseMs = 5;

export interface SnapshotKeeperParts {
  readonly store: SymbolStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly meter: Meter;
}

/**
 * Lets the symbol store survive a restart: reads its snapshot at the start, and writes one at intervals and on stop.
 * Must start before anything learns names, and stop after the last has.
 */
export class SnapshotKeeper implements Component {
  readonly id: string;
  readonly #config: SnapshotConfig;
  readonly #parts: SnapshotKeeperParts;
  readonly #events: SnapshotEvents;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #lock: FileLock | undefined;

  constructor(id: string, config: SnapshotConfig, parts: SnapshotKeeperParts) {
    const { logger, meter, clock } = parts;
    this.id = id;
    this.#config = config;
    this.#parts = parts;
    this.#events = createSnapshotEvents(config.path, logger, meter, clock);
  }

  /** Never rejects: without a snapshot, names are asked for again. */
  async start(): Promise<void> {
    // A problem of the folder is reported by the lock.
    await mkdir(dirname(this.#config.path), { recursive: true, mode: 0o700 }).catch(() => undefined);
    await this.#tryLock();
    await this.#load();
    this.#loop = this.#run();
  }

  async stop(deadline: AbortSignal): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    await this.#save(deadline, () => setImmediate());
    this.#lock?.release();
    this.#lock = undefined;
  }

  /** True if this instance writes the snapshot. A lock that another instance had is tried again before each snapshot. */
  async #tryLock(): Promise<boolean> {
    if (this.#lock !== undefined) return true;
    const owner = { pid: process.pid, host: hostname(), component: this.id };
    try {
      // Not `.lock`: earlier versions have a file of another form there.
      const lock = await tryLockFile(`${this.#config.path}.lock.sqlite`, owner);
      if ('heldBy' in lock) {
        this.#events.lockedByOther(lock.heldBy);
        return false;
      }
      this.#lock = lock;
      this.#events.locked();
      return true;
    } catch (error) {
      this.#events.lockFailed(error);
      return false;
    }
  }

  #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { clock } = this.#parts;
    return everyInterval(
      clock,
      signal,
      () => this.#config.intervalMs,
      () => this.#save(signal, () => clock.sleep(pauseMs, signal)),
    );
  }

  async #load(): Promise<void> {
    const { store, clock } = this.#parts;
    const { path, maxBytes } = this.#config;
    const beganMs = clock.nowMs();
    let restore: StoreRestore | undefined;
    let savedUnixNano = 0n;
    try {
      const snapshot = await loadSnapshot(path, maxBytes, (saved) => {
        savedUnixNano = saved;
        restore = store.restore(beganMs, Number(clock.unixNano() - saved) / 1e6);
        return restore;
      });
      if (snapshot === undefined) return this.#events.absent();
      const { contents, evicted } = restore!.finish();
      store.adopt(contents);
      const { expired } = restore!;
      this.#events.loaded(snapshot, { savedUnixNano, expired, evicted }, clock.nowMs() - beganMs);
    } catch (error) {
      if (!(error instanceof SnapshotFault)) throw error;
      this.#events.refused(error, await this.#putAside(error));
    }
  }

  /** Out of the way of the next snapshot, so that it can be looked at; only the last one is kept. */
  async #putAside({ kind }: SnapshotFault): Promise<string> {
    const { path } = this.#config;
    if (kind === 'unreadable' || this.#lock === undefined) return path;
    try {
      await rename(path, `${path}.refused`);
      return `${path}.refused`;
    } catch {
      return path;
    }
  }

  async #save(signal: AbortSignal, pause: () => Promise<void>): Promise<void> {
    const { store, clock } = this.#parts;
    const { path, maxBytes } = this.#config;
    const nowMs = clock.nowMs();
    const unixNano = clock.unixNano();
    if (!(await this.#tryLock())) {
      if (this.#stopping.signal.aborted) this.#events.notOurs();
      return;
    }
    try {
      const saved = await saveSnapshot(path, { store, nowMs, unixNano, maxBytes, pause, signal });
      this.#events.saved(saved, unixNano, clock.nowMs() - nowMs);
    } catch (error) {
      // A save that `stop` interrupts is no failure: `stop` saves once more.
      if (signal !== this.#stopping.signal || !signal.aborted) this.#events.saveFailed(error);
    }
  }
}
