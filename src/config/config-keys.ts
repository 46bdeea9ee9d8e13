import type { Secret } from '../support/secret.ts';
import type { ConfigSection } from './config-section.ts';
import type { ConfigKey, ConfigTable, KeyForm } from './config-table.ts';
import type { Range } from './scalar.ts';

interface Fallback<T> {
  readonly fallback: T;
}

/** `true` or `false`. */
export function flag(key: string, { fallback }: Fallback<boolean>, meaning: string): ConfigKey<boolean> {
  const form: KeyForm = { kind: 'boolean', fallback };
  return { key, meaning, form, read: (section) => section.boolean(key, fallback) };
}

/** A whole number. */
export function integer(
  key: string,
  { fallback, ...range }: Fallback<number> & Range,
  meaning: string,
): ConfigKey<number> {
  const form: KeyForm = { kind: 'integer', fallback, ...range };
  return { key, meaning, form, read: (section) => section.integer(key, fallback, range) };
}

/** A whole number of units in the configuration, and of bytes or milliseconds in the typed value. */
export function integerOf(
  unit: number,
  key: string,
  options: Fallback<number> & Range,
  meaning: string,
): ConfigKey<number> {
  return converted(integer(key, options, meaning), (count) => count * unit);
}

export function decimal(
  key: string,
  { fallback, ...range }: Fallback<number> & Range,
  meaning: string,
): ConfigKey<number> {
  const form: KeyForm = { kind: 'number', fallback, ...range };
  return { key, meaning, form, read: (section) => section.number(key, fallback, range) };
}

/** A Go duration, in milliseconds here. */
export function duration(
  key: string,
  { fallback, ...range }: Fallback<number> & Range,
  meaning: string,
): ConfigKey<number> {
  const form: KeyForm = { kind: 'duration', fallback, ...range };
  return { key, meaning, form, read: (section) => section.durationMs(key, fallback, range) };
}

/** A bare count of milliseconds. */
export function milliseconds(
  key: string,
  { fallback, ...range }: Fallback<number> & Range,
  meaning: string,
): ConfigKey<number> {
  const form: KeyForm = { kind: 'milliseconds', fallback, ...range };
  return { key, meaning, form, read: (section) => section.milliseconds(key, fallback, range) };
}

export function text(key: string, { fallback }: Fallback<string>, meaning: string): ConfigKey<string> {
  return { key, meaning, form: { kind: 'text', fallback }, read: (section) => section.string(key, fallback) };
}

/** A text, a number or a boolean; `undefined` where it is absent. */
export function scalar(key: string, meaning: string): ConfigKey<string | number | boolean | undefined> {
  return { key, meaning, form: { kind: 'value' }, read: (section) => section.scalar(key) };
}

/** A text without a default; `example` completes "write …". */
export function requiredText(
  key: string,
  { example }: { readonly example: string },
  meaning: string,
): ConfigKey<string> {
  return {
    key,
    meaning,
    form: { kind: 'required text', example },
    read: (section) => section.requiredString(key, example),
  };
}

/** A word of a closed set in lower case; `ignoreCase` takes them in any case. */
export function choice<const Choice extends string>(
  key: string,
  options: { readonly choices: readonly Choice[]; readonly fallback: NoInfer<Choice>; readonly ignoreCase?: boolean },
  meaning: string,
): ConfigKey<Choice> {
  const { choices, fallback, ignoreCase = false } = options;
  const form: KeyForm = { kind: 'choice', fallback, choices };
  return { key, meaning, form, read: (section) => section.oneOf(key, fallback, choices, { ignoreCase }) };
}

/** Texts in a list, or parted by commas. */
export function textList(
  key: string,
  { fallback, choices }: Fallback<readonly string[]> & { readonly choices?: readonly string[] },
  meaning: string,
): ConfigKey<readonly string[]> {
  const form: KeyForm = choices === undefined ? { kind: 'list', fallback } : { kind: 'list', fallback, choices };
  return { key, meaning, form, read: (section) => section.stringList(key, fallback) };
}

/** Texts by name: a map, or a list of `{name, value}`. */
export function textMap(key: string, meaning: string): ConfigKey<ReadonlyMap<string, string>> {
  return { key, meaning, form: { kind: 'map' }, read: (section) => section.stringMap(key) };
}

