import { gzipSync } from 'node:zlib';
import type { ProfilesData, Sample } from '../../src/otlp/profiles-data.ts';
import { emptyDictionary } from '../../src/otlp/profiles-data.ts';
import { systemClock } from '../../src/support/clock.ts';
import type { PlainBatch } from '../support/frames-client.ts';
import { encodeBatch, smallBatch } from '../support/frames-client.ts';

/** A field of protobuf with `bytes` as its value. */
export function field(number: number, bytes: Uint8Array): Buffer {
  const tag = (number << 3) | 2;
  const head = tag < 128 ? [tag] : [(tag & 127) | 128, tag >> 7];
  let size = bytes.length;
  for (; size > 127; size >>>= 7) head.push((size & 127) | 128);
  return Buffer.concat([Buffer.from([...head, size]), bytes]);
}

/** A request with one profile of `count` empty samples: two bytes each, `12 00`. */
export function emptySamples(count: number): Buffer {
  const samples = Buffer.alloc(2 * count);
  for (let i = 0; i < samples.length; i += 2) samples[i] = 0x12;
  return field(1, field(2, field(2, samples)));
}

/** A request with a dictionary of `count` empty stacks: two bytes each, `3a 00`. */
export function emptyStacks(count: number): Buffer {
  const stacks = Buffer.alloc(2 * count);
  for (let i = 0; i < stacks.length; i += 2) stacks[i] = 0x3a;
  return field(2, stacks);
}

/** `{"resourceProfiles":[{},{},…]}` of about `sizeBytes`. */
export function emptyResources(sizeBytes: number): Buffer {
  return Buffer.from(`{"resourceProfiles":[${'{},'.repeat(Math.floor(sizeBytes / 3))}{}]}`);
}

/** JSON that is nested `depth` deep. */
export function deepJson(depth: number): Buffer {
  return Buffer.from(`{"resourceProfiles":${'['.repeat(depth)}${']'.repeat(depth)}}`);
}

export function gzipped(bytes: Uint8Array): Buffer {
  return gzipSync(bytes);
}

/** A sound request of a runtime with `count` functions, each named and in one location; some 70 bytes for each. */
export function manyFunctions(count: number): ProfilesData {
  const dictionary = emptyDictionary();
  const text = (value: string): number => dictionary.stringTable.push(value) - 1;
  const [samplesType, countUnit, cpu, nanoseconds] = ['samples', 'count', 'cpu', 'nanoseconds'].map(text) as [
    number,
    number,
    number,
    number,
  ];
  const attribute = (key: string, value: string): number =>
    dictionary.attributeTable.push({ keyStrindex: text(key), value, unitStrindex: 0 }) - 1;
  const frameType = attribute('profile.frame.type', 'native');
  const buildId = attribute('process.executable.build_id.htlhash', '0123456789abcdef0123456789abcdef');
  const mapping = { memoryStart: 0x1000n, memoryLimit: 0x9000n, fileOffset: 0n, filenameStrindex: text('libjvm.so') };
  dictionary.mappingTable.push({ ...mapping, attributeIndices: [buildId] });
  const samples: Sample[] = [];
  const startUnixNano = 1_700_000_000_000_000_000n;
  for (let i = 0; i < count; i++) {
    const called = { systemNameStrindex: 0, filenameStrindex: 0, startLine: BigInt(i % 1000) };
    dictionary.functionTable.push({ ...called, nameStrindex: text(`com.example.Class${i % 5000}.method${i}`) });
    const lines = [{ functionIndex: i + 1, line: BigInt(i % 3000), column: 0n }];
    dictionary.locationTable.push({
      mappingIndex: 1,
      address: BigInt(16 * i + 1),
      lines,
      attributeIndices: [frameType],
    });
    if (i % 20 !== 19) continue;
    dictionary.stackTable.push({ locationIndices: Array.from({ length: 20 }, (_, depth) => i + 1 - depth) });
    const stackIndex = dictionary.stackTable.length - 1;
    const timestampsUnixNano = [startUnixNano + BigInt(i)];
    samples.push({ stackIndex, attributeIndices: [], linkIndex: 0, values: [], timestampsUnixNano });
  }
  const profile = {
    ...{ sampleType: { typeStrindex: samplesType, unitStrindex: countUnit }, samples },
    ...{ periodType: { typeStrindex: cpu, unitStrindex: nanoseconds }, period: 10_000_000n },
    ...{ timeUnixNano: startUnixNano, durationNano: 5_000_000_000n, profileId: new Uint8Array(16).fill(1) },
    ...{
      droppedAttributesCount: 0,
      originalPayloadFormat: '',
      originalPayload: new Uint8Array(0),
      attributeIndices: [],
    },
  };
  const scope = { name: 'abuse', version: '1', attributes: [], droppedAttributesCount: 0 };
  const resource = { attributes: [{ key: 'service.name', value: 'abuse' }], droppedAttributesCount: 0 };
  const scopeProfiles = [{ scope, profiles: [profile], schemaUrl: '' }];
  return { resourceProfiles: [{ resource, scopeProfiles, schemaUrl: '' }], dictionary };
}

const nowUnixNano = systemClock.unixNano();
const usual = smallBatch([nowUnixNano]);
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const texts = [...(usual.strings as string[]), ...times(16_000, (i) => `name_of_a_function_${i}`)];
const firstName = (usual.strings as string[]).length + 1;
const [sample] = usual.samples as [PlainBatch];
const [frame] = usual.frames as [PlainBatch];
const id = (index: number, digits: number): Buffer =>
  Buffer.from((0x1000_0000 + index).toString(16).padStart(digits, '0'), 'hex');
