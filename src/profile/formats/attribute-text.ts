import type { AnyValue } from '../../otlp/profiles-data.ts';
import { isKeyValueList } from '../../otlp/profiles-data.ts';

/** An attribute's value as text: bytes in hexadecimal, lists and maps as JSON. */
export function attributeText(value: AnyValue): string {
  if (value === undefined) return '';
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return typeof value === 'object' ? JSON.stringify(plain(value)) : String(value);
}

function plain(value: AnyValue): unknown {
  if (isKeyValueList(value)) return Object.fromEntries(value.entries.map((entry) => [entry.key, plain(entry.value)]));
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === 'bigint' || value instanceof Uint8Array ? attributeText(value) : value;
}
