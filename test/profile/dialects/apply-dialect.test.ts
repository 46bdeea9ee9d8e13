import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AnyValue, Profile, ProfilesData } from '../../../src/otlp/profiles-data.ts';
import { checkConformance } from '../../../src/profile/check/check-conformance.ts';
import { applyDialect } from '../../../src/profile/dialects/apply-dialect.ts';
import type { DialectName } from '../../../src/profile/dialects/dialect.ts';
import { dialectNames } from '../../../src/profile/dialects/dialect.ts';
import { ConvertedSize } from '../../../src/profile/dialects/profile-cutter.ts';
import { arbitraryProfiles } from '../../otlp/arbitrary-profiles.ts';
import { goodProfiles } from '../../otlp/good-profiles.ts';
import type { TestFrame, TestProfile, TestSample } from '../../support/build-data.ts';
import { buildData } from '../../support/build-data.ts';
import type { PlainProfile } from '../../support/plain-profiles.ts';
import { plainProfiles } from '../../support/plain-profiles.ts';

const hash = '00112233445566778899aabbccddeeff';
const htlHash = { 'process.executable.build_id.htlhash': hash };
const gnu = { 'process.executable.build_id.gnu': 'abcd' };
const once: TestSample = { at: [7] };

function written(dialect: DialectName, ...profiles: readonly TestProfile[]): PlainProfile[] {
  const data = buildData(...profiles);
  assert.deepEqual(checkConformance(data), [], 'before');
  const outcome = applyDialect(data, dialect);
  assert.deepEqual(checkConformance(outcome.data), [], 'after');
  return plainProfiles(outcome.data);
}

function sample(
  dialect: DialectName,
  given: TestSample,
  type: Partial<TestProfile> = {},
): PlainProfile['samples'][number] {
  return written(dialect, { ...type, samples: [given] })[0]!.samples[0]!;
}

test('applyDialect generic is the data itself', () => {
  const data = goodProfiles();
  assert.equal(applyDialect(data, 'generic').data, data);
});

for (const { dialect, given, values, at } of [
  { dialect: 'pyroscope', given: { at: [1, 2, 3] }, values: [3n], at: [] },
  { dialect: 'pyroscope', given: { at: [1, 2], values: [5n, 7n] }, values: [12n], at: [] },
  { dialect: 'pyroscope', given: { values: [5n] }, values: [5n], at: [] },
  { dialect: 'parca', given: { at: [1, 2, 3] }, values: [], at: [1, 2, 3] },
  { dialect: 'parca', given: { at: [1, 2], values: [5n, 7n] }, values: [5n, 7n], at: [1, 2] },
  { dialect: 'parca', given: { values: [5n] }, values: [5n], at: [] },
  { dialect: 'devfiler', given: { at: [1, 2] }, values: [], at: [1, 2] },
  { dialect: 'devfiler', given: { values: [5n] }, values: [5n], at: [0] },
  { dialect: 'elastic', given: { at: [1, 2] }, values: [], at: [1, 2] },
  { dialect: 'elastic', given: { at: [1, 2], values: [5n, 7n] }, values: [5n, 7n], at: [1, 2] },
  { dialect: 'elastic', given: { values: [1n] }, values: [], at: [0] },
] as const) {
  test(`applyDialect ${dialect} writes values ${given.values ?? []} at ${given.at ?? []} in its shape`, () => {
    const { values: shown, at: moments } = sample(dialect, given);
    assert.deepEqual([shown, moments], [values, at]);
  });
}

