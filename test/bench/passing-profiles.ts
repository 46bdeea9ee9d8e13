import type { Entries, Line, Location, ProfilesData } from '../../src/otlp/profiles-data.ts';
import { attributeNames } from '../../src/profile/attribute-names.ts';
import { InternedDictionary } from '../../src/profile/dictionary/dictionary.ts';
import { seededRandom } from './synthetic-profiles.ts';

const startUnixNano = 1_767_225_600_000_000_000n;
const noBytes = new Uint8Array(0);
/** Of all locations, those of loaded files, which their senders leave without names. */
const nativeShare = 0.3;

export interface PassingProfiles {
  readonly data: ProfilesData;
  /** Locations without lines. */
  readonly namelessCount: number;
}

/**
 * What an eBPF profiler sends: few samples beside their dictionary. At a `scale` of 1 it has the proportions and the size of a
 * recorded message of a node with seven containers: 107 samples, 105 stacks, 998 locations, 706 functions, 73 kB.
 */
export function passingProfiles(scale: number): PassingProfiles {
  const random = seededRandom(7);
  const below = (bound: number): number => Math.floor(random() * bound);
  const dictionary = new InternedDictionary();
  const mappings = Array.from({ length: Math.ceil(14 * scale) }, (_, i) => internMapping(dictionary, i));
  const locations = Array.from({ length: Math.ceil(998 * scale) }, (_, i) => {
    if (random() < nativeShare) {
      const type = dictionary.attribute(attributeNames.frameType, 'native');
      return dictionary.location({
        mappingIndex: mappings[i % mappings.length]!,
        address: BigInt(4096 + 16 * i),
        lines: [],
        attributeIndices: [type],
      });
    }
    const type = dictionary.attribute(attributeNames.frameType, i % 3 === 0 ? 'v8js' : 'cpython');
    const called = below(Math.ceil(706 * scale));
    const file = `/usr/src/app/node_modules/package-${called % 97}/lib/module-${called % 211}.js`;
    const functionIndex = dictionary.function(`handle${called}Request`, '', file, 0n);
    const line: Line = { functionIndex, line: BigInt(1 + below(3000)), column: 0n };
    return dictionary.location({ mappingIndex: 0, address: BigInt(1 + i), lines: [line], attributeIndices: [type] });
  });
  let used = 0;
  const stacks = Array.from({ length: Math.ceil(105 * scale) }, () =>
    dictionary.stack(Array.from({ length: 20 }, () => locations[used++ % locations.length]!)),
  );
  const threads = Array.from({ length: Math.ceil(60 * scale) }, (_, i) => [
    dictionary.attribute('thread.name', `worker-${i}`),
    dictionary.attribute('thread.id', BigInt(4000 + i)),
  ]);
  const resources = Math.ceil(7 * scale);
  const sampleCount = stacks.length;
  const types = ['samples', 'count', 'cpu', 'nanoseconds'].map((text) => dictionary.string(text));
  const resourceProfiles = Array.from({ length: resources }, (_, resource) => {
    const samples = [];
    for (let i = resource; i < sampleCount; i += resources) {
      const timestampsUnixNano = Array.from({ length: 1 + below(3) }, () => startUnixNano + BigInt(below(5_000_000)));
      const attributeIndices = threads[i % threads.length]!;
      samples.push({ stackIndex: stacks[i]!, attributeIndices, linkIndex: 0, values: [], timestampsUnixNano });
    }
    return resourceOf(resource, samples, types);
  });
  const tables = dictionary.tables;
  return { data: { resourceProfiles, dictionary: tables }, namelessCount: nameless(tables.locationTable).length };
}

/** Indices of locations without lines. */
export function nameless(locations: Entries<Location>): number[] {
  return [...locations].flatMap(({ lines }, index) => (index > 0 && lines.length === 0 ? [index] : []));
}

/** The file ID of a mapping, as its htlhash has it. */
export function hashOf(mapping: number): string {
  return (0xabc0_0000 + mapping).toString(16).padStart(32, '0');
}

function internMapping(dictionary: InternedDictionary, index: number): number {
  const memoryStart = BigInt(index + 1) * 0x1000_0000n;
  return dictionary.mapping({
    memoryStart,
    memoryLimit: memoryStart + 0x80_0000n,
    fileOffset: 0n,
    filenameStrindex: dictionary.string(`/usr/lib/x86_64-linux-gnu/lib${index}.so.6`),
    attributeIndices: [
      dictionary.attribute(attributeNames.gnuBuildId, hashOf(index).padStart(40, '1')),
      dictionary.attribute(attributeNames.htlHash, hashOf(index)),
    ],
  });
}

function resourceOf(
  number: number,
  samples: ProfilesData['resourceProfiles'][number]['scopeProfiles'][number]['profiles'][number]['samples'],
  [sampleType, sampleUnit, periodType, periodUnit]: readonly number[],
): ProfilesData['resourceProfiles'][number] {
  return {
    resource: {
      attributes: [
        { key: 'container.id', value: number.toString(16).padStart(64, 'c') },
        { key: 'service.name', value: `service-${number}` },
      ],
      droppedAttributesCount: 0,
    },
    scopeProfiles: [
      {
        scope: {
          name: 'go.opentelemetry.io/ebpf-profiler',
          version: 'v0.0.202',
          attributes: [],
          droppedAttributesCount: 0,
        },
        profiles: [
          {
            sampleType: { typeStrindex: sampleType!, unitStrindex: sampleUnit! },
            samples,
            timeUnixNano: startUnixNano,
            durationNano: 5_000_000_000n,
            periodType: { typeStrindex: periodType!, unitStrindex: periodUnit! },
            period: 50_000_000n,
            profileId: new Uint8Array(16).fill(1 + (number % 255)),
            droppedAttributesCount: 0,
            originalPayloadFormat: '',
            originalPayload: noBytes,
            attributeIndices: [],
          },
        ],
        schemaUrl: 'https://opentelemetry.io/schemas/1.37.0',
      },
    ],
    schemaUrl: 'https://opentelemetry.io/schemas/1.37.0',
  };
}
