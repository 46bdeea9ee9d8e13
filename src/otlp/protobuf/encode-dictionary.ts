// hot

import type { Steps } from '../../support/steps.ts';
import type { SmallTable } from '../column-tables.ts';
import type { FunctionColumns } from '../function-columns.ts';
import { functionColumnsOf } from '../function-columns.ts';
import type { LocationColumns } from '../location-columns.ts';
import { columnHighAt, columnLowAt, lineHighAt, lineLowAt, lineWords, locationColumnsOf } from '../location-columns.ts';
import type { EntryOf, KeyValueAndUnit, Link, Mapping, ProfilesDictionary } from '../profiles-data.ts';
import type { StackColumns } from '../stack-columns.ts';
import { stackColumnsOf } from '../stack-columns.ts';
import { stringColumnsOf } from '../string-columns.ts';
import { encodeValue } from './encode-attributes.ts';
import type { ProtobufWriter } from './protobuf-writer.ts';

/** Writes the fields of a `ProfilesDictionary`, last first. */
export function* encodeDictionary(writer: ProtobufWriter, dictionary: ProfilesDictionary): Steps<void> {
  yield* encodeLongTable(writer, 7, stackColumnsOf(dictionary.stackTable), encodeStack);
  yield* encodeLongTable(writer, 6, dictionary.attributeTable, ofObject(encodeAttribute));
  const strings = stringColumnsOf(dictionary.stringTable);
  let stepEnd = writer.length + bytesPerStep;
  for (let i = strings.length - 1; i >= 0; i--) {
    writer.explicitBytesOf(5, strings.bytes, strings.start(i), strings.end(i));
    if (writer.length < stepEnd) continue;
    yield;
    stepEnd = writer.length + bytesPerStep;
  }
  yield* encodeLongTable(writer, 4, dictionary.linkTable, ofObject(encodeLink));
  yield* encodeLongTable(writer, 3, functionColumnsOf(dictionary.functionTable), encodeFunction);
  yield* encodeLongTable(writer, 2, locationColumnsOf(dictionary.locationTable), encodeLocation);
  yield* encodeLongTable(writer, 1, dictionary.mappingTable, ofObject(encodeMapping));
}

/** Writes the fields of one entry, a table each. */
export const smallEncoders: {
  readonly [Table in SmallTable]: (writer: ProtobufWriter, entry: EntryOf<Table>) => void;
} = { mappingTable: encodeMapping, linkTable: encodeLink, attributeTable: encodeAttribute };

/** Writes the fields of one entry of a table. */
export type EncodeEntry<Entries> = (writer: ProtobufWriter, table: Entries, index: number) => void;

function ofObject<T>(encode: (writer: ProtobufWriter, entry: T) => void): EncodeEntry<readonly T[]> {
  return (writer, table, index) => encode(writer, table[index]!);
}

/** A table in steps of about `bytesPerStep`, each entry as a message of its own, also the zero value at the head of a table. */
function* encodeLongTable<Entries extends { readonly length: number }>(
  writer: ProtobufWriter,
  field: number,
  table: Entries,
  encode: EncodeEntry<Entries>,
): Steps<void> {
  for (let left = table.length; left > 0; ) {
    if (left < table.length) yield;
    const stepEnd = writer.length + bytesPerStep;
    while (left > 0 && writer.length < stepEnd) {
      left -= 1;
      const mark = writer.length;
      encode(writer, table, left);
      writer.message(field, mark);
    }
  }
}

/** Bytes that take a tenth of a millisecond, more or less, before the code is optimized. */
export const bytesPerStep = 4096;

export function encodeStack(writer: ProtobufWriter, { lists }: StackColumns, index: number): void {
  writer.packedInt32(1, lists.indices, lists.start(index), lists.end(index));
}

function encodeAttribute(writer: ProtobufWriter, attribute: KeyValueAndUnit): void {
  writer.int32(3, attribute.unitStrindex);
  if (attribute.value !== undefined) encodeValue(writer, 2, attribute.value);
  writer.int32(1, attribute.keyStrindex);
}

function encodeLink(writer: ProtobufWriter, link: Link): void {
  writer.bytes(2, link.spanId);
  writer.bytes(1, link.traceId);
}

export function encodeFunction(writer: ProtobufWriter, table: FunctionColumns, index: number): void {
  writer.int64Words(4, table.startLow(index), table.startHigh(index));
  writer.int32(3, table.filename(index));
  writer.int32(2, table.systemName(index));
  writer.int32(1, table.name(index));
}

export function encodeLocation(writer: ProtobufWriter, table: LocationColumns, index: number): void {
  const { attributes } = table;
  writer.packedInt32(4, attributes.indices, attributes.start(index), attributes.end(index));
  const first = table.linesStart(index);
  for (let line = table.linesEnd(index) - 1; line >= first; line--) {
    const mark = writer.length;
    encodeLine(writer, table.lines, lineWords * line);
    writer.message(3, mark);
  }
  writer.int64Words(2, table.low(index), table.high(index));
  writer.int32(1, table.mapping(index));
}

function encodeLine(writer: ProtobufWriter, lines: Int32Array, at: number): void {
  writer.int64Words(3, lines[at + columnLowAt]!, lines[at + columnHighAt]!);
  writer.int64Words(2, lines[at + lineLowAt]!, lines[at + lineHighAt]!);
  writer.int32(1, lines[at]!);
}

function encodeMapping(writer: ProtobufWriter, mapping: Mapping): void {
  writer.packedInt32(5, mapping.attributeIndices);
  writer.int32(4, mapping.filenameStrindex);
  writer.int64(3, mapping.fileOffset);
  writer.int64(2, mapping.memoryLimit);
  writer.int64(1, mapping.memoryStart);
}
