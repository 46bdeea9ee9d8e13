// hot

import type { Steps } from '../../support/steps.ts';
import type {
  FunctionEntry,
  KeyValueAndUnit,
  Line,
  Link,
  Location,
  Mapping,
  ProfilesDictionary,
  Stack,
} from '../profiles-data.ts';
import { encodeValue } from './encode-attributes.ts';
import type { ProtobufWriter } from './protobuf-writer.ts';

/** Writes the fields of a `ProfilesDictionary`, last first. */
export function* encodeDictionary(writer: ProtobufWriter, dictionary: ProfilesDictionary): Steps<void> {
  yield* encodeLongTable(writer, 7, dictionary.stackTable, encodeStack);
  yield* encodeLongTable(writer, 6, dictionary.attributeTable, encodeAttribute);
  const strings = dictionary.stringTable;
  let stepEnd = writer.length + bytesPerStep;
  for (let i = strings.length - 1; i >= 0; i--) {
    writer.explicitText(5, strings[i]!);
    if (writer.length < stepEnd) continue;
    yield;
    stepEnd = writer.length + bytesPerStep;
  }
  yield* encodeLongTable(writer, 4, dictionary.linkTable, encodeLink);
  yield* encodeLongTable(writer, 3, dictionary.functionTable, encodeFunction);
  yield* encodeLongTable(writer, 2, dictionary.locationTable, encodeLocation);
  yield* encodeLongTable(writer, 1, dictionary.mappingTable, encodeMapping);
}

/** Writes the fields of one entry, a table each. Strings are not messages, and not here. */
export const entryEncoders: {
  readonly [Table in MessageTable]: (writer: ProtobufWriter, entry: ProfilesDictionary[Table][number]) => void;
} = {
  mappingTable: encodeMapping,
  locationTable: encodeLocation,
  functionTable: encodeFunction,
  linkTable: encodeLink,
  attributeTable: encodeAttribute,
  stackTable: encodeStack,
};

/** The tables whose entries are messages. */
export type MessageTable = Exclude<keyof ProfilesDictionary, 'stringTable'>;

/** Writes each entry as a message of its own, also the zero value at the head of a table. */
export function encodeTable<T>(
  writer: ProtobufWriter,
  field: number,
  entries: readonly T[],
  encode: (writer: ProtobufWriter, entry: T) => void,
): void {
  encodeEntries(writer, { field, entries, encode }, entries.length, Infinity);
}

/** `encodeTable` in steps of about `bytesPerStep`; one for a table that is shorter. */
export function* encodeLongTable<T>(
  writer: ProtobufWriter,
  field: number,
  entries: readonly T[],
  encode: (writer: ProtobufWriter, entry: T) => void,
): Steps<void> {
  const table = { field, entries, encode };
  let left = encodeEntries(writer, table, entries.length, writer.length + bytesPerStep);
  while (left > 0) {
    yield;
    left = encodeEntries(writer, table, left, writer.length + bytesPerStep);
  }
}

interface EncodedTable<T> {
  readonly field: number;
  readonly entries: readonly T[];
  readonly encode: (writer: ProtobufWriter, entry: T) => void;
}

/** Writes the entries before `end`, last first, until the writer has `endLength` bytes; returns how many are left. */
function encodeEntries<T>(
  writer: ProtobufWriter,
  { field, entries, encode }: EncodedTable<T>,
  end: number,
  endLength: number,
): number {
  let left = end;
  while (left > 0 && writer.length < endLength) {
    left -= 1;
    const mark = writer.length;
    encode(writer, entries[left]!);
    writer.message(field, mark);
  }
  return left;
}

/** Bytes that take a tenth of a millisecond, more or less, before the code is optimized. */
export const bytesPerStep = 4096;

function encodeStack(writer: ProtobufWriter, stack: Stack): void {
  writer.packedInt32(1, stack.locationIndices);
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

function encodeFunction(writer: ProtobufWriter, entry: FunctionEntry): void {
  writer.int64(4, entry.startLine);
  writer.int32(3, entry.filenameStrindex);
  writer.int32(2, entry.systemNameStrindex);
  writer.int32(1, entry.nameStrindex);
}

function encodeLocation(writer: ProtobufWriter, location: Location): void {
  writer.packedInt32(4, location.attributeIndices);
  encodeTable(writer, 3, location.lines, encodeLine);
  writer.int64(2, location.address);
  writer.int32(1, location.mappingIndex);
}

function encodeLine(writer: ProtobufWriter, line: Line): void {
  writer.int64(3, line.column);
  writer.int64(2, line.line);
  writer.int32(1, line.functionIndex);
}

function encodeMapping(writer: ProtobufWriter, mapping: Mapping): void {
  writer.packedInt32(5, mapping.attributeIndices);
  writer.int32(4, mapping.filenameStrindex);
  writer.int64(3, mapping.fileOffset);
  writer.int64(2, mapping.memoryLimit);
  writer.int64(1, mapping.memoryStart);
}
