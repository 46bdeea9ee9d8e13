import type { AnyValue, KeyValue, ProfilesDictionary } from '../../otlp/profiles-data.ts';
import { entryOf, isKeyValueList } from '../../otlp/profiles-data.ts';

/** Attributes of a resource or scope as fields of a log line. */
export function printableAttributes(attributes: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, printableValue(value)]));
}

/** Attributes by index as fields of a log line; units are appended to keys. An index that points nowhere is shown as such. */
export function printableReferences(
  indices: readonly number[],
  { attributeTable, stringTable }: ProfilesDictionary,
): Record<string, unknown> {
  return Object.fromEntries(
    indices.map((index) => {
      const entry = attributeTable[index];
      if (entry === undefined) return [`attribute_table[${index}]`, 'is out of range'];
      const unit = entryOf(stringTable, entry.unitStrindex) || '';
      const key = entryOf(stringTable, entry.keyStrindex) ?? `string_table[${entry.keyStrindex}]`;
      return [unit === '' ? key : `${key} (${unit})`, printableValue(entry.value)];
    }),
  );
}

/** A value as JSON can write it: integers as text, because they exceed 2^53, and bytes as hexadecimal. */
function printableValue(value: AnyValue): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(printableValue);
  if (isKeyValueList(value)) return printableAttributes(value.entries);
  return value ?? null;
}
