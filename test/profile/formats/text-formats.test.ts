import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { flameSvg } from '../../../src/profile/formats/flame-svg.ts';
import { foldedText } from '../../../src/profile/formats/folded.ts';
import { selectProfiles } from '../../../src/profile/formats/select-profiles.ts';
import { speedscopeJson } from '../../../src/profile/formats/speedscope.ts';
import { weightedStacks } from '../../../src/profile/formats/weighted-stacks.ts';
import { goodProfiles } from '../../otlp/good-profiles.ts';

const startUnixNano = 1_767_225_600_000_000_000n;

test('folded stacks begin with their group and end with their count, with marks of kernel and inlined frames', () => {
  assert.equal(
    foldedText(weightedStacks(goodProfiles(), ['service'])),
    'shop;checkout;add_[i];shop+0x1234 2\nshop;checkout;add_[i];do_syscall_64_[k] 1\n',
  );
});

test('names cannot break a line of folded stacks', () => {
  const data = goodProfiles();
  data.dictionary.stringTable[9] = 'evil; name\nwith 7';
  const [, second] = foldedText(weightedStacks(data, [])).split('\n');
  assert.equal(second, 'checkout;add_[i];evil: name with 7_[k] 1');
});

test('samples of other types than the main one are counted, not mixed in', () => {
  const data = goodProfiles();
  const [profile] = data.resourceProfiles[0]!.scopeProfiles[0]!.profiles;
  data.dictionary.stringTable.push('page-faults');
  const sampleType = { typeStrindex: data.dictionary.stringTable.length - 1, unitStrindex: 2 };
  data.resourceProfiles[0]!.scopeProfiles[0]!.profiles.unshift({
    ...profile!,
    sampleType,
    periodType: { typeStrindex: 0, unitStrindex: 0 },
  });
  const { type, otherTypes, periodNano, stacks } = weightedStacks(data, []);
  assert.deepEqual([type, periodNano, [...otherTypes]], ['samples/count', 50_000_000n, [['page-faults/count', 2]]]);
  assert.deepEqual(
    stacks.map(({ value }) => value),
    [2n, 1n],
  );
  assert.equal(weightedStacks(selectProfiles(data, { type: 'page-faults' }), []).type, 'page-faults/count');
});

test('speedscope’s own schema takes what is written for it', async () => {
  const file = new URL(import.meta.resolve('speedscope/dist/release/file-format-schema.json'));
  const validate = new Ajv({ strict: false }).compile(JSON.parse(await readFile(file, 'utf8')));
  for (const groupBy of [[], ['service'], ['process', 'thread']] as const) {
    const written = JSON.parse(speedscopeJson(weightedStacks(goodProfiles(), groupBy), 'framekeeper@1'));
    const isValid: boolean = validate(written);
    assert.ok(isValid, JSON.stringify(validate.errors));
    assert.equal(validate({ ...written, profiles: [{ ...written.profiles[0], weights: 'none' }] }), false);
  }
});

test('speedscope has one profile of all stacks first, weights in nanoseconds, and indices into shared frames', () => {
  const { $schema, shared, profiles, activeProfileIndex, exporter } = JSON.parse(
    speedscopeJson(weightedStacks(goodProfiles(), ['service']), 'framekeeper@1'),
  );
  assert.equal($schema, 'https://www.speedscope.app/file-format-schema.json');
  assert.deepEqual([activeProfileIndex, exporter, profiles.length], [0, 'framekeeper@1', 1]);
  const [all] = profiles;
  assert.deepEqual([all.type, all.unit, all.startValue, all.endValue], ['sampled', 'nanoseconds', 0, 150_000_000]);
  assert.deepEqual(all.weights, [100_000_000, 50_000_000]);
  assert.deepEqual(
    all.samples.map((sample: number[]) => sample.map((index) => shared.frames[index].name)),
    [
      ['checkout', 'add', 'shop+0x1234'],
      ['checkout', 'add', 'do_syscall_64'],
    ],
  );
  assert.deepEqual(shared.frames[0], { name: 'checkout', file: 'shop.c', line: 42 });
});

