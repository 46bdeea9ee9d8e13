import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ProfilesData } from '../../../src/otlp/profiles-data.ts';
import { FlameFolder, foldFlameTrees } from '../../../src/profile/flame/flame-graph.ts';
import { atOnce } from '../../../src/support/steps.ts';
import { soundProfiles } from '../../otlp/sound-profiles.ts';
import { foldedStacks } from '../../support/flame-paths.ts';
import type { FixtureSample } from '../../support/profiles-fixture.ts';
import { profilesOf } from '../../support/profiles-fixture.ts';

const main = { names: ['main'] };
const read = { names: ['vfs_read'], type: 'kernel' };

function foldOne(samples: readonly FixtureSample[], maxNodes = 1000) {
  const { trees } = atOnce(foldFlameTrees(profilesOf(samples), maxNodes));
  assert.equal(trees.length, 1);
  return trees[0]!;
}

test('foldFlameTrees adds stacks up by service, from the outermost caller to the leaf', () => {
  const tree = foldOne([
    { service: 'web', stack: [read, main], values: [2n, 3n] },
    { service: 'web', stack: [main], timestamps: [1n, 2n, 3n], values: [] },
    { service: 'db', stack: [read, main] },
    { stack: [] },
  ]);
  assert.deepEqual(foldedStacks(tree), {
    'web;main;vfs_read': 5,
    'web;main': 3,
    'db;main;vfs_read': 1,
    '(no service.name)': 1,
  });
  assert.deepEqual(tree.type, {
    sampleType: 'samples',
    sampleUnit: 'count',
    periodType: 'cpu',
    periodUnit: 'nanoseconds',
    period: 10_000_000,
  });
});

test('foldFlameTrees shows inlined functions below the one that they were inlined into', () => {
  const tree = foldOne([{ service: 's', stack: [read, { names: ['innermost', 'middle', 'outer'] }, main] }]);
  assert.deepEqual(foldedStacks(tree), { 's;main;outer;middle;innermost;vfs_read': 1 });
});

test('foldFlameTrees tells where an unnamed frame is', () => {
  const high = 0xffffffff815a337bn;
  const tree = foldOne([
    {
      service: 's',
      stack: [{ module: '/usr/lib/libc.so.6', address: 0x26f00n }, { type: 'jvm', address: high }, { address: 7n }],
    },
  ]);
  assert.deepEqual(foldedStacks(tree), { 's;0x7;[jvm]+0xffffffff815a337b;libc.so.6+0x26f00': 1 });
  assert.ok(tree.frames.slice(2).every((frame) => frame.class === 'unresolved'));
  assert.equal(tree.frames.at(-1)!.module, '/usr/lib/libc.so.6');
});

test('foldFlameTrees joins the lines of a function and says where it starts', () => {
  const python = { names: ['run'], type: 'cpython', file: 'work.py' };
  const at = (line: number, startLine = 0) => ({ service: 's', stack: [{ ...python, line, startLine }] });
  assert.deepEqual(foldOne([at(12), at(9), at(30)]).frames.at(-1), {
    name: 'run',
    class: 'interpreted',
    type: 'cpython',
    module: '',
    file: 'work.py',
    line: 9,
  });
  assert.equal(foldOne([at(12, 4), at(9, 4)]).frames.at(-1)!.line, 4);
});

test('foldFlameTrees leaves out values that cannot be drawn', () => {
  assert.deepEqual(foldedStacks(foldOne([{ service: 's', stack: [main], values: [-5n] }])), {});
});

