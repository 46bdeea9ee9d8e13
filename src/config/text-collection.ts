import { isMap, textual, typed } from './config-value.ts';
import { describeValue, textRemedy } from './scalar.ts';

/** ConfigPath is the path of a value, and the way to report its faults. */
export interface ConfigPath {
  readonly path: string;
  report(path: string, problem: string, remedy: string): void;
}

/**
 * A list of texts; a comma-separated text is one, as in the Collector. Entries at fault are left out; `undefined` for an
 * empty value and for what is no list.
 */
export function readTextList(value: unknown, { path, report }: ConfigPath): readonly string[] | undefined {
  const list = typed(value);
  if (list === null || list === undefined) return undefined;
  if (!Array.isArray(list)) {
    const text = textual(value);
    // As the Collector splits it: an empty text is an empty list.
    if (typeof text === 'string') return text === '' ? [] : text.split(',').map((item) => item.trim());
    report(path, `${describeValue(list)} is not a list of texts`, 'start each entry with "- "');
    return undefined;
  }
  const texts = list.map(textual);
  texts.forEach((text, index) => {
    if (typeof text === 'string') return;
    report(`${path}[${index}]`, `${describeValue(text)} is not text`, textRemedy(text));
  });
  return texts.filter((text) => typeof text === 'string');
}

/** Texts by name: a map, or a list of `{name, value}`. Entries at fault are left out; values of opaque ones are not told. */
export function readTextMap(
  value: unknown,
  { path, report }: ConfigPath,
  { isOpaque = false }: { readonly isOpaque?: boolean } = {},
): ReadonlyMap<string, string> {
  const map = typed(value) ?? {};
  const texts = new Map<string, string>();
  const add = (name: string, item: unknown, itemPath: string): void => {
    const text = textual(item) ?? '';
    if (typeof text === 'string') texts.set(name, text);
    else if (isOpaque) report(itemPath, 'the value is not text', 'put it in quotes');
    else report(itemPath, `${describeValue(text)} is not text`, textRemedy(text));
  };
  if (isMap(map)) {
    for (const [name, item] of Object.entries(map)) add(name, item, `${path}.${name}`);
  } else if (Array.isArray(map)) {
    const names = readNamedList(map, { path, report });
    names.forEach(({ name, item }, index) => {
      if (name !== undefined) add(name, item, `${path}[${index}].value`);
    });
  } else {
    const problem = isOpaque ? 'the value is not a map' : `${describeValue(map)} is not a map`;
    report(path, problem, 'write names and texts below it');
  }
  return texts;
}

function readNamedList(
  list: readonly unknown[],
  { path, report }: ConfigPath,
): readonly { readonly name: string | undefined; readonly item: unknown }[] {
  const entries = list.map((element, index) => {
    const entry = typed(element);
    const name = isMap(entry) ? textual(entry.name) : undefined;
    const isComplete = typeof name === 'string' && isMap(entry);
    if (!isComplete) report(`${path}[${index}]`, 'the entry has no name', 'write "name:" and "value:"');
    for (const key of isMap(entry) ? Object.keys(entry) : []) {
      if (key !== 'name' && key !== 'value') report(`${path}[${index}].${key}`, 'unknown key', 'use name and value');
    }
    return { name: isComplete ? name : undefined, item: isMap(entry) ? entry.value : undefined };
  });
  const names = entries.map(({ name }) => name).filter((name) => name !== undefined);
  const duplicates = [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
  if (duplicates.length > 0) {
    report(path, `duplicate keys in map-style list: [${duplicates.join(' ')}]`, 'keep one entry of each name');
  }
  return entries;
}
