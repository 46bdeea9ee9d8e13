import type { Profile, Sample } from '../profiles-data.ts';
import { append } from '../profiles-data.ts';
import type { Draft, ProfilesReader } from './decode-attributes.ts';
import type { ReadProfile } from './decode-profiles-data.ts';
import { newSample, readValueType } from './decode-profiles-data.ts';

/** Reads a `Profile` of proto v1.9, whose samples have other numbers than those of v1.10. */
export const readProfileV19: ReadProfile = (reader, draft) => {
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (readSharedField(reader, draft, tag)) continue;
    else if (tag === 0x3a) draft.profileId = reader.bytes();
    else if (tag === 0x40) draft.droppedAttributesCount = reader.int32() >>> 0;
    else if (tag === 0x4a) draft.originalPayloadFormat = reader.text();
    else if (tag === 0x52) draft.originalPayload = reader.bytes();
    else if (tag === 0x5a) draft.attributeIndices = reader.packedInt32(draft.attributeIndices);
    else if (tag === 0x58) draft.attributeIndices = append(draft.attributeIndices, reader.int32());
    else reader.skip();
  }
};

/** Reads a `Profile` of proto v1.8: as in v1.9, one number further after the comments, which later versions do not have. */
export const readProfileV18: ReadProfile = (reader, draft) => {
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (readSharedField(reader, draft, tag)) continue;
    else if (tag === 0x42) draft.profileId = reader.bytes();
    else if (tag === 0x48) draft.droppedAttributesCount = reader.int32() >>> 0;
    else if (tag === 0x52) draft.originalPayloadFormat = reader.text();
    else if (tag === 0x5a) draft.originalPayload = reader.bytes();
    else if (tag === 0x62) draft.attributeIndices = reader.packedInt32(draft.attributeIndices);
    else if (tag === 0x60) draft.attributeIndices = append(draft.attributeIndices, reader.int32());
    else reader.skip();
  }
};

/** Reads what has the same number in both; false for any other field. */
function readSharedField(reader: ProfilesReader, draft: Draft<Profile>, tag: number): boolean {
  if (tag === 0x0a) reader.message('sample_type', draft.sampleType, readValueType);
  else if (tag === 0x12) draft.samples = reader.element('samples', draft.samples, newSample(), readOldSample);
  else if (tag === 0x19) draft.timeUnixNano = reader.fixed64();
  else if (tag === 0x20) draft.durationNano = reader.uint64();
  else if (tag === 0x2a) reader.message('period_type', draft.periodType, readValueType);
  else if (tag === 0x30) draft.period = reader.int64();
  else return false;
  return true;
}

function readOldSample(reader: ProfilesReader, draft: Draft<Sample>): void {
  let isPacked = false;
  let isUnpacked = false;
  let hasNewList = false;
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x08) draft.stackIndex = reader.int32();
    else if (tag === 0x12) {
      draft.values = reader.packedInt64(draft.values);
      isPacked = true;
    } else if (tag === 0x10) draft.values = append(draft.values, reader.int64());
    else if (tag === 0x1a) draft.attributeIndices = reader.packedInt32(draft.attributeIndices);
    else if (tag === 0x18) {
      draft.attributeIndices = append(draft.attributeIndices, reader.int32());
      isUnpacked = true;
    } else if (tag === 0x20) draft.linkIndex = reader.int32();
    else if (tag === 0x2a) draft.timestampsUnixNano = reader.packedFixed64(draft.timestampsUnixNano);
    else if (tag === 0x29) draft.timestampsUnixNano = append(draft.timestampsUnixNano, reader.fixed64());
    else {
      if (tag === 0x22) hasNewList = true;
      reader.skip();
    }
  }
  // Attributes that are not packed beside values that are: a link of v1.10, whose values are a list in field 4.
  if (hasNewList || (isPacked && isUnpacked)) reader.context.misnumberedSamples.add(draft);
}
