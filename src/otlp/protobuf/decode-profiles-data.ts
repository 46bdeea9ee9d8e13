// hot

import type {
  Draft,
  InstrumentationScope,
  Profile,
  ProfilesData,
  Resource,
  ResourceProfiles,
  ScopeProfiles,
  ValueType,
} from '../profiles-data.ts';
import { append, noBytes, noElements } from '../profiles-data.ts';
import type { SampleColumns } from '../sample-columns.ts';
import { SampleRange } from '../sample-columns.ts';
import { StringReferences } from '../string-references.ts';
import type { ProfilesReader } from './decode-attributes.ts';
import { createContext, newKeyValue, readKeyValue } from './decode-attributes.ts';
import type { DictionaryDraft } from './decode-dictionary.ts';
import { newDictionary, readDictionary, tablesOf } from './decode-dictionary.ts';
import { ProtobufReader } from './protobuf-reader.ts';

/** A message, and what resolving its references has hidden. */
export interface DecodedProfiles {
  readonly data: ProfilesData;
  /** Indices of the string table that attributes referred to. */
  readonly referencedStrings: ReadonlySet<number>;
  /** Texts that were not UTF-8: each wrong byte became U+FFFD. */
  readonly mendedTexts: number;
  /**
   * Samples with fields in the wire types of another version of the protocol, by their number in the message: what was read of them is
   * not what was meant.
   */
  readonly misnumberedSamples: ReadonlySet<number>;
}

/** Reads the fields of a `Profile`, whose numbers older versions of the protocol had otherwise. */
export type ReadProfile = (reader: ProfilesReader, draft: Draft<Profile>) => void;

/**
 * Reads the protobuf of `ProfilesData` or `ExportProfilesServiceRequest`. Unknown fields are left out, and so are known ones with
 * another wire type. Indices are taken as they are: `checkConformance` judges them.
 * @throws InvalidMessage with the path of the message at fault
 */
export function decodeProfilesData(bytes: Uint8Array): ProfilesData {
  return decodeProfiles(bytes).data;
}

/**
 * Like `decodeProfilesData`, with what a judge of the bytes needs besides. `draft` is a dictionary that is filled in part; room is made for
 * `sampleCount` samples.
 */
export function decodeProfiles(
  bytes: Uint8Array,
  readOneProfile: ReadProfile = readProfile,
  draft: DictionaryDraft = newDictionary(bytes),
  sampleCount = 0,
): DecodedProfiles {
  const readResourceProfiles = resourceProfilesReader(readOneProfile);
  const references = new StringReferences(() => readStringTable(bytes));
  const context = createContext(references);
  if (sampleCount > 0) context.samples.reserve(sampleCount);
  const reader = new ProtobufReader(bytes, context);
  let resourceProfiles: readonly ResourceProfiles[] = noElements;
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x0a) {
      const draft = newResourceProfiles();
      resourceProfiles = reader.element('resource_profiles', resourceProfiles, draft, readResourceProfiles);
    } else if (tag === 0x12) reader.message('dictionary', draft, readDictionary);
    else reader.skip();
  }
  return {
    data: { resourceProfiles, dictionary: tablesOf(draft) },
    referencedStrings: references.used,
    mendedTexts: reader.mendedTexts,
    misnumberedSamples: context.misnumberedSamples,
  };
}

/** The string table alone, passing over the rest. */
function readStringTable(bytes: Uint8Array): readonly string[] {
  const strings: string[] = [];
  const reader = new ProtobufReader(bytes, strings);
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x12) reader.message('dictionary', strings, readStrings);
    else reader.skip();
  }
  return strings;
}

function readStrings(reader: ProtobufReader<unknown>, strings: string[]): void {
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x2a) strings.push(reader.text());
    else reader.skip();
  }
}

function newResourceProfiles(): Draft<ResourceProfiles> {
  return {
    resource: { attributes: noElements, droppedAttributesCount: 0 },
    scopeProfiles: noElements,
    schemaUrl: '',
  };
}

type Read<T> = (reader: ProfilesReader, draft: Draft<T>) => void;

function resourceProfilesReader(readOneProfile: ReadProfile): Read<ResourceProfiles> {
  const readScopeProfiles = scopeProfilesReader(readOneProfile);
  return (reader, draft) => {
    for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
      if (tag === 0x0a) reader.message('resource', draft.resource, readResource);
      else if (tag === 0x12) {
        const scope = newScopeProfiles();
        draft.scopeProfiles = reader.element('scope_profiles', draft.scopeProfiles, scope, readScopeProfiles);
      } else if (tag === 0x1a) draft.schemaUrl = reader.text();
      else reader.skip();
    }
  };
}

/** Reads the fields of a `Resource`. */
export function readResource(reader: ProfilesReader, draft: Draft<Resource>): void {
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x0a) draft.attributes = reader.element('attributes', draft.attributes, newKeyValue(), readKeyValue);
    else if (tag === 0x10) draft.droppedAttributesCount = reader.int32() >>> 0;
    else reader.skip();
  }
}

function newScopeProfiles(): Draft<ScopeProfiles> {
  return {
    scope: { name: '', version: '', attributes: noElements, droppedAttributesCount: 0 },
    profiles: noElements,
    schemaUrl: '',
  };
}

