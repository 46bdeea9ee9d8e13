import type { AnyValue, KeyValueList } from './profiles-data.ts';

/** Tells a map from the other values that are objects; an array has a method of the same name. */
export function isKeyValueList(value: AnyValue): value is KeyValueList {
  return typeof value === 'object' && 'entries' in value && typeof value.entries !== 'function';
}
