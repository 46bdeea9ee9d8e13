import type { Sample } from '../profiles-data.ts';
import { append } from '../profiles-data.ts';
import type { Draft, ProfilesReader } from './decode-attributes.ts';
import { profileReader } from './decode-profiles-data.ts';

/** Reads a `Profile` of proto v1.9, whose samples have other numbers than those of v1.10. */
export const readProfileV19 = profileReader(readOldSample, 0);

/** Reads a `Profile` of proto v1.8: as in v1.9, one number further after the comments, which later versions do not have. */
export const readProfileV18 = profileReader(readOldSample, 1);

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
