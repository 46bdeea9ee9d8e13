import type { ConfigSection } from './config-section.ts';
import { ignoreKeys } from './ignored-keys.ts';

/** ConfigKey is one key of a section: the reader takes its value, the reference and the schema describe the same. */
export interface ConfigKey<Value> {
  /** As in the configuration, e.g. `max_interval`. */
  readonly key: string;
  /** One or two sentences for the reference, with the unit of a bare number. */
  readonly meaning: string;
  readonly form: KeyForm;
  /** The value, or the default where the key is absent or at fault; faults go to the section. */
  read(section: ConfigSection): Value;
}

/** KeyForm is the shape of a value as the reference and the schema describe it. Bounds are inclusive. */
export type KeyForm =
  | { readonly kind: 'boolean'; readonly fallback: boolean | undefined }
  | { readonly kind: NumberKind; readonly fallback: number; readonly min?: number; readonly max?: number }
  | { readonly kind: 'text' | 'choice'; readonly fallback: string; readonly choices?: readonly string[] }
  | { readonly kind: 'required text'; readonly example: string }
  | { readonly kind: 'list'; readonly fallback: readonly string[]; readonly choices?: readonly string[] }
  /** `value` is a text, a number or a boolean. */
  | { readonly kind: 'secret' | 'secret list' | 'map' | 'secret map' | 'value' }
  /** `isSwitch`: the section's presence switches something on. */
  | { readonly kind: 'section'; readonly table: ConfigTable<unknown>; readonly isSwitch: boolean }
  /** With `textKey`, a text in the list stands for a section with this text below that key. */
  | { readonly kind: 'sections'; readonly table: ConfigTable<unknown>; readonly textKey?: string }
  /** Sections by identifier, `type` or `type/name`. */
  | { readonly kind: 'named sections'; readonly table: ConfigTable<unknown>; readonly type: string };

/** `duration` counts milliseconds in the table and has a unit in the configuration; `milliseconds` is a bare count in both. */
export type NumberKind = 'integer' | 'number' | 'duration' | 'milliseconds';

/** ConfigTable holds all keys of one section. */
export interface ConfigTable<Config> {
  /** Names a section that stands in several places, such as "TLS of a server": the reference describes it once. */
  readonly title: string | undefined;
  readonly about: string;
  /** Documentation of the Collector's section with the same keys; empty without one. */
  readonly source: string;
  readonly keys: readonly ConfigKey<unknown>[];
  /** Keys of the Collector that are taken without effect: by key, the end of "has no effect: …". */
  readonly ignored: Readonly<Record<string, string>>;
  /** Keys of the Collector that cannot be taken: by key, the problem and the remedy. */
  readonly refused: Readonly<Record<string, readonly [problem: string, remedy: string]>>;
  /** Typed values with all defaults; faults go to the section. */
  readonly read: (section: ConfigSection) => Config;
}

/** The type that a table reads. */
export type ConfigOf<Table> = Table extends ConfigTable<infer Config> ? Config : never;

type Keys = Readonly<Record<string, ConfigKey<unknown>>>;

/** The values that some keys read, by property. */
export type ValuesOf<K extends Keys> = {
  readonly [Name in keyof K]: K[Name] extends ConfigKey<infer Value> ? Value : never;
};

interface TableParts<K extends Keys> {
  readonly title?: string;
  readonly about: string;
  readonly source?: string;
  /** By the property of the typed configuration, in the order of reading and of the reference. */
  readonly keys: K;
  readonly ignored?: ConfigTable<unknown>['ignored'];
  readonly refused?: ConfigTable<unknown>['refused'];
  /** Reports faults between keys. Called after every key was read, and unknown keys were reported. */
  readonly check?: (values: ValuesOf<K>, section: ConfigSection) => void;
}

/**
 * Makes the table of a section. `finish` turns the values of the keys into the configuration where the two differ, such
 * as a default that depends on another key.
 */
export function configTable<const K extends Keys>(parts: TableParts<K>): ConfigTable<ValuesOf<K>>;
export function configTable<const K extends Keys, Config>(
  parts: TableParts<K>,
  finish: (values: ValuesOf<K>, section: ConfigSection) => Config,
): ConfigTable<Config>;
export function configTable<const K extends Keys>(
  { title, about, source = '', keys, ignored = {}, refused = {}, check }: TableParts<K>,
  finish: (values: ValuesOf<K>, section: ConfigSection) => unknown = (values) => values,
): ConfigTable<unknown> {
  const read = (section: ConfigSection): unknown => {
    const values = Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, key.read(section)]));
    for (const [key, [problem, remedy]] of Object.entries(refused)) {
      if (section.keys().includes(key) && section.has(key)) section.addProblem(key, problem, remedy);
    }
    ignoreKeys(section, ignored);
    section.end();
    check?.(values as ValuesOf<K>, section);
    return finish(values as ValuesOf<K>, section);
  };
  return { title, about, source, keys: Object.values(keys), ignored, refused, read };
}
