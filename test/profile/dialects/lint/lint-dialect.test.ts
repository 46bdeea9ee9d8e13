import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ProfilesData } from '../../../../src/otlp/profiles-data.ts';
import { applyDialect } from '../../../../src/profile/dialects/apply-dialect.ts';
import type { DialectName } from '../../../../src/profile/dialects/dialect.ts';
import { dialectNames } from '../../../../src/profile/dialects/dialect.ts';
import { DialectLint } from '../../../../src/profile/dialects/lint/lint-dialect.ts';
import { withFunctionsTwice } from '../../../../src/profile/dialects/parca.ts';
import { arbitraryProfiles } from '../../../otlp/arbitrary-profiles.ts';
import type { Mutable } from '../../../otlp/good-profiles.ts';
import type { TestFrame, TestProfile } from '../../../support/build-data.ts';
import { buildData } from '../../../support/build-data.ts';

const htlHash = { 'process.executable.build_id.htlhash': '00112233445566778899aabbccddeeff' };
const frame: TestFrame = { names: ['main'], file: '/usr/bin/shop', mapping: htlHash };
const resource = { 'service.name': 'shop', 'host.id': 'a1' };
const profile = { resource, samples: [{ at: [1], stack: [frame] }] };

/** A payload that each backend takes as it is, with each function twice for Parca. */
function fine(changes: Partial<TestProfile> = {}): Mutable<ProfilesData> {
  return withFunctionsTwice(buildData({ ...profile, ...changes })) as Mutable<ProfilesData>;
}

function lint(data: ProfilesData, dialect: DialectName): string[] {
  return new DialectLint(dialect).lint(data).map(({ path, problem }) => `${path}: ${problem}`);
}

for (const dialect of dialectNames) {
  test(`DialectLint finds nothing for ${dialect} in what it takes`, () => assert.deepEqual(lint(fine(), dialect), []));

  test(`DialectLint takes any data for ${dialect}, and finds no more than 101 things`, () => {
    fc.assert(
      fc.property(arbitraryProfiles, (data) => new DialectLint(dialect).lint(data).length <= 101),
      { endOnFailure: true, numRuns: 60 },
    );
  });
}

const p = 'resource_profiles[0]: scope_profiles[0]: profile[0]';
const s = `${p}: sample[0]`;

function withFrame(change: Partial<TestFrame>): Mutable<ProfilesData> {
  return fine({ samples: [{ at: [1], stack: [{ ...frame, ...change }] }] });
}

function withResource(change: NonNullable<TestProfile['resource']>): Mutable<ProfilesData> {
  return fine({ resource: { ...resource, ...change } });
}

function changed(change: (data: Mutable<ProfilesData>) => void): Mutable<ProfilesData> {
  const data = fine();
  change(data);
  return data;
}

type Profiles = Mutable<ProfilesData>['resourceProfiles'][number]['scopeProfiles'][number]['profiles'][number];

function changedProfile(change: (profile: Profiles) => void): Mutable<ProfilesData> {
  return changed((data) => change(data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!));
}

