// hot

import type { IndexLists } from '../../support/index-lists.ts';
import type { LargeTables, SmallTable } from '../column-tables.ts';
import { FunctionColumns } from '../function-columns.ts';
import { LocationColumns } from '../location-columns.ts';
import type { Draft, KeyValueAndUnit, Link, Mapping, ProfilesDictionary } from '../profiles-data.ts';
import { append, noBytes, noElements } from '../profiles-data.ts';
import { StackColumns } from '../stack-columns.ts';
import { StringColumns } from '../string-columns.ts';
import type { ProfilesReader } from './decode-attributes.ts';
import { readValue } from './decode-attributes.ts';

/** A dictionary while it is read. */
export interface DictionaryDraft extends LargeTables, Draft<Pick<ProfilesDictionary, SmallTable>> {
  /** True where locations, functions and strings are there already, and are passed over. */
  readonly isScanned?: boolean;
}

/** `bytes` are those of the message. Room is made for tables in proportions of an eBPF profiler's: a wrong guess costs a copy. */
export function newDictionary(bytes: Uint8Array): DictionaryDraft {
  const draft = emptyDictionaryOf(bytes);
  const { length } = bytes;
  if (length < leastReservedBytes) return draft;
  draft.locationTable.reserve(length >>> 6, length >>> 6);
  draft.functionTable.reserve(length >>> 7);
  draft.stackTable.lists.reserve(length >>> 9, length >>> 5);
  draft.stringTable.reserve(length >>> 6, 0);
  return draft;
}

/** Columns of shorter messages are small, and V8 has them on its own heap. */
const leastReservedBytes = 4096;

/** The same without room. */
export function emptyDictionaryOf(bytes: Uint8Array): DictionaryDraft {
  return {
    mappingTable: noElements,
    locationTable: new LocationColumns(),
    functionTable: new FunctionColumns(),
    linkTable: noElements,
    stringTable: new StringColumns(bytes),
    attributeTable: noElements,
    stackTable: new StackColumns(),
  };
}

/** The tables alone. */
export function tablesOf({ isScanned: _, ...tables }: DictionaryDraft): ProfilesDictionary {
  return tables;
}

export function readDictionary(reader: ProfilesReader, draft: DictionaryDraft): void {
  const { locationTable, functionTable, stackTable, stringTable, isScanned = false } = draft;
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    switch (tag) {
      case 0x0a:
        draft.mappingTable = reader.element('mapping_table', draft.mappingTable, newMapping(), readMapping);
        break;
      case 0x12:
        if (isScanned) reader.skip();
        else reader.message('location_table', locationTable, readLocation, locationTable.length);
        break;
      case 0x1a:
        if (isScanned) reader.skip();
        else reader.message('function_table', functionTable, readFunction, functionTable.length);
        break;
      case 0x22:
        draft.linkTable = reader.element('link_table', draft.linkTable, newLink(), readLink);
        break;
      case 0x2a:
        if (isScanned) reader.skip();
        else reader.textInto(stringTable);
        break;
      case 0x32:
        draft.attributeTable = reader.element('attribute_table', draft.attributeTable, newAttribute(), readAttribute);
        break;
      case 0x3a:
        reader.message('stack_table', stackTable.lists, readStack, stackTable.length);
        break;
      default:
        reader.skip();
    }
  }
}

function newMapping(): Draft<Mapping> {
  return { memoryStart: 0n, memoryLimit: 0n, fileOffset: 0n, filenameStrindex: 0, attributeIndices: noElements };
}

function readMapping(reader: ProfilesReader, draft: Draft<Mapping>): void {
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x08) draft.memoryStart = reader.uint64();
    else if (tag === 0x10) draft.memoryLimit = reader.uint64();
    else if (tag === 0x18) draft.fileOffset = reader.uint64();
    else if (tag === 0x20) draft.filenameStrindex = reader.int32();
    else if (tag === 0x2a) draft.attributeIndices = reader.packedInt32(draft.attributeIndices);
    else if (tag === 0x28) draft.attributeIndices = append(draft.attributeIndices, reader.int32());
    else reader.skip();
  }
}

function readLocation(reader: ProfilesReader, table: LocationColumns): void {
  let mapping = 0;
  let low = 0;
  let high = 0;
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x08) mapping = reader.int32();
    else if (tag === 0x10) {
      reader.int64Words();
      low = reader.low;
      high = reader.high;
    } else if (tag === 0x1a) {
      reader.message('lines', table, readLine, table.lineCount - table.linesStart(table.length));
    } else if (tag === 0x22) reader.packed(table.attributes, readIndex);
    else if (tag === 0x20) table.attributes.push(reader.int32());
    else reader.skip();
  }
  table.close(mapping, low, high);
}

function readLine(reader: ProfilesReader, table: LocationColumns): void {
  let called = 0;
  let lineLow = 0;
  let lineHigh = 0;
  let columnLow = 0;
  let columnHigh = 0;
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x08) called = reader.int32();
    else if (tag === 0x10) {
      reader.int64Words();
      lineLow = reader.low;
      lineHigh = reader.high;
    } else if (tag === 0x18) {
      reader.int64Words();
      columnLow = reader.low;
      columnHigh = reader.high;
    } else reader.skip();
  }
  table.pushLine(called, lineLow, lineHigh, columnLow, columnHigh);
}

function readFunction(reader: ProfilesReader, table: FunctionColumns): void {
  let name = 0;
  let systemName = 0;
  let filename = 0;
  let startLow = 0;
  let startHigh = 0;
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x08) name = reader.int32();
    else if (tag === 0x10) systemName = reader.int32();
    else if (tag === 0x18) filename = reader.int32();
    else if (tag === 0x20) {
      reader.int64Words();
      startLow = reader.low;
      startHigh = reader.high;
    } else reader.skip();
  }
  table.push(name, systemName, filename, startLow, startHigh);
}

function newLink(): Draft<Link> {
  return { traceId: noBytes, spanId: noBytes };
}

function readLink(reader: ProfilesReader, draft: Draft<Link>): void {
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x0a) draft.traceId = reader.bytes();
    else if (tag === 0x12) draft.spanId = reader.bytes();
    else reader.skip();
  }
}

function newAttribute(): Draft<KeyValueAndUnit> {
  return { keyStrindex: 0, value: undefined, unitStrindex: 0 };
}

function readAttribute(reader: ProfilesReader, draft: Draft<KeyValueAndUnit>): void {
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x08) draft.keyStrindex = reader.int32();
    else if (tag === 0x12) reader.message('value', draft, readValue);
    else if (tag === 0x18) draft.unitStrindex = reader.int32();
    else reader.skip();
  }
}

function readStack(reader: ProfilesReader, lists: IndexLists): void {
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x0a) reader.packed(lists, readIndex);
    else if (tag === 0x08) lists.push(reader.int32());
    else reader.skip();
  }
  lists.close();
}

function readIndex(reader: ProfilesReader, lists: IndexLists): void {
  lists.push(reader.int32());
}
