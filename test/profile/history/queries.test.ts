import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkConformance } from '../../../src/profile/check/check-conformance.ts';
import { groupKey } from '../../../src/profile/history/history-dictionary.ts';
import { profilesOfHistory } from '../../../src/profile/history/profiles-of-history.ts';
import { readInvertedTree, readSandwich } from '../../../src/profile/history/read-callers.ts';
import { readFunctions } from '../../../src/profile/history/read-functions.ts';
import { readGroups, readTimeline } from '../../../src/profile/history/read-groups.ts';
import { readTree } from '../../../src/profile/history/read-tree.ts';
import { Groups, groupStacks, selectBuckets } from '../../../src/profile/history/selection.ts';
import { QueryAborted, WorkSlices } from '../../../src/profile/history/work-slices.ts';
import { mergeProfiles } from '../../../src/profile/join/profiles-joiner.ts';
import type { FixtureSample } from '../../support/profiles-fixture.ts';
import { treePaths } from '../../support/tree-paths.ts';
import { everything, historyOf, slices, stacksOf, treeOf, wholeView } from './history-harness.ts';

const at = (...path: string[]): FixtureSample['stack'] => path.toReversed().map((name) => ({ names: [name] }));
const sample = (service: string, path: string[], value = 1): FixtureSample => {
  return { service, stack: at(...path), values: [BigInt(value)] };
};
const shop = [
  sample('web', ['main', 'serve', 'parse'], 6),
  sample('web', ['main', 'serve', 'write'], 3),
  sample('web', ['main', 'idle'], 1),
  sample('db', ['main', 'serve'], 10),
];

const keysOf = (contents: ReturnType<typeof historyOf>['contents'], ...names: string[]): string[] => {
  return names.map((name) => contents.dictionary.keyOfName(name)!);
};

test('a tree opens below a path; its ancestors have the totals of the whole selection', async () => {
  const { contents } = historyOf(shop);
  const path = [groupKey('service', 'web'), ...keysOf(contents, 'main', 'serve')];
  const tree = await treeOf(contents, {}, { path });
  assert.equal(tree.root, 3);
  assert.deepEqual(tree.totals, [20, 10, 10, 9, 6, 3]);
  assert.deepEqual(treePaths(tree), { '…': 10, 'web;main;…': 1, 'web;main;serve;parse': 6, 'web;main;serve;write': 3 });
});

test('a path keeps frames without samples in the selection, and opens as far as the history has it', async () => {
  const { contents } = historyOf(shop);
  const path = [groupKey('service', 'db'), ...keysOf(contents, 'main', 'idle')];
  const tree = await treeOf(contents, {}, { path });
  assert.deepEqual([tree.foundDepth, tree.root, tree.totals], [3, 3, [20, 10, 10, 0]]);
  const unknown = await treeOf(contents, {}, { path: [...path.slice(0, 2), 'nowhere1'] });
  assert.deepEqual([unknown.foundDepth, unknown.root], [2, 2]);
  assert.equal((await treeOf(contents, {}, { path: ['nowhere1'] })).foundDepth, 0);
});

test('nodes that are too small or too many are folded, with their number and value', async () => {
  const { contents } = historyOf(shop);
  const few = await treeOf(contents, {}, { maxNodes: 4 });
  assert.deepEqual(treePaths(few), { 'db;main;…': 10, 'web;main;…': 10 });
  assert.deepEqual(few.folded.map(([, count]) => count).sort(), [1, 4]);
  const large = await treeOf(contents, {}, { minShare: 0.2 });
  assert.deepEqual(treePaths(large), {
    'db;main;serve': 10,
    'web;main;serve;parse': 6,
    'web;main;serve;…': 3,
    'web;main;…': 1,
  });
  const shallow = await treeOf(contents, {}, { maxDepth: 1 });
  assert.deepEqual(treePaths(shallow), { 'db;…': 10, 'web;…': 10 });
});

