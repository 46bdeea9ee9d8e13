import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { MessageReader } from '../../../src/receivers/otlp/message-reader.ts';
import { goodProfiles } from '../../otlp/good-profiles.ts';

const pathOfProfile = 'resource_profiles[0]: scope_profiles[0]: profile[0]';

for (const { values, timestamps, fault } of [
  { values: 2, timestamps: 1, fault: 'values: has 2 elements for 1 timestamps' },
  { values: 2, timestamps: 0, fault: 'values: has 2 elements for 0 timestamps' },
  { values: 3, timestamps: 2, fault: 'values: has 3 elements for 2 timestamps' },
  { values: 2, timestamps: 2, fault: undefined },
  { values: 1, timestamps: 2, fault: undefined },
  { values: 1, timestamps: 0, fault: undefined },
  { values: 0, timestamps: 2, fault: undefined },
]) {
  for (const isVersionDeclared of [true, false]) {
    const fate = fault === undefined ? 'taken' : 'left out alone';
    const sender = isVersionDeclared ? 'declared' : 'undeclared';
    test(`a sample with ${values} values for ${timestamps} timestamps is ${fate}, its version ${sender}`, () => {
      const data = goodProfiles();
      const [profile] = data.resourceProfiles[0]!.scopeProfiles[0]!.profiles;
      const [first, second] = profile!.samples;
      // A value for a second sample as well: without it nothing may tell the version.
      first!.values = [300n, 2n];
      second!.values = Array.from({ length: values }, (_, i) => 300n + BigInt(i));
      second!.timestampsUnixNano = Array.from({ length: timestamps }, (_, i) => profile!.timeUnixNano + BigInt(i));
      const bytes = encodeProfilesData(data);
      const read = new MessageReader().read({ encoding: 'protobuf', bytes, isVersionDeclared });
      const isFaulty = fault !== undefined;
      assert.deepEqual(read.faults, isFaulty ? [`${pathOfProfile}: samples[1]: ${fault}`] : []);
      assert.equal(read.rejectedProfiles, 0);
      assert.equal(read.rejectedSamples, isFaulty ? 1 : 0);
      const kept = read.data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!.samples;
      assert.deepEqual([...kept], isFaulty ? [first] : [first, second]);
      // Nothing else of the message keeps it from being passed on.
      assert.equal(read.scan.kind === 'not_passable' && read.scan.reason === 'shape', isFaulty);
    });
  }
}

for (const order of ['first', 'last'] as const) {
  for (const isVersionDeclared of [true, false]) {
    const sender = isVersionDeclared ? 'declared' : 'undeclared';
    test(`a sample of v1.9 that comes ${order} among those of v1.10 is left out alone, its version ${sender}`, () => {
      const other = { linkIndex: 1, attributeIndices: [4], values: [7n], timestampsUnixNano: [] };
      const current = [1, 2].map((stackIndex) => ({ ...other, stackIndex }));
      const at = order === 'first' ? 0 : 2;
      const bytes = withOldSample(current, at);
      const read = new MessageReader().read({ encoding: 'protobuf', bytes, isVersionDeclared });
      assert.deepEqual(read.faults, [
        `${pathOfProfile}: samples[${at}]: has fields 3 or 4 in wire types that its request's version does not give them`,
      ]);
      assert.deepEqual([read.version, read.rejectedProfiles, read.rejectedSamples], ['current', 0, 1]);
      assert.deepEqual([...read.data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!.samples], current);
    });
  }
}

test('a sample of v1.9 in a later profile is left out there, whatever the profiles before it are', () => {
  const ours = [8, 1, 0x12, 1, 4, 0x18, 1, 0x22, 1, 7];
  const old = [8, 1, 0x12, 1, 1, 0x1a, 1, 4, 0x20, 1];
  const beyondItsTable = [8, 99, 0x12, 1, 4, 0x22, 1, 7];
  const bytes = withRawSamples([ours, ours], [beyondItsTable], [ours, ours, old, ours]);
  const read = new MessageReader().read({ encoding: 'protobuf', bytes, isVersionDeclared: true });
  const scope = 'resource_profiles[0]: scope_profiles[0]';
  assert.deepEqual(read.faults, [
    `${scope}: profile[1]: samples[0]: stack_index: index 99 is out of range [0..3)`,
    `${scope}: profile[2]: samples[2]: has fields 3 or 4 in wire types that its request's version does not give them`,
  ]);
  const kept = read.data.resourceProfiles[0]!.scopeProfiles[0]!.profiles.map(({ samples }) => samples.length);
  assert.deepEqual([kept, read.rejectedSamples], [[2, 3], 2]);
});

