// hot

import type { Steps } from '../../support/steps.ts';
import { atOnce } from '../../support/steps.ts';
import type { Profile, ProfilesData, ResourceProfiles, ScopeProfiles, ValueType } from '../profiles-data.ts';
import type { SampleColumns, SampleRange } from '../sample-columns.ts';
import { columnsOf } from '../sample-columns.ts';
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

/** The same in steps. The data must not change before the last one. */
export function* encodeInSteps(data: ProfilesData): Steps<Uint8Array> {
  const writer = new ProtobufWriter(guessSizeBytes(data));
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

/** Typical sizes of an entry; a wrong guess costs a copy. */
function guessSizeBytes({ dictionary, resourceProfiles }: ProfilesData): number {
  let sizeBytes = 4096 + 32 * dictionary.stringTable.length + 24 * dictionary.locationTable.length;
  sizeBytes += 12 * dictionary.functionTable.length + 40 * dictionary.stackTable.length;
  for (const { scopeProfiles } of resourceProfiles) {
    sizeBytes += 512;
    for (const { profiles } of scopeProfiles) {
      for (const { samples } of profiles) sizeBytes += 64 + 48 * samples.length;
    }
  }
  return sizeBytes;
}
