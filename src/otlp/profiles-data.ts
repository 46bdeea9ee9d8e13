// hot
/**
 * OTLP profiles (v1development, wire of proto v1.10 and v1.11) as plain data, under the names of the protocol
 * (https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/profiles/v1development/profiles.proto).
 * All 64-bit integers are `bigint`; 32-bit ones and indices are `number`. Attributes are always inline: references
 * into the string table are resolved when bytes are read.
 */
export interface ProfilesData {
  readonly resourceProfiles: readonly ResourceProfiles[];
  readonly dictionary: ProfilesDictionary;
}

/** The seven shared tables; entry 0 of each is the zero value. */
export interface ProfilesDictionary {
  readonly mappingTable: readonly Mapping[];
  readonly locationTable: Entries<Location>;
  readonly functionTable: Entries<FunctionEntry>;
  readonly linkTable: readonly Link[];
  readonly stringTable: Entries<string>;
  readonly attributeTable: readonly KeyValueAndUnit[];
  readonly stackTable: Entries<Stack>;
}

/** Entries of a table in order: columns where there may be many, a list where a few are made by hand. `entryOf` takes untrusted indices. */
export interface Entries<Entry> extends Iterable<Entry> {
  readonly length: number;
  /** A negative index counts from the end, as in lists. */
  at(index: number): Entry | undefined;
  entries(): Iterable<[number, Entry]>;
}

export type Table = keyof ProfilesDictionary;

export type EntryOf<T extends Table> = ProfilesDictionary[T] extends Entries<infer Entry> ? Entry : never;

export interface ResourceProfiles {
  readonly resource: Resource;
  readonly scopeProfiles: readonly ScopeProfiles[];
  readonly schemaUrl: string;
}

export interface Resource {
  readonly attributes: readonly KeyValue[];
  readonly droppedAttributesCount: number;
}

export interface ScopeProfiles {
  readonly scope: InstrumentationScope;
  readonly profiles: readonly Profile[];
  readonly schemaUrl: string;
}

export interface InstrumentationScope {
  readonly name: string;
  readonly version: string;
  readonly attributes: readonly KeyValue[];
  readonly droppedAttributesCount: number;
}

export interface Profile {
  readonly sampleType: ValueType;
  readonly samples: Samples;
  readonly timeUnixNano: bigint;
  readonly durationNano: bigint;
  readonly periodType: ValueType;
  readonly period: bigint;
  /** 16 bytes, or empty. */
  readonly profileId: Uint8Array;
  readonly droppedAttributesCount: number;
  readonly originalPayloadFormat: string;
  readonly originalPayload: Uint8Array;
  readonly attributeIndices: readonly number[];
}

export interface ValueType {
  readonly typeStrindex: number;
  readonly unitStrindex: number;
}

/** Samples in order: `SampleRange` where there may be many, a list where a few are made by hand. */
export interface Samples extends Iterable<Sample> {
  readonly length: number;
  at(index: number): Sample | undefined;
  slice(start?: number, end?: number): Samples;
  entries(): Iterable<[number, Sample]>;
}

export interface Sample {
  readonly stackIndex: number;
  readonly attributeIndices: readonly number[];
  readonly linkIndex: number;
  readonly values: readonly bigint[];
  readonly timestampsUnixNano: readonly bigint[];
}

export interface Mapping {
  readonly memoryStart: bigint;
  readonly memoryLimit: bigint;
  readonly fileOffset: bigint;
  readonly filenameStrindex: number;
  readonly attributeIndices: readonly number[];
}

/** Locations of a stack, leaf first. */
export interface Stack {
  readonly locationIndices: readonly number[];
}

export interface Location {
  readonly mappingIndex: number;
  readonly address: bigint;
  /** Innermost inlined function first; the last one is the caller of all before. Empty when nobody named it. */
  readonly lines: readonly Line[];
  readonly attributeIndices: readonly number[];
}

