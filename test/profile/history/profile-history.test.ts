import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PairColumns } from '../../../src/profile/history/pair-columns.ts';
import { ProfileHistory } from '../../../src/profile/history/profile-history.ts';
import { selectBuckets } from '../../../src/profile/history/selection.ts';
import { StackTrie } from '../../../src/profile/history/stack-trie.ts';
import { atOnce } from '../../../src/support/steps.ts';
import { profilesOf } from '../../support/profiles-fixture.ts';
import { treePaths } from '../../support/tree-paths.ts';
import { everything, historyOf, treeOf } from './history-harness.ts';

const main = { names: ['main'] };
const inMain = (service: string) => ({ service, stack: [main] });
const rangesOf = ({ contents }: ProfileHistory): string[] => {
  return contents.buckets.map(({ startUnixMs, endUnixMs }) => `${startUnixMs / 1000}–${endUnixMs / 1000}`);
};
const totalOf = (history: ProfileHistory): number => {
  let total = 0;
  for (const { columns } of history.contents.buckets) {
    for (const own of columns.values()) for (let pair = 0; pair < own.count; pair++) total += own.valueAt(pair);
  }
  return total;
};

test('a trie finds every stack again, and a parent stands before its children', () => {
  const trie = new StackTrie();
  const known = new Map<string, number>();
  let node = 0;
  for (let step = 0; step < 20_000; step++) {
    const frame = (step * 7919) % 50;
    const parent = step % 11 === 0 ? 0 : node;
    node = trie.child(parent, frame);
    assert.ok(parent < node);
    assert.equal(known.get(`${parent} ${frame}`) ?? node, node);
    known.set(`${parent} ${frame}`, node);
  }
  assert.equal(trie.count, known.size + 1);
  for (const [key, each] of known) {
    const [parent, frame] = key.split(' ').map(Number);
    assert.deepEqual([trie.find(parent!, frame!), trie.parentOf(each), trie.frameOf(each)], [each, parent, frame]);
  }
  assert.equal(trie.find(0, 51), undefined);
});

test('equal pairs become one, in two bytes where they fit', () => {
  const columns = new PairColumns();
  for (let index = 0; index < 100; index++) columns.add(index % 7, index % 3, 1);
  const small = columns.merged();
  assert.equal(small.count, 21);
  assert.equal(small.sizeBytes, 21 * 10);
  small.add(1, 1, 2 ** 40);
  assert.equal(small.merged().sizeBytes, 21 * 16);
});

test('a range is that of its cycles, and says how much they cover', () => {
  const { contents } = historyOf([inMain('a')], [inMain('b')], [inMain('c')]);
  const select = (fromUnixMs: number, toUnixMs: number): number[] => {
    const { startUnixMs, endUnixMs, coveredMs } = selectBuckets(contents, { fromUnixMs, toUnixMs });
    return [startUnixMs, endUnixMs, coveredMs];
  };
  assert.deepEqual(select(4000, 11_000), [5000, 10_000, 5000]);
  assert.deepEqual(select(5000, 15_000), [5000, 15_000, 10_000]);
  assert.deepEqual(select(6000, 6500), [5000, 10_000, 5000]);
  assert.deepEqual(select(20_000, 30_000), [20_000, 30_000, 0]);
});

test('cycles of a second pipeline become part of the bucket that they overlap', async () => {
  const history = new ProfileHistory({ maxBytes: 2 ** 24 });
  history.addCycle(0, 5000, [profilesOf([inMain('a')])]);
  history.addCycle(300, 5300, [profilesOf([inMain('b')])]);
  history.addCycle(5000, 10_000, [profilesOf([inMain('a')])]);
  assert.deepEqual(rangesOf(history), ['0–5.3', '5.3–10']);
  assert.deepEqual(treePaths(await treeOf(history.contents)), { 'a;main': 2, 'b;main': 1 });
});

test('late samples join the bucket of their time, newer ones wait in an open bucket for their cycle', () => {
  const history = historyOf([inMain('a')], [inMain('a')]);
  history.addLate(3000, [profilesOf([inMain('late')])]);
  history.addLate(11_000, [profilesOf([inMain('new')])]);
  history.addLate(12_000, [profilesOf([inMain('new')])]);
  assert.deepEqual(rangesOf(history), ['0–5', '5–10', '10–12']);
  history.addCycle(10_000, 15_000, []);
  assert.deepEqual(rangesOf(history), ['0–5', '5–10', '10–15']);
  assert.equal(totalOf(history), 5);
  history.addLate(-70_000, [profilesOf([inMain('lost')])]);
  assert.equal(totalOf(history), 5);
});

