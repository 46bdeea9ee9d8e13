import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ProfilesData } from '../../../src/otlp/profiles-data.ts';
import { checkConformance } from '../../../src/profile/check/check-conformance.ts';
import { checkContract } from '../../../src/profile/check/check-contract.ts';
import { arbitraryProfiles } from '../../otlp/arbitrary-profiles.ts';
import type { Mutable } from '../../otlp/good-profiles.ts';
import { goodProfiles } from '../../otlp/good-profiles.ts';

type Data = Mutable<ProfilesData>;
const firstProfile = (data: Data) => data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!;
const firstSample = (data: Data) => firstProfile(data).samples[0]!;
const profile = 'resource_profiles[0]: scope_profiles[0]: profile[0]';

test('a good payload has no fault', () => {
  assert.deepEqual(checkConformance(goodProfiles()), []);
  assert.deepEqual(checkContract(goodProfiles()), []);
});

/** Each row spoils the good payload in one place. */
const conformanceRules: { name: string; spoil: (data: Data) => void; faults: string[] }[] = [
  {
    name: 'a resource without scopes',
    spoil: (data) => data.resourceProfiles.push({ ...data.resourceProfiles[0]!, scopeProfiles: [] }),
    faults: ['resource_profiles[1]: scope_profiles: is empty'],
  },
  {
    name: 'a scope without profiles',
    spoil: ({ resourceProfiles: [first] }) => first!.scopeProfiles.push({ ...first!.scopeProfiles[0]!, profiles: [] }),
    faults: ['resource_profiles[0]: scope_profiles[1]: profiles: is empty'],
  },
  {
    name: 'a stack index out of range',
    spoil: (data) => firstProfile(data).samples.push({ ...firstSample(data), stackIndex: 9 }),
    faults: [`${profile}: sample[2]: stack_index: index 9 is out of range [0..3)`],
  },
  {
    name: 'a negative index',
    spoil: (data) => firstProfile(data).samples.push({ ...firstSample(data), linkIndex: -1 }),
    faults: [`${profile}: sample[2]: link_index: index -1 is out of range [0..2)`],
  },
  {
    name: 'an attribute index out of range in a sample',
    spoil: (data) => firstSample(data).attributeIndices.push(5),
    faults: [`${profile}: sample[0]: attribute_indices[1]: index 5 is out of range [0..5)`],
  },
  {
    name: 'an attribute index out of range in a profile',
    spoil: (data) => firstProfile(data).attributeIndices.push(5),
    faults: [`${profile}: attribute_indices[0]: index 5 is out of range [0..5)`],
  },
  {
    name: 'a sample type out of range',
    spoil: (data) => {
      firstProfile(data).sampleType.typeStrindex = 99;
      data.dictionary.functionTable[3]!.systemNameStrindex = 1;
    },
    faults: [`${profile}: sample_type: type_strindex: index 99 is out of range [0..13)`],
  },
  {
    name: 'a period unit out of range',
    spoil: (data) => {
      firstProfile(data).periodType.unitStrindex = 13;
      data.dictionary.functionTable[3]!.systemNameStrindex = 4;
    },
    faults: [`${profile}: period_type: unit_strindex: index 13 is out of range [0..13)`],
  },
  {
    name: 'a mapping index out of range',
    spoil: ({ dictionary }) => (dictionary.locationTable[3]!.mappingIndex = 2),
    faults: ['dictionary: location_table[3]: mapping_index: index 2 is out of range [0..2)'],
  },
  {
    name: 'a function index out of range',
    spoil: ({ dictionary }) => dictionary.locationTable[3]!.lines.push({ functionIndex: 4, line: 1n, column: 0n }),
    faults: ['dictionary: location_table[3]: line[1]: function_index: index 4 is out of range [0..4)'],
  },
  {
    name: 'a location index out of range',
    spoil: ({ dictionary }) => dictionary.stackTable[2]!.locationIndices.push(4),
    faults: ['dictionary: stack_table[2]: location_indices[2]: index 4 is out of range [0..4)'],
  },
  {
    name: 'a file name out of range',
    spoil: ({ dictionary }) => (dictionary.functionTable[3]!.filenameStrindex = 13),
    faults: ['dictionary: function_table[3]: filename_strindex: index 13 is out of range [0..13)'],
  },
  {
    name: 'a unit out of range',
    spoil: ({ dictionary }) => (dictionary.attributeTable[4]!.unitStrindex = 13),
    faults: ['dictionary: attribute_table[4]: unit_strindex: index 13 is out of range [0..13)'],
  },
  {
    name: 'a link table without entry 0',
    spoil: (data) => {
      data.dictionary.linkTable = [];
      for (const sample of firstProfile(data).samples) sample.linkIndex = 0;
    },
    faults: [
      'dictionary: link_table: is empty; it needs at least the zero value',
      `${profile}: sample[0]: link_index: index 0 is out of range [0..0)`,
      `${profile}: sample[1]: link_index: index 0 is out of range [0..0)`,
    ],
  },
  {
    name: 'a mapping at index 0',
    spoil: ({ dictionary }) => (dictionary.mappingTable[0]!.fileOffset = 1n),
    faults: ['dictionary: mapping_table[0]: is not the zero value'],
  },
  {
    name: 'a location at index 0',
    spoil: ({ dictionary }) => (dictionary.locationTable[0]!.address = 1n),
    faults: ['dictionary: location_table[0]: is not the zero value'],
  },
  {
    name: 'a function at index 0',
    spoil: ({ dictionary }) => (dictionary.functionTable[0]!.startLine = 1n),
    faults: ['dictionary: function_table[0]: is not the zero value'],
  },
  {
    name: 'a link of zero bytes at index 0',
    spoil: ({ dictionary }) => (dictionary.linkTable[0] = { traceId: new Uint8Array(16), spanId: new Uint8Array(8) }),
    faults: ['dictionary: link_table[0]: is not the zero value'],
  },
  {
    name: 'a string at index 0',
    spoil: ({ dictionary }) => (dictionary.stringTable[0] = 'x'),
    faults: ['dictionary: string_table[0]: is not the zero value'],
  },
  {
    name: 'an attribute at index 0',
    spoil: ({ dictionary }) => (dictionary.attributeTable[0]!.value = ''),
    faults: ['dictionary: attribute_table[0]: is not the zero value'],
  },
  {
    name: 'a stack at index 0',
    spoil: ({ dictionary }) => dictionary.stackTable[0]!.locationIndices.push(1),
    faults: ['dictionary: stack_table[0]: is not the zero value'],
  },
  {
    name: 'a timestamp before the profile',
    spoil: (data) => (firstProfile(data).timeUnixNano += 1n),
    faults: [
      `${profile}: sample[0]: timestamps_unix_nano[0]: 1767225600000000000 is outside the profile's time [1767225600000000001..1767225605000000001)`,
    ],
  },
  {
    name: 'a timestamp at the end of the profile',
    spoil: (data) => (firstProfile(data).durationNano -= 1n),
    faults: [
      `${profile}: sample[1]: timestamps_unix_nano[0]: 1767225604999999999 is outside the profile's time [1767225600000000000..1767225604999999999)`,
    ],
  },
  {
    name: 'a sample without values and timestamps',
    spoil: (data) => {
      for (const sample of firstProfile(data).samples) sample.timestampsUnixNano = [];
    },
    faults: [
      `${profile}: sample[0]: needs at least one value or timestamp`,
      `${profile}: sample[1]: needs at least one value or timestamp`,
    ],
  },
  {
    name: 'two values without timestamps',
    spoil: (data) => {
      for (const sample of firstProfile(data).samples) Object.assign(sample, { values: [1n], timestampsUnixNano: [] });
      firstSample(data).values.push(2n);
    },
    faults: [`${profile}: sample[0]: values: has 2 elements; without timestamps it must have 1`],
  },
  {
    name: 'fewer values than timestamps',
    spoil: (data) => {
      for (const sample of firstProfile(data).samples) sample.values = [1n];
    },
    faults: [`${profile}: sample[0]: values: has 1 elements for 2 timestamps`],
  },
  {
    name: 'two shapes in one profile',
    spoil: (data) => (firstProfile(data).samples[1]!.values = [1n]),
    faults: [`${profile}: sample[1]: has values and timestamps, but the samples before have timestamps only`],
  },
  {
    name: 'two samples of one identity',
    spoil: (data) => {
      firstSample(data).attributeIndices = [3, 4];
      firstProfile(data).samples.push({ ...firstSample(data), attributeIndices: [4, 3] });
    },
    faults: [`${profile}: sample[2]: has stack, attributes and link of sample[0]; they are one sample`],
  },
  {
    name: 'a profile ID of 8 bytes',
    spoil: (data) => (firstProfile(data).profileId = new Uint8Array(8)),
    faults: [`${profile}: profile_id: has 8 bytes, must have 16 or none`],
  },
  {
    name: 'a profile ID of zeros',
    spoil: (data) => (firstProfile(data).profileId = new Uint8Array(16)),
    faults: [`${profile}: profile_id: is all zero, which is not an ID`],
  },
  {
    name: 'an original payload without its format',
    spoil: (data) => (firstProfile(data).originalPayload = Uint8Array.of(1)),
    faults: [`${profile}: original_payload: and original_payload_format must be set or unset together`],
  },
  {
    name: 'a mapping that ends where it starts',
    spoil: ({ dictionary }) => (dictionary.mappingTable[1]!.memoryLimit = 0x1000n),
    faults: [
      'dictionary: mapping_table[1]: memory_start 0x1000 and memory_limit 0x1000 must be both zero or start < limit',
    ],
  },
  {
    name: 'a negative line',
    spoil: ({ dictionary }) => (dictionary.locationTable[2]!.lines[0]!.line = -1n),
    faults: ['dictionary: location_table[2]: line[0]: line: is -1, must not be negative'],
  },
  {
    name: 'a negative column',
    spoil: ({ dictionary }) => (dictionary.locationTable[2]!.lines[1]!.column = -2n),
    faults: ['dictionary: location_table[2]: line[1]: column: is -2, must not be negative'],
  },
  {
    name: 'a negative start line',
    spoil: ({ dictionary }) => (dictionary.functionTable[1]!.startLine = -5n),
    faults: ['dictionary: function_table[1]: start_line: is -5, must not be negative'],
  },
  {
    name: 'a function that says nothing',
    spoil: ({ dictionary }) => {
      dictionary.functionTable[3] = { nameStrindex: 0, systemNameStrindex: 0, filenameStrindex: 0, startLine: 5n };
      dictionary.functionTable[1]!.systemNameStrindex = 9;
    },
    faults: ['dictionary: function_table[3]: has neither a name nor a file'],
  },
  {
    name: 'a short trace ID',
    spoil: ({ dictionary }) => (dictionary.linkTable[1]!.traceId = new Uint8Array(8)),
    faults: ['dictionary: link_table[1]: trace_id: has 8 bytes, must have 16'],
  },
  {
    name: 'no span ID',
    spoil: ({ dictionary }) => (dictionary.linkTable[1]!.spanId = new Uint8Array(0)),
    faults: ['dictionary: link_table[1]: span_id: has 0 bytes, must have 8'],
  },
  {
    name: 'an attribute without a key',
    spoil: ({ dictionary }) => {
      dictionary.attributeTable[4]!.keyStrindex = 0;
      dictionary.functionTable[1]!.systemNameStrindex = 12;
    },
    faults: ['dictionary: attribute_table[4]: key_strindex: is 0; an attribute needs a key'],
  },
  {
    name: 'a string twice',
    spoil: ({ dictionary }) => {
      dictionary.stringTable.push('add');
      dictionary.functionTable[1]!.systemNameStrindex = 13;
    },
    faults: ['dictionary: string_table[13]: is the same as [6]'],
  },
  {
    name: 'a mapping twice',
    spoil: ({ dictionary }) => {
      dictionary.mappingTable[1]!.attributeIndices = [3, 4];
      dictionary.mappingTable.push({ ...dictionary.mappingTable[1]!, attributeIndices: [4, 3] });
      dictionary.locationTable[1]!.mappingIndex = 2;
    },
    faults: ['dictionary: mapping_table[2]: is the same as [1]'],
  },
  {
    name: 'a location twice',
    spoil: ({ dictionary }) => {
      dictionary.locationTable.push({ ...dictionary.locationTable[2]! });
      dictionary.stackTable[2]!.locationIndices = [3, 4];
    },
    faults: ['dictionary: location_table[4]: is the same as [2]'],
  },
  {
    name: 'a function twice',
    spoil: ({ dictionary }) => {
      dictionary.functionTable.push({ ...dictionary.functionTable[3]! });
      dictionary.locationTable[2]!.lines.push({ functionIndex: 4, line: 0n, column: 0n });
    },
    faults: ['dictionary: function_table[4]: is the same as [3]'],
  },
  {
    name: 'a link twice',
    spoil: (data) => {
      data.dictionary.linkTable.push(structuredClone(data.dictionary.linkTable[1]!));
      firstSample(data).linkIndex = 2;
    },
    faults: ['dictionary: link_table[2]: is the same as [1]'],
  },
  {
    name: 'an attribute twice',
    spoil: (data) => {
      data.dictionary.attributeTable.push({ ...data.dictionary.attributeTable[4]! });
      firstSample(data).attributeIndices = [5];
    },
    faults: ['dictionary: attribute_table[5]: is the same as [4]'],
  },
  {
    name: 'a stack twice',
    spoil: (data) => {
      data.dictionary.stackTable.push({ locationIndices: [1, 2] });
      firstProfile(data).samples.push({ ...firstSample(data), stackIndex: 3 });
    },
    faults: ['dictionary: stack_table[3]: is the same as [1]'],
  },
  {
    name: 'a string that nothing refers to',
    spoil: ({ dictionary }) => dictionary.stringTable.push('lost'),
    faults: ['dictionary: string_table[13]: is referred to by nothing'],
  },
  {
    name: 'a mapping that nothing refers to',
    spoil: ({ dictionary }) => dictionary.mappingTable.push({ ...dictionary.mappingTable[1]!, memoryLimit: 0xa000n }),
    faults: ['dictionary: mapping_table[2]: is referred to by nothing'],
  },
  {
    name: 'a location that nothing refers to',
    spoil: ({ dictionary }) => dictionary.locationTable.push({ ...dictionary.locationTable[1]!, address: 1n }),
    faults: ['dictionary: location_table[4]: is referred to by nothing'],
  },
  {
    name: 'a function that nothing refers to',
    spoil: ({ dictionary }) => dictionary.functionTable.push({ ...dictionary.functionTable[1]!, startLine: 1n }),
    faults: ['dictionary: function_table[4]: is referred to by nothing'],
  },
  {
    name: 'a link that nothing refers to',
    spoil: (data) => (firstProfile(data).samples[1]!.linkIndex = 0),
    faults: ['dictionary: link_table[1]: is referred to by nothing'],
  },
  {
    name: 'an attribute that nothing refers to',
    spoil: ({ dictionary }) => dictionary.attributeTable.push({ keyStrindex: 12, value: 1n, unitStrindex: 0 }),
    faults: ['dictionary: attribute_table[5]: is referred to by nothing'],
  },
  {
    name: 'a stack that nothing refers to',
    spoil: ({ dictionary }) => dictionary.stackTable.push({ locationIndices: [1] }),
    faults: ['dictionary: stack_table[3]: is referred to by nothing'],
  },
  {
    name: 'a key twice in a sample',
    spoil: (data) => {
      data.dictionary.attributeTable.push({ keyStrindex: 12, value: 'other', unitStrindex: 0 });
      firstSample(data).attributeIndices = [4, 5];
    },
    faults: [`${profile}: sample[0]: attribute_indices[1]: has the key "thread.name", as [0] has`],
  },
  {
    name: 'a key twice in a profile',
    spoil: (data) => (firstProfile(data).attributeIndices = [4, 4]),
    faults: [`${profile}: attribute_indices[1]: has the key "thread.name", as [0] has`],
  },
  {
    name: 'a key twice in a location',
    spoil: ({ dictionary }) => dictionary.locationTable[1]!.attributeIndices.push(2),
    faults: ['dictionary: location_table[1]: attribute_indices[1]: has the key "profile.frame.type", as [0] has'],
  },
  {
    name: 'a key twice in a mapping',
    spoil: ({ dictionary }) => dictionary.mappingTable[1]!.attributeIndices.push(3),
    faults: [
      'dictionary: mapping_table[1]: attribute_indices[1]: has the key "process.executable.build_id.htlhash", as [0] has',
    ],
  },
  {
    name: 'a key twice in a resource',
    spoil: (data) => data.resourceProfiles[0]!.resource.attributes.push({ key: 'service.name', value: 'other' }),
    faults: ['resource_profiles[0]: resource: attributes[1]: key: is "service.name", as that of [0]'],
  },
  {
    name: 'an empty key in a scope',
    spoil: (data) => data.resourceProfiles[0]!.scopeProfiles[0]!.scope.attributes.push({ key: '', value: 1n }),
    faults: ['resource_profiles[0]: scope_profiles[0]: scope: attributes[0]: key: is empty; an attribute needs a key'],
  },
  {
    name: 'a key twice in a map inside a list',
    spoil: ({ dictionary }) => {
      const entry = { key: 'a', value: 1n };
      dictionary.attributeTable[4]!.value = [{ entries: [entry, entry] }];
    },
    faults: [
      'dictionary: attribute_table[4]: value: array_value: values[0]: kvlist_value: values[1]: key: is "a", as that of [0]',
    ],
  },
];