const pyroscopeRules: readonly [ProfilesData, string][] = [
  [changed(({ dictionary }) => dictionary.mappingTable.splice(0)), 'dictionary: mapping_table: refused: is empty'],
  [
    changedProfile(({ samples }) => {
      samples[0]!.stackIndex = 9;
    }),
    `${s}: stack_index: refused: index 9 is outside stack_table, which has 2 entries`,
  ],
  [fine({ samples: [{ stack: [frame] }] }), `${s}: refused: has neither value nor timestamp`],
  [fine({ samples: [{ stack: [frame], values: [1n, 2n], at: [1, 2] }] }), `${s}: values: refused: has 2, it must be 1`],
  [fine({ samples: [{ stack: [frame], values: [-1n] }] }), `${s}: dropped: has a negative value`],
  [fine({ samples: [{ stack: [frame], values: [0n] }] }), `${s}: dropped: has the value 0`],
  [
    fine({ type: 'events/count', periodType: '', period: 0n }),
    `${p}: period_type: refused: events/count has no period, so the profile has no name`,
  ],
  [fine({ type: 'alloc-space/bytes' }), `${p}: sample_type: refused: "alloc-space" contains "-"`],
  [
    changedProfile((each) => {
      each.timeUnixNano = 1_767_225_600n;
    }),
    `${p}: time_unix_nano: refused: 1767225600 is more than an hour ago: it is not in nanoseconds`,
  ],
  [
    withResource(Object.fromEntries(Array.from({ length: 25 }, (_, index) => [`key${index}`, 'x']))),
    "resource_profiles[0]: refused: attributes and Pyroscope's own make 31 labels, the limit is 30",
  ],
  [
    withResource({ line: 'x'.repeat(2049) }),
    'resource_profiles[0]: resource: attributes[2]: refused: line is longer than 2048 bytes',
  ],
  [
    withResource({ ['k'.repeat(1025)]: 'x' }),
    'resource_profiles[0]: resource: attributes[2]: refused: its key is longer than 1024 bytes',
  ],
  [
    withResource({ flag: true }),
    'resource_profiles[0]: resource: attributes[2]: dropped: flag is a boolean; only text and integers become labels',
  ],
  [
    withResource({ 'process.pid': 7n }),
    'resource_profiles[0]: resource: attributes[2]: misread: process.pid makes a series of each of its values',
  ],
  [
    fine({ samples: [{ stack: [frame], at: [1], attributes: { 'thread.id': 7n } }] }),
    'dictionary: attribute_table[3]: misread: thread.id makes a series of each of its values',
  ],
  [
    fine({ resource: { 'host.id': 'a1' } }),
    'resource_profiles[0]: resource: misread: has no service.name, so it is shown as unknown_service',
  ],
  [withFrame({ names: [] }), 'dictionary: location_table[1]: dropped: has no name, so it is missing in flame graphs'],
  [
    withFrame({ names: [], address: 0n }),
    'dictionary: location_table[1]: dropped: has neither name nor address, and takes its samples with it',
  ],
  [withFrame({ names: [''] }), 'dictionary: location_table[1]: misread: has no name, so it is shown as an empty box'],
  [
    fine({ samples: [{ at: [1], stack: Array.from({ length: 1001 }, () => frame) }] }),
    `${s}: misread: of 1001 frames the 1000 nearest to the root are kept`,
  ],
];

const parcaRules: readonly [ProfilesData, string][] = [
  [changed((data) => data.resourceProfiles.splice(0)), 'resource_profiles: refused: is empty'],
  [changed(({ dictionary }) => dictionary.linkTable.splice(0)), 'dictionary: link_table: refused: is empty'],
  [
    changed(({ dictionary }) => {
      dictionary.linkTable[0] = { traceId: new Uint8Array(16), spanId: new Uint8Array(8) };
    }),
    'dictionary: link_table[0]: refused: is not the empty entry',
  ],
  [
    changed(({ dictionary }) => dictionary.linkTable.push({ traceId: new Uint8Array(8), spanId: new Uint8Array(8) })),
    'dictionary: link_table[1]: refused: has IDs of 8 and 8 bytes, not 16 and 8',
  ],
  [
    changed(({ dictionary }) => {
      dictionary.attributeTable[1]!.value = undefined;
    }),
    'dictionary: attribute_table[1]: refused: has no value',
  ],
  [
    changed(({ resourceProfiles }) => resourceProfiles[0]!.resource.attributes.push({ key: '', value: 'x' })),
    'resource_profiles[0]: resource: attributes[2]: refused: has no key',
  ],
  [
    changed(({ resourceProfiles }) => resourceProfiles[0]!.resource.attributes.push({ key: 'a', value: undefined })),
    'resource_profiles[0]: resource: attributes[2]: refused: has no value',
  ],
  [
    changed(({ resourceProfiles }) => resourceProfiles[0]!.resource.attributes.push({ key: 'host.id', value: 'b' })),
    'resource_profiles[0]: resource: attributes[2]: refused: has the key "host.id" a second time',
  ],
  [
    withResource({ 'process.pid': 7n }),
    'resource_profiles[0]: resource: attributes[2]: dropped: process.pid is an integer; only text becomes a label',
  ],
  [
    changed(({ resourceProfiles }) => {
      resourceProfiles[0]!.scopeProfiles[0]!.scope.name = '';
    }),
    'resource_profiles[0]: scope_profiles[0]: scope: misread: has no name, so profiles are called unknown',
  ],
  [changedProfile(({ samples }) => samples.splice(0)), `${p}: samples: refused: is empty`],
  [
    changedProfile((each) => {
      each.period = -1n;
    }),
    `${p}: period: refused: is -1, below 0`,
  ],
  [fine({ period: 0n }), `${p}: period: misread: is 0, and samples/count is multiplied by it`],
  [
    changedProfile((each) => {
      each.profileId = new Uint8Array(16);
    }),
    `${p}: profile_id: refused: is not 16 bytes of which one is not 0`,
  ],
  [fine({ samples: [{ stack: [frame] }] }), `${s}: refused: has neither value nor timestamp`],
  [
    fine({ samples: [{ stack: [frame], values: [1n, 2n] }] }),
    `${s}: refused: has 2 values and no timestamps, which stops Parca`,
  ],
  [fine({ samples: [{ stack: [frame], values: [1n], at: [1, 2] }] }), `${s}: refused: has 1 values for 2 timestamps`],
  [fine({ samples: [{ stack: [frame], values: [0n] }] }), `${s}: dropped: has the value 0`],
  [
    fine({ samples: [{ stack: [frame], at: [5_000_000_001] }] }),
    `${s}: timestamps_unix_nano[0]: refused: is outside the profile's time`,
  ],
];

