import { Secret } from '../support/secret.ts';
import type { ConfigProblem } from './config-error.ts';
import type { ExtensionRole } from './config-notes.ts';
import { ConfigNotes } from './config-notes.ts';
import type { ConfigMap, ConfigValue } from './config-value.ts';
import { isMap, textual, typed } from './config-value.ts';
import { formatDurationMs } from './duration.ts';
import { nearest } from './nearest.ts';
import { withoutCredentials } from './redact.ts';
import type { Range, Scalar } from './scalar.ts';
import {
  booleanScalar,
  describeValue,
  durationScalar,
  integerScalar,
  millisecondsScalar,
  numberScalar,
  scalarRemedy,
  textRemedy,
} from './scalar.ts';
import type { ConfigPath } from './text-collection.ts';
import { readTextList, readTextMap } from './text-collection.ts';

/**
 * ConfigSection is one map of the configuration while a reader takes its keys by name, with a default for each. A key
 * without a reader is unknown: `end` reports it. Faults are collected, never thrown, so that a user sees all of them at
 * once; the value returned after a fault is the default. An empty value (`key:`) is the default too, as in the Collector.
 */
export class ConfigSection {
  readonly path: string;
  readonly #values: ReadonlyMap<string, ConfigValue>;
  readonly #problems: ConfigProblem[];
  readonly #notes: ConfigNotes;
  readonly #known = new Set<string>();
  readonly #children = new Map<string, ConfigSection>();
  /** The items of lists of maps, by key. */
  readonly #lists = new Map<string, readonly ConfigSection[]>();
  /** As text for durations, for printing. */
  readonly #defaults = new Map<string, ConfigValue>();

  /** `value` is a map, or empty. `problems` and `notes` are shared by all sections of one configuration. */
  constructor(path: string, value: unknown, problems: ConfigProblem[], notes: ConfigNotes = new ConfigNotes()) {
    this.path = path;
    this.#problems = problems;
    this.#notes = notes;
    const map = typed(value) ?? {};
    this.#values = new Map(isMap(map) ? Object.entries(map) : []);
    if (!isMap(map)) this.#report(path, `${describeValue(map)} is not a map`, 'write keys and values below it');
  }

  /** Tells a key that is there, empty or not: `grpc:` alone switches gRPC on. */
  has(key: string): boolean {
    this.#known.add(key);
    return this.#values.has(key);
  }