for (const { dialect, type, periodType, period, wanted } of [
  { dialect: 'pyroscope', type: 'samples/count', wanted: 'samples/count 50000000 cpu/nanoseconds' },
  { dialect: 'pyroscope', type: 'events/count', periodType: '', period: 0n, wanted: 'events/count 1 events/count' },
  {
    dialect: 'pyroscope',
    type: 'events/count',
    periodType: 'uprobe/count',
    period: 0n,
    wanted: 'events/count 1 events/count',
  },
  { dialect: 'pyroscope', type: 'off_cpu/nanoseconds', periodType: '', period: 0n, wanted: 'off_cpu/nanoseconds ' },
  { dialect: 'pyroscope', type: 'off_cpu/nanoseconds', wanted: 'off_cpu/nanoseconds ' },
  {
    dialect: 'pyroscope',
    type: 'alloc-space/bytes',
    periodType: '',
    period: 0n,
    wanted: 'alloc_space/bytes 1 alloc_space/bytes',
  },
  { dialect: 'parca', type: 'samples/count', period: 0n, wanted: 'samples/count 1 cpu/nanoseconds' },
  { dialect: 'parca', type: 'events/count', periodType: '', period: 0n, wanted: 'events/count ' },
  { dialect: 'devfiler', type: 'events/count', periodType: '', period: 0n, wanted: 'events/count ' },
  { dialect: 'elastic', type: 'samples/count', wanted: 'samples/count 50000000 cpu/nanoseconds' },
] as const) {
  test(`applyDialect ${dialect} writes ${type} with period "${period ?? 'given'} ${periodType ?? ''}" as "${wanted}"`, () => {
    const [profile] = written(dialect, {
      type,
      samples: [once],
      ...(periodType !== undefined && { periodType }),
      ...(period !== undefined && { period }),
    });
    assert.equal(`${profile!.type} ${profile!.period}`, wanted);
  });
}

const unnamed: TestFrame = { file: '/usr/lib/libc.so.6', address: 0x2a1fn, mapping: gnu };

for (const { dialect, frame, shown } of [
  { dialect: 'pyroscope', frame: unnamed, shown: 'native:libc.so.6!0x2a1f@/usr/lib/libc.so.6' },
  {
    dialect: 'pyroscope',
    frame: { address: 0xffff_ffff_8100_0000n, type: 'kernel' },
    shown: 'kernel:unknown!0xffffffff81000000',
  },
  { dialect: 'pyroscope', frame: { names: [''], address: 0n }, shown: 'native:unknown!0x0' },
  { dialect: 'pyroscope', frame: { names: ['main'], type: 'rust' }, shown: 'rust:main' },
  { dialect: 'parca', frame: unnamed, shown: 'native:libc.so.6+0x2a1f@/usr/lib/libc.so.6' },
  { dialect: 'devfiler', frame: { names: ['main'], type: 'rust' }, shown: 'native:main' },
  { dialect: 'devfiler', frame: { names: ['main'], type: 'luajit' }, shown: 'native:main' },
  { dialect: 'devfiler', frame: { names: ['main'], type: '' }, shown: 'native:main' },
  { dialect: 'devfiler', frame: { names: ['main'], type: 'v8js' }, shown: 'v8js:main' },
  { dialect: 'devfiler', frame: { names: ['f'], type: 'cpython', address: 0n, file: 'python' }, shown: 'cpython:f' },
  {
    dialect: 'devfiler',
    frame: { names: ['f'], type: 'cpython', address: 9n, file: 'python' },
    shown: 'cpython:f@python',
  },
  { dialect: 'devfiler', frame: { names: ['f'], address: 0n, file: 'a.out' }, shown: 'native:f@a.out' },
  { dialect: 'elastic', frame: { names: ['main'], type: '' }, shown: 'native:main' },
  { dialect: 'elastic', frame: { names: ['main'], type: 'rust' }, shown: 'rust:main' },
] as const) {
  test(`applyDialect ${dialect} shows a frame as ${shown}`, () => {
    // A location that says nothing at all is entry 0.
    assert.deepEqual(sample(dialect, { at: [1], stack: [frame] }).stack, [shown]);
  });
}

for (const { dialect, mapping, wanted } of [
  { dialect: 'pyroscope', mapping: gnu, wanted: gnu },
  { dialect: 'devfiler', mapping: gnu, wanted: {} },
  { dialect: 'devfiler', mapping: { ...gnu, ...htlHash }, wanted: { ...gnu, ...htlHash } },
  { dialect: 'devfiler', mapping: { 'process.executable.build_id.htlhash': 'no' }, wanted: {} },
  { dialect: 'elastic', mapping: { ...gnu, 'process.executable.build_id.htlhash': 'no' }, wanted: gnu },
  { dialect: 'elastic', mapping: htlHash, wanted: htlHash },
] as const) {
  test(`applyDialect ${dialect} writes a mapping with ${JSON.stringify(mapping)} with ${JSON.stringify(wanted)}`, () => {
    const data = buildData({ samples: [{ at: [1], stack: [{ ...unnamed, mapping }] }] });
    const { dictionary } = applyDialect(data, dialect).data;
    const attributes = dictionary.mappingTable[1]!.attributeIndices.map((index) => {
      const { keyStrindex, value } = dictionary.attributeTable[index]!;
      return [dictionary.stringTable.at(keyStrindex), value];
    });
    assert.deepEqual(Object.fromEntries(attributes), wanted);
  });
}

