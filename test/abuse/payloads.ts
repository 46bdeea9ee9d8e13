import { gzipSync } from 'node:zlib';
import type { ProfilesData, Sample } from '../../src/otlp/profiles-data.ts';
import { emptyDictionary } from '../../src/otlp/profiles-data.ts';

/** A field of protobuf with `bytes` as its value. */
export function field(number: number, bytes: Uint8Array): Buffer {
  const head: number[] = [(number << 3) | 2];
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
