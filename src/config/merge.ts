import type { ConfigValue } from './config-value.ts';
import { isMap } from './config-value.ts';

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
