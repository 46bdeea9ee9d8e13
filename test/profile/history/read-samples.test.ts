import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ProfilesData } from '../../../src/otlp/profiles-data.ts';
import { HistoryDictionary, labelFields } from '../../../src/profile/history/history-dictionary.ts';
import { ProfileHistory } from '../../../src/profile/history/profile-history.ts';
import { soundProfiles } from '../../otlp/sound-profiles.ts';
import type { FixtureSample } from '../../support/profiles-fixture.ts';
import { profilesOf } from '../../support/profiles-fixture.ts';
import { treePaths } from '../../support/tree-paths.ts';
import { historyOf, treeOf } from './history-harness.ts';

const main = { names: ['main'] };
const read = { names: ['vfs_read'], type: 'kernel' };

async function pathsOf(samples: readonly FixtureSample[]): Promise<Record<string, number>> {
  return treePaths(await treeOf(historyOf(samples).contents));
}

test('stacks are added up by service, from the outermost caller to the leaf', async () => {
  const history = historyOf([
    { service: 'web', stack: [read, main], values: [2n, 3n] },
    { service: 'web', stack: [main], timestamps: [1n, 2n, 3n], values: [] },
    { service: 'db', stack: [read, main] },
    { stack: [] },
  ]);
  assert.deepEqual(treePaths(await treeOf(history.contents)), {
    'web;main;vfs_read': 5,
    'web;main': 3,
    'db;main;vfs_read': 1,
    '(no service.name)': 1,
  });
  assert.deepEqual(history.contents.types, [
    { sampleType: 'samples', sampleUnit: 'count', periodType: 'cpu', periodUnit: 'nanoseconds', period: 10_000_000 },
  ]);
});

test('inlined functions are below the one that they were inlined into', async () => {
  const paths = await pathsOf([{ service: 's', stack: [read, { names: ['innermost', 'middle', 'outer'] }, main] }]);
  assert.deepEqual(paths, { 's;main;outer;middle;innermost;vfs_read': 1 });
});

test('an unnamed frame is called by its place, and keeps its address', async () => {
  const high = 0xffffffff815a337bn;
  const { contents } = historyOf([
    {
      service: 's',
      stack: [{ module: '/usr/lib/libc.so.6', address: 0x26f00n }, { type: 'jvm', address: high }, { address: 7n }],
    },
  ]);
  const tree = await treeOf(contents);
  assert.deepEqual(treePaths(tree), { 's;0x7;[jvm]+0xffffffff815a337b;libc.so.6+0x26f00': 1 });
  assert.deepEqual(tree.frames.class.slice(2), ['unresolved', 'unresolved', 'unresolved']);
  assert.equal(tree.frames.module.at(-1), '/usr/lib/libc.so.6');
  const addresses = [1, 2, 3].map((frame) => contents.dictionary.frameAt(frame).address);
  assert.deepEqual(addresses.sort(), [0x26f00n, 7n, high].sort());
});

test('lines of a function are one frame, which begins at its first line', async () => {
  const python = { names: ['run'], type: 'cpython', file: 'work.py' };
  const lineOf = async (...lines: [line: number, startLine: number][]): Promise<number> => {
    const samples = lines.map(([line, startLine]) => ({ service: 's', stack: [{ ...python, line, startLine }] }));
    return (await treeOf(historyOf(samples).contents)).frames.line.at(-1)!;
  };
  assert.equal(await lineOf([12, 0], [9, 0], [30, 0]), 9);
  assert.equal(await lineOf([12, 4], [9, 4]), 4);
});

test('values that cannot be drawn are left out', async () => {
  assert.deepEqual(await pathsOf([{ service: 's', stack: [main], values: [-5n] }]), {});
});

test('types are told apart, and samples of a seventeenth are counted and left out', () => {
  const { dictionary, resourceProfiles } = profilesOf([{ service: 's', stack: [main] }]);
  const stringTable = [...dictionary.stringTable];
  const retyped = Array.from({ length: 20 }, (_, index) => {
    const [resource] = resourceProfiles;
    const [scope] = resource!.scopeProfiles;
    const sampleType = { typeStrindex: stringTable.push(`type${index}`) - 1, unitStrindex: 0 };
    return { ...resource!, scopeProfiles: [{ ...scope!, profiles: [{ ...scope!.profiles[0]!, sampleType }] }] };
  });
  const data: ProfilesData = { dictionary: { ...dictionary, stringTable }, resourceProfiles: retyped };
  const history = new ProfileHistory({ maxBytes: 2 ** 24 });
  history.addCycle(0, 5000, [data]);
  assert.deepEqual([history.contents.types.length, history.losses.omittedSamples], [16, 4]);
});

