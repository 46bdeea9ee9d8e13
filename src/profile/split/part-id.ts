import { createHash } from 'node:crypto';

/**
 * ID of the part of a profile that begins at a sample: that of the profile for the first part, and else an ID made of it and of
 * the sample, the same at each try; none for a profile without ID. An ID names one set of samples, and a receiver may
 * drop a profile whose ID it has seen.
 */
export function partId(profileId: Uint8Array, firstSample: number): Uint8Array {
  if (profileId.length === 0 || firstSample === 0) return profileId;
  const hash = createHash('sha256').update(profileId).update(`part at sample ${firstSample}`).digest();
  return new Uint8Array(hash.subarray(0, 16));
}
