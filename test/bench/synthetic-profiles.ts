import type { ProfilesData, Sample } from '../../src/otlp/profiles-data.ts';

const startUnixNano = 1_767_225_600_000_000_000n;
const counts = { resources: 60, samples: 1000, stacks: 300, locations: 2000, functions: 1500, strings: 3000 };

/**
 * One reporting cycle of a busy node: 60 processes, 1,000 samples of 300 stacks with 30 frames each, 2,000 locations,
 * 1,500 functions, 3,000 strings. The same at each call.
 */
export function syntheticProfiles(): ProfilesData {
  const random = seededRandom(42);
  const below = (bound: number): number => Math.floor(random() * bound);
  const samplesOf = (resource: number): Sample[] =>
    Array.from({ length: Math.ceil((counts.samples - resource) / counts.resources) }, (_, i) => ({
      stackIndex: 1 + below(counts.stacks),
      attributeIndices: [3 + below(200), 203 + below(32)],
      linkIndex: 0,
      values: [],
      timestampsUnixNano: Array.from({ length: 1 + below(3) }, () => startUnixNano + BigInt(i) * 1_000_003n),
    }));
  const resourceProfiles = Array.from({ length: counts.resources }, (_, i) => ({
    resource: {
      attributes: [
        { key: 'service.name', value: `service-${i}` },
        { key: 'process.pid', value: BigInt(1000 + i) },
        { key: 'container.id', value: 'c'.repeat(64) },
      ],
      droppedAttributesCount: 0,
    },
    scopeProfiles: [
      {
        scope: { name: 'framekeeper', version: '0.1.0', attributes: [], droppedAttributesCount: 0 },
        profiles: [
          {
            sampleType: { typeStrindex: 1, unitStrindex: 2 },
            samples: samplesOf(i),
            timeUnixNano: startUnixNano,
            durationNano: 5_000_000_000n,
            periodType: { typeStrindex: 3, unitStrindex: 4 },
            period: 50_000_000n,
            profileId: new Uint8Array(16).fill(i + 1),
            droppedAttributesCount: 0,
            originalPayloadFormat: '',
            originalPayload: new Uint8Array(0),
            attributeIndices: [],
          },
        ],
        schemaUrl: '',
      },
    ],
    schemaUrl: '',
  }));
  return { resourceProfiles, dictionary: syntheticDictionary(below) };
}

function syntheticDictionary(below: (bound: number) => number): ProfilesData['dictionary'] {
  const table = <T>(count: number, entry: (index: number) => T): T[] =>
    Array.from({ length: count + 1 }, (_, i) => entry(i));
  const string = (): number => 1 + below(counts.strings);
  return {
    mappingTable: table(50, (i) => ({
      memoryStart: BigInt(i) * 0x1_0000_0000n,
      memoryLimit: BigInt(i) * 0x1_0000_0000n + 0x10_0000n,
      fileOffset: 0n,
      filenameStrindex: i === 0 ? 0 : string(),
      attributeIndices: [],
    })),
    locationTable: table(counts.locations, (i) => ({
      mappingIndex: i === 0 ? 0 : 1 + below(50),
      address: BigInt(i) * 0x7f12_3457n,
      lines: i % 4 === 0 ? [] : [{ functionIndex: 1 + below(counts.functions), line: BigInt(below(3000)), column: 0n }],
      attributeIndices: i === 0 ? [] : [1 + (i % 2)],
    })),
    functionTable: table(counts.functions, (i) => ({
      nameStrindex: i === 0 ? 0 : string(),
      systemNameStrindex: 0,
      filenameStrindex: i === 0 ? 0 : string(),
      startLine: BigInt(below(2000)),
    })),
    linkTable: [{ traceId: new Uint8Array(0), spanId: new Uint8Array(0) }],
    stringTable: table(counts.strings, (i) =>
      i === 0 ? '' : `com.example.package${i % 37}.Class${i}.method${i % 11}`,
    ),
    attributeTable: table(240, (i) => ({
      keyStrindex: i === 0 ? 0 : 5 + (i % 7),
      value: i === 0 ? undefined : i % 2 === 0 ? BigInt(i) : `worker-${i}`,
      unitStrindex: 0,
    })),
    stackTable: table(counts.stacks, (i) => ({
      locationIndices: i === 0 ? [] : Array.from({ length: 30 }, () => 1 + below(counts.locations)),
    })),
  };
}

/** The mulberry32 generator: enough to vary data, the same on each run. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
