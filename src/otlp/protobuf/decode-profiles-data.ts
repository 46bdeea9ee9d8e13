// hot

import type {
  InstrumentationScope,
  Profile,
  ProfilesData,
  Resource,
  ResourceProfiles,
  Sample,
  ScopeProfiles,
  ValueType,
} from '../profiles-data.ts';
import { append, noBytes, noElements } from '../profiles-data.ts';
import { StringReferences } from '../string-references.ts';
import type { Draft, ProfilesReader } from './decode-attributes.ts';
import { newKeyValue, readKeyValue } from './decode-attributes.ts';
import { newDictionary, readDictionary } from './decode-dictionary.ts';
import { ProtobufReader } from './protobuf-reader.ts';

/** A message, and what resolving its references has hidden. */
export interface DecodedProfiles {
  readonly data: ProfilesData;
  /** Indices of the string table that attributes referred to. */
  readonly referencedStrings: ReadonlySet<number>;
  /** Texts that were not UTF-8: each wrong byte became U+FFFD. */
  readonly mendedTexts: number;
  /** Samples with fields in the wire types of another version of the protocol: what was read of them is not what was meant. */
  readonly misnumberedSamples: ReadonlySet<Sample>;
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

/** Like `decodeProfilesData`, with what a judge of the bytes needs besides. */
export function decodeProfiles(bytes: Uint8Array, readOneProfile: ReadProfile = readProfile): DecodedProfiles {
  const readResourceProfiles = resourceProfilesReader(readOneProfile);
  const references = new StringReferences(() => readStringTable(bytes));
  const misnumberedSamples = new Set<Sample>();
  const reader = new ProtobufReader(bytes, { references, misnumberedSamples });
  const dictionary = newDictionary();
  let resourceProfiles: readonly ResourceProfiles[] = noElements;
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x0a) {
      const draft = newResourceProfiles();
      resourceProfiles = reader.element('resource_profiles', resourceProfiles, draft, readResourceProfiles);
    } else if (tag === 0x12) reader.message('dictionary', dictionary, readDictionary);
    else reader.skip();
  }
  return {
    data: { resourceProfiles, dictionary },
    referencedStrings: references.used,
    mendedTexts: reader.mendedTexts,
    misnumberedSamples,
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
const readProfile = profileReader(readSample, 0);

/**
 * Reader of a `Profile` whose samples `readOneSample` reads. Fields from the profile ID on, which is 7 in the current proto, have numbers
 * that are higher by `shift`.
 */
export function profileReader(readOneSample: Read<Sample>, shift: 0 | 1): ReadProfile {
  const bits = shift << 3;
  return (reader, draft) => {
    for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
      if (tag === 0x0a) reader.message('sample_type', draft.sampleType, readValueType);
      else if (tag === 0x12) draft.samples = reader.element('samples', draft.samples, newSample(), readOneSample);
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
  };
}

function readValueType(reader: ProfilesReader, draft: Draft<ValueType>): void {
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x08) draft.typeStrindex = reader.int32();
    else if (tag === 0x10) draft.unitStrindex = reader.int32();
    else reader.skip();
  }
}

function newSample(): Draft<Sample> {
  return {
    stackIndex: 0,
    attributeIndices: noElements,
    linkIndex: 0,
    values: noElements,
    timestampsUnixNano: noElements,
  };
}

function readSample(reader: ProfilesReader, draft: Draft<Sample>): void {
  let isPacked = false;
  let isUnpacked = false;
  let hasOldList = false;
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x08) draft.stackIndex = reader.int32();
    else if (tag === 0x12) {
      draft.attributeIndices = reader.packedInt32(draft.attributeIndices);
      isPacked = true;
    } else if (tag === 0x10) draft.attributeIndices = append(draft.attributeIndices, reader.int32());
    else if (tag === 0x18) draft.linkIndex = reader.int32();
    else if (tag === 0x22) draft.values = reader.packedInt64(draft.values);
    else if (tag === 0x20) {
      draft.values = append(draft.values, reader.int64());
      isUnpacked = true;
    } else if (tag === 0x2a) draft.timestampsUnixNano = reader.packedFixed64(draft.timestampsUnixNano);
    else if (tag === 0x29) draft.timestampsUnixNano = append(draft.timestampsUnixNano, reader.fixed64());
    else {
      if (tag === 0x1a) hasOldList = true;
      reader.skip();
    }
  }
  // Values that are not packed beside attributes that are: a link of v1.9, whose attributes are a list in field 3.
  if (hasOldList || (isPacked && isUnpacked)) reader.context.misnumberedSamples.add(draft);
}
