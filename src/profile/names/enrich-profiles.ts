import type { ProfilesData } from '../../otlp/profiles-data.ts';
import { mergeProfiles } from '../join/merge-profiles.ts';
import type { NameBook } from './name-book.ts';
import { Naming } from './naming.ts';

export interface EnrichedProfiles extends LocationCounts {
  readonly data: ProfilesData;
}

export interface LocationCounts {
  /** Locations whose names the book was told. */
  readonly learnedLocations: number;
  /** Locations that came without a name and have one now. */
  readonly namedLocations: number;
  /** Locations that have none still. */
  readonly unnamedLocations: number;
}

/**
 * Profiles of somebody else with the names that `names` has for them, after `names` was told theirs. Nothing else of a profile
 * changes: the dictionary is written anew without what nobody uses and without duplicates, and equal resources become
 * one. All indices of `data` must be sound.
 */
export function enrichProfiles(data: ProfilesData, names: NameBook): EnrichedProfiles {
  const naming = new Naming(data.dictionary, names);
  const learnedLocations = naming.learnAll(data);
  let namedLocations = 0;
  let unnamedLocations = 0;
  const enriched = mergeProfiles([data], (location, target) => {
    const lines = naming.linesIn(target, location);
    if (lines.length > 0) namedLocations++;
    else unnamedLocations++;
    return lines;
  });
  return { data: enriched, learnedLocations, namedLocations, unnamedLocations };
}
