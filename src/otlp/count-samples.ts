import type { ProfilesData } from './profiles-data.ts';

/** Number of samples in all profiles: what the Collector calls items. */
export function countSamples({ resourceProfiles }: ProfilesData): number {
  let count = 0;
  for (const { scopeProfiles } of resourceProfiles) {
    for (const { profiles } of scopeProfiles) {
      for (const { samples } of profiles) count += samples.length;
    }
  }
  return count;
}
