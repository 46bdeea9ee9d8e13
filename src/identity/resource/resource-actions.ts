import { createHash } from 'node:crypto';
import type { AnyValue } from '../../otlp/profiles-data.ts';
import { isKeyValueList } from '../../otlp/profiles-data.ts';
import type { LinearRegExp } from '../../support/linear-regexp.ts';
import type { ResourceDraft } from '../resource-draft.ts';

/** Action on attributes, as the Collector's `resource` processor has them. */
export type ResourceAction =
  | {
      readonly kind: 'insert' | 'update' | 'upsert';
      readonly key: string;
      readonly fromAttribute: string;
      /** In place of the attribute's, or where there is none. */
      readonly value: AnyValue;
    }
  | { readonly kind: 'delete' | 'hash'; readonly key: string; readonly pattern: LinearRegExp | undefined }
  | { readonly kind: 'extract'; readonly key: string; readonly pattern: LinearRegExp }
  | { readonly kind: 'convert'; readonly key: string; readonly to: ConvertedType };

export type ConvertedType = 'int' | 'double' | 'string';

/** Applies one action to the attributes of a resource. */
export function applyAction(action: ResourceAction, resource: ResourceDraft): void {
  const { kind, key } = action;
  switch (kind) {
    case 'insert':
    case 'update':
    case 'upsert': {
      if (resource.has(key) ? kind === 'insert' : kind === 'update') return;
      const value = resource.has(action.fromAttribute) ? resource.get(action.fromAttribute) : action.value;
      if (value !== undefined) resource.set(key, value);
      return;
    }
    case 'delete':
      for (const each of keysOf(action, resource)) resource.delete(each);
      return;
    case 'hash':
      for (const each of keysOf(action, resource)) resource.set(each, hashOf(resource.get(each)));
      return;
    case 'extract': {
      const value = resource.get(key);
      const found = typeof value === 'string' ? action.pattern.exec(value) : undefined;
      for (const [name, text] of found?.named ?? []) resource.set(name, text);
      return;
    }
    case 'convert':
      if (resource.has(key)) resource.set(key, convert(resource.get(key), action.to));
  }
}

/** The key of the action, and present keys that match its pattern. */
function keysOf(
  { key, pattern }: ResourceAction & { kind: 'delete' | 'hash' },
  resource: ResourceDraft,
): readonly string[] {
  const own = resource.has(key) ? [key] : [];
  return pattern === undefined
    ? own
    : [...own, ...resource.keys().filter((each) => each !== key && pattern.test(each))];
}

/** SHA-256 in hexadecimal of the bytes that the Collector hashes; empty for a value that is none. */
function hashOf(value: AnyValue): string {
  const bytes = bytesOf(value);
  return bytes === undefined ? '' : createHash('sha256').update(bytes).digest('hex');
}

function bytesOf(value: AnyValue): Buffer | undefined {
  switch (typeof value) {
    case 'string':
      return Buffer.from(value);
    case 'boolean':
      return Buffer.from([value ? 1 : 0]);
    case 'bigint': {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(value);
      return bytes;
    }
    case 'number': {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleLE(value);
      return bytes;
    }
    default:
      return undefined;
  }
}

/** The value in another type; itself where it cannot be. */
function convert(value: AnyValue, to: ConvertedType): AnyValue {
  switch (to) {
    case 'string':
      return textOfValue(value);
    case 'int':
      return toInteger(value);
    case 'double':
      return toDouble(value);
  }
}

function toInteger(value: AnyValue): AnyValue {
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'number') return Number.isFinite(value) ? BigInt.asIntN(64, BigInt(Math.trunc(value))) : value;
  if (typeof value !== 'string' || !/^[+-]?\d{1,19}$/.test(value)) return value;
  const whole = BigInt(value.replace(/^\+/, ''));
  return BigInt.asIntN(64, whole) === whole ? whole : value;
}

function toDouble(value: AnyValue): AnyValue {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'string' || !/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value)) return value;
  return Number(value);
}

/** A value as text, as the Collector writes it: lists and maps as JSON, bytes in Base64. */
export function textOfValue(value: AnyValue): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return typeof value === 'object' ? JSON.stringify(plainOf(value)) : String(value ?? '');
}

function plainOf(value: AnyValue): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(plainOf);
  if (!isKeyValueList(value)) return value;
  return Object.fromEntries(value.entries.map((entry) => [entry.key, plainOf(entry.value)]));
}
