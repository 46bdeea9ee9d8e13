import { Expanded, isMap } from './config-value.ts';
import { formatDurationMs, parseDurationMs } from './duration.ts';

/** Inclusive bounds of a number. */
export interface Range {
  readonly min?: number;
  readonly max?: number;
}

/** A kind of single value: how it is read, and how messages speak of it. */
export interface Scalar<T> {
  /** Completes "is not …", and "write …" when bounds follow. */
  readonly noun: string;
  /** Completes "write …" without bounds, where the noun alone does not show how. */
  readonly example?: string;
  /** `undefined` when the value is not of this kind. */
  parse(value: unknown): T | undefined;
  /** A better remedy than "write …" for a value that is close. */
  remedyFor(value: unknown): string | undefined;
  /** Bounds in messages. */
  format(bound: number): string;
}

export const booleanScalar: Scalar<boolean> = {
  noun: 'true or false',
  parse: (value) => (typeof value === 'boolean' ? value : undefined),
  remedyFor: (value) => (value === 'true' || value === 'false' ? `write ${value} without quotes` : undefined),
  format: String,
};

export const integerScalar: Scalar<number> = {
  noun: 'a whole number',
  parse: (value) => (Number.isSafeInteger(value) ? (value as number) : undefined),
  remedyFor: unquotedNumber,
  format: String,
};

export const numberScalar: Scalar<number> = {
  noun: 'a number',
  parse: (value) => (Number.isFinite(value) ? (value as number) : undefined),
  remedyFor: unquotedNumber,
  format: String,
};

/** In milliseconds. */
export const durationScalar: Scalar<number> = {
  noun: 'a duration',
  example: 'a duration such as "5s" or "200ms"',
  parse: parseDurationMs,
  remedyFor: (value) => {
    if (typeof value === 'number') return `add a unit, such as "${value}s": a number alone counts nanoseconds`;
    return /^\d+(\.\d+)?$/.test(String(value)) ? `add a unit, such as "${value}s"` : undefined;
  },
  format: formatDurationMs,
};

/** Remedy for a value that is none of the kind, or out of bounds. */
export function scalarRemedy<T>(scalar: Scalar<T>, value: unknown, range: Range): string {
  const bounds = describeRange(range, scalar.format);
  return (
    scalar.remedyFor(value) ?? `write ${bounds === '' ? (scalar.example ?? scalar.noun) : `${scalar.noun}${bounds}`}`
  );
}

/** A bare count, as OpenTelemetry's declarative configuration has it; not a duration. */
export const millisecondsScalar: Scalar<number> = {
  noun: 'a whole number of milliseconds',
  parse: integerScalar.parse,
  remedyFor: (value) => {
    const ms = typeof value === 'string' ? parseDurationMs(value) : undefined;
    return ms === undefined ? unquotedNumber(value) : `write it in milliseconds: ${ms}`;
  },
  format: String,
};

/** Remedy for a value that should be text. */
export function textRemedy(value: unknown): string {
  return typeof value === 'object' ? 'write text' : 'put it in quotes';
}

function unquotedNumber(value: unknown): string | undefined {
  return typeof value === 'string' && /^[+-]?\d+(\.\d+)?$/.test(value) ? `write ${value} without quotes` : undefined;
}

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
function describeRange(
  range: { readonly min?: number; readonly max?: number },
  format: (value: number) => string,
): string {
  const { min, max } = range;
  if (min !== undefined && max !== undefined) return ` from ${format(min)} to ${format(max)}`;
  if (min !== undefined) return ` of at least ${format(min)}`;
  return max !== undefined ? ` of at most ${format(max)}` : '';
}
