// hot

import type { Steps } from '../../support/steps.ts';
import { atOnce } from '../../support/steps.ts';
import { LocationColumns } from '../location-columns.ts';
import type { Profile, ProfilesData, ResourceProfiles, Samples, ScopeProfiles, ValueType } from '../profiles-data.ts';
import type { SampleColumns } from '../sample-columns.ts';
import { columnsOf, SampleRange } from '../sample-columns.ts';
import { StackColumns } from '../stack-columns.ts';
import { StringColumns } from '../string-columns.ts';
import { encodeAttributes } from './encode-attributes.ts';
import { bytesPerStep, encodeDictionary } from './encode-dictionary.ts';
import { ProtobufWriter } from './protobuf-writer.ts';

/**
 * The protobuf of `ProfilesData`, which is that of `ExportProfilesServiceRequest` too. The dictionary, resources, scopes,
 * sample types and period types are always present, also when they are empty: some receivers dereference them unasked.
 */
export function encodeProfilesData(data: ProfilesData): Uint8Array {
  return atOnce(encodeInSteps(data));
}

/** The same in steps. The data must not change before the last one. `sizeBytes` is a guess of the result; a wrong one costs a copy. */
export function* encodeInSteps(data: ProfilesData, sizeBytes: number = guessSizeBytes(data)): Steps<Uint8Array> {
  const writer = new ProtobufWriter(sizeBytes);
  yield* encodeDictionary(writer, data.dictionary);
  writer.message(2, 0);
  yield* encodeMessages(writer, 1, data.resourceProfiles, resourceProfilesInSteps);
  return yield* writer.finishInSteps();
}

/** Writes the fields of one entry of `resource_profiles`; this and the next three serve to measure parts of a request. */
export function encodeResourceProfiles(writer: ProtobufWriter, entry: ResourceProfiles): void {
  atOnce(resourceProfilesInSteps(writer, entry));
}

export function encodeScopeProfiles(writer: ProtobufWriter, entry: ScopeProfiles): void {
  atOnce(scopeProfilesInSteps(writer, entry));
}

export function encodeProfile(writer: ProtobufWriter, profile: Profile): void {
  atOnce(profileInSteps(writer, profile));
}

function* resourceProfilesInSteps(
  writer: ProtobufWriter,
  { resource, scopeProfiles, schemaUrl }: ResourceProfiles,
): Steps<void> {
  yield* levelInSteps(writer, schemaUrl, scopeProfiles, scopeProfilesInSteps, () => {
    writer.uint32(2, resource.droppedAttributesCount);
    encodeAttributes(writer, 1, resource.attributes);
  });
}

function* scopeProfilesInSteps(writer: ProtobufWriter, { scope, profiles, schemaUrl }: ScopeProfiles): Steps<void> {
  yield* levelInSteps(writer, schemaUrl, profiles, profileInSteps, () => {
    writer.uint32(4, scope.droppedAttributesCount);
    encodeAttributes(writer, 3, scope.attributes);
    writer.text(2, scope.version);
    writer.text(1, scope.name);
  });
}

/** The two levels above the profiles have a head in field 1, a list in field 2, and the URL of a schema in field 3. */
function* levelInSteps<T>(
  writer: ProtobufWriter,
  schemaUrl: string,
  entries: readonly T[],
  encodeEntry: (writer: ProtobufWriter, entry: T) => Steps<void>,
  encodeHead: () => void,
): Steps<void> {
  writer.text(3, schemaUrl);
  yield* encodeMessages(writer, 2, entries, encodeEntry);
  const mark = writer.length;
  encodeHead();
  writer.message(1, mark);
}

function* profileInSteps(writer: ProtobufWriter, profile: Profile): Steps<void> {
  writer.packedInt32(11, profile.attributeIndices);
  writer.bytes(10, profile.originalPayload);
  writer.text(9, profile.originalPayloadFormat);
  writer.uint32(8, profile.droppedAttributesCount);
  writer.bytes(7, profile.profileId);
  writer.int64(6, profile.period);
  encodeValueType(writer, 5, profile.periodType);
  writer.int64(4, profile.durationNano);
  writer.fixed64(3, profile.timeUnixNano);
  yield* encodeSamples(writer, columnsOf(profile.samples));
  encodeValueType(writer, 1, profile.sampleType);
}