const threadAttributes = {
  'thread.id': 7n,
  'thread.name': 'worker',
  'cpu.logical_number': 3n,
  'process.context.label.a': 'b',
};

for (const { dialect, wanted } of [
  { dialect: 'pyroscope', wanted: { 'thread.name': 'worker', 'process.context.label.a': 'b' } },
  { dialect: 'parca', wanted: { ...threadAttributes, 'thread.id': '7' } },
  { dialect: 'devfiler', wanted: threadAttributes },
  { dialect: 'elastic', wanted: threadAttributes },
] as const) {
  test(`applyDialect ${dialect} keeps of a sample's attributes ${Object.keys(wanted)}`, () => {
    assert.deepEqual(sample(dialect, { at: [1], attributes: threadAttributes }).attributes, wanted);
  });
}

for (const { dialect, resource, wanted } of [
  { dialect: 'pyroscope', resource: { 'process.pid': 7n, 'host.name': 'a' }, wanted: { 'host.name': 'a' } },
  { dialect: 'pyroscope', resource: { a: ['x'], b: ['x', 'y'], c: true, d: 1.5, e: 5n }, wanted: { a: 'x', e: 5n } },
  { dialect: 'pyroscope', resource: { a: 'é'.repeat(1025) }, wanted: { a: 'é'.repeat(1024) } },
  {
    dialect: 'parca',
    resource: { 'process.pid': 7n, 'host.cpus': 8n },
    wanted: { 'process.pid': '7', 'host.cpus': 8n },
  },
  { dialect: 'devfiler', resource: { 'process.pid': 7n }, wanted: { 'process.pid': 7n } },
  { dialect: 'elastic', resource: { 'host.name': 'a' }, wanted: { 'host.id': 'a', 'host.name': 'a' } },
  { dialect: 'elastic', resource: { 'host.id': '1', 'host.name': 'a' }, wanted: { 'host.id': '1', 'host.name': 'a' } },
  { dialect: 'elastic', resource: { 'service.name': 'a' }, wanted: { 'service.name': 'a' } },
] as const satisfies { dialect: DialectName; resource: Record<string, AnyValue>; wanted: Record<string, AnyValue> }[]) {
  test(`applyDialect ${dialect} keeps of a resource ${Object.keys(wanted)} of ${Object.keys(resource)}`, () => {
    assert.deepEqual(written(dialect, { resource, samples: [once] })[0]!.resource, wanted);
  });
}

test('applyDialect pyroscope keeps at most 20 resource attributes, service.name among them', () => {
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`key${index}`, 'x']));
  const [profile] = written('pyroscope', { resource: { ...many, 'service.name': 'shop' }, samples: [once] });
  const keys = Object.keys(profile!.resource);
  assert.deepEqual([keys.length, keys[0]], [20, 'service.name']);
});

test('applyDialect pyroscope keeps the labels of service, workload and host before others, and counts those that it leaves out', () => {
  const many = Object.fromEntries(Array.from({ length: 18 }, (_, index) => [`team.label${index}`, 'x']));
  const wanted = {
    'host.name': 'node-1',
    'k8s.pod.name': 'shop-1',
    'k8s.namespace.name': 'prod',
    'service.name': 'shop',
  };
  const data = buildData({ resource: { ...many, ...wanted }, samples: [once] });
  const { data: outcome, droppedLabels } = applyDialect(data, 'pyroscope');
  const { resource } = plainProfiles(outcome)[0]!;
  assert.partialDeepStrictEqual(resource, wanted);
  assert.equal(Object.keys(resource).length, 20);
  assert.deepEqual(
    [...droppedLabels],
    [
      ['team.label16', 1],
      ['team.label17', 1],
    ],
  );
});

