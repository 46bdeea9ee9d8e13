// hot

import type {
  Draft,
  FunctionEntry,
  KeyValueAndUnit,
  Line,
  Link,
  Location,
  Mapping,
  ProfilesDictionary,
  Stack,
} from '../profiles-data.ts';
import { append, noBytes, noElements } from '../profiles-data.ts';
import type { ProfilesReader } from './decode-attributes.ts';
import { readValue } from './decode-attributes.ts';

export function newDictionary(): Draft<ProfilesDictionary> {
  return {
    mappingTable: noElements,
    locationTable: noElements,
    functionTable: noElements,
    linkTable: noElements,
    stringTable: noElements,
    attributeTable: noElements,
    stackTable: noElements,
  };
}

export function readDictionary(reader: ProfilesReader, draft: Draft<ProfilesDictionary>): void {
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    switch (tag) {
      case 0x0a:
        draft.mappingTable = reader.element('mapping_table', draft.mappingTable, newMapping(), readMapping);
        break;
      case 0x12:
        draft.locationTable = reader.element('location_table', draft.locationTable, newLocation(), readLocation);
        break;
      case 0x1a:
        draft.functionTable = reader.element('function_table', draft.functionTable, newFunction(), readFunction);
        break;
      case 0x22:
        draft.linkTable = reader.element('link_table', draft.linkTable, newLink(), readLink);
        break;
      case 0x2a:
        draft.stringTable = append(draft.stringTable, reader.text());
        break;
      case 0x32:
        draft.attributeTable = reader.element('attribute_table', draft.attributeTable, newAttribute(), readAttribute);
        break;
      case 0x3a:
        draft.stackTable = reader.element('stack_table', draft.stackTable, newStack(), readStack);
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

function newLocation(): Draft<Location> {
  return { mappingIndex: 0, address: 0n, lines: noElements, attributeIndices: noElements };
}

function readLocation(reader: ProfilesReader, draft: Draft<Location>): void {
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x08) draft.mappingIndex = reader.int32();
    else if (tag === 0x10) draft.address = reader.uint64();
    else if (tag === 0x1a) draft.lines = reader.element('lines', draft.lines, newLine(), readLine);
    else if (tag === 0x22) draft.attributeIndices = reader.packedInt32(draft.attributeIndices);
    else if (tag === 0x20) draft.attributeIndices = append(draft.attributeIndices, reader.int32());
    else reader.skip();
  }
}

function newLine(): Draft<Line> {
  return { functionIndex: 0, line: 0n, column: 0n };
}

function readLine(reader: ProfilesReader, draft: Draft<Line>): void {
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x08) draft.functionIndex = reader.int32();
    else if (tag === 0x10) draft.line = reader.int64();
    else if (tag === 0x18) draft.column = reader.int64();
    else reader.skip();
  }
}

function newFunction(): Draft<FunctionEntry> {
  return { nameStrindex: 0, systemNameStrindex: 0, filenameStrindex: 0, startLine: 0n };
}

function readFunction(reader: ProfilesReader, draft: Draft<FunctionEntry>): void {
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x08) draft.nameStrindex = reader.int32();
    else if (tag === 0x10) draft.systemNameStrindex = reader.int32();
    else if (tag === 0x18) draft.filenameStrindex = reader.int32();
    else if (tag === 0x20) draft.startLine = reader.int64();
    else reader.skip();
  }
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

function newStack(): Draft<Stack> {
  return { locationIndices: noElements };
}

function readStack(reader: ProfilesReader, draft: Draft<Stack>): void {
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x0a) draft.locationIndices = reader.packedInt32(draft.locationIndices);
    else if (tag === 0x08) draft.locationIndices = append(draft.locationIndices, reader.int32());
    else reader.skip();
  }
}