for (const { name, spoil, faults } of conformanceRules) {
  test(`checkConformance finds ${name}`, () => {
    const data = goodProfiles();
    spoil(data);
    assert.deepEqual(
      checkConformance(data).map(({ path, problem }) => `${path}: ${problem}`),
      faults,
    );
  });
}

test('checkConformance finds that there are no profiles at all', () => {
  const faults = checkConformance({ ...goodProfiles(), resourceProfiles: [] });
  assert.deepEqual(faults[0], { path: 'resource_profiles', problem: 'is empty' });
});

test('a string that only an inline attribute referred to is in use', () => {
  const data = goodProfiles();
  data.dictionary.stringTable.push('service.name');
  assert.equal(checkConformance(data).length, 1);
  assert.deepEqual(checkConformance(data, new Set([13])), []);
});

test('checkConformance keeps a hundred faults and counts the rest', () => {
  const data = goodProfiles();
  for (let i = 0; i < 250; i++) data.dictionary.stringTable.push(`lost ${i}`);
  const faults = checkConformance(data);
  assert.equal(faults.length, 101);
  assert.deepEqual(faults[100], { path: 'conformance', problem: '150 more faults are not listed' });
});

test('both checks judge any payload without failing themselves', () => {
  fc.assert(
    fc.property(arbitraryProfiles, (data) => {
      checkConformance(data);
      checkContract(data);
    }),
    { endOnFailure: true },
  );
});