test('a sample of v1.9 with a value alone, which looks like an attribute of nothing, is left out among those of v1.10', () => {
  const current = [8, 1, 0x12, 1, 4, 0x18, 1, 0x22, 1, 7];
  const bytes = withRawSamples([[8, 2, 0x12, 1, 3], current]);
  for (const isVersionDeclared of [true, false]) {
    const read = new MessageReader().read({ encoding: 'protobuf', bytes, isVersionDeclared });
    assert.deepEqual(read.faults, [`${pathOfProfile}: samples[0]: has attributes, and neither value nor timestamp`]);
    assert.equal(read.rejectedSamples, 1);
  }
});

test('a sample of v1.10 among those of v1.9 is left out alone', () => {
  const old = [
    [8, 1, 0x12, 1, 7, 0x1a, 1, 4],
    [8, 2, 0x12, 1, 9, 0x1a, 1, 4],
  ];
  const bytes = withRawSamples([...old, [8, 1, 0x12, 1, 4, 0x22, 1, 5]]);
  const read = new MessageReader().read({ encoding: 'protobuf', bytes, isVersionDeclared: false });
  assert.deepEqual([read.version, read.rejectedSamples, read.faultCount], ['v1.9', 1, 1]);
  const samples = read.data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!.samples;
  assert.deepEqual(
    [...samples].map(({ values }) => values),
    [[7n], [9n]],
  );
});

test('a profile whose ID has 8 bytes, which looks like one of v1.8, is left out alone', () => {
  const withId = (bytes: number) => {
    const { resourceProfiles, ...rest } = goodProfiles();
    const [resource] = resourceProfiles;
    const [scope] = resource!.scopeProfiles;
    const profile = { ...scope!.profiles[0]!, profileId: new Uint8Array(bytes).fill(bytes) };
    const scopeProfiles = [{ ...scope!, profiles: [profile] }];
    return { ...rest, resourceProfiles: [{ ...resource!, scopeProfiles }] };
  };
  const resourceProfiles = [16, 8, 16].flatMap((bytes) => withId(bytes).resourceProfiles);
  const bytes = encodeProfilesData({ ...goodProfiles(), resourceProfiles });
  for (const isVersionDeclared of [true, false]) {
    const read = new MessageReader().read({ encoding: 'protobuf', bytes, isVersionDeclared });
    assert.deepEqual([read.version, read.rejectedProfiles], ['current', 1]);
    assert.deepEqual(read.faults, [
      'resource_profiles[1]: scope_profiles[0]: profile[0]: profile_id: has 8 bytes, must have 16 or none',
    ]);
  }
});

/** A request whose samples are those of v1.10, and one of v1.9 with values, attributes and a link at index `at`. */
function withOldSample(samples: readonly { readonly stackIndex: number }[], at: number): Uint8Array {
  const raw = samples.map(({ stackIndex }) => [8, stackIndex, 0x12, 1, 4, 0x18, 1, 0x22, 1, 7]);
  return withRawSamples([...raw.slice(0, at), [8, 1, 0x12, 1, 1, 0x1a, 1, 4, 0x20, 1], ...raw.slice(at)]);
}

/** Bytes of samples, by profile, in the place of those of `goodProfiles`. */
function withRawSamples(...profiles: readonly (readonly (readonly number[])[])[]): Uint8Array {
  const message = (tag: number, content: readonly number[]): number[] => [tag, content.length, ...content];
  const scope = profiles.flatMap((samples) =>
    message(
      0x12,
      samples.flatMap((sample) => message(0x12, sample)),
    ),
  );
  const resourceProfiles = message(0x0a, message(0x12, scope));
  const dictionary = encodeProfilesData({ ...goodProfiles(), resourceProfiles: [] });
  return Buffer.concat([Buffer.from(resourceProfiles), dictionary]);
}