/** A text that is never printed; empty where the key is absent. */
export function secret(key: string, meaning: string): ConfigKey<Secret> {
  return { key, meaning, form: { kind: 'secret' }, read: (section) => section.opaque(key) };
}

/** Texts that are never printed. */
export function secretList(key: string, meaning: string): ConfigKey<readonly Secret[]> {
  return { key, meaning, form: { kind: 'secret list' }, read: (section) => section.opaqueList(key) };
}

/** Texts by name, of which only the names are printed. */
export function secretMap(key: string, meaning: string): ConfigKey<ReadonlyMap<string, Secret>> {
  return { key, meaning, form: { kind: 'secret map' }, read: (section) => section.opaqueMap(key) };
}

/** A section whose defaults hold where it is absent. */
export function section<Config>(key: string, table: ConfigTable<Config>): ConfigKey<Config> {
  const form: KeyForm = { kind: 'section', table, isSwitch: false };
  return { key, meaning: table.about, form, read: (parent) => table.read(parent.section(key)) };
}

/** A section that switches something on by being there: `undefined` where it is absent or says `enabled: false`. */
export function optionalSection<Config>(key: string, table: ConfigTable<Config>): ConfigKey<Config | undefined> {
  const form: KeyForm = { kind: 'section', table, isSwitch: true };
  const read = (parent: ConfigSection): Config | undefined => {
    const own = parent.optionalSection(key);
    return own === undefined ? undefined : table.read(own);
  };
  return { key, meaning: table.about, form, read };
}

/** A section that is read where it is present; `undefined` where it is absent. */
export function sectionIfPresent<Config>(
  key: string,
  table: ConfigTable<Config>,
  meaning = table.about,
): ConfigKey<Config | undefined> {
  const form: KeyForm = { kind: 'section', table, isSwitch: false };
  const read = (parent: ConfigSection): Config | undefined =>
    parent.has(key) ? table.read(parent.section(key)) : undefined;
  return { key, meaning, form, read };
}

/** A list of sections; empty where the key is absent. */
export function sections<Config>(
  key: string,
  table: ConfigTable<Config>,
  meaning = table.about,
): ConfigKey<readonly Config[]> {
  const form: KeyForm = { kind: 'sections', table };
  return { key, meaning, form, read: (parent) => parent.sections(key).map(table.read) };
}

/** A list of sections in which a text stands for a section with this text below `textKey`; empty where the key is absent. */
export function sectionsOrTexts<Config>(
  key: string,
  table: ConfigTable<Config>,
  textKey: string,
  meaning = table.about,
): ConfigKey<readonly Config[]> {
  const form: KeyForm = { kind: 'sections', table, textKey };
  return { key, meaning, form, read: (parent) => parent.sections(key, textKey).map(table.read) };
}

/** The key with its value turned into another; `convert` reports a value that it cannot take to the section. */
export function converted<From, To>(
  key: ConfigKey<From>,
  convert: (value: From, section: ConfigSection) => To,
): ConfigKey<To> {
  return { ...key, read: (parent) => convert(key.read(parent), parent) };
}

/** A key that the table describes and `finish` reads, because its bounds depend on other keys. */
export function readLater(key: ConfigKey<unknown>): ConfigKey<undefined> {
  const read = (parent: ConfigSection): undefined => {
    parent.has(key.key);
  };
  return { ...key, read };
}

/** The key as `undefined` where it is absent, for a default that depends on other keys; `fallback` describes it. */
export function ifPresent<Value>(key: ConfigKey<Value>): ConfigKey<Value | undefined> {
  return { ...key, read: (parent) => (parent.isEmpty(key.key) ? undefined : key.read(parent)) };
}

/** Permissions of a file or directory, in octal as for `chmod`: `"0750"`. */
export function fileMode(key: string, { fallback }: { readonly fallback: string }, meaning: string): ConfigKey<number> {
  return converted(text(key, { fallback }, meaning), (mode, section) => {
    if (/^0?[0-7]{3}$/.test(mode)) return Number.parseInt(mode, 8);
    section.addProblem(key, `"${mode}" is not an octal mode`, `write one such as "${fallback}"`);
    return Number.parseInt(fallback, 8);
  });
}