  /** Tells a key whose default holds: it is absent, or there without a value. */
  isEmpty(key: string): boolean {
    return (typed(this.#value(key)) ?? null) === null;
  }

  keys(): string[] {
    return [...this.#values.keys()];
  }

  string(key: string, fallback: string): string {
    const value = textual(this.#value(key)) ?? fallback;
    // An empty text that a reference stands for is that text.
    this.noteDefault(key, this.isEmpty(key) ? String(value) : fallback);
    if (typeof value === 'string') return value;
    this.addProblem(key, `${describeValue(value)} is not text`, textRemedy(value));
    return fallback;
  }

  /** A text, a number or a boolean; `undefined` where the key is absent or at fault. */
  scalar(key: string): string | number | boolean | undefined {
    const found = this.#value(key);
    const value = typed(found) ?? undefined;
    if (value === undefined || typeof value === 'boolean' || Number.isFinite(value)) return value as boolean | number;
    const whole = textual(found);
    if (typeof whole === 'string') return whole;
    this.addProblem(key, `${describeValue(value)} is not a single value`, 'write a text, a number, true or false');
    return undefined;
  }

  /** A text that has no default; `example` completes "write …". Empty after a fault. */
  requiredString(key: string, example: string): string {
    const text = textual(this.#value(key)) ?? '';
    if (text !== '') return this.string(key, '');
    this.addProblem(key, this.#values.has(key) ? 'is empty' : 'is missing', `write ${example}`);
    return '';
  }

  /** A text that is never printed. */
  opaque(key: string, fallback = ''): Secret {
    const value = textual(this.#value(key)) ?? fallback;
    this.#notes.opaquePaths.add(this.#pathOf(key));
    if (typeof value === 'string') return new Secret(value);
    this.addProblem(key, 'the value is not text', 'put it in quotes');
    return new Secret(fallback);
  }

  boolean(key: string, fallback: boolean): boolean {
    return this.#read(key, fallback, booleanScalar);
  }

  integer(key: string, fallback: number, range: Range = {}): number {
    return this.#read(key, fallback, integerScalar, range);
  }

  number(key: string, fallback: number, range: Range = {}): number {
    return this.#read(key, fallback, numberScalar, range);
  }

  /** A Go duration, in milliseconds. A bare number counts nanoseconds, as in the Collector, with a warning. */
  durationMs(key: string, fallbackMs: number, rangeMs: Range = {}): number {
    this.noteDefault(key, formatDurationMs(fallbackMs));
    const ms = this.#read(key, fallbackMs, durationScalar, rangeMs);
    const value = typed(this.#value(key));
    if (typeof value === 'number' && value !== 0 && ms === value / 1e6) {
      this.addWarning(key, `${value} without a unit counts nanoseconds; write "${value}s" if seconds are meant`);
    }
    return ms;
  }

  /** A bare count of milliseconds, where the Collector has that in place of a duration. */
  milliseconds(key: string, fallback: number, range: Range = {}): number {
    return this.#read(key, fallback, millisecondsScalar, range);
  }

  /** A word of a closed set in lower case; `ignoreCase` takes them in any. */
  oneOf<const T extends string>(
    key: string,
    fallback: T,
    choices: readonly T[],
    { ignoreCase = false }: { readonly ignoreCase?: boolean } = {},
  ): T {
    this.noteDefault(key, fallback);
    const value = textual(this.#value(key)) ?? fallback;
    const wanted = ignoreCase && typeof value === 'string' ? value.toLowerCase() : value;
    const choice = choices.find((candidate) => candidate === wanted);
    if (choice !== undefined) return choice;
    const close = typeof value === 'string' ? nearest(value, choices) : undefined;
    const others = choices.join(', ');
    const remedy = close === undefined ? `write one of ${others}` : `did you mean "${close}"? Write one of ${others}`;
    this.addProblem(key, `${describeValue(value)} is not known here`, remedy);
    return fallback;
  }

  /** A list of texts, without those at fault; a comma-separated text is taken as one, as in the Collector. */
  stringList(key: string, fallback: readonly string[]): readonly string[] {
    this.noteDefault(key, fallback);
    const value = this.#value(key);
    return value === undefined ? fallback : (readTextList(value, this.#at(key)) ?? fallback);
  }

  /** Texts by name: a map, or a list of `{name, value}`. */
  stringMap(key: string): ReadonlyMap<string, string> {
    return readTextMap(this.#value(key), this.#at(key));
  }

  /** Secrets by name, such as headers: a map, or a list of `{name, value}`. Values are never printed. */
  opaqueMap(key: string): ReadonlyMap<string, Secret> {
    this.#notes.opaquePaths.add(this.#pathOf(key));
    const texts = readTextMap(this.#value(key), this.#at(key), { isOpaque: true });
    return new Map(Array.from(texts, ([name, text]) => [name, new Secret(text)]));
  }

  /** Texts that are never printed, as a list or separated by commas. */
  opaqueList(key: string): readonly Secret[] {
    this.#notes.opaquePaths.add(this.#pathOf(key));
    const list = typed(this.#value(key)) ?? [];
    const whole = textual(this.#value(key));
    const texts = Array.isArray(list) ? list.map(textual) : typeof whole === 'string' ? whole.split(',') : [whole];
    texts.forEach((text, index) => {
      const place = Array.isArray(list) ? `${key}[${index}]` : key;
      if (typeof text !== 'string') this.addProblem(place, 'the value is not text', 'put it in quotes');
    });
    return texts.map((text) => new Secret(String(text)));
  }

  /** A map below this one; empty, so that all its defaults hold, when the key is absent. The same one at every call. */
  section(key: string): ConfigSection {
    const section =
      this.#children.get(key) ?? new ConfigSection(this.#pathOf(key), this.#value(key), this.#problems, this.#notes);
    this.#children.set(key, section);
    return section;
  }

  /** A list of maps; empty when the key is absent. With `textKey`, a text in the list is a map with the text below this key. */
  sections(key: string, textKey?: string): readonly ConfigSection[] {
    const value = typed(this.#value(key)) ?? [];
    if (Array.isArray(value)) {
      const items = value.map((item, index) => {
        const isText = textKey !== undefined && typeof typed(item) === 'string';
        const map = isText ? { [textKey]: [item] } : item;
        return new ConfigSection(`${this.#pathOf(key)}[${index}]`, map, this.#problems, this.#notes);
      });
      this.#lists.set(key, items);
      return items;
    }
    this.addProblem(key, `${describeValue(value)} is not a list`, 'start each entry with "- "');
    return [];
  }

  /** A map that switches something on by being there: `undefined` when absent or when it says `enabled: false`. */
  optionalSection(key: string): ConfigSection | undefined {
    if (!this.has(key)) return undefined;
    const section = this.section(key);
    return section.boolean('enabled', true) ? section : undefined;
  }

  /** Reports a fault of `key` that only its reader can know. */
  addProblem(key: string, problem: string, remedy: string): void {
    this.#report(this.#pathOf(key), problem, remedy);
  }

  /** Says something that a user should know of `key`, although it is taken. */
  addWarning(key: string, warning: string): void {
    this.#notes.warn(this.#pathOf(key), warning);
  }

  /** Notes a default that depends on other keys; all others note theirs themselves. The first of a key counts. */
  noteDefault(key: string, fallback: ConfigValue): void {
    if (!this.#defaults.has(key)) this.#defaults.set(key, fallback);
  }

  /** Notes that `key` names an extension, which must be there and have the role. */
  noteReference(key: string, role: ExtensionRole, id: string): void {
    this.#notes.references.push({ path: this.#pathOf(key), role, id });
  }

  /** The section as written, with the defaults of all keys that were read and are absent or empty. */
  completed(): ConfigMap {
    const own = [...this.#values].filter(([, value]) => (typed(value) ?? null) !== null);
    const values = new Map([...this.#defaults, ...own]);
    for (const [key, child] of this.#children) {
      const completed = child.completed();
      if (this.#values.has(key) || Object.keys(completed).length > 0) values.set(key, completed);
    }
    for (const [key, items] of this.#lists)
      if (items.length > 0)
        values.set(
          key,
          items.map((item) => item.completed()),
        );
    return Object.fromEntries(values);
  }

  /** Reports the keys without a reader. */
  end(): void {
    const known = [...this.#known].sort();
    for (const key of this.#values.keys()) {
      if (this.#known.has(key)) continue;
      const close = nearest(key, known);
      const others =
        known.length === 0 ? 'remove it: nothing can be set here' : `remove it, or use one of ${known.join(', ')}`;
      this.addProblem(
        key,
        'unknown key',
        close === undefined ? others : `did you mean "${close}"? Rename or remove it`,
      );
    }
  }

  #value(key: string): ConfigValue | undefined {
    this.#known.add(key);
    return this.#values.get(key);
  }

  #pathOf(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`;
  }

  #at(key: string): ConfigPath {
    return { path: this.#pathOf(key), report: (path, problem, remedy) => this.#report(path, problem, remedy) };
  }

  #report(path: string, problem: string, remedy: string): void {
    // A key may be read in two places; its fault is one.
    const fault = `${path}\n${problem}`;
    if (this.#notes.faults.has(fault) || this.#notes.isUnreadable(path)) return;
    this.#notes.faults.add(fault);
    this.#problems.push({ path, problem: withoutCredentials(problem), remedy });
  }

  #read<T>(key: string, fallback: T, scalar: Scalar<T>, range: Range = {}): T {
    this.noteDefault(key, fallback as ConfigValue);
    const value = typed(this.#value(key)) ?? undefined;
    if (value === undefined) return fallback;
    const parsed = scalar.parse(value);
    if (parsed !== undefined && isWithin(parsed, range)) return parsed;
    const problem = parsed === undefined ? `is not ${scalar.noun}` : 'is out of range';
    this.addProblem(key, `${describeValue(value)} ${problem}`, scalarRemedy(scalar, value, range));
    return fallback;
  }
}

function isWithin(value: unknown, { min = -Infinity, max = Infinity }: Range): boolean {
  return typeof value !== 'number' || (value >= min && value <= max);
}