function scopeProfilesReader(readOneProfile: ReadProfile): Read<ScopeProfiles> {
  return (reader, draft) => {
    for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
      if (tag === 0x0a) reader.message('scope', draft.scope, readScope);
      else if (tag === 0x12) draft.profiles = reader.element('profiles', draft.profiles, newProfile(), readOneProfile);
      else if (tag === 0x1a) draft.schemaUrl = reader.text();
      else reader.skip();
    }
  };
}

function readScope(reader: ProfilesReader, draft: Draft<InstrumentationScope>): void {
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x0a) draft.name = reader.text();
    else if (tag === 0x12) draft.version = reader.text();
    else if (tag === 0x1a)
      draft.attributes = reader.element('attributes', draft.attributes, newKeyValue(), readKeyValue);
    else if (tag === 0x20) draft.droppedAttributesCount = reader.int32() >>> 0;
    else reader.skip();
  }
}

function newProfile(): Draft<Profile> {
  return {
    sampleType: { typeStrindex: 0, unitStrindex: 0 },
    samples: noElements,
    timeUnixNano: 0n,
    durationNano: 0n,
    periodType: { typeStrindex: 0, unitStrindex: 0 },
    period: 0n,
    profileId: noBytes,
    droppedAttributesCount: 0,
    originalPayloadFormat: '',
    originalPayload: noBytes,
    attributeIndices: noElements,
  };
}

/** Reads a `Profile` of the current proto. */
export const readProfile: ReadProfile = profileReader(readSample, 0);

/**
 * Reader of a `Profile` whose samples `readOneSample` reads. Fields from the profile ID on, which is 7 in the current proto, have numbers
 * that are higher by `shift`.
 */
export function profileReader(readOneSample: ReadSample, shift: 0 | 1): ReadProfile {
  const bits = shift << 3;
  return (reader, draft) => {
    const { samples } = reader.context;
    const first = samples.count;
    for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
      if (tag === 0x0a) reader.message('sample_type', draft.sampleType, readValueType);
      else if (tag === 0x12) reader.message('samples', samples, readOneSample, samples.count - first);
      else if (tag === 0x19) draft.timeUnixNano = reader.fixed64();
      else if (tag === 0x20) draft.durationNano = reader.uint64();
      else if (tag === 0x2a) reader.message('period_type', draft.periodType, readValueType);
      else if (tag === 0x30) draft.period = reader.int64();
      else if (tag === 0x3a + bits) draft.profileId = reader.bytes();
      else if (tag === 0x40 + bits) draft.droppedAttributesCount = reader.int32() >>> 0;
      else if (tag === 0x4a + bits) draft.originalPayloadFormat = reader.text();
      else if (tag === 0x52 + bits) draft.originalPayload = reader.bytes();
      else if (tag === 0x5a + bits) draft.attributeIndices = reader.packedInt32(draft.attributeIndices);
      else if (tag === 0x58 + bits) draft.attributeIndices = append(draft.attributeIndices, reader.int32());
      else reader.skip();
    }
    if (samples.count > first) draft.samples = new SampleRange(samples, first, samples.count - first);
  };
}

function readValueType(reader: ProfilesReader, draft: Draft<ValueType>): void {
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x08) draft.typeStrindex = reader.int32();
    else if (tag === 0x10) draft.unitStrindex = reader.int32();
    else reader.skip();
  }
}

/** Reads the fields of a sample, and appends it. */
export type ReadSample = (reader: ProfilesReader, samples: SampleColumns) => void;

function readSample(reader: ProfilesReader, samples: SampleColumns): void {
  let stackIndex = 0;
  let linkIndex = 0;
  let isPacked = false;
  let isUnpacked = false;
  let hasOldList = false;
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x08) stackIndex = reader.int32();
    else if (tag === 0x12) {
      reader.packed(samples, readAttributeIndex);
      isPacked = true;
    } else if (tag === 0x10) readAttributeIndex(reader, samples);
    else if (tag === 0x18) linkIndex = reader.int32();
    else if (tag === 0x22) reader.packed(samples, readSampleValue);
    else if (tag === 0x20) {
      readSampleValue(reader, samples);
      isUnpacked = true;
    } else if (tag === 0x2a) reader.packed(samples, readTimestamp);
    else if (tag === 0x29) readTimestamp(reader, samples);
    else {
      if (tag === 0x1a) hasOldList = true;
      reader.skip();
    }
  }
  // Values that are not packed beside attributes that are: a link of v1.9, whose attributes are a list in field 3.
  if (hasOldList || (isPacked && isUnpacked)) reader.context.misnumberedSamples.add(samples.count);
  samples.end(stackIndex, linkIndex);
}

export function readAttributeIndex(reader: ProfilesReader, samples: SampleColumns): void {
  samples.addAttribute(reader.int32());
}

export function readSampleValue(reader: ProfilesReader, samples: SampleColumns): void {
  reader.int64Words();
  samples.addValue(reader.low, reader.high);
}

export function readTimestamp(reader: ProfilesReader, samples: SampleColumns): void {
  reader.fixed64Words();
  samples.addTime(reader.low, reader.high);
}