test('applyDialect pyroscope writes keys with underscores where it is told to, but for service.name', () => {
  const data = buildData({
    resource: { 'service.name': 'shop', 'k8s.pod.name': 'shop-1', 'k8s_pod.name': 'late', '5xx': 'y' },
    scope: { 'scope.key': 'z' },
    samples: [{ at: [1], attributes: { 'thread.name': 'worker' } }],
  });
  const options = { underscores: true, functionsTwice: true };
  const [profile] = plainProfiles(applyDialect(data, 'pyroscope', options).data);
  assert.deepEqual(profile!.resource, { 'service.name': 'shop', k8s_pod_name: 'shop-1', _5xx: 'y' });
  assert.deepEqual(profile!.samples[0]!.attributes, { thread_name: 'worker' });
  const [dotted] = plainProfiles(applyDialect(data, 'pyroscope').data);
  assert.ok('k8s.pod.name' in dotted!.resource);
});

test('applyDialect pyroscope makes one sample of those that differed only in what it leaves out', () => {
  const samples = [
    { at: [1, 2], attributes: { 'thread.id': 1n } },
    { at: [3], attributes: { 'thread.id': 2n } },
  ];
  const [profile] = written('pyroscope', { samples });
  assert.deepEqual(
    profile!.samples.map(({ values, attributes }) => [values, attributes]),
    [[[3n], {}]],
  );
});

test('applyDialect pyroscope makes one profile of processes that it cannot tell apart', () => {
  const process = (pid: bigint, type: string) => ({
    type,
    resource: { 'service.name': 'shop', 'process.pid': pid },
    samples: [once],
  });
  const data = buildData(process(1n, 'samples/count'), process(2n, 'samples/count'), process(2n, 'events/count'));
  const outcome = applyDialect(data, 'pyroscope');
  const profiles = plainProfiles(outcome.data).map(({ type, samples }) => [
    type,
    samples.map(({ values }) => values[0]),
  ]);
  assert.deepEqual(profiles, [
    ['samples/count', [2n]],
    ['events/count', [1n]],
  ]);
  assert.equal(outcome.data.resourceProfiles.length, 1);
  assert.equal(outcome.sampleCount, 2);
});

test('applyDialect elastic leaves out all but on-CPU profiles, and counts them', () => {
  const data = buildData(
    { samples: [once] },
    {
      type: 'off_cpu/nanoseconds',
      periodType: '',
      period: 0n,
      samples: [once, { at: [1], stack: [{ names: ['wait'] }] }],
    },
  );
  const outcome = applyDialect(data, 'elastic');
  assert.deepEqual([outcome.sampleCount, outcome.droppedSamples], [1, 2]);
  assert.deepEqual(checkConformance(outcome.data), []);
  assert.ok(![...outcome.data.dictionary.stringTable].includes('wait'));
});

test('applyDialect pyroscope cuts a profile at 16,000 samples', () => {
  const samples = Array.from({ length: 16_001 }, (_, index) => ({
    values: [1n],
    stack: [{ names: [`f${index % 200}`], address: BigInt(index) }],
  }));
  const { data, sampleCount } = applyDialect(buildData({ samples }), 'pyroscope');
  const parts = profilesOf(data);
  assert.equal(sampleCount, 16_001);
  assert.ok(parts.length > 1 && parts.every(({ samples: { length } }) => length <= 16_000));
  assert.equal(new Set(parts.map(({ profileId }) => profileId.join())).size, parts.length);
});

test('applyDialect pyroscope cuts a profile before its pprof reaches 2 MB', () => {
  const stack = Array.from({ length: 20 }, (_, index) => ({
    names: [`f${index}`],
    file: `lib${index}.so`,
    address: 1n,
  }));
  const samples = Array.from({ length: 4_000 }, (_, index) => ({
    values: [1n],
    stack: [{ names: [`leaf${index}`] }, ...stack],
  }));
  const { data } = applyDialect(buildData({ samples }), 'pyroscope');
  const sizes = profilesOf(data).map((part) => {
    const size = new ConvertedSize(data.dictionary);
    for (const each of part.samples) size.add(each);
    return size.bytes;
  });
  assert.ok(sizes.length === 3 && sizes.every((bytes) => bytes <= 1_800_000), sizes.join());
  assert.equal(sum(profilesOf(data)), 4_000n);
});