const fileIds = Buffer.concat(times(16_000, (i) => id(i, 32)));

const ownStacks = (count: number): PlainBatch => ({
  frames: times(count, (i) => ({ ...frame, addressOrLine: BigInt(0x10_0000 + i) })),
  stacks: times(count, (i) => ({ frames: [i + 1] })),
  samples: times(count, (i) => ({ ...sample, stack: i + 1 })),
});
const names: PlainBatch = {
  symbols: times(16_000, (i) => ({
    ...{ fileId: 1, addressOrLine: BigInt(0x20_0000 + i) },
    locations: [{ function: firstName + i }],
  })),
};
const stubs: PlainBatch = {
  stubs: times(16_000, (i) => ({
    ...{ process: 1, start: BigInt(0x100_0000 + 64 * i), length: 64, kind: 1, name: firstName + i },
  })),
};
const processes: PlainBatch = { processes: times(16_000, (i) => ({ pid: 42 + i, comm: firstName + i })) };
const labelSets: PlainBatch = {
  labelSets: times(16_000, (i) => ({ labels: [{ key: firstName, value: firstName + i }] })),
};

const largestLists: Readonly<Record<string, PlainBatch>> = {
  '32,768 samples, each with a stack and a frame of its own': ownStacks(32_768),
  '2,000 stacks of 1,000 frames': {
    frames: times(1_000, (i) => ({ ...frame, addressOrLine: BigInt(0x10_0000 + i) })),
    stacks: times(2_000, (i) => ({ frames: times(1_000, (k) => 1 + ((7 * i + k) % 1_000)) })),
    samples: times(2_000, (i) => ({ ...sample, stack: i + 1 })),
  },
  '480,000 times of 8 samples': {
    samples: times(8, () => ({ ...sample, timestamps: times(60_000, () => nowUnixNano) })),
  },
  '16,000 names': { strings: texts, ...names },
  '16,000 stubs': { strings: texts, ...stubs },
  '16,000 processes': {
    strings: texts,
    ...processes,
    samples: times(16_000, (i) => ({ ...sample, process: i + 1 })),
  },
  '16,000 processes of one ID and executable': {
    strings: texts,
    processes: times(16_000, (i) => ({ pid: 42, executablePath: firstName, serviceName: firstName + i })),
    samples: times(16_000, (i) => ({ ...sample, process: i + 1 })),
  },
  '12,000 processes with 32 labels each': {
    strings: texts,
    processes: times(12_000, (i) => ({ pid: 42 + i, labels: times(32, (k) => ({ key: 7 + k, value: 7 + k })) })),
    samples: times(12_000, (i) => ({ ...sample, process: i + 1 })),
  },
  '16,000 process exits': {
    processes: times(16_000, (i) => ({ pid: 42 + i })),
    processExits: times(16_000, (i) => i + 1),
  },
  '16,000 mappings': {
    ...ownStacks(16_000),
    mappings: times(16_000, (i) => ({ fileId: 1, start: 4096 * i, end: 4096 * (i + 1), fileOffset: i })),
    frames: times(16_000, (i) => ({ ...frame, mapping: i + 1 })),
  },
  '16,000 links': {
    links: times(16_000, (i) => ({ traceId: id(i, 32), spanId: id(i, 16) })),
    samples: times(16_000, (i) => ({ ...sample, link: i + 1 })),
  },
  '16,000 sets of labels': {
    strings: texts,
    ...labelSets,
    samples: times(16_000, (i) => ({ ...sample, labelSet: i + 1 })),
  },
  '16,000 files with executables': {
    ...ownStacks(16_000),
    ...{ strings: texts, fileIds },
    frames: times(16_000, (i) => ({ ...frame, fileId: i + 1 })),
    executables: times(16_000, (i) => ({ fileId: i + 1, fileName: firstName + i })),
  },
  'all of these lists': {
    ...ownStacks(32_768),
    ...{ strings: texts, ...names, ...stubs, ...processes, ...labelSets },
    samples: times(32_768, (i) => ({ ...sample, stack: i + 1, process: 1 + (i % 16_000), labelSet: 1 + (i % 16_000) })),
  },
};

const repeated = (count: number, ...bytes: number[]): Buffer => Buffer.alloc(count * bytes.length, Buffer.from(bytes));
/** Bytes behind a usual batch. */
const largestTails: Readonly<Record<string, Buffer>> = {
  'two million sequence numbers': repeated(2_000_000, 0x10, 1),
  'a million fields that nobody knows': repeated(1_300_000, 0x98, 1, 1),
  'a sample of two million fields that nobody knows': field(12, repeated(2_000_000, 0x60, 1)),
  'a process of two million process IDs': field(8, repeated(2_000_000, 0x08, 1)),
  'four million process exits': field(16, repeated(4_000_000, 1)),
  '250,000 file IDs': field(4, repeated(250_000, ...Buffer.alloc(16, 3))),
};

/** Encoded batches of raw frame samples at the bounds of their lists, or of a message, of an instance. */
export const largestBatches: Readonly<Record<string, (instance: number) => Buffer>> = Object.fromEntries([
  ...Object.entries(largestLists).map(([what, lists]) => [
    what,
    (instance: number) => encodeBatch({ ...usual, collector: { instanceId: Buffer.alloc(16, instance) }, ...lists }),
  ]),
  ...Object.entries(largestTails).map(([what, tail]) => [
    what,
    (instance: number) => {
      const collector = { instanceId: Buffer.alloc(16, instance) };
      return Buffer.concat([encodeBatch({ ...usual, collector }), tail]);
    },
  ]),
]);
