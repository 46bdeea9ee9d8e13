// hot
import type { Line, Profile, ProfilesData, ValueType } from '../otlp/profiles-data.ts';
import { coalesceResources } from './coalesce-resources.ts';
import { DictionaryCopy } from './dictionary-copy.ts';
import type { NameBook } from './name-book.ts';
import { Naming } from './naming.ts';
import { linesOf } from './symbol-lines.ts';

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
  const copy: DictionaryCopy = new DictionaryCopy(data.dictionary, (location) => {
    const lines = linesIn(copy, naming, location);
    if (lines.length > 0) namedLocations++;
    else unnamedLocations++;
    return lines.length > 0 ? lines : undefined;
  });
  const resourceProfiles = coalesceResources(data.resourceProfiles).map((entry) => ({
    ...entry,
    scopeProfiles: entry.scopeProfiles.map((scope) => ({
      ...scope,
      profiles: scope.profiles.map((profile) => copyProfile(profile, copy)),
    })),
  }));
  return { data: { resourceProfiles, dictionary: copy.build() }, learnedLocations, namedLocations, unnamedLocations };
}

function linesIn(copy: DictionaryCopy, naming: Naming, location: number): readonly Line[] {
  const symbol = naming.find(location);
  if (symbol === undefined) return [];
  return linesOf(symbol, (name, systemName, filePath, startLine) =>
    copy.functionNamed({
      nameStrindex: copy.text(name),
      systemNameStrindex: copy.text(systemName),
      filenameStrindex: copy.text(filePath),
      startLine: BigInt(startLine),
    }),
  );
}

function copyProfile(profile: Profile, copy: DictionaryCopy): Profile {
  return {
    ...profile,
    sampleType: copyValueType(profile.sampleType, copy),
    periodType: copyValueType(profile.periodType, copy),
    attributeIndices: copy.attributes(profile.attributeIndices),
    samples: profile.samples.map((sample) => ({
      stackIndex: copy.stack(sample.stackIndex),
      attributeIndices: copy.attributes(sample.attributeIndices),
      linkIndex: copy.link(sample.linkIndex),
      values: sample.values,
      timestampsUnixNano: sample.timestampsUnixNano,
    })),
  };
}

function copyValueType({ typeStrindex, unitStrindex }: ValueType, copy: DictionaryCopy): ValueType {
  return { typeStrindex: copy.string(typeStrindex), unitStrindex: copy.string(unitStrindex) };
}
