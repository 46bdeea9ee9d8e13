import type { Clock } from './clock.ts';
import { everyInterval } from './clock.ts';

/** A file that a key of the configuration names. */
export interface ConfiguredFile {
  /** Within its section, e.g. `cert_file`. */
  readonly key: string;
  readonly path: string;
}

export interface WatchedFilesOptions<Value> {
  /** Reads all files. @throws Error that names an unreadable file */
  readonly read: () => Promise<readonly Uint8Array[]>;
  /** Value of the contents. @throws Error with the reason why they cannot be used */
  readonly parse: (contents: readonly Uint8Array[]) => Value;
  /** Interval of looks at the files; 0 = never again after the start. */
  readonly intervalMs: number;
  readonly clock: Clock;
  /** Gets what changed contents come to. */
  readonly onChange: (value: Value) => void;
  /** Told once of each state that cannot be used; what was there before stays in use. */
  readonly onFault: (error: Error) => void;
}

type State = readonly Uint8Array[] | string;

// Half a token cannot be told from a whole one, and a certificate may be there before its key.
const settlingMs = 1_000;

/**
 * A few small files that others write again while the service runs, such as certificates. They are read at an interval
 * and compared by content: notifications of the file system miss what Kubernetes does (a symbolic link above the files
 * is swapped), and times of change miss two writes within one tick. What has changed is used once it is the same a
 * second later: by then whoever writes has finished.
 */
export class WatchedFiles<Value> {
  readonly #options: WatchedFilesOptions<Value>;
  readonly #stopped = new AbortController();
  /** Contents, or the message of what could not be read. */
  #seen: State = '';
  /** Contents that changed, and must be the same at the next look. */
  #settling: State | undefined;

  constructor(options: WatchedFilesOptions<Value>) {
    this.#options = options;
  }

  /** Reads for the first time and begins to watch. Rejects with what `read` and `parse` throw. */
  async start(): Promise<Value> {
    const { read, parse, intervalMs } = this.#options;
    const contents = await read();
    const value = parse(contents);
    this.#seen = contents;
    if (intervalMs > 0) void this.#watch();
    return value;
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #watch(): Promise<void> {
    const { clock, intervalMs } = this.#options;
    const { signal } = this.#stopped;
    const pauseMs = (): number => (this.#settling === undefined ? intervalMs : settlingMs);
    await everyInterval(clock, signal, pauseMs, () => this.#look());
  }

  async #look(): Promise<void> {
    const { read, parse, onChange, onFault } = this.#options;
    const contents = await read().catch((error: Error) => error);
    const state = contents instanceof Error ? contents.message : contents;
    const hasSettled = this.#settling !== undefined && isSame(state, this.#settling);
    this.#settling = hasSettled || isSame(state, this.#seen) ? undefined : state;
    if (this.#stopped.signal.aborted || !hasSettled) return;
    this.#seen = state;
    try {
      if (contents instanceof Error) throw contents;
      onChange(parse(contents));
    } catch (error) {
      onFault(error as Error);
    }
  }
}

function isSame(a: State, b: State): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b;
  return a.length === b.length && a.every((bytes, index) => Buffer.compare(bytes, b[index]!) === 0);
}