test('trees are grouped by service, process, thread, container, host, executable, frame type, or not at all', async () => {
  const { contents } = historyOf([
    {
      service: 'web',
      resource: { 'process.pid': 7n, 'container.id': 'c1', 'host.name': 'n1', 'process.executable.name': 'node' },
      attributes: { 'thread.name': 'loop' },
      stack: [{ names: ['f'], type: 'v8js' }],
    },
    { service: 'web', stack: [{ names: ['g'], type: 'kernel' }] },
  ]);
  const roots = async (grouping: Parameters<typeof treeOf>[3]): Promise<string[]> => {
    const tree = await treeOf(contents, {}, {}, grouping);
    return tree.parents
      .flatMap((parent, node) => (parent === 0 ? tree.frames.name[tree.nodeFrames[node]!]! : []))
      .sort();
  };
  assert.deepEqual(await roots('service'), ['web']);
  assert.deepEqual(await roots('process'), ['(no process ID)', 'web (7)']);
  assert.deepEqual(await roots('thread'), ['(no thread)', 'loop']);
  assert.deepEqual(await roots('container'), ['(no container)', 'c1']);
  assert.deepEqual(await roots('host'), ['(no host)', 'n1']);
  assert.deepEqual(await roots('executable'), ['(no executable)', 'node']);
  assert.deepEqual(await roots('frame_type'), ['kernel', 'v8js']);
  assert.deepEqual(await roots('none'), ['f', 'g']);
});

test('a selection is by labels, by text in a frame, and by the type of the leaf', async () => {
  const { contents } = historyOf(shop);
  const total = async (selection: Parameters<typeof stacksOf>[1]): Promise<number> => {
    return (await stacksOf(contents, selection)).total;
  };
  assert.equal(await total({ labels: { service: 'web' } }), 10);
  assert.equal(await total({ match: 'serve' }), 19);
  assert.equal(await total({ match: 'SERVE' }), 0, 'a capital letter is meant');
  assert.equal(await total({ match: 'parse', labels: { service: 'db' } }), 0);
  assert.equal(await total({ frameType: 'native' }), 20);
  assert.equal(await total({ frameType: 'kernel' }), 0);
});

test('the inverted tree leads from leaves to their callers', async () => {
  const { contents } = historyOf(shop);
  const stacks = await stacksOf(contents);
  const tree = await readInvertedTree(contents.dictionary, stacks, wholeView, slices);
  assert.deepEqual(treePaths(tree), {
    'parse;serve;main': 6,
    'write;serve;main': 3,
    'idle;main': 1,
    'serve;main': 10,
  });
  const below = { ...wholeView, path: keysOf(contents, 'parse', 'serve') };
  const parse = await readInvertedTree(contents.dictionary, stacks, below, slices);
  assert.deepEqual(treePaths(parse), { '…': 14, 'parse;serve;main': 6 });
});

test('the table counts recursion once, and finds, orders and bounds functions', async () => {
  const { contents } = historyOf([sample('s', ['main', 'fib', 'fib', 'fib'], 4), sample('s', ['main', 'add'], 6)]);
  const stacks = await stacksOf(contents);
  const table = async (query: object) => {
    const whole = { orderBy: 'self', search: '', maxRows: 10, ...query } as const;
    const { frames, selfs, totals, functionCount } = await readFunctions(contents.dictionary, stacks, whole, slices);
    return { rows: frames.name.map((name, row) => `${name} ${selfs[row]} ${totals[row]}`), functionCount };
  };
  assert.deepEqual(await table({}), { rows: ['add 6 6', 'fib 4 4', 'main 0 10'], functionCount: 3 });
  assert.deepEqual(await table({ orderBy: 'total', maxRows: 1 }), { rows: ['main 0 10'], functionCount: 3 });
  assert.deepEqual(await table({ search: 'ib' }), { rows: ['fib 4 4'], functionCount: 1 });
});

