import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { mergeProfiles } from '../../src/profile/join/profiles-joiner.ts';
import { runRecordings } from '../support/recorded-run.ts';

const recordings = join(import.meta.dirname, '../../recordings');

/** All recordings as the service reports them, in one request: some 2000 samples of some 50 processes, 170 kB. */
export async function recordedRequest(): Promise<ProfilesData> {
  const folders = readdirSync(recordings, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const paths = folders.map(({ name }) => join(recordings, name));
  // One window for all: it ends when the service stops.
  const { messages } = await runRecordings(['--speed', '100', ...paths], { interval: '60s' });
  return mergeProfiles(messages);
}

/** Native frames without their names, which are long: small samples, and a dictionary as profilers send it. */
export function withoutNativeNames(data: ProfilesData): ProfilesData {
  const { stringTable, attributeTable, locationTable } = data.dictionary;
  const isNative = (index: number): boolean => {
    const { keyStrindex, value } = attributeTable[index]!;
    return stringTable.at(keyStrindex) === 'profile.frame.type' && value === 'native';
  };
  const unnamed = [...locationTable].map((location) =>
    location.attributeIndices.some(isNative) ? { ...location, lines: [] } : location,
  );
  return mergeProfiles([{ ...data, dictionary: { ...data.dictionary, locationTable: unnamed } }]);
}

/** Without IDs and starts: parts of a profile are profiles, with both of their own. The end of each stays. */
export function withoutIdentity(data: ProfilesData): ProfilesData {
  const resourceProfiles = data.resourceProfiles.map((resource) => ({
    ...resource,
    scopeProfiles: resource.scopeProfiles.map((scope) => ({
      ...scope,
      profiles: scope.profiles.map((profile) => ({
        ...profile,
        profileId: new Uint8Array(0),
        timeUnixNano: 0n,
        durationNano: profile.timeUnixNano + profile.durationNano,
      })),
    })),
  }));
  return { ...data, resourceProfiles };
}

/** The samples of a request so many times over, each time from resources of their own: `copy` counts from 0. */
export function copiesOf({ resourceProfiles, dictionary }: ProfilesData, count: number): ProfilesData {
  const copies = Array.from({ length: count }, (_, copy) =>
    resourceProfiles.map((entry) => {
      const attributes = [...entry.resource.attributes, { key: 'copy', value: BigInt(copy) }];
      return { ...entry, resource: { ...entry.resource, attributes } };
    }),
  );
  return { resourceProfiles: copies.flat(), dictionary };
}
