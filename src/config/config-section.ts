import type { ConfigProblem } from './config-error.ts';
import { formatDurationMs, parseDurationMs } from './duration.ts';
import { nearest } from './nearest.ts';

/** Inclusive bounds of a number. */
export interface Range {
  readonly min?: number;
  readonly max?: number;
}

/**
 * One map of the configuration while it is read. Every reader asks for its keys by name and says the default; a key
 * that nobody asked for is unknown, and `end` says so. Faults are collected, never thrown, so that a user sees all of
 * them at once; the value returned after a fault is the default.
 */
export class ConfigSection {
  readonly path: string;
  readonly #values: ReadonlyMap<string, unknown>;
  readonly #problems: ConfigProblem[];
  readonly #known = new Set<string>();

  /** `value` is a map, or `null` or `undefined` for an empty one. `problems` is shared by all sections of one file. */
  constructor(path: string, value: unknown, problems: ConfigProblem[]) {
    this.path = path;
    this.#problems = problems;
    this.#values = new Map(isMap(value) ? Object.entries(value) : []);
    if (value !== null && value !== undefined && !isMap(value)) {
      problems.push({ path, problem: `is ${describe(value)}`, remedy: 'write a map of keys and values' });
    }
  }

  has(key: string): boolean {
    this.#known.add(key);
    return this.#values.has(key);
  }

  keys(): string[] {
    return [...this.#values.keys()];
  }

  string(key: string, fallback: string): string {
    return this.#read(key, fallback, 'write text', (value) => {
      if (typeof value === 'string') return value;
      return value === null ? '' : undefined;
    });
  }

  boolean(key: string, fallback: boolean): boolean {
    return this.#read(key, fallback, 'write true or false', (value) =>
      typeof value === 'boolean' ? value : undefined,
    );
  }

  integer(key: string, fallback: number, range: Range = {}): number {
    const remedy = `write a whole number${rangeText(range, String)}`;
    return this.#read(key, fallback, remedy, (value) =>
      Number.isSafeInteger(value) && isWithin(value as number, range) ? (value as number) : undefined,
    );
  }

  number(key: string, fallback: number, range: Range = {}): number {
    const remedy = `write a number${rangeText(range, String)}`;
    return this.#read(key, fallback, remedy, (value) =>
      Number.isFinite(value) && isWithin(value as number, range) ? (value as number) : undefined,
    );
  }

  /** A Go duration, in milliseconds. */
  durationMs(key: string, fallbackMs: number, rangeMs: Range = {}): number {
    const remedy = `write a duration such as "5s" or "200ms"${rangeText(rangeMs, formatDurationMs)}`;
    return this.#read(key, fallbackMs, remedy, (value) => {
      const ms = parseDurationMs(value);
      return ms !== undefined && isWithin(ms, rangeMs) ? ms : undefined;
    });
  }

  oneOf<const T extends string>(key: string, fallback: T, choices: readonly T[]): T {
    const remedy = `write one of ${choices.join(', ')}`;
    return this.#read(key, fallback, remedy, (value) => choices.find((choice) => choice === value));
  }

  /** A list of texts; a comma-separated text is taken as one, as in the Collector. */
  stringList(key: string, fallback: readonly string[]): readonly string[] {
    return this.#read(key, fallback, 'write a list of texts', (value) => {
      if (typeof value === 'string') return value.split(',').map((item) => item.trim());
      return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
    });
  }

  /** Texts by name: a map, or a list of `{name, value}`. */
  stringMap(key: string): ReadonlyMap<string, string> {
    return this.#read(key, new Map<string, string>(), 'write a map of names and texts', (value) => {
      const entries = Array.isArray(value)
        ? value.map((item) => (isMap(item) ? [item.name, item.value] : []))
        : Object.entries(isMap(value) ? value : { '': undefined });
      const isComplete = entries.every(([name, text]) => typeof name === 'string' && typeof text === 'string');
      return isComplete ? new Map(entries as [string, string][]) : undefined;
    });
  }

  /** A map below this one; empty, so that all its defaults hold, when the key is absent. */
  section(key: string): ConfigSection {
    return new ConfigSection(this.#pathOf(key), this.#value(key), this.#problems);
  }

  /** A map that switches something on by being there: `undefined` when absent or when it says `enabled: false`. */
  optionalSection(key: string): ConfigSection | undefined {
    if (!this.has(key)) return undefined;
    const section = this.section(key);
    return section.boolean('enabled', true) ? section : undefined;
  }

  /** The maps of a list, with their index in the path (`readers[0]`); `undefined` when the key is absent. */
  sections(key: string): readonly ConfigSection[] | undefined {
    const value = this.#value(key);
    if (value === undefined) return undefined;
    if (Array.isArray(value)) {
      return value.map((item, index) => new ConfigSection(`${this.#pathOf(key)}[${index}]`, item, this.#problems));
    }
    this.addProblem(key, `is ${describe(value)}`, 'write a list of maps');
    return undefined;
  }

  /** Reports a fault of `key` that only its reader can know. */
  addProblem(key: string, problem: string, remedy: string): void {
    this.#problems.push({ path: this.#pathOf(key), problem, remedy });
  }

  /** Reports the keys that nobody asked for. */
  end(): void {
    for (const key of this.#values.keys()) {
      if (this.#known.has(key)) continue;
      const known = [...this.#known].sort();
      const close = nearest(key, known);
      const remedy =
        close !== undefined ? `did you mean "${close}"?` : `remove it or use one of ${known.join(', ') || '(no keys)'}`;
      this.addProblem(key, 'is not a known key', remedy.replace(/\?$/, ''));
    }
  }

  #value(key: string): unknown {
    this.#known.add(key);
    return this.#values.get(key);
  }

  #pathOf(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`;
  }

  #read<T>(key: string, fallback: T, remedy: string, parse: (value: unknown) => T | undefined): T {
    const value = this.#value(key);
    if (value === undefined) return fallback;
    const parsed = parse(value);
    if (parsed !== undefined) return parsed;
    this.addProblem(key, `is ${describe(value)}`, remedy);
    return fallback;
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isWithin(value: number, { min = -Infinity, max = Infinity }: Range): boolean {
  return value >= min && value <= max;
}

function rangeText({ min, max }: Range, format: (value: number) => string): string {
  if (min !== undefined && max !== undefined) return ` from ${format(min)} to ${format(max)}`;
  if (min !== undefined) return ` of at least ${format(min)}`;
  return max !== undefined ? ` of at most ${format(max)}` : '';
}

function describe(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a map' : JSON.stringify(value);
}