const devfilerRules: readonly [ProfilesData, string][] = [
  [withFrame({ type: '' }), 'dictionary: location_table[1]: refused: has no profile.frame.type'],
  [withFrame({ type: 'rust' }), 'dictionary: location_table[1]: refused: has the unknown profile.frame.type rust'],
  [
    withFrame({ mapping: { 'process.executable.build_id.gnu': 'abcd' } }),
    'dictionary: mapping_table[1]: refused: has attributes, but no process.executable.build_id.htlhash that can be read',
  ],
  [
    withFrame({ mapping: { 'process.executable.build_id.htlhash': 'xyz' } }),
    'dictionary: mapping_table[1]: refused: has attributes, but no process.executable.build_id.htlhash that can be read',
  ],
  [
    withFrame({ type: 'cpython', address: 0n }),
    'dictionary: location_table[1]: misread: is frame 0 of its file, as are all others without an address',
  ],
  [
    withFrame({ type: 'jvm', names: ['a', 'b'] }),
    'dictionary: location_table[1]: misread: of 2 lines the first alone is shown',
  ],
  [fine({ type: '/count' }), `${p}: sample_type: refused: needs a type and a unit`],
  [
    fine({ samples: [{ stack: [frame], values: [1n] }] }),
    `${s}: misread: has no timestamp, so it is shown in January 1970`,
  ],
  [
    fine({ samples: [{ stack: [frame], values: [5n], at: [1] }] }),
    `${s}: misread: has values other than 1, and each timestamp counts 1`,
  ],
  [
    changedProfile(({ samples }) => {
      samples[0]!.stackIndex = -1;
    }),
    `${s}: stack_index: refused: index -1 is outside stack_table, which has 2 entries`,
  ],
];

const elasticRules: readonly [ProfilesData, string][] = [
  [
    fine({ type: 'off_cpu/nanoseconds' }),
    `${p}: refused: is off_cpu/nanoseconds with period cpu/nanoseconds; only samples/count with period cpu/nanoseconds is taken`,
  ],
  [fine({ period: 0n }), `${p}: period: misread: is 0, so it counts as 1 Hz`],
  [fine({ samples: [{ stack: [frame], values: [1n] }] }), `${s}: dropped: has no timestamp`],
  [withFrame({ type: '' }), 'dictionary: location_table[1]: refused: has no profile.frame.type'],
  [
    withFrame({ mapping: { 'process.executable.build_id.htlhash': 'xyz' } }),
    'dictionary: mapping_table[1]: refused: has a process.executable.build_id.htlhash that cannot be read',
  ],
  [
    withFrame({ mapping: {} }),
    'dictionary: mapping_table[1]: misread: has no process.executable.build_id.htlhash, so its frames cannot be symbolized',
  ],
  [
    withFrame({ file: '' }),
    'dictionary: mapping_table[1]: misread: has no file name, so it is not among the executables',
  ],
  [
    fine({ resource: { 'service.name': 'shop' } }),
    'resource_profiles[0]: resource: misread: has no host.id, so it belongs to no host',
  ],
];

for (const [dialect, rules] of [
  ['pyroscope', pyroscopeRules],
  ['parca', parcaRules],
  ['devfiler', devfilerRules],
  ['elastic', elasticRules],
] as const) {
  for (const [data, finding] of rules) {
    test(`DialectLint finds for ${dialect}: ${finding.slice(0, 120)}`, () => {
      const findings = lint(data, dialect);
      assert.ok(findings.includes(finding), findings.join('\n'));
    });
  }
}

test('DialectLint finds for pyroscope a profile of 16,001 samples that becomes more than 2 MB', () => {
  const stack = Array.from({ length: 5 }, (_, index) => ({ ...frame, file: `lib${index}.so` }));
  const samples = Array.from({ length: 16_001 }, (_, index) => ({
    values: [1n],
    stack: [...stack, { names: ['f'], address: BigInt(index + 9) }],
  }));
  const [count, size] = lint(fine({ samples }), 'pyroscope');
  assert.equal(count, `${p}: samples: refused: has 16001, the limit is 16000`);
  assert.match(size!, /^resource_profiles\[0\].*: refused: becomes about \d{7} bytes of pprof; above 2000000 /);
});

