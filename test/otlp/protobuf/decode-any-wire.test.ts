import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeProfilesJson } from '../../../src/otlp/json/encode-profiles-json.ts';
import type { ProfilesData, Sample } from '../../../src/otlp/profiles-data.ts';
import { decodeAnyJson, decodeAnyWire } from '../../../src/otlp/protobuf/decode-any-wire.ts';
import { decodeProfilesData } from '../../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { checkConformance } from '../../../src/profile/check/check-conformance.ts';
import { withLists } from '../../support/with-lists.ts';
import type { Mutable } from '../good-profiles.ts';
import { goodProfiles } from '../good-profiles.ts';
import { encodeOldWire } from './encode-old-wire.ts';

const unclear = /^cannot be read: field 2 of its samples may be the attributes of OTLP v1\.10 or the values of v1\.9/;

/** `goodProfiles` with other samples; what is left out of one is zero. */
function withSamples(
  samples: readonly Partial<Sample>[],
  change?: (data: Mutable<ProfilesData>) => void,
): ProfilesData {
  const data = goodProfiles();
  const none = { stackIndex: 1, attributeIndices: [], linkIndex: 0, values: [], timestampsUnixNano: [] };
  data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!.samples = samples.map((sample) => ({
    ...(none as Mutable<Sample>),
    ...(sample as Mutable<Sample>),
  }));
  change?.(data);
  return data;
}

function withoutId(data: Mutable<ProfilesData>): void {
  data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!.profileId = new Uint8Array(0);
}

const cases = [
  {
    name: 'attributes beside timestamps',
    data: withSamples([{ attributeIndices: [4], timestampsUnixNano: [1n, 2n] }]),
  },
  {
    name: 'attributes and a link',
    data: withSamples([{ attributeIndices: [4], linkIndex: 1, timestampsUnixNano: [1n] }]),
  },
  { name: 'one value', data: withSamples([{ values: [7n] }]) },
  { name: 'negative and large values', data: withSamples([{ values: [-1n] }, { values: [2n ** 62n] }]) },
  {
    name: 'everything',
    data: withSamples([{ attributeIndices: [4], linkIndex: 1, values: [3n], timestampsUnixNano: [1n] }]),
  },
  { name: 'timestamps alone', data: withSamples([{ timestampsUnixNano: [1n, 2n] }]) },
];

for (const version of ['v1.8', 'v1.9'] as const) {
  for (const { name, data } of cases) {
    test(`samples with ${name} are read from ${version} as from the current wire`, () => {
      const read = decodeAnyWire(encodeOldWire(data, version), false);
      // Without a field that differs, v1.9 is the current wire.
      if (name !== 'timestamps alone' || version === 'v1.8') assert.equal(read.version, version);
      assert.deepEqual(withLists(read.data), data);
      const current = decodeAnyWire(encodeProfilesData(data), false);
      assert.equal(current.version, 'current');
      assert.deepEqual(withLists(current.data), data);
    });
  }
}

test('a profile of v1.8 is known by the place of its ID, payload and attributes', () => {
  for (const change of [
    (profile: Mutable<ProfilesData>['resourceProfiles'][0]['scopeProfiles'][0]['profiles'][0]) => {
      profile.originalPayloadFormat = 'pprof';
      profile.originalPayload = Uint8Array.of(1, 2);
    },
    (profile: Mutable<ProfilesData>['resourceProfiles'][0]['scopeProfiles'][0]['profiles'][0]) => {
      profile.droppedAttributesCount = 3;
      profile.attributeIndices = [4];
    },
  ]) {
    const data = withSamples([{ attributeIndices: [4], timestampsUnixNano: [1n] }], withoutId);
    change(data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]! as never);
    for (const version of ['v1.8', 'v1.9'] as const) {
      const read = decodeAnyWire(encodeOldWire(data, version), false);
      assert.equal(read.version, version);
      assert.deepEqual(withLists(read.data), data);
    }
  }
});

test('a message that may be of either version is refused, unless its sender declares the current one', () => {
  // As values of v1.9, the only sense of a 1 beside one timestamp; as attributes, the type of a frame on a sample.
  const values = withSamples([{ values: [1n], timestampsUnixNano: [5n] }]);
  const bytes = encodeOldWire(values, 'v1.9');
  // Its ID is in the same place in both.
  assert.throws(() => decodeAnyWire(bytes, false), { name: 'InvalidMessage', message: unclear });
  const [sample] = decodeAnyWire(bytes, true).data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!.samples;
  assert.deepEqual(sample!.attributeIndices, [1]);
});

