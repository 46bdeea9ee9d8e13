import type { Profile, ProfilesData } from '../../otlp/profiles-data.ts';
import type { LinesOf } from '../dictionary/dictionary.ts';
import { InternedDictionary } from '../dictionary/dictionary.ts';
import { DictionaryCopy } from '../dictionary/dictionary-copy.ts';
import { ResourceTree } from './resource-tree.ts';

/**
 * One request that says what all of them say. Dictionaries become one without duplicates or entries that nobody uses; equal
 * resources become one, and so do equal scopes within them. Profiles stay as they are: each has an ID and a time of its own.
 * Order is that of first appearance. Resources and scopes without profiles are left out. Time grows with the size of all.
 * `linesOf` is asked for the lines of each location that has none.
 */
export function mergeProfiles(requests: readonly ProfilesData[], linesOf?: LinesOf): ProfilesData {
  const dictionary = new InternedDictionary();
  const resources = new ResourceTree<Profile[]>();
  for (const { resourceProfiles, dictionary: source } of requests) {
    const copy = new DictionaryCopy(source, dictionary, linesOf && ((location) => linesOf(location, dictionary)));
    for (const resource of resourceProfiles) {
      for (const scope of resource.scopeProfiles) {
        if (scope.profiles.length === 0) continue;
        const profiles = resources.get(resource, scope, () => []);
        for (const profile of scope.profiles) profiles.push(copyProfile(copy, profile));
      }
    }
  }
  return { resourceProfiles: resources.build((profiles) => profiles), dictionary: dictionary.tables };
}

function copyProfile(copy: DictionaryCopy, profile: Profile): Profile {
  const head = copy.profileHead(profile);
  return { ...head, samples: profile.samples.map((sample) => copy.sample(sample)) };
}
