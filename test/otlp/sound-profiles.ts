import type fc from 'fast-check';
import type { ProfilesData, ProfilesDictionary } from '../../src/otlp/profiles-data.ts';
import { arbitraryProfiles } from './arbitrary-profiles.ts';
import type { Mutable } from './good-profiles.ts';

/** Any profiles whose indices point into their tables and whose IDs have their lengths. */
export const soundProfiles: fc.Arbitrary<ProfilesData> = arbitraryProfiles.map((data) =>
  makeSound(data as Mutable<ProfilesData>),
);

/** The same with profiles that begin a second apart, so that none has to begin later because another of equal labels begins with it. */
export const profilesApart: fc.Arbitrary<ProfilesData> = soundProfiles.map((data) => setApart([data])[0]!);

/** Lets all profiles of some requests begin a second apart. */
export function setApart(requests: readonly ProfilesData[]): readonly ProfilesData[] {
  let timeUnixNano = 0n;
  for (const { scopeProfiles } of requests.flatMap(({ resourceProfiles }) => resourceProfiles)) {
    for (const { profiles } of scopeProfiles) {
      for (const profile of profiles as Mutable<(typeof profiles)[number]>[]) {
        timeUnixNano += 1_000_000_000n;
        profile.timeUnixNano = timeUnixNano;
      }
    }
  }
  return requests;
}

function makeSound(data: Mutable<ProfilesData>): ProfilesData {
  const { dictionary } = data;
  const none = new Uint8Array(0);
  dictionary.mappingTable.unshift({
    memoryStart: 0n,
    memoryLimit: 0n,
    fileOffset: 0n,
    filenameStrindex: 0,
    attributeIndices: [],
  });
  dictionary.locationTable.unshift({ mappingIndex: 0, address: 0n, lines: [], attributeIndices: [] });
  dictionary.functionTable.unshift({ nameStrindex: 0, systemNameStrindex: 0, filenameStrindex: 0, startLine: 0n });
  dictionary.linkTable.unshift({ traceId: none, spanId: none });
  dictionary.stringTable.unshift('');
  dictionary.attributeTable.unshift({ keyStrindex: 0, value: undefined, unitStrindex: 0 });
  dictionary.stackTable.unshift({ locationIndices: [] });
  for (const link of dictionary.linkTable.slice(1)) {
    link.traceId = ofLength(link.traceId, 16);
    link.spanId = ofLength(link.spanId, 8);
  }
  bend(data, dictionary);
  return data;
}

const tableOf: Readonly<Record<string, keyof ProfilesDictionary>> = {
  mappingIndex: 'mappingTable',
  functionIndex: 'functionTable',
  stackIndex: 'stackTable',
  linkIndex: 'linkTable',
  attributeIndices: 'attributeTable',
  locationIndices: 'locationTable',
};

/** Bends every index of a message, whatever holds it, into its table. */
function bend(value: unknown, dictionary: ProfilesDictionary): void {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
  for (const [key, field] of Object.entries(value)) {
    const fields = value as Record<string, unknown>;
    const table = key.endsWith('Strindex') ? 'stringTable' : tableOf[key];
    if (key === 'profileId')
      fields[key] = (field as Uint8Array).length === 0 ? field : ofLength(field as Uint8Array, 16);
    else if (table === undefined) bend(field, dictionary);
    else if (Array.isArray(field)) fields[key] = field.map((index) => into(index, dictionary[table].length));
    else fields[key] = into(field as number, dictionary[table].length);
  }
}

function into(index: number, length: number): number {
  return Math.abs(index) % length;
}

function ofLength(bytes: Uint8Array, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => bytes[index % Math.max(1, bytes.length)] ?? 7);
}