test('a value for each timestamp is read where another field tells the version, and refused where none does', () => {
  const data = withSamples([{ values: [7n, 2n], timestampsUnixNano: [1n, 2n] }]);
  assert.deepEqual(withLists(decodeAnyWire(encodeOldWire(data, 'v1.8'), false).data), data);
  assert.throws(() => decodeAnyWire(encodeOldWire(data, 'v1.9'), false), { message: unclear });
  assert.deepEqual(withLists(decodeAnyWire(encodeProfilesData(data), false).data), data);
});

test('one attribute for one timestamp is read as such where nobody else has that attribute', () => {
  const data = withSamples([{ attributeIndices: [4], timestampsUnixNano: [5n] }]);
  assert.deepEqual(withLists(decodeAnyWire(encodeProfilesData(data), false).data), data);
});

for (const { name, sample, message } of [
  {
    name: 'of v1.7',
    sample: [0x08, 1, 0x10, 3, 0x1a, 1, 9, 0x22, 1, 4],
    message: /samples are those of a version before v1\.8/,
  },
  {
    name: 'of v1.7 with values alone',
    sample: [0x10, 3, 0x1a, 1, 9],
    message: /samples are those of a version before v1\.8/,
  },
]) {
  test(`samples ${name} are refused`, () => {
    const profile = [0x12, sample.length, ...sample];
    const scope = [0x12, profile.length, ...profile];
    const resource = [0x12, scope.length, ...scope];
    const bytes = Uint8Array.from([0x0a, resource.length, ...resource]);
    assert.throws(() => decodeAnyWire(bytes, false), { name: 'InvalidMessage', message });
  });
}

test('JSON of versions with other names of fields is refused instead of being read as empty', () => {
  const text = encodeProfilesJson(goodProfiles());
  assert.deepEqual(withLists(decodeAnyJson(text).data), goodProfiles());
  assert.throws(() => decodeAnyJson(text.replace('"samples"', '"sample"')), {
    message: /"sample" is a list of OTLP before/,
  });
  assert.throws(() => decodeAnyJson(text.replace('"lines"', '"line"')), { message: /"line" is a list of OTLP before/ });
  // A text may say the same.
  const data = goodProfiles();
  data.dictionary.stringTable[6] = '"sample": [';
  assert.deepEqual(withLists(decodeAnyJson(encodeProfilesJson(data)).data), data);
});

const folder = join(import.meta.dirname, '../../../../shared/data/otlp');
for (const { name, isFramed, samples } of [
  { name: 'profile.otlp', isFramed: false, samples: 49 },
  { name: 'k8s.otlp', isFramed: true, samples: 165 },
]) {
  const path = join(folder, name);
  const skip = existsSync(path) ? false : `SKIPPED: ${path} is not there`;
  test(`${name} of a real profiler is recognised as v1.8 and comes out conformant`, { skip }, () => {
    const file = readFileSync(path);
    const messages = isFramed ? splitFrames(file) : [file];
    let count = 0;
    for (const bytes of messages) {
      const { data, version } = decodeAnyWire(bytes, false);
      assert.equal(version, 'v1.8');
      for (const sample of samplesOf(data)) {
        count++;
        assert.ok(sample.timestampsUnixNano.length > 0 && sample.attributeIndices.length > 0);
        assert.equal(sample.values.length, 0);
      }
      // Read with the numbers of v1.10, no sample has an attribute, and nobody uses those that are there.
      assert.ok(samplesOf(decodeProfilesData(bytes)).every(({ attributeIndices }) => attributeIndices.length === 0));
      assert.deepEqual(
        checkConformance(data).filter(({ problem }) => problem.includes('out of range')),
        [],
      );
    }
    assert.equal(count, samples);
  });
}

/** Messages with their lengths before them, in 4 big-endian bytes. */
function splitFrames(file: Buffer): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let start = 0; start < file.length; ) {
    const end = start + 4 + file.readUInt32BE(start);
    messages.push(file.subarray(start + 4, end));
    start = end;
  }
  return messages;
}

function samplesOf(data: ProfilesData): Sample[] {
  return data.resourceProfiles.flatMap((entry) =>
    entry.scopeProfiles.flatMap((s) => s.profiles.flatMap((p) => [...p.samples])),
  );
}
