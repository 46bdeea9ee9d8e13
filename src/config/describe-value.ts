import { Expanded, isMap } from './config-value.ts';

// Enough to recognise a value in a message; a whole file by mistake is not repeated.
const maxQuotedLength = 80;

/** A value as a message names it: texts in quotes, lists and maps by kind. */
export function describeValue(value: unknown): string {
  if (value instanceof Expanded) return describeValue(value.value);
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (isMap(value)) return 'a map';
  if (typeof value !== 'string') return String(value);
  const text = JSON.stringify(value);
  return text.length > maxQuotedLength ? `${text.slice(0, maxQuotedLength)}…` : text;
}

/** ` from 1 to 5`, ` of at least 1`, ` of at most 5` or nothing: follows "a whole number". */
export function describeRange(
  range: { readonly min?: number; readonly max?: number },
  format: (value: number) => string,
): string {
  const { min, max } = range;
  if (min !== undefined && max !== undefined) return ` from ${format(min)} to ${format(max)}`;
  if (min !== undefined) return ` of at least ${format(min)}`;
  return max !== undefined ? ` of at most ${format(max)}` : '';
}
