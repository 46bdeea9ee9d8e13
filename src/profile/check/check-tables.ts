import type {
  Entries,
  FunctionEntry,
  KeyValueAndUnit,
  Link,
  Location,
  Mapping,
  ProfilesDictionary,
} from '../../otlp/profiles-data.ts';
import type { FaultList } from './fault-list.ts';

/** Rules of each table on its own: the zero value at its head, and entries that make sense. */
export function checkTables(dictionary: ProfilesDictionary, faults: FaultList): void {
  checkTable('mapping_table', dictionary.mappingTable, isZeroMapping, checkMapping, faults);
  checkTable('location_table', dictionary.locationTable, isZeroLocation, checkLocation, faults);
  checkTable('function_table', dictionary.functionTable, isZeroFunction, checkFunction, faults);
  checkTable('link_table', dictionary.linkTable, isZeroLink, checkLink, faults);
  checkTable('string_table', dictionary.stringTable, (text) => text === '', checkNothing, faults);
  checkTable('attribute_table', dictionary.attributeTable, isZeroAttribute, checkAttribute, faults);
  checkTable('stack_table', dictionary.stackTable, (stack) => stack.locationIndices.length === 0, checkNothing, faults);
}

function checkTable<T>(
  name: string,
  entries: Entries<T>,
  isZero: (entry: T) => boolean,
  check: (entry: T, path: string, faults: FaultList) => void,
  faults: FaultList,
): void {
  const path = `dictionary: ${name}`;
  if (entries.length === 0) faults.add(path, 'is empty; it needs at least the zero value');
  for (const [index, entry] of entries.entries()) {
    if (index > 0) check(entry, `${path}[${index}]`, faults);
    else if (!isZero(entry)) faults.add(`${path}[0]`, 'is not the zero value');
  }
}

export function isZeroMapping(entry: Mapping): boolean {
  const hasPlace = entry.memoryStart !== 0n || entry.memoryLimit !== 0n || entry.fileOffset !== 0n;
  return !hasPlace && entry.filenameStrindex === 0 && entry.attributeIndices.length === 0;
}

function checkMapping({ memoryStart, memoryLimit }: Mapping, path: string, faults: FaultList): void {
  if (memoryStart < memoryLimit || (memoryStart === 0n && memoryLimit === 0n)) return;
  const range = `memory_start 0x${memoryStart.toString(16)} and memory_limit 0x${memoryLimit.toString(16)}`;
  faults.add(path, `${range} must be both zero or start < limit`);
}

export function isZeroLocation({ mappingIndex, address, lines, attributeIndices }: Location): boolean {
  return mappingIndex === 0 && address === 0n && lines.length === 0 && attributeIndices.length === 0;
}

function checkLocation({ lines }: Location, path: string, faults: FaultList): void {
  for (const [index, { line, column }] of lines.entries()) {
    checkNotNegative(line, `${path}: line[${index}]: line`, faults);
    checkNotNegative(column, `${path}: line[${index}]: column`, faults);
  }
}

export function isZeroFunction(entry: FunctionEntry): boolean {
  return isNameless(entry) && entry.startLine === 0n;
}

function checkFunction(entry: FunctionEntry, path: string, faults: FaultList): void {
  if (isNameless(entry)) faults.add(path, 'has neither a name nor a file');
  checkNotNegative(entry.startLine, `${path}: start_line`, faults);
}

function isNameless({ nameStrindex, systemNameStrindex, filenameStrindex }: FunctionEntry): boolean {
  return nameStrindex === 0 && systemNameStrindex === 0 && filenameStrindex === 0;
}

// The specification allows 16 and 8 zero bytes too; profcheck and Parca take only the empty message.
export function isZeroLink({ traceId, spanId }: Link): boolean {
  return traceId.length === 0 && spanId.length === 0;
}

function checkLink({ traceId, spanId }: Link, path: string, faults: FaultList): void {
  if (traceId.length !== 16) faults.add(`${path}: trace_id`, `has ${traceId.length} bytes, must have 16`);
  if (spanId.length !== 8) faults.add(`${path}: span_id`, `has ${spanId.length} bytes, must have 8`);
}

export function isZeroAttribute({ keyStrindex, value, unitStrindex }: KeyValueAndUnit): boolean {
  return keyStrindex === 0 && value === undefined && unitStrindex === 0;
}

function checkAttribute({ keyStrindex }: KeyValueAndUnit, path: string, faults: FaultList): void {
  if (keyStrindex === 0) faults.add(`${path}: key_strindex`, 'is 0; an attribute needs a key');
}

function checkNothing(): void {}

function checkNotNegative(value: bigint, path: string, faults: FaultList): void {
  if (value < 0n) faults.add(path, `is ${value}, must not be negative`);
}
