import type { DictionaryTables, ProfilesData, ProfilesDictionary } from '../../src/otlp/profiles-data.ts';

export interface ListedProfiles extends ProfilesData {
  readonly dictionary: DictionaryTables;
}

/** The same profiles with each sample and each entry of a table as an object: to be compared with what a test has written down. */
export function withLists(data: ProfilesData): ListedProfiles {
  const resourceProfiles = data.resourceProfiles.map((resource) => ({
    ...resource,
    scopeProfiles: resource.scopeProfiles.map((scope) => ({
      ...scope,
      profiles: scope.profiles.map((profile) => ({ ...profile, samples: [...profile.samples] })),
    })),
  }));
  return { resourceProfiles, dictionary: tableLists(data.dictionary) };
}

/** The tables as lists of their own. */
export function tableLists(dictionary: ProfilesDictionary): DictionaryTables {
  return {
    mappingTable: [...dictionary.mappingTable],
    locationTable: [...dictionary.locationTable],
    functionTable: [...dictionary.functionTable],
    linkTable: [...dictionary.linkTable],
    stringTable: [...dictionary.stringTable],
    attributeTable: [...dictionary.attributeTable],
    stackTable: [...dictionary.stackTable],
  };
}