test('a sandwich has the callers and callees of a function, recursion from its outermost call', async () => {
  const { contents } = historyOf([...shop, sample('web', ['main', 'serve', 'serve', 'parse'], 2)]);
  const [serve] = keysOf(contents, 'serve');
  const sandwich = await readSandwich(contents.dictionary, await stacksOf(contents), serve!, wholeView, slices);
  assert.deepEqual([sandwich!.total, sandwich!.self], [21, 10]);
  assert.deepEqual(treePaths(sandwich!.callers), { 'serve;main': 21 });
  assert.deepEqual(treePaths(sandwich!.callees), {
    serve: 10,
    'serve;parse': 6,
    'serve;write': 3,
    'serve;serve;parse': 2,
  });
  assert.equal(
    await readSandwich(contents.dictionary, await stacksOf(contents), 'nobody12', wholeView, slices),
    undefined,
  );
});

test('a comparison has both values of each node, and keeps what is gone', async () => {
  const { contents } = historyOf(
    [sample('s', ['a'], 8), sample('s', ['b'], 2)],
    [sample('s', ['a'], 4), sample('s', ['c'], 4)],
  );
  const groups = new Groups(contents.dictionary, 'none');
  const read = (fromUnixMs: number, toUnixMs: number) => {
    const selection = { ...everything, fromUnixMs, toUnixMs };
    return groupStacks(contents, selectBuckets(contents, selection), selection, groups, slices);
  };
  const compared = { main: await read(5000, 10_000), base: await read(0, 5000) };
  const tree = await readTree(contents.dictionary, compared, { grouping: 'none', names: [] }, wholeView, slices);
  const rows = tree.nodeFrames.map((frame, node) => {
    return `${tree.frames.name[frame]} ${tree.totals[node]} ${tree.baseTotals![node]}`;
  });
  assert.deepEqual(rows.sort(), [' 8 10', 'a 4 8', 'b 0 2', 'c 4 0']);
});

test('a list has services by weight, and those that went silent with the time of their last samples', async () => {
  const { contents } = historyOf([sample('old', ['main']), sample('web', ['main'])], shop);
  const selection = { ...everything, fromUnixMs: 5000, toUnixMs: 10_000 };
  const range = selectBuckets(contents, selection);
  const query = { grouping: 'service', search: '', maxRows: 10 } as const;
  const { rows, total } = await readGroups(contents, range, selection, query, slices);
  assert.deepEqual(
    rows.map(({ name, value, lastUnixMs }) => [name, value, lastUnixMs]),
    [
      ['db', 10, 10_000],
      ['web', 10, 10_000],
      ['old', 0, 5000],
    ],
  );
  assert.equal(total, 20);
  const found = await readGroups(contents, range, selection, { ...query, search: 'WE' }, slices);
  assert.deepEqual([found.rows.map(({ name }) => name), found.groupCount], [['web'], 1]);
});