test('DialectLint knows that pyroscope sums off_cpu values where there is no period', () => {
  const samples = [{ stack: [frame], values: [1n, 2n], at: [1, 2] }];
  const offCpu = { type: 'off_cpu/nanoseconds', samples };
  assert.deepEqual(lint(fine({ ...offCpu, periodType: '', period: 0n }), 'pyroscope'), []);
  assert.deepEqual(lint(fine(offCpu), 'pyroscope'), [`${s}: values: refused: has 2, it must be 1`]);
});

test('DialectLint finds for parca the names that its reader takes for those before them', () => {
  const stack = [{ names: ['leaf'] }, { names: ['main'] }];
  const once = buildData({ ...profile, samples: [{ at: [1], stack }] });
  const problem = 'names "leaf", and Parca up to v0.28.0 shows no function there, which stops it at some queries';
  const rest = '2 of 2 lines are read so; dialect parca writes each function twice';
  assert.deepEqual(lint(once, 'parca'), [`dictionary: location_table[1]: line[0]: misread: ${problem}; ${rest}`]);
  assert.deepEqual(lint(withFunctionsTwice(once), 'parca'), []);
});

test('DialectLint finds for pyroscope profiles of equal labels at one time, in one message and in several', () => {
  const lintOfFile = new DialectLint('pyroscope');
  const twins = buildData({ ...profile, samples: [{ at: [1], stack: [frame] }] }, profile);
  const of =
    'has the labels, the types and the start of message 1: resource_profiles[0]: scope_profiles[0]: profile[0]';
  const problem = `dropped: ${of}, and one of the two is kept`;
  assert.deepEqual(lintOfFile.lint(twins), [
    { path: 'resource_profiles[1]: scope_profiles[0]: profile[0]: time_unix_nano', problem },
  ]);
  assert.deepEqual(lintOfFile.lint(fine()), [{ path: `${p}: time_unix_nano`, problem }]);
});

test('DialectLint finds no loss in profiles of equal labels whose samples are of other series', () => {
  const ofThread = (name: string): TestProfile => ({
    ...profile,
    samples: [{ at: [1], stack: [frame], attributes: { 'thread.name': name } }],
  });
  assert.deepEqual(lint(buildData(ofThread('a'), ofThread('b')), 'pyroscope'), []);
});

for (const { dialect, compression, found } of [
  { dialect: 'pyroscope', compression: 'zstd', found: 1 },
  { dialect: 'parca', compression: 'zstd', found: 1 },
  { dialect: 'devfiler', compression: 'zstd', found: 1 },
  { dialect: 'elastic', compression: 'zstd', found: 0 },
  { dialect: 'pyroscope', compression: 'gzip', found: 0 },
] as const) {
  test(`DialectLint finds ${found} faults in ${compression} for ${dialect}`, () => {
    assert.equal(new DialectLint(dialect, compression).lint(fine()).length, found);
  });
}

test('DialectLint finds attributes that refer to the string table', () => {
  assert.deepEqual(new DialectLint('parca').lint(fine(), new Set([3])), [
    {
      path: 'dictionary: string_table[3]',
      problem: 'dropped: is referred to by an attribute, and such attributes are not resolved',
    },
  ]);
});

for (const dialect of dialectNames) {
  test(`DialectLint finds nothing refused or dropped in what applyDialect wrote for ${dialect}`, () => {
    const samples = [
      {
        at: [1, 2],
        stack: [
          { ...frame, names: [] },
          { names: ['f'], type: 'rust' },
        ],
        attributes: { 'thread.id': 7n },
      },
      { at: [3], stack: [{ names: ['g'], type: 'cpython', address: 0n }] },
    ];
    const data = buildData(
      { ...profile, resource: { ...resource, 'process.pid': 7n, line: 'x'.repeat(5000) }, samples },
      { ...profile, type: 'events/count', periodType: '', period: 0n },
      {
        ...profile,
        type: 'off_cpu/nanoseconds',
        periodType: '',
        period: 0n,
        samples: [{ at: [1, 2], values: [5n, 6n] }],
      },
    );
    const found = lint(applyDialect(data, dialect).data, dialect).filter((each) => / (?:refused|dropped): /.test(each));
    assert.deepEqual(found, []);
  });
}
