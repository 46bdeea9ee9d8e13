import type { SampleColumns } from '../sample-columns.ts';
import type { ProfilesReader } from './decode-attributes.ts';
import { profileReader, readAttributeIndex, readSampleValue, readTimestamp } from './decode-profiles-data.ts';

/** Reads a `Profile` of proto v1.9, whose samples have other numbers than those of v1.10. */
export const readProfileV19 = profileReader(readOldSample, 0);

/** Reads a `Profile` of proto v1.8: as in v1.9, one number further after the comments, which later versions do not have. */
export const readProfileV18 = profileReader(readOldSample, 1);

function readOldSample(reader: ProfilesReader, samples: SampleColumns): void {
  let stackIndex = 0;
  let linkIndex = 0;
  let isPacked = false;
  let isUnpacked = false;
  let hasNewList = false;
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x08) stackIndex = reader.int32();
    else if (tag === 0x12) {
      reader.packed(samples, readSampleValue);
      isPacked = true;
    } else if (tag === 0x10) readSampleValue(reader, samples);
    else if (tag === 0x1a) reader.packed(samples, readAttributeIndex);
    else if (tag === 0x18) {
      readAttributeIndex(reader, samples);
      isUnpacked = true;
    } else if (tag === 0x20) linkIndex = reader.int32();
    else if (tag === 0x2a) reader.packed(samples, readTimestamp);
    else if (tag === 0x29) readTimestamp(reader, samples);
    else {
      if (tag === 0x22) hasNewList = true;
      reader.skip();
    }
  }
  // Attributes that are not packed beside values that are: a link of v1.10, whose values are a list in field 4.
  if (hasNewList || (isPacked && isUnpacked)) reader.context.misnumberedSamples.add(samples.count);
  samples.end(stackIndex, linkIndex);
}
