import type { AnyValue, KeyValue } from '../profiles-data.ts';
import { isKeyValueList } from '../profiles-data.ts';
import type { ProtobufWriter } from './protobuf-writer.ts';

/** Writes inline attributes as `field` of the message at hand. Never a reference: most receivers do not resolve them. */
export function encodeAttributes(writer: ProtobufWriter, field: number, attributes: readonly KeyValue[]): void {
  for (let i = attributes.length - 1; i >= 0; i--) {
    const { key, value } = attributes[i]!;
    const mark = writer.length;
    if (value !== undefined) encodeValue(writer, 2, value);
    writer.text(1, key);
    writer.message(field, mark);
  }
}

/** A text that is equal for equal attributes, in whatever order they are. `writer` is empty before and after. */
export function attributesKey(writer: ProtobufWriter, attributes: readonly KeyValue[]): string {
  const sorted = attributes.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  encodeAttributes(writer, 1, sorted);
  const key = writer.latin1();
  writer.rewind(0);
  return key;
}

/** Writes an `AnyValue` as `field`; a value that is not set becomes an empty message. */
export function encodeValue(writer: ProtobufWriter, field: number, value: AnyValue): void {
  const mark = writer.length;
  switch (typeof value) {
    case 'string':
      writer.explicitText(1, value);
      break;
    case 'boolean':
      writer.explicitBool(2, value);
      break;
    case 'bigint':
      writer.explicitInt64(3, value);
      break;
    case 'number':
      writer.explicitDouble(4, value);
      break;
    case 'object':
      encodeComposite(writer, value);
  }
  writer.message(field, mark);
}

function encodeComposite(writer: ProtobufWriter, value: AnyValue & object): void {
  const mark = writer.length;
  if (value instanceof Uint8Array) {
    writer.explicitBytes(7, value);
  } else if (isKeyValueList(value)) {
    encodeAttributes(writer, 1, value.entries);
    writer.message(6, mark);
  } else {
    const items = value as readonly AnyValue[];
    for (let i = items.length - 1; i >= 0; i--) encodeValue(writer, 1, items[i]);
    writer.message(5, mark);
  }
}
