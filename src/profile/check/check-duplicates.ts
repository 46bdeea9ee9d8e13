import type { AnyValue, Entries, ProfilesDictionary } from '../../otlp/profiles-data.ts';
import { encodeValue } from '../../otlp/protobuf/encode-attributes.ts';
import { ProtobufWriter } from '../../otlp/protobuf/protobuf-writer.ts';
import type { FaultList } from './fault-list.ts';

/** No table holds the same value twice; attributes are a set, so their order makes no difference. */
export function checkDuplicates(dictionary: ProfilesDictionary, faults: FaultList): void {
  checkTable('mapping_table', dictionary.mappingTable, faults, (entry) =>
    [
      entry.memoryStart,
      entry.memoryLimit,
      entry.fileOffset,
      entry.filenameStrindex,
      setKey(entry.attributeIndices),
    ].join(),
  );
  checkTable('location_table', dictionary.locationTable, faults, (entry) => {
    const lines = entry.lines.map(({ functionIndex, line, column }) => `${functionIndex}:${line}:${column}`);
    return [entry.mappingIndex, entry.address, lines.join(';'), setKey(entry.attributeIndices)].join();
  });
  checkTable('function_table', dictionary.functionTable, faults, (entry) =>
    [entry.nameStrindex, entry.systemNameStrindex, entry.filenameStrindex, entry.startLine].join(),
  );
  checkTable('link_table', dictionary.linkTable, faults, ({ traceId, spanId }) => `${traceId},${spanId}`);
  checkTable('string_table', dictionary.stringTable, faults, (text) => text);
  checkTable('attribute_table', dictionary.attributeTable, faults, ({ keyStrindex, value, unitStrindex }) =>
    [keyStrindex, unitStrindex, valueKey(value)].join(),
  );
  checkTable('stack_table', dictionary.stackTable, faults, ({ locationIndices }) => locationIndices.join());
}

/** Key of a set of indices, in any order. */
export function setKey(indices: readonly number[]): string {
  return indices.length < 2 ? indices.join() : [...indices].sort((a, b) => a - b).join(';');
}

function checkTable<T>(name: string, entries: Entries<T>, faults: FaultList, keyOf: (entry: T) => string): void {
  const firstByKey = new Map<string, number>();
  for (const [index, entry] of entries.entries()) {
    const key = keyOf(entry);
    const first = firstByKey.get(key);
    if (first === undefined) firstByKey.set(key, index);
    else faults.add(`dictionary: ${name}[${index}]`, `is the same as [${first}]`);
  }
}

/** Key of a value with its type: the integer 1 is not the text "1". */
function valueKey(value: AnyValue): string {
  const writer = new ProtobufWriter(64);
  encodeValue(writer, 1, value);
  return Buffer.from(writer.finish()).toString('latin1');
}