test('foldFlameTrees keeps one tree for each profile type, and counts the samples of types beyond sixteen', () => {
  const { dictionary, resourceProfiles } = profilesOf([{ service: 's', stack: [main] }]);
  const stringTable = [...dictionary.stringTable];
  const retyped = Array.from({ length: 20 }, (_, index) => {
    const [resource] = resourceProfiles;
    const [scope] = resource!.scopeProfiles;
    const sampleType = { typeStrindex: stringTable.push(`type${index}`) - 1, unitStrindex: 0 };
    return { ...resource!, scopeProfiles: [{ ...scope!, profiles: [{ ...scope!.profiles[0]!, sampleType }] }] };
  });
  const data: ProfilesData = { dictionary: { ...dictionary, stringTable }, resourceProfiles: retyped };
  const { trees, omittedSampleCount } = atOnce(foldFlameTrees(data, 64));
  assert.deepEqual([trees.length, omittedSampleCount], [16, 4]);
  assert.ok(trees.reduce((sum, { parents }) => sum + parents.length, 0) <= 64);
});

test('foldFlameTrees bounds the length of names', () => {
  const tree = foldOne([{ service: 'x'.repeat(60_000), stack: [{ names: ['y'.repeat(60_000)] }] }]);
  assert.deepEqual(
    tree.frames.map(({ name }) => name.length),
    [0, 512, 512],
  );
});

test('foldFlameTrees takes indices that point nowhere', () => {
  const data = profilesOf([{ service: 's', stack: [main] }]);
  const broken = { ...data.dictionary, locationTable: [], stackTable: data.dictionary.stackTable };
  assert.deepEqual(foldedStacks(atOnce(foldFlameTrees({ ...data, dictionary: broken }, 100)).trees[0]!), { s: 1 });
});

test('foldFlameTrees takes any profiles, and loses no value of theirs that can be drawn', () => {
  fc.assert(
    fc.property(soundProfiles, (data) => {
      const samples = data.resourceProfiles
        .flatMap(({ scopeProfiles }) => scopeProfiles.flatMap(({ profiles }) => profiles))
        .flatMap((profile) => profile.samples);
      const drawn = samples
        .map(({ values, timestampsUnixNano }) =>
          values.length === 0 ? timestampsUnixNano.length : Number(values.reduce((sum, value) => sum + value, 0n)),
        )
        .reduce((sum, value) => sum + Math.max(0, value), 0);
      const { trees } = atOnce(foldFlameTrees(data, 100));
      const total = trees.flatMap(({ selfValues }) => selfValues).reduce((sum, value) => sum + value, 0);
      assert.ok(Math.abs(total - drawn) <= drawn * 1e-9, `${total} of ${drawn}`);
    }),
    { endOnFailure: true },
  );
});

test('FlameFolder folds request after request as if they were one', () => {
  const requests = [
    [{ service: 'a', stack: [read, main] }],
    [
      { service: 'a', stack: [main] },
      { service: 'b', stack: [read, main] },
    ],
  ];
  const folder = new FlameFolder(1000);
  for (const samples of requests) folder.add(profilesOf(samples));
  const [whole] = atOnce(foldFlameTrees(profilesOf(requests.flat()), 1000)).trees;
  assert.deepEqual(foldedStacks(folder.build().trees[0]!), foldedStacks(whole!));
  folder.add(profilesOf(requests[0]!));
  assert.equal(foldedStacks(folder.build().trees[0]!)['a;main;vfs_read'], 2);
});

test('FlameFolder forgets the frames of what it folded away, and loses no value', () => {
  const folder = new FlameFolder(10);
  for (let i = 0; i < 300; i++) {
    folder.add(profilesOf([{ service: 's', stack: [{ names: [`f${i}`] }, main] }]));
    assert.ok(folder.frameCount <= 4 * 10 + 4);
  }
  const [tree] = folder.build().trees;
  assert.ok(tree!.parents.length <= 10);
  assert.equal(
    tree!.selfValues.reduce((sum, value) => sum + value, 0),
    300,
  );
});

test('foldFlameTrees calls what has no service by its executable', () => {
  const data = profilesOf([{ stack: [main] }]);
  const resourceProfiles = data.resourceProfiles.map((each) => ({
    ...each,
    resource: { attributes: [{ key: 'process.executable.name', value: 'nginx' }], droppedAttributesCount: 0 },
  }));
  assert.deepEqual(foldedStacks(atOnce(foldFlameTrees({ ...data, resourceProfiles }, 10)).trees[0]!), {
    'nginx;main': 1,
  });
});