export interface Line {
  readonly functionIndex: number;
  readonly line: bigint;
  readonly column: bigint;
}

export interface FunctionEntry {
  readonly nameStrindex: number;
  readonly systemNameStrindex: number;
  readonly filenameStrindex: number;
  readonly startLine: bigint;
}

export interface Link {
  /** 16 bytes; empty in entry 0. */
  readonly traceId: Uint8Array;
  /** 8 bytes; empty in entry 0. */
  readonly spanId: Uint8Array;
}

/** An attribute of a mapping, location, sample or profile. */
export interface KeyValueAndUnit {
  readonly keyStrindex: number;
  readonly value: AnyValue;
  readonly unitStrindex: number;
}

/** An attribute of a resource or scope. */
export interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}

export interface KeyValueList {
  readonly entries: readonly KeyValue[];
}

/**
 * `bigint` is int_value, `number` is double_value, `Uint8Array` is bytes_value, an array is array_value, an object
 * with `entries` is kvlist_value, `undefined` is a value that is not set.
 */
export type AnyValue = string | boolean | bigint | number | Uint8Array | readonly AnyValue[] | KeyValueList | undefined;

/** Fields of a message while it is filled. */
export type Draft<T> = { -readonly [Key in keyof T]: T[Key] };

/** The seven tables while they are filled. */
export type DictionaryTables = { -readonly [T in Table]: EntryOf<T>[] };

/** Empty list, shared by all messages without elements: a two-byte message must not cost a hundred bytes. */
export const noElements: readonly never[] = Object.freeze([]);

/** Empty bytes, shared like `noElements`. */
export const noBytes: Uint8Array = new Uint8Array(0);

/** The list with `item` at its end: the same list, except for the shared empty one. */
export function append<T>(list: readonly T[], item: T): readonly T[] {
  if (list === noElements) return [item];
  (list as T[]).push(item);
  return list;
}

/** The entry at an index that may lead nowhere. */
export function entryOf<Entry>(entries: Entries<Entry>, index: number): Entry | undefined {
  return index < 0 ? undefined : entries.at(index);
}

/** For tables of columns: the place of an entry, counted from the end if `index` is negative; -1 when there is none. */
export function placeOf({ length }: { readonly length: number }, index: number): number {
  const place = index < 0 ? index + length : index;
  return place < length ? Math.max(-1, place) : -1;
}

export function* eachEntry<Entry>(count: number, read: (index: number) => Entry): Generator<Entry, void, undefined> {
  for (let index = 0; index < count; index++) yield read(index);
}

/** Tables that hold the zero value and nothing else. */
export function emptyDictionary(): DictionaryTables {
  return {
    mappingTable: [
      { memoryStart: 0n, memoryLimit: 0n, fileOffset: 0n, filenameStrindex: 0, attributeIndices: noElements },
    ],
    locationTable: [{ mappingIndex: 0, address: 0n, lines: noElements, attributeIndices: noElements }],
    functionTable: [{ nameStrindex: 0, systemNameStrindex: 0, filenameStrindex: 0, startLine: 0n }],
    linkTable: [{ traceId: noBytes, spanId: noBytes }],
    stringTable: [''],
    attributeTable: [{ keyStrindex: 0, value: undefined, unitStrindex: 0 }],
    stackTable: [{ locationIndices: noElements }],
  };
}

/** Tells a map from the other values that are objects; an array has a method of the same name. */
export function isKeyValueList(value: AnyValue): value is KeyValueList {
  return typeof value === 'object' && 'entries' in value && typeof value.entries !== 'function';
}

/** Number of samples in all profiles: the items of the Collector. */
export function countSamples({ resourceProfiles }: ProfilesData): number {
  let count = 0;
  for (const { scopeProfiles } of resourceProfiles) {
    for (const { profiles } of scopeProfiles) {
      for (const { samples } of profiles) count += samples.length;
    }
  }
  return count;
}
