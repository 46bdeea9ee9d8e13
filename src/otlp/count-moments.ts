// hot
import type { ProfilesData } from './profiles-data.ts';

/** Observations in all profiles: the timestamps, and 1 for a sample without any. */
export function countMoments({ resourceProfiles }: ProfilesData): number {
  let count = 0;
  for (const { scopeProfiles } of resourceProfiles) {
    for (const { profiles } of scopeProfiles) {
      for (const { samples } of profiles) {
        for (const { timestampsUnixNano } of samples) count += Math.max(1, timestampsUnixNano.length);
      }
    }
  }
  return count;
}
