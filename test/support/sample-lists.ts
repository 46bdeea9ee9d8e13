import type { ProfilesData } from '../../src/otlp/profiles-data.ts';

/** The same profiles with each sample as an object: to be compared with what a test has written down. */
export function withSampleLists(data: ProfilesData): ProfilesData {
  const resourceProfiles = data.resourceProfiles.map((resource) => ({
    ...resource,
    scopeProfiles: resource.scopeProfiles.map((scope) => ({
      ...scope,
      profiles: scope.profiles.map((profile) => ({ ...profile, samples: [...profile.samples] })),
    })),
  }));
  return { ...data, resourceProfiles };
}