/** Messages with lists of messages in them; a step may end after each that ends a `bytesPerStep`. */
function* encodeMessages<T>(
  writer: ProtobufWriter,
  field: number,
  entries: readonly T[],
  encode: (writer: ProtobufWriter, entry: T) => Steps<void>,
): Steps<void> {
  let stepEnd = writer.length + bytesPerStep;
  for (let i = entries.length - 1; i >= 0; i--) {
    const mark = writer.length;
    yield* encode(writer, entries[i]!);
    writer.message(field, mark);
    if (writer.length < stepEnd) continue;
    yield;
    stepEnd = writer.length + bytesPerStep;
  }
}

function encodeValueType(writer: ProtobufWriter, field: number, type: ValueType): void {
  const mark = writer.length;
  writer.int32(2, type.unitStrindex);
  writer.int32(1, type.typeStrindex);
  writer.message(field, mark);
}

function* encodeSamples(writer: ProtobufWriter, { columns, first, length }: SampleRange): Steps<void> {
  for (let left = length; left > 0; ) {
    if (left < length) yield;
    const stepEnd = writer.length + bytesPerStep;
    while (left > 0 && writer.length < stepEnd) {
      left -= 1;
      const mark = writer.length;
      encodeSample(writer, columns, first + left);
      writer.message(2, mark);
    }
  }
}

export function encodeSample(writer: ProtobufWriter, columns: SampleColumns, index: number): void {
  writer.packedFixed64Words(5, columns.times, columns.timesStart(index), columns.timesEnd(index));
  writer.packedInt64Words(4, columns.values, columns.valuesStart(index), columns.valuesEnd(index));
  writer.int32(3, columns.link(index));
  writer.packedInt32(2, columns.attributes, columns.attributesStart(index), columns.attributesEnd(index));
  writer.int32(1, columns.stack(index));
}

/** Bytes that the data takes at least, by what lies in columns. */
export function leastSizeBytes({ dictionary, resourceProfiles }: ProfilesData): number {
  const { stackTable, stringTable, locationTable, functionTable } = dictionary;
  let sizeBytes = headBytes * (stackTable.length + locationTable.length + functionTable.length);
  if (stackTable instanceof StackColumns) sizeBytes += stackTable.lists.openEnd;
  if (stringTable instanceof StringColumns) sizeBytes += stringTable.textBytes;
  if (locationTable instanceof LocationColumns) sizeBytes += headBytes * locationTable.lineCount;
  for (const { scopeProfiles } of resourceProfiles) {
    for (const { profiles } of scopeProfiles) {
      for (const { samples } of profiles) sizeBytes += headBytes * samples.length + momentBytes(samples);
    }
  }
  return sizeBytes;
}

/** Tag and length of a message. */
const headBytes = 2;

/** A timestamp has 8 bytes; a value, of columns, one at least. */
function momentBytes(samples: Samples): number {
  if (!(samples instanceof SampleRange)) return 0;
  const { columns, first, length } = samples;
  const last = first + length - 1;
  return (
    8 * (columns.timesEnd(last) - columns.timesStart(first)) + columns.valuesEnd(last) - columns.valuesStart(first)
  );
}

/** Typical sizes of an entry. */
function guessSizeBytes({ dictionary, resourceProfiles }: ProfilesData): number {
  let sizeBytes = 4096 + 32 * dictionary.stringTable.length + 24 * dictionary.locationTable.length;
  sizeBytes += 12 * dictionary.functionTable.length + 40 * dictionary.stackTable.length;
  for (const { scopeProfiles } of resourceProfiles) {
    sizeBytes += 512;
    for (const { profiles } of scopeProfiles) {
      for (const { samples } of profiles) sizeBytes += 64 + guessSamplesBytes(samples);
    }
  }
  return sizeBytes;
}

/** Of merged profiles timestamps are nearly all: a guess by samples would be doubled to their size, with a copy each time. */
function guessSamplesBytes(samples: Samples): number {
  if (!(samples instanceof SampleRange) || samples.length === 0) return 48 * samples.length;
  const { columns, first, length } = samples;
  const last = first + length - 1;
  const timestamps = columns.timesEnd(last) - columns.timesStart(first);
  const values = columns.valuesEnd(last) - columns.valuesStart(first);
  const attributes = columns.attributesEnd(last) - columns.attributesStart(first);
  return 20 * length + 8 * timestamps + 3 * values + 2 * attributes;
}