test('texts are bounded', async () => {
  const tree = await treeOf(
    historyOf([{ service: 'x'.repeat(60_000), stack: [{ names: ['y'.repeat(60_000)] }] }]).contents,
  );
  assert.deepEqual(
    tree.frames.name.map(({ length }) => length),
    [0, 512, 512],
  );
});

test('indices that lead nowhere are empty entries', async () => {
  const data = profilesOf([{ service: 's', stack: [main] }]);
  const broken = { ...data, dictionary: { ...data.dictionary, locationTable: [] } };
  const history = new ProfileHistory({ maxBytes: 2 ** 24 });
  history.addCycle(0, 5000, [broken]);
  assert.deepEqual(treePaths(await treeOf(history.contents)), { s: 1 });
});

test('labels come from the resource, and from the sample before it', () => {
  const { contents } = historyOf([
    {
      service: 'web',
      resource: { 'process.pid': 7n, 'container.id': 'abc', 'host.name': 'n1', 'process.executable.path': '/bin/web' },
      stack: [main],
      attributes: { 'thread.id': 12n, 'thread.name': 'worker', 'process.pid': 8n },
    },
    { resource: { 'process.executable.name': 'nginx' }, stack: [main], attributes: { 'thread.id': 9n } },
  ]);
  const labelSets = [0, 1].map((index) => labelFields.map((field) => contents.dictionary.labelSetAt(index)[field]));
  assert.deepEqual(labelSets, [
    ['web', '8', 'worker', 'abc', 'n1', '/bin/web'],
    ['nginx', '', '9', '', '', 'nginx'],
  ]);
});

test('keys of frames are the same in every dictionary', () => {
  const [a, b] = [new HistoryDictionary(), new HistoryDictionary()];
  const frame = (name: string) => {
    return { name, class: 'native', type: 'native', module: '', file: '', line: 0, address: 0n, buildId: '' } as const;
  };
  a.frame(frame('other'));
  assert.equal(a.frameKey(a.frame(frame('main'))), b.frameKey(b.frame(frame('main'))));
  assert.equal(a.frameOfKey(a.frameKey(2)), 2);
  assert.match(a.frameKey(2), /^[\w-]{8}$/);
});

test('any profiles are taken, and none of their values that can be drawn is lost', async () => {
  const { endOnFailure } = { endOnFailure: true };
  await fc.assert(
    fc.asyncProperty(soundProfiles, async (data) => {
      const samples = data.resourceProfiles
        .flatMap(({ scopeProfiles }) => scopeProfiles.flatMap(({ profiles }) => profiles))
        .flatMap((profile) => [...profile.samples]);
      const drawn = samples
        .map(({ values, timestampsUnixNano }) =>
          values.length === 0 ? timestampsUnixNano.length : Number(values.reduce((sum, value) => sum + value, 0n)),
        )
        .reduce((sum, value) => sum + Math.max(0, value), 0);
      // Values of one sample that nearly cancel each other out are summed as doubles.
      const magnitude = samples
        .flatMap(({ values }) => values)
        .reduce((sum, value) => sum + Math.abs(Number(value)), 0);
      const history = new ProfileHistory({ maxBytes: 2 ** 30 });
      history.addCycle(0, 5000, [data]);
      let total = 0;
      for (const type of history.contents.types.keys()) {
        for (const { columns } of history.contents.buckets) {
          const own = columns.get(type);
          for (let pair = 0; pair < (own?.count ?? 0); pair++) total += own!.valueAt(pair);
        }
      }
      assert.ok(
        Math.abs(total - drawn) <= drawn * 1e-9 + magnitude * 1e-15 + history.losses.omittedSamples * 2 ** 63,
        `${total} of ${drawn}`,
      );
    }),
    { endOnFailure },
  );
});