test('ten minutes keep their cycles, an hour its minutes, and older ones go', () => {
  const history = new ProfileHistory({ maxBytes: 2 ** 26 });
  for (let cycle = 0; cycle < 900; cycle++) {
    history.addCycle(5000 * cycle, 5000 * (cycle + 1), [profilesOf([inMain(`s${cycle % 3}`)])]);
  }
  const { buckets } = history.contents;
  const lengths = Map.groupBy(buckets, (bucket) => (bucket.endUnixMs - bucket.startUnixMs) / 1000);
  assert.deepEqual([...lengths.keys()], [60, 5]);
  assert.equal(lengths.get(5)!.length, 120);
  const covered = (buckets.at(-1)!.endUnixMs - buckets[0]!.startUnixMs) / 1000;
  assert.ok(covered >= 3600 && covered <= 3660, `${covered} s`);
  assert.equal(totalOf(history), covered / 5);
  assert.equal(history.losses.droppedBuckets, 0);
});

test('over its bound, the history folds small stacks into callers and then forgets the oldest time', async () => {
  const maxBytes = 2 ** 20;
  const history = new ProfileHistory({ maxBytes });
  for (let cycle = 0; cycle < 300; cycle++) {
    const samples = Array.from({ length: 40 }, (_, index) => ({
      service: 's',
      stack: [{ names: [`leaf${cycle}-${index}`] }, { names: [`mid${index % 4}`] }, main],
    }));
    history.addCycle(5000 * cycle, 5000 * (cycle + 1), [profilesOf([...samples, inMain('t')])]);
    assert.ok(history.sizeBytes <= 1.1 * maxBytes, `${history.sizeBytes} in cycle ${cycle}`);
  }
  const { foldedBuckets, droppedBuckets } = history.losses;
  assert.ok(foldedBuckets > 0 && droppedBuckets > 0, `${foldedBuckets} ${droppedBuckets}`);
  const { buckets } = history.contents;
  const seconds = (buckets.at(-1)!.endUnixMs - buckets[0]!.startUnixMs) / 1000;
  assert.equal(totalOf(history), (41 * seconds) / 5, 'values of what is left are exact');
  const [oldest] = buckets;
  const folded = treePaths(await treeOf(history.contents, { ...everything, toUnixMs: oldest!.endUnixMs }));
  const cycles = (oldest!.endUnixMs - oldest!.startUnixMs) / 5000;
  assert.equal(folded['t;(below resolution)'], cycles, 'a small service keeps its total');
  const ofService = Object.entries(folded).filter(([path]) => path.startsWith('s;'));
  assert.equal(
    ofService.reduce((sum, [, value]) => sum + value, 0),
    40 * cycles,
  );
  assert.ok(ofService.every(([path, value]) => value >= 3 || path.endsWith(';(below resolution)')));
});

test('a query reads old contents to their end although the history compacts meanwhile', async () => {
  const history = new ProfileHistory({ maxBytes: 2 ** 20 });
  const fill = (from: number, to: number): void => {
    for (let cycle = from; cycle < to; cycle++) {
      const samples = Array.from({ length: 100 }, (_, index) => ({
        service: 's',
        stack: [{ names: [`${cycle} ${index}`] }],
      }));
      history.addCycle(5000 * cycle, 5000 * (cycle + 1), [profilesOf(samples)]);
    }
  };
  fill(0, 3);
  const before = history.contents;
  const first = treePaths(await treeOf(before));
  fill(3, 60);
  assert.notEqual(history.contents.dictionary, before.dictionary);
  assert.deepEqual(treePaths(await treeOf(before)), first);
});

test('a cycle is read in steps, and nothing compacts the dictionary beneath its reader', async () => {
  const history = new ProfileHistory({ maxBytes: 2 ** 20 });
  const many = (cycle: number) =>
    profilesOf(
      Array.from({ length: 100 }, (_, index) => ({ service: 's', stack: [{ names: [`${cycle} ${index}`] }] })),
    );
  const slow = history.addCycleInSteps(0, 5000, [many(-1)]);
  let steps = 0;
  while (steps < 8 && slow.next().done !== true) steps++;
  assert.equal(steps, 8, 'takes more steps than that');
  for (let cycle = 1; cycle < 60; cycle++) history.addCycle(5000 * cycle, 5000 * (cycle + 1), [many(cycle)]);
  const before = history.contents.dictionary;
  atOnce(slow);
  history.addCycle(300_000, 305_000, [many(60)]);
  assert.notEqual(history.contents.dictionary, before, 'a compaction waited');
  const paths = treePaths(await treeOf(history.contents));
  assert.ok(Object.keys(paths).every((path) => /^s;(?:-?\d+ \d+|\(below resolution\))$/.test(path)));
  assert.equal(
    Object.values(paths).reduce((sum, value) => sum + value, 0),
    totalOf(history),
  );
});
