import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { encodeDictionary } from '../../src/otlp/protobuf/encode-dictionary.ts';
import { encodeScopeProfiles } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { ProtobufWriter } from '../../src/otlp/protobuf/protobuf-writer.ts';
import { atOnce } from '../../src/support/steps.ts';

/** Fields that hold messages, by the path of their numbers; `*` stands for any. */
const messagePaths = [
  ...['1', '1.1', '1.1.1', '1.2', '1.2.1', '1.2.1.3', '1.2.2', '1.2.2.1', '1.2.2.2', '1.2.2.5'],
  ...['2', '2.1', '2.2', '2.2.3', '2.3', '2.4', '2.6', '2.7'],
];

/**
 * The same message with the fields of every message in another order: `order` sorts the numbers of a message's fields. What
 * is repeated keeps its order and stays together.
 */
export function reorderFields(bytes: Uint8Array, order: (a: number, b: number) => number, path = ''): Buffer {
  const fields = new Map<number, Buffer[]>();
  for (let at = 0; at < bytes.length; ) {
    const start = at;
    const number = bytes[at]! >>> 3;
    const type = bytes[at++]! & 7;
    let length = type === 1 ? 8 : 0;
    if (type !== 1) {
      for (let shift = 0, byte = 0x80; byte >= 0x80; shift += 7) {
        byte = bytes[at++]!;
        length += (byte & 0x7f) * 2 ** shift;
      }
    }
    if (type === 0) length = 0;
    const body = bytes.subarray(at, at + length);
    at += length;
    const own = path === '' ? `${number}` : `${path}.${number}`;
    const isMessage = messagePaths.includes(own);
    const field = isMessage
      ? Buffer.concat([Buffer.from(bytes.subarray(start, start + 1)), sized(reorderFields(body, order, own))])
      : Buffer.from(bytes.subarray(start, at));
    fields.set(number, [...(fields.get(number) ?? []), field]);
  }
  const numbers = [...fields.keys()].sort(order);
  return Buffer.concat(numbers.flatMap((number) => fields.get(number)!));
}

function sized(body: Buffer): Buffer {
  const writer = new ProtobufWriter(body.length + 8);
  writer.explicitBytes(1, body);
  return Buffer.from(writer.finish().subarray(1));
}

/**
 * A message whose resource attributes refer to the string table, as Collectors since 0.161 write them: texts that are not in
 * the table yet are added at its end.
 */
export function encodeWithReferences(data: ProfilesData): Uint8Array {
  const stringTable = [...data.dictionary.stringTable];
  const referTo = (text: string): number => {
    const known = stringTable.indexOf(text);
    return known >= 0 ? known : stringTable.push(text) - 1;
  };
  const heads = data.resourceProfiles.map(({ resource }) =>
    resource.attributes.map(({ key, value }) => ({
      key: referTo(key),
      value: typeof value === 'string' ? { text: referTo(value) } : value,
    })),
  );
  const writer = new ProtobufWriter(1 << 16);
  for (let i = data.resourceProfiles.length - 1; i >= 0; i--) {
    const { scopeProfiles, schemaUrl, resource } = data.resourceProfiles[i]!;
    const mark = writer.length;
    writer.text(3, schemaUrl);
    for (const scope of [...scopeProfiles].reverse()) {
      const scopeMark = writer.length;
      encodeScopeProfiles(writer, scope);
      writer.message(2, scopeMark);
    }
    const resourceMark = writer.length;
    writer.uint32(2, resource.droppedAttributesCount);
    for (const { key, value } of heads[i]!.reverse()) {
      const attributeMark = writer.length;
      if (value !== undefined) {
        const valueMark = writer.length;
        if (typeof value === 'bigint') writer.explicitInt64(3, value);
        else if (typeof value === 'object' && 'text' in value) writer.explicitInt64(8, BigInt(value.text));
        else throw new Error('not a value of the requests that these tests make');
        writer.message(2, valueMark);
      }
      writer.int32(3, key);
      writer.message(1, attributeMark);
    }
    writer.message(1, resourceMark);
    writer.message(1, mark);
  }
  const dictionaryMark = writer.length;
  atOnce(encodeDictionary(writer, { ...data.dictionary, stringTable }));
  writer.message(2, dictionaryMark);
  return writer.finish();
}
