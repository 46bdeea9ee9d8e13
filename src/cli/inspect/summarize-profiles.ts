import type { ProfilesData, ResourceProfiles, ValueType } from '../../otlp/profiles-data.ts';
import { FrameReader } from '../../profile/flame/frame-reader.ts';
import { attributeText } from '../../profile/formats/attribute-text.ts';
import type { ProfilesSummary, ResourceSummary } from './profiles-summary.ts';
import { TypeTally } from './type-tally.ts';

/** Adds up all messages of a file. `top` bounds the functions and files that are listed of each type. */
export function summarizeProfiles(messages: readonly ProfilesData[], top: number): ProfilesSummary {
  const resources = new Map<string, ResourceTally>();
  const types = new Map<string, TypeTally>();
  for (const data of messages) {
    const reader = new FrameReader(data.dictionary);
    for (const entry of data.resourceProfiles) {
      addResource(resources, entry);
      for (const profile of entry.scopeProfiles.flatMap(({ profiles }) => profiles)) {
        const sampleType = typeName(reader, profile.sampleType);
        const periodType = typeName(reader, profile.periodType);
        const key = `${sampleType}\n${periodType}\n${profile.period}`;
        let tally = types.get(key);
        if (tally === undefined) {
          tally = new TypeTally(sampleType, periodType, profile.period);
          types.set(key, tally);
        }
        tally.add(profile, reader);
      }
    }
  }
  return {
    resources: [...resources.values()].map(({ scopes, ...rest }) => ({ ...rest, scopes: [...scopes] })),
    types: [...types.values()].map((tally) => tally.summary(top)),
  };
}

interface ResourceTally extends Omit<ResourceSummary, 'scopes' | 'profiles' | 'samples'> {
  readonly scopes: Set<string>;
  profiles: number;
  samples: number;
}

/** The same resource comes again in every message. */
function addResource(resources: Map<string, ResourceTally>, { resource, scopeProfiles }: ResourceProfiles): void {
  const attributes = Object.fromEntries(resource.attributes.map(({ key, value }) => [key, attributeText(value)]));
  const key = JSON.stringify(attributes);
  const tally = resources.get(key) ?? { attributes, scopes: new Set<string>(), profiles: 0, samples: 0 };
  for (const { scope, profiles } of scopeProfiles) {
    tally.scopes.add(`${scope.name} ${scope.version}`.trim());
    tally.profiles += profiles.length;
    for (const { samples } of profiles) tally.samples += samples.length;
  }
  resources.set(key, tally);
}

function typeName(reader: FrameReader, { typeStrindex, unitStrindex }: ValueType): string {
  const [type, unit] = [reader.text(typeStrindex), reader.text(unitStrindex)];
  return type === '' && unit === '' ? '' : `${type}/${unit}`;
}
