import { readFile, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Clock } from '../../support/clock.ts';

/** How often the holder touches the lock, and how long an untouched one counts. */
const beatMs = 5000;
const staleMs = 15_000;

/** What a lock file says of its holder, as JSON. */
interface Holder {
  readonly instance: string;
  readonly host: string;
  readonly pid: number;
}

/** Told when the lock comes or goes; `error` when it cannot even be tried. */
export type LockListener = (isHeld: boolean, error?: unknown) => void;

/**
 * Who may write a snapshot: one instance at a time, on one machine or several. The holder touches a file every five
 * seconds; who wants the lock takes it over once the file was not touched for fifteen, by its own clock. At the start
 * it does so at once when the holder is a process of this host that has ended, as after `kill -9`.
 * Two that take over at the same moment find out with the next beat. Until then both may write: a snapshot is replaced
 * as a whole, so the worst is that the later one wins.
 */
export class SnapshotLock {
  readonly #path: string;
  readonly #own: Holder;
  readonly #clock: Clock;
  readonly #listener: LockListener;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  /** Beats do not overlap. */
  #lastBeat: Promise<void> = Promise.resolve();
  #state: 'held' | 'others' | 'failed' | undefined;
  /** The foreign lock as it was seen last, and since when it has been like this. */
  #seen = '';
  #seenSinceMs = 0;

  /** `instance` is another for each start. */
  constructor(path: string, instance: string, clock: Clock, listener: LockListener) {
    this.#path = path;
    this.#own = { instance, host: hostname(), pid: process.pid };
    this.#clock = clock;
    this.#listener = listener;
  }

  get isHeld(): boolean {
    return this.#state === 'held';
  }

  /** Tries to take the lock, and keeps trying. */
  async start(): Promise<void> {
    await this.#beat((holder) => this.#hasEnded(holder));
    this.#loop = this.#run();
  }

  /** Whether the lock file still names us; asked before something irrevocable. */
  async confirm(): Promise<boolean> {
    if (this.isHeld && (await this.#readHolder())?.instance === this.#own.instance) return true;
    await this.#beat();
    return this.isHeld;
  }

  /** Gives the lock back. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    await this.#lastBeat;
    if (this.isHeld && (await this.#readHolder())?.instance === this.#own.instance) {
      await unlink(this.#path).catch(() => undefined);
    }
    this.#state = undefined;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#clock.sleep(beatMs, signal);
      } catch {
        return;
      }
      await this.#beat();
    }
  }

  #beat(isEnded: (holder: Holder) => boolean = () => false): Promise<void> {
    this.#lastBeat = this.#lastBeat.then(async () => {
      try {
        const isHeld = await this.#hold(isEnded);
        this.#tell(isHeld ? 'held' : 'others');
      } catch (error) {
        this.#tell('failed', error);
      }
    });
    return this.#lastBeat;
  }

  /** Touches our lock, or tries to get it. */
  async #hold(isEnded: (holder: Holder) => boolean): Promise<boolean> {
    if (await this.#create()) return true;
    const holder = await this.#readHolder();
    if (holder?.instance === this.#own.instance) {
      const seconds = Number(this.#clock.unixNano() / 1_000_000n) / 1000;
      await utimes(this.#path, seconds, seconds);
      return true;
    }
    if (!(holder !== undefined && isEnded(holder)) && !(await this.#isStale(holder))) return false;
    const replacement = `${this.#path}.${this.#own.instance}.tmp`;
    await writeFile(replacement, JSON.stringify(this.#own), { mode: 0o600 });
    await rename(replacement, this.#path);
    return true;
  }

  async #create(): Promise<boolean> {
    try {
      await writeFile(this.#path, JSON.stringify(this.#own), { flag: 'wx', mode: 0o600 });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    }
  }

  async #isStale(holder: Holder | undefined): Promise<boolean> {
    const { mtimeMs } = await stat(this.#path);
    const seen = `${holder?.instance} ${mtimeMs}`;
    const nowMs = this.#clock.nowMs();
    if (seen !== this.#seen) {
      this.#seen = seen;
      this.#seenSinceMs = nowMs;
    }
    return nowMs - this.#seenSinceMs >= staleMs;
  }

  /** `undefined` when the file is not there or says nothing that we know. */
  async #readHolder(): Promise<Holder | undefined> {
    try {
      const { instance, host, pid } = JSON.parse(await readFile(this.#path, 'utf8'));
      return { instance: String(instance), host: String(host), pid: Number(pid) };
    } catch {
      return undefined;
    }
  }

  /**
   * Whether the holder was a process of this host that is no more. In a container that was started again, its process
   * ID is often our own. Other containers with our host name look ended too, which is why this is asked only once.
   */
  #hasEnded({ host, pid }: Holder): boolean {
    if (host !== this.#own.host || !Number.isInteger(pid) || pid < 1) return false;
    if (pid === this.#own.pid) return true;
    try {
      process.kill(pid, 0);
      return false;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ESRCH';
    }
  }

  #tell(state: 'held' | 'others' | 'failed', error?: unknown): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#listener(state === 'held', error);
  }
}