for (const { unit, expected } of [
  { unit: 'bytes', expected: 'bytes' },
  { unit: 'nanoseconds', expected: 'nanoseconds' },
  { unit: 'By', expected: 'none' },
]) {
  test(`speedscope has ${expected} for values in ${unit}, and nothing that its format does not know`, () => {
    const data = goodProfiles();
    data.dictionary.stringTable[2] = unit;
    const { profiles, shared, ...head } = JSON.parse(speedscopeJson(weightedStacks(data, []), 'x'));
    assert.equal(profiles[0].unit, expected);
    assert.deepEqual(Object.keys(head).sort(), ['$schema', 'activeProfileIndex', 'exporter', 'name']);
    assert.deepEqual(Object.keys(profiles[0]), [
      'type',
      'name',
      'unit',
      'startValue',
      'endValue',
      'samples',
      'weights',
    ]);
    assert.equal(profiles[0].samples.length, profiles[0].weights.length);
    for (const index of profiles[0].samples.flat()) assert.ok(index < shared.frames.length);
  });
}

test('speedscope has a profile for each of several groups, the heaviest first', () => {
  const data = goodProfiles();
  const [shop] = data.resourceProfiles;
  data.resourceProfiles.unshift({
    ...shop!,
    resource: { attributes: [{ key: 'service.name', value: 'small' }], droppedAttributesCount: 0 },
    scopeProfiles: shop!.scopeProfiles.map((scope) => ({
      ...scope,
      profiles: scope.profiles.map((profile) => ({ ...profile, samples: profile.samples.slice(1) })),
    })),
  });
  const { profiles } = JSON.parse(speedscopeJson(weightedStacks(data, ['service']), ''));
  assert.deepEqual(
    profiles.map(({ name, endValue }: { name: string; endValue: number }) => [name.split(' ')[0], endValue / 1e6]),
    [
      ['all', 200],
      ['shop', 150],
      ['small', 50],
    ],
  );
});

test('an SVG escapes names, tells share and value of each box, and has no script', () => {
  const data = goodProfiles();
  data.dictionary.stringTable[9] = '<script>&"\u0007';
  const svg = flameSvg(weightedStacks(data, ['service']), 'title <b>');
  assert.match(svg, /<title>&lt;script&gt;&amp;&quot;\ufffd: 1 samples\/count, 0\.050 s \(33\.33 %\)<\/title>/);
  assert.match(svg, /<title>checkout: 3 samples\/count, 0\.150 s \(100\.00 %\)<\/title>/);
  assert.match(svg, /aria-label="title &lt;b&gt;"/);
  assert.doesNotMatch(svg, /<script/);
  const open = [...svg.matchAll(/<\w+(?:\s[^>]*[^/])?>/g)].length;
  assert.equal(open, [...svg.matchAll(/<\/\w+>/g)].length, 'every element is closed');
  // all, the service, two frames, two leaves.
  assert.equal(svg.match(/<g>/g)?.length, 6);
});

test('a stack of 10,000 frames is drawn', () => {
  const data = goodProfiles();
  data.dictionary.stackTable[1]!.locationIndices = Array(10_000).fill(3);
  assert.ok(flameSvg(weightedStacks(data, []), '').length > 1_000_000);
});

for (const { name, selection, left } of [
  { name: 'nothing', selection: {}, left: 3 },
  { name: 'its service', selection: { service: 'shop' }, left: 3 },
  { name: 'another service', selection: { service: 'db' }, left: 0 },
  { name: 'its type', selection: { type: 'samples/count' }, left: 3 },
  { name: 'the name of on-CPU samples', selection: { type: 'cpu' }, left: 3 },
  { name: 'another type', selection: { type: 'wall' }, left: 0 },
  { name: 'a process', selection: { pid: 7n }, left: 0 },
  { name: 'a start', selection: { fromUnixNano: startUnixNano + 1n }, left: 2 },
  { name: 'an end', selection: { toUnixNano: startUnixNano + 50_000_000n }, left: 1 },
  {
    name: 'a range',
    selection: { fromUnixNano: startUnixNano + 1n, toUnixNano: startUnixNano + 60_000_000n },
    left: 1,
  },
]) {
  test(`selecting by ${name} leaves ${left} of 3 samples`, () => {
    const { stacks } = weightedStacks(selectProfiles(goodProfiles(), selection), []);
    assert.equal(
      stacks.reduce((sum, { value }) => sum + value, 0n),
      BigInt(left),
    );
  });
}

test('samples are grouped by what their resource and thread say', () => {
  const data = goodProfiles();
  data.resourceProfiles[0]!.resource.attributes = [
    { key: 'process.executable.path', value: '/usr/bin/shop' },
    { key: 'process.pid', value: 7n },
    { key: 'container.id', value: 'c1' },
  ];
  const groups = weightedStacks(data, ['service', 'process', 'container', 'host', 'executable']).stacks[0]!.groups;
  assert.deepEqual(groups, ['shop', 'shop (7)', 'c1', '(no host)', '/usr/bin/shop']);
});