test('applyDialect leaves nothing behind of profiles and samples that observed nothing', () => {
  const data = goodProfiles();
  const [{ scopeProfiles }] = data.resourceProfiles as [(typeof data.resourceProfiles)[number]];
  for (const each of scopeProfiles[0]!.profiles[0]!.samples) each.timestampsUnixNano = [];
  const outcome = applyDialect(data, 'parca');
  assert.deepEqual([outcome.data.resourceProfiles, [...outcome.data.dictionary.stringTable]], [[], ['']]);
});

test('applyDialect sends each key once, and no attribute without a value', () => {
  const data = goodProfiles();
  const { attributeTable, mappingTable, locationTable } = data.dictionary;
  attributeTable.push(
    { keyStrindex: 12, value: 'other', unitStrindex: 0 },
    { keyStrindex: 6, value: undefined, unitStrindex: 0 },
  );
  data.resourceProfiles[0]!.resource.attributes.push(
    { key: 'service.name', value: 'late' },
    { key: 'a', value: undefined },
  );
  for (const each of data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!.samples)
    each.attributeIndices = [4, 5, 6];
  mappingTable[1]!.attributeIndices.push(5, 4);
  mappingTable.push({ ...mappingTable[1]!, attributeIndices: [4, 5, 3] });
  locationTable[2]!.mappingIndex = 2;
  const { data: outcome } = applyDialect(data, 'parca');
  assert.deepEqual(checkConformance(outcome), []);
  assert.deepEqual(plainProfiles(outcome)[0]!.samples[0]!.attributes, { 'thread.name': 'worker' });
  assert.deepEqual(plainProfiles(outcome)[0]!.resource, { 'service.name': 'shop' });
});

for (const dialect of dialectNames.filter((name) => name !== 'generic')) {
  test(`applyDialect ${dialect} takes any data, and leaves no orphan, duplicate or dangling index`, () => {
    fc.assert(
      fc.property(arbitraryProfiles, (data) => {
        const outcome = applyDialect(data, dialect);
        const faults = checkConformance(outcome.data).filter(({ problem }) =>
          /referred to by nothing|out of range|is the same as|they are one sample/.test(problem),
        );
        assert.deepEqual(faults, []);
      }),
      { endOnFailure: true, numRuns: 60 },
    );
  });

  test(`applyDialect ${dialect} changes nothing more at a second time, and keeps what was observed`, () => {
    const thread = fc.constantFrom(1n, 2n);
    const moment = fc.integer({ min: 0, max: 4_999_999_999 });
    const frame = fc.record({ names: fc.constantFrom(['a'], ['b', 'a'], []), address: fc.constantFrom(1n, 2n) });
    const given = fc.record({
      stack: fc.array(frame, { minLength: 1, maxLength: 3 }),
      attributes: fc.record({ 'thread.id': thread }),
      at: fc.array(moment, { minLength: 1, maxLength: 3 }),
    });
    const unique = fc.uniqueArray(given, {
      minLength: 1,
      maxLength: 8,
      selector: ({ stack, attributes }) =>
        [stack.map(({ names, address }) => `${names}${address}`), attributes['thread.id']].join(),
    });
    fc.assert(
      fc.property(unique, (samples) => {
        const data = buildData({ samples });
        assert.deepEqual(checkConformance(data), []);
        const first = applyDialect(data, dialect).data;
        assert.deepEqual(checkConformance(first), []);
        assert.deepEqual(plainProfiles(applyDialect(first, dialect).data), plainProfiles(first));
        assert.equal(sum(profilesOf(first)), sum(profilesOf(data)));
      }),
      { endOnFailure: true, numRuns: 60 },
    );
  });
}

function profilesOf({ resourceProfiles }: ProfilesData): Profile[] {
  return resourceProfiles.flatMap(({ scopeProfiles }) => scopeProfiles.flatMap(({ profiles }) => profiles));
}

/** Of all values; an observation without one counts 1. */
function sum(profiles: readonly Profile[]): bigint {
  let total = 0n;
  for (const { samples } of profiles) {
    for (const { values, timestampsUnixNano } of samples) {
      total += values.length === 0 ? BigInt(timestampsUnixNano.length) : values.reduce((a, b) => a + b, 0n);
    }
  }
  return total;
}
