import type { ProfilesData } from '../../otlp/profiles-data.ts';
import { mergeProfiles } from '../join/profiles-joiner.ts';
import { withoutOrphans } from '../join/without-orphans.ts';
import { DictionaryNaming } from './dictionary-naming.ts';
import type { NamingSession } from './location-naming.ts';
import type { UnnamedFrames } from './unnamed-frames.ts';
import { UnnamedTally } from './unnamed-frames.ts';

export interface EnrichedProfiles extends LocationCounts {
  readonly data: ProfilesData;
}

export interface LocationCounts {
  /** Locations whose names the store has learned. */
  readonly learnedLocations: number;
  /** Locations that came without a name and have one now. */
  readonly namedLocations: number;
  /** Locations that still have no name. */
  readonly unnamedLocations: number;
  /** The same by reason and frame type. */
  readonly unnamed: readonly UnnamedFrames[];
}

/**
 * Received profiles with the store's names for their locations, after the store has learned theirs. Nothing else of a profile
 * changes: the dictionary is written anew without orphans and duplicates, and equal resources become one. All indices of
 * `data` must be sound. `isDistinct` says that no two entries, resources or scopes are equal: then a request that gets no
 * name is written anew without looking for them.
 */
export function enrichProfiles(data: ProfilesData, session: NamingSession, isDistinct = false): EnrichedProfiles {
  const naming = new DictionaryNaming(data.dictionary, session);
  const learnedLocations = naming.learnAll(data);
  const unnamed = isDistinct ? withoutNames(data, naming) : undefined;
  return { ...(unnamed ?? withNames(data, naming)), learnedLocations };
}

type NamedProfiles = Omit<EnrichedProfiles, 'learnedLocations'>;

/** `undefined` where the store has a name. */
function withoutNames(data: ProfilesData, naming: DictionaryNaming): NamedProfiles | undefined {
  let namedLocations = 0;
  let unnamedLocations = 0;
  const tally = new UnnamedTally();
  // A name may make two locations equal, and so two stacks.
  const written = withoutOrphans(data, (location) => {
    if (namedLocations > 0) return;
    if (naming.find(location) !== undefined) namedLocations++;
    else {
      unnamedLocations++;
      naming.countUnnamed(location, tally);
    }
  });
  if (namedLocations > 0) return undefined;
  return { data: written, namedLocations, unnamedLocations, unnamed: tally.toArray() };
}

function withNames(data: ProfilesData, naming: DictionaryNaming): NamedProfiles {
  let namedLocations = 0;
  let unnamedLocations = 0;
  const tally = new UnnamedTally();
  const enriched = mergeProfiles([data], (target) => {
    const addLines = naming.linesIn(target);
    return (location) => {
      if (addLines(location) > 0) {
        namedLocations++;
        return;
      }
      unnamedLocations++;
      naming.countUnnamed(location, tally);
    };
  });
  return { data: enriched, namedLocations, unnamedLocations, unnamed: tally.toArray() };
}
