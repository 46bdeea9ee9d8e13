/** A configuration as plain data. Maps are objects whose own keys are read with `Object.entries` alone. */
export type ConfigValue = null | boolean | number | string | Expanded | readonly ConfigValue[] | ConfigMap;

export interface ConfigMap {
  readonly [key: string]: ConfigValue;
}

/**
 * Expanded is the value of a `${…}` that is a whole scalar. The reader of a key decides which of the two it needs: `0123` is the
 * number 83 for a port and the text "0123" for a password.
 */
export class Expanded {
  /** The text as YAML reads it; never a string, and never itself expanded. */
  readonly value: Exclude<ConfigValue, string | Expanded>;
  /** The text as it was found; `undefined` when it holds a reference that cannot be resolved. */
  readonly text: string | undefined;

  constructor(value: Exclude<ConfigValue, string | Expanded>, text: string | undefined) {
    this.value = value;
    this.text = text;
  }
}

export function isMap(value: unknown): value is ConfigMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Expanded);
}

/** The value for a reader that wants a number, a boolean, a list or a map. */
export function typed(value: unknown): unknown {
  return value instanceof Expanded ? value.value : value;
}

/** The value for a reader that wants text. */
export function textual(value: unknown): unknown {
  return value instanceof Expanded ? (value.text ?? value.value) : value;
}

/**
 * The Collector's merge: maps are joined at every depth; of all else the later one stands, lists too. `onWipe` hears of
 * each map that a later empty value replaces, which is seldom meant.
 */
export function merge(
  earlier: ConfigValue,
  later: ConfigValue,
  onWipe: (path: string) => void = () => {},
  path = '',
): ConfigValue {
  if (!isMap(earlier)) return later;
  if (!isMap(later)) {
    if (later === null && Object.keys(earlier).length > 0) onWipe(path);
    return later;
  }
  const merged = new Map(Object.entries(earlier));
  for (const [key, value] of Object.entries(later)) {
    const before = merged.get(key);
    merged.set(key, before === undefined ? value : merge(before, value, onWipe, path === '' ? key : `${path}.${key}`));
  }
  return Object.fromEntries(merged);
}