const contractRules: { name: string; spoil: (data: Data) => void; fault: string }[] = [
  {
    name: 'a resource without service.name',
    spoil: (data) => (data.resourceProfiles[0]!.resource.attributes[0]!.key = 'service'),
    fault: 'resource_profiles[0]: resource: has no service.name',
  },
  {
    name: 'an empty service.name',
    spoil: (data) => (data.resourceProfiles[0]!.resource.attributes[0]!.value = ''),
    fault: 'resource_profiles[0]: resource: has no service.name',
  },
  {
    name: 'a resource attribute without a value',
    spoil: (data) => data.resourceProfiles[0]!.resource.attributes.push({ key: 'host.id', value: undefined }),
    fault: 'resource_profiles[0]: resource: attributes[1]: value: is not set',
  },
  {
    name: 'a scope without a name',
    spoil: (data) => (data.resourceProfiles[0]!.scopeProfiles[0]!.scope.name = ''),
    fault: 'resource_profiles[0]: scope_profiles[0]: scope: name: is empty',
  },
  {
    name: 'a profile without an ID',
    spoil: (data) => (firstProfile(data).profileId = new Uint8Array(0)),
    fault: `${profile}: profile_id: is missing`,
  },
  {
    name: 'an ID that two profiles have',
    spoil: (data) => data.resourceProfiles[0]!.scopeProfiles[0]!.profiles.push(firstProfile(data)),
    fault: `resource_profiles[0]: scope_profiles[0]: profile[1]: profile_id: is that of ${profile}`,
  },
  {
    name: 'a profile without samples',
    spoil: (data) => (firstProfile(data).samples = []),
    fault: `${profile}: samples: is empty`,
  },
  {
    name: 'a profile without duration',
    spoil: (data) => (firstProfile(data).durationNano = 0n),
    fault: `${profile}: duration_nano: is 0`,
  },
  {
    name: 'a sample type without a unit',
    spoil: (data) => (firstProfile(data).sampleType.unitStrindex = 0),
    fault: `${profile}: sample_type: needs a type and a unit`,
  },
  {
    name: 'a negative period',
    spoil: (data) => (firstProfile(data).period = -1n),
    fault: `${profile}: period: is -1, must not be negative`,
  },
  {
    name: 'on-CPU samples without a period',
    spoil: (data) => (firstProfile(data).period = 0n),
    fault: `${profile}: period_type: of samples/count must be cpu/nanoseconds with a period above 0, is cpu/nanoseconds`,
  },
  {
    name: 'a sample without a stack',
    spoil: (data) => (firstSample(data).stackIndex = 0),
    fault: `${profile}: sample[0]: stack_index: is 0, which stands for nothing`,
  },
  {
    name: 'the location that stands for none in a stack',
    spoil: ({ dictionary }) => dictionary.stackTable[1]!.locationIndices.push(0),
    fault: 'dictionary: stack_table[1]: location_indices[2]: is 0, which stands for nothing',
  },
  {
    name: 'a location without a frame type',
    spoil: ({ dictionary }) => (dictionary.locationTable[1]!.attributeIndices = []),
    fault: 'dictionary: location_table[1]: has no profile.frame.type',
  },
  {
    name: 'a frame type that nobody knows',
    spoil: ({ dictionary }) => (dictionary.attributeTable[2]!.value = 'krnl'),
    fault: 'dictionary: location_table[3]: has the unknown profile.frame.type krnl',
  },
  {
    name: 'a file hash of another length',
    spoil: ({ dictionary }) => (dictionary.attributeTable[3]!.value = '0011'),
    fault: 'dictionary: mapping_table[1]: has process.executable.build_id.htlhash 0011, which is not of its form',
  },
  {
    name: 'an attribute without a value',
    spoil: ({ dictionary }) => (dictionary.attributeTable[4]!.value = undefined),
    fault: 'dictionary: attribute_table[4]: value: is not set',
  },
  {
    name: 'a placeholder for a missing name',
    spoil: ({ dictionary }) => (dictionary.stringTable[9] = 'UNRESOLVED'),
    fault: 'dictionary: function_table[3]: "UNRESOLVED" stands for a missing name',
  },
];

for (const { name, spoil, fault } of contractRules) {
  test(`checkContract finds ${name}`, () => {
    const data = goodProfiles();
    spoil(data);
    assert.deepEqual(
      checkContract(data).map(({ path, problem }) => `${path}: ${problem}`),
      [fault],
    );
  });
}

test('checkContract finds references that were resolved', () => {
  assert.deepEqual(checkContract(goodProfiles(), new Set([3])), [
    { path: 'dictionary: string_table[3]', problem: 'is referred to by an attribute; few receivers resolve that' },
  ]);
});