test('a timeline has the values of the selection, in few spans where there are many cycles', async () => {
  const cycles = Array.from({ length: 10 }, (_, index) => [sample('s', ['main'], index + 1), sample('t', ['main'])]);
  const { contents } = historyOf(...cycles);
  const selection = { ...everything, labels: { service: 's' } };
  const all = await readTimeline(contents, selection, 100, slices);
  assert.deepEqual(all.values, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  const few = await readTimeline(contents, selection, 5, slices);
  assert.deepEqual(few.values, [3, 7, 11, 15, 19]);
  assert.deepEqual([few.starts[1], few.ends[1]], [10_000, 20_000]);
});

test('a selection becomes sound OTLP with a resource for each process', async () => {
  const { contents } = historyOf([
    { service: 'web', resource: { 'process.pid': 7n }, attributes: { 'thread.name': 'loop' }, stack: at('main', 'f') },
    { service: 'web', resource: { 'process.pid': 8n }, stack: [{ module: '/lib/libc.so', address: 0x10n }] },
  ]);
  const range = selectBuckets(contents, everything);
  const groups = new Groups(contents.dictionary, 'label_set');
  const stacks = await groupStacks(contents, range, everything, groups, slices);
  const { data, omittedStacks } = await profilesOfHistory(
    contents.dictionary,
    stacks,
    contents.types[0]!,
    range,
    slices,
  );
  assert.equal(omittedStacks, 0);
  assert.deepEqual(
    data.resourceProfiles.map(({ resource }) => resource.attributes.map(({ key, value }) => `${key}=${value}`)),
    [
      ['service.name=web', 'process.pid=7'],
      ['service.name=web', 'process.pid=8'],
    ],
  );
  const { timeUnixNano, durationNano, period } = data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!;
  assert.deepEqual([timeUnixNano, durationNano, period], [0n, 5_000_000_000n, 10_000_000n]);
  const unnamed = [...data.dictionary.locationTable].find(({ address }) => address === 0x10n)!;
  assert.equal(unnamed.lines.length, 0);
  assert.deepEqual(checkConformance(mergeProfiles([data])), []);
});

test('a query lets the loop go on after 8 ms of work, and ends after 10 s', async () => {
  const { contents } = historyOf(Array.from({ length: 5000 }, (_, index) => sample('s', [`f${index}`])));
  const groups = new Groups(contents.dictionary, 'none');
  const range = selectBuckets(contents, everything);
  let nowMs = 0;
  const read = (sliceMs: number) => {
    const slices = new WorkSlices(() => {
      nowMs += sliceMs;
      return nowMs;
    });
    return groupStacks(contents, range, everything, groups, slices);
  };
  let isDone = false;
  let turns = 0;
  const reading = read(10).then(() => {
    isDone = true;
  });
  for (; !isDone; turns++) await new Promise(setImmediate);
  await reading;
  assert.ok(turns >= 2, `${turns} turns`);
  await assert.rejects(read(6000), QueryAborted);
});

const paths = fc.array(
  fc.record({
    service: fc.constantFrom('a', 'b'),
    path: fc.array(fc.constantFrom<string>('f', 'g', 'h'), { maxLength: 5 }),
    value: fc.integer({ min: 1, max: 9 }),
  }),
  { minLength: 1, maxLength: 40 },
);

test('trees, tables and sandwiches say what a plain count says, however they are bounded', async () => {
  await fc.assert(
    fc.asyncProperty(paths, fc.integer({ min: 1, max: 30 }), async (entries, maxNodes) => {
      const { contents } = historyOf(entries.map(({ service, path, value }) => sample(service, path, value)));
      const sum = (wanted: (entry: (typeof entries)[number]) => boolean): number => {
        return entries.filter(wanted).reduce((total, { value }) => total + value, 0);
      };
      const tree = await treeOf(contents, {}, { maxNodes });
      const names: string[] = [];
      for (const [node, parent] of tree.parents.entries()) {
        names[node] = node === 0 ? '' : `${names[parent]}/${tree.frames.name[tree.nodeFrames[node]!]}`;
        const prefix = names[node]!;
        const isBelow = ({ service, path }: (typeof entries)[number]) =>
          `${['', service, ...path].join('/')}/`.startsWith(`${prefix}/`);
        assert.equal(tree.totals[node], sum(isBelow), prefix);
        let shown = tree.selfs[node]!;
        for (const [child, up] of tree.parents.entries()) if (up === node) shown += tree.totals[child]!;
        for (const [place, , value] of tree.folded) if (place === node) shown += value;
        assert.equal(shown, tree.totals[node]);
      }
      const stacks = await stacksOf(contents);
      const query = { orderBy: 'total', search: '', maxRows: 10 } as const;
      const table = await readFunctions(contents.dictionary, stacks, query, slices);
      for (const [row, name] of table.frames.name.entries()) {
        assert.equal(
          table.totals[row],
          sum(({ path }) => path.includes(name)),
        );
        assert.equal(
          table.selfs[row],
          sum(({ path }) => path.at(-1) === name),
        );
        const key = table.frames.key[row]!;
        const sandwich = await readSandwich(contents.dictionary, stacks, key, { ...wholeView, maxNodes }, slices);
        assert.deepEqual([sandwich!.total, sandwich!.self], [table.totals[row], table.selfs[row]]);
        assert.equal(sandwich!.callers.totals[0], sandwich!.total);
        assert.equal(sandwich!.callees.totals[0], sandwich!.total);
      }
    }),
    { endOnFailure: true },
  );
});
