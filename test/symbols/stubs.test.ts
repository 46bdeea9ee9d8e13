import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atOnce } from '../../src/support/steps.ts';
import { fileIdOf, processOf, symbolOf } from '../support/batch.ts';
import { cycleMs, instanceA, instanceB, lifetimeMs, StoreHarness, stubOf, submitted } from './store-harness.ts';

const process = processOf(7);
const file = fileIdOf(1);

test('every address of a range has its name, and no other address', () => {
  const harness = new StoreHarness();
  harness.learn({ stubs: [stubOf({ process }, 0x7f00_0000_1000n, 0x100n, 'call_stub')] });
  for (const [address, name] of [
    [0x7f00_0000_0fffn, undefined],
    [0x7f00_0000_1000n, 'call_stub'],
    [0x7f00_0000_10ffn, 'call_stub'],
    [0x7f00_0000_1100n, undefined],
    [0x1000n, undefined],
  ] as const) {
    assert.equal(harness.nameIn(process, address), name, address.toString(16));
  }
});

test('ranges reach to the last address there is', () => {
  const harness = new StoreHarness();
  const start = 2n ** 64n - 16n;
  harness.learn({ stubs: [stubOf({ process }, start, 16n, 'top'), stubOf({ process }, 0n, 2n ** 64n - 16n, 'all')] });
  assert.deepEqual(
    [start, start - 1n, 2n ** 64n - 1n, 0n].map((at) => harness.nameIn(process, at)),
    ['top', 'all', 'top', 'all'],
  );
});

test('the stubs of one process are nothing to another, nor to one of another collector', () => {
  const harness = new StoreHarness();
  harness.learn({ stubs: [stubOf({ process }, 0x1000n, 16n, 'mine')] }, instanceA);
  harness.learn({ stubs: [stubOf({ process }, 0x1000n, 16n, 'theirs')] }, instanceB);
  assert.equal(harness.nameIn(process, 0x1000n, instanceA), 'mine');
  assert.equal(harness.nameIn(process, 0x1000n, instanceB), 'theirs');
  assert.equal(harness.nameIn(processOf(8), 0x1000n), undefined);
  assert.equal(harness.nameIn(processOf(7, { startTimeNano: 2n }), 0x1000n), undefined);
});

test('every live stub is written again in every cycle, for as long as the process is heard of', () => {
  const harness = new StoreHarness();
  const stubs = Array.from({ length: 1000 }, (_, i) => stubOf({ process }, BigInt(i * 64), 64n, `stub${i}`));
  harness.learn({ stubs });
  harness.learn({ stubs: [stubOf({ fileId: file }, 0n, 64n, 'of the file')] });
  for (let elapsedMs = 0; elapsedMs < 3 * lifetimeMs; elapsedMs += 200 * cycleMs) {
    harness.nowMs += 199 * cycleMs;
    assert.equal(harness.nameIn(process, 64n), 'stub1');
    harness.store.at(harness.nowMs).openFile(file);
    assert.equal(harness.cycle(), 1001);
  }
  assert.equal(harness.nameIn(process, 999n * 64n), 'stub999');
});

test('a stub that the store has lost is named all the same, and is in the store again', () => {
  const harness = new StoreHarness({ max_entries: 8, stubs: { max_total: 2 } });
  harness.learn({ stubs: [stubOf({ process }, 0n, 64n, 'stub'), stubOf({ fileId: file }, 0n, 64n, 'of the file')] });
  for (let i = 0; i < 20; i++) harness.learnName(fileIdOf(100 + i), 1n, 'other');
  const { evictions } = harness.store.stats();
  assert.ok(evictions >= 2);
  for (const expected of [
    { hits: 0, inserts: 24 },
    { hits: 2, inserts: 24 },
  ]) {
    assert.equal(harness.nameIn(process, 1n), 'stub');
    assert.equal(harness.name(file, 1n), 'of the file');
    const { hits, inserts } = harness.store.stats();
    assert.deepEqual({ hits, inserts }, expected);
  }
  assert.equal(harness.cycle(), 2);
});

test('a process that exits keeps its stubs until the purge after the next report', () => {
  const harness = new StoreHarness();
  harness.learn({ stubs: [stubOf({ process }, 0n, 64n, 'stub')] });
  harness.learn({ processExits: [process] });
  assert.equal(harness.nameIn(process, 1n), 'stub');
  atOnce(harness.store.at(harness.nowMs).resubmitStubs());
  assert.equal(harness.nameIn(process, 1n), 'stub');
  harness.store.at(harness.nowMs).purge();
  assert.equal(harness.nameIn(process, 1n), undefined);
  const { liveStubs, stubOwners, symbols } = harness.store.stats();
  assert.deepEqual({ liveStubs, stubOwners, symbols }, { liveStubs: 0, stubOwners: 0, symbols: 0 });
});

test('an exit that comes while a report is made waits for the next one', () => {
  const harness = new StoreHarness();
  harness.learn({ stubs: [stubOf({ process }, 0n, 64n, 'stub')] });
  atOnce(harness.store.at(harness.nowMs).resubmitStubs());
  harness.learn({ processExits: [process] });
  harness.store.at(harness.nowMs).purge();
  assert.equal(harness.nameIn(process, 1n), 'stub');
  harness.cycle();
  assert.equal(harness.nameIn(process, 1n), undefined);
});

test('a process ID that is used again is a new process, and the older one has exited', () => {
  const harness = new StoreHarness();
  const next = processOf(7, { startTimeNano: 2n });
  harness.learn({ stubs: [stubOf({ process }, 0n, 64n, 'old')] }, instanceB);
  harness.learn({ stubs: [stubOf({ process }, 0n, 64n, 'old')] });
  harness.learn({ stubs: [stubOf({ process: next }, 0n, 64n, 'new')] });
  assert.deepEqual([harness.nameIn(process, 1n), harness.nameIn(next, 1n)], ['old', 'new']);
  harness.cycle();
  assert.deepEqual([harness.nameIn(process, 1n), harness.nameIn(next, 1n)], [undefined, 'new']);
  assert.equal(harness.nameIn(process, 1n, instanceB), 'old');
});

test('a process that only shows up in samples ends an older one of its ID too', () => {
  const harness = new StoreHarness();
  harness.learn({ stubs: [stubOf({ process }, 0n, 64n, 'old')] });
  const next = processOf(7, { startTimeNano: 2n });
  harness.learn({ samples: [{ frames: [{ file, address: 1n }], process: next, timestamps: [1n] }] });
  harness.cycle();
  assert.equal(harness.store.stats().stubOwners, 0);
});

test('a process that is silent for a lifetime is gone, one that sends samples is not', () => {
  const harness = new StoreHarness();
  const silent = processOf(8);
  harness.learn({ stubs: [stubOf({ process }, 0n, 64n, 'a'), stubOf({ process: silent }, 0n, 64n, 'b')] });
  harness.nowMs += 1000;
  harness.learnName(fileIdOf(5), 1n, 'never used');
  for (let elapsedMs = 0; elapsedMs < 2 * lifetimeMs; elapsedMs += lifetimeMs / 2) {
    harness.nowMs += lifetimeMs / 2;
    harness.learn({ samples: [{ frames: [{ file, address: 1n }], process, timestamps: [1n] }] });
    harness.cycle();
  }
  const { liveStubs, files, symbols } = harness.store.stats();
  assert.deepEqual({ liveStubs, files, symbols }, { liveStubs: 1, files: 1, symbols: 1 });
  assert.deepEqual([harness.nameIn(process, 1n), harness.nameIn(silent, 1n)], ['a', undefined]);
});

test('a table that is held over the end of its process finds nothing any more', () => {
  const harness = new StoreHarness();
  harness.learn({ stubs: [stubOf({ process }, 0n, 64n, 'stub')] });
  const table = harness.store.at(0).openProcess(instanceA, process)!;
  harness.learn({ processExits: [process] });
  harness.cycle();
  assert.equal(table.find(0, 1), undefined);
  assert.equal(harness.store.stats().entries, 0);
});

test('stubs of a file ID have their names in any process; a symbol at an address goes before them', () => {
  const harness = new StoreHarness();
  harness.learn({ stubs: [stubOf({ fileId: file }, 0x100n, 0x100n, 'stub')] });
  harness.learn({ symbols: [submitted(file, 0x180n, symbolOf('exact'))] });
  assert.deepEqual(
    [0xffn, 0x100n, 0x180n, 0x1ffn].map((at) => harness.name(file, at)),
    [undefined, 'stub', 'exact', 'stub'],
  );
  assert.equal(harness.name(fileIdOf(2), 0x100n), undefined);
});

test('the store holds exactly the ranges that are left after some were cut', () => {
  const harness = new StoreHarness();
  const names = (): (string | undefined)[] => [0n, 20n, 40n].map((address) => harness.nameIn(process, address));
  const count = (): number[] => [harness.store.stats().liveStubs, harness.store.stats().symbols];
  harness.learn({ stubs: [stubOf({ process }, 0n, 64n, 'outer'), stubOf({ process }, 16n, 16n, 'inner')] });
  assert.deepEqual(
    [names(), count()],
    [
      ['outer', 'inner', 'outer'],
      [3, 3],
    ],
  );
  harness.learn({ stubs: [stubOf({ process }, 0n, 16n, 'first')] });
  assert.deepEqual(
    [names(), count()],
    [
      ['first', 'inner', 'outer'],
      [3, 3],
    ],
  );
  harness.learn({ stubs: [stubOf({ process }, 0n, 33n, 'wide')] });
  assert.deepEqual(
    [names(), count()],
    [
      ['wide', 'wide', 'outer'],
      [2, 2],
    ],
  );
  harness.learn({ stubs: [stubOf({ process }, 0n, 64n, 'all')], processExits: [process] });
  assert.deepEqual(
    [names(), count()],
    [
      ['all', 'all', 'all'],
      [1, 1],
    ],
  );
  harness.cycle();
  assert.equal(harness.store.stats().stubBytes, 0);
});

test('a revision that lacks the file keeps the known one, and another function brings its own', () => {
  const harness = new StoreHarness();
  harness.learn({ stubs: [stubOf({ process }, 0n, 64n, 'f', { filePath: 'f.js', line: 3 })] });
  harness.learn({ stubs: [stubOf({ process }, 0n, 32n, 'f')] });
  const table = harness.store.at(0).openProcess(instanceA, process)!;
  assert.deepEqual(table.find(0, 31), symbolOf('f', { filePath: 'f.js', line: 3 }));
  assert.equal(table.find(0, 32)?.filePath, 'f.js');
  harness.learn({ stubs: [stubOf({ process }, 0n, 32n, 'g')] });
  assert.deepEqual(table.find(0, 0), symbolOf('g'));
});

const none = { process: 0, processes: 0, namesakes: 0, total: 0, share: 0 };

for (const { name, yaml, learnAll, live, boundedOut } of [
  { name: 'per process', yaml: { max_per_process: 10 }, learnAll: 25, live: 10, boundedOut: { ...none, process: 15 } },
  { name: 'in all', yaml: { max_total: 10 }, learnAll: 25, live: 10, boundedOut: { ...none, total: 15 } },
]) {
  test(`the bound ${name} keeps the stubs that were used last, and counts the others`, () => {
    const harness = new StoreHarness({ stubs: yaml });
    for (let i = 0; i < learnAll; i++) {
      harness.learn({ stubs: [stubOf({ process }, BigInt(i * 16), 16n, `stub${i}`)] });
      assert.equal(harness.nameIn(process, 0n), 'stub0');
    }
    const figures = harness.store.stats();
    assert.deepEqual([figures.liveStubs, figures.boundedOutStubs], [live, boundedOut]);
    assert.equal(harness.nameIn(process, 24n * 16n), 'stub24');
    assert.equal(harness.nameIn(process, 5n * 16n), undefined);
    assert.equal(harness.cycle(), live);
  });
}

test('a process cannot push out the stubs of another', () => {
  const harness = new StoreHarness({ stubs: { max_total: 20, max_processes: 2 } });
  harness.learn({ stubs: Array.from({ length: 8 }, (_, i) => stubOf({ process }, BigInt(i * 16), 16n, `mine${i}`)) });
  const greedy = processOf(8);
  harness.learn(
    { stubs: Array.from({ length: 99 }, (_, i) => stubOf({ process: greedy }, BigInt(i * 16), 16n, 'x')) },
    instanceB,
  );
  harness.learn({ stubs: [stubOf({ process: processOf(9) }, 0n, 16n, 'third')] }, instanceB);
  for (let i = 0; i < 8; i++) assert.equal(harness.nameIn(process, BigInt(i * 16)), `mine${i}`);
  assert.deepEqual(harness.store.stats().boundedOutStubs, { ...none, total: 87, processes: 1 });
  assert.equal(harness.cycle(), 20);
});

test('a collector of sixteen thousand made-up processes takes none of the budget from those below their share', () => {
  const harness = new StoreHarness({ stubs: { max_processes: 16_384 } });
  const learnMany = (count: number, instance: string): void => {
    const stubs = Array.from({ length: count }, (_, pid) => stubOf({ process: processOf(pid + 1) }, 0n, 16n, `${pid}`));
    harness.learn({ stubs }, instance);
  };
  learnMany(20_000, instanceB);
  learnMany(100, instanceA);
  for (let pid = 1; pid <= 100; pid++) assert.equal(harness.nameIn(processOf(pid), 0n), `${pid - 1}`);
  learnMany(20_000, instanceB);
  for (let pid = 1; pid <= 100; pid++) assert.equal(harness.nameIn(processOf(pid), 0n), `${pid - 1}`);
  const { boundedOutStubs, stubOwners } = harness.store.stats();
  assert.deepEqual([stubOwners, boundedOutStubs.share], [16_384, 100]);
});

for (const { name, yaml, text } of [
  { name: 'stubs', yaml: { max_total: 1_000 }, text: '' },
  { name: 'bytes', yaml: { max_size_mib: 1 }, text: 'x'.repeat(2_000) },
]) {
  test(`a collector that comes late gets its share of ${name} from the one that has all of them`, () => {
    const harness = new StoreHarness({ stubs: yaml });
    const learnMany = (instance: string, count: number): void => {
      const stubs = Array.from({ length: count }, (_, i) => {
        return stubOf({ process: processOf(1 + (i % 7)) }, BigInt(i * 16), 16n, `${instance[0]}${i}${text}`);
      });
      harness.learn({ stubs }, instance);
    };
    const named = (instance: string, count: number): number => {
      const names = Array.from({ length: count }, (_, i) =>
        harness.nameIn(processOf(1 + (i % 7)), BigInt(i * 16), instance),
      );
      return names.filter((found) => found !== undefined).length;
    };
    learnMany(instanceB, 2_000);
    learnMany(instanceA, 60);
    assert.equal(named(instanceA, 60), 60);
    learnMany(instanceB, 2_000);
    assert.equal(named(instanceA, 60), 60, 'what is below its share is never taken');
    assert.ok(named(instanceB, 2_000) > 100);
    assert.ok(harness.store.stats().boundedOutStubs.share > 0);
  });
}

test('names of exited processes make room before those of live ones', () => {
  const harness = new StoreHarness({ stubs: { max_size_mib: 1 } });
  harness.learn({ stubs: [stubOf({ process }, 0n, 16n, 'mine')] });
  for (let pid = 100; pid < 200; pid++) {
    harness.learn({ stubs: [stubOf({ process: processOf(pid) }, 0n, 16n, `${pid}${'x'.repeat(100_000)}`)] }, instanceB);
    harness.learn({ processExits: [processOf(pid)] }, instanceB);
  }
  assert.equal(harness.nameIn(process, 0n), 'mine');
});

test('the names of stubs are bounded in bytes', () => {
  const harness = new StoreHarness({ stubs: { max_size_mib: 1 } });
  for (let i = 0; i < 100; i++) {
    harness.learn({ stubs: [stubOf({ process }, BigInt(i * 16), 16n, `${i}`.padEnd(50_000, 'x'))] });
    assert.ok(harness.store.stats().stubBytes <= 1024 * 1024);
  }
  assert.ok(harness.store.stats().boundedOutStubs.total > 70);
  assert.ok(harness.nameIn(process, 99n * 16n)?.startsWith('99x'));
});

test('the registry takes no bytes after the last process has exited', () => {
  const harness = new StoreHarness();
  for (let pid = 0; pid < 30; pid++) {
    const owner = { process: processOf(pid) };
    harness.learn({
      stubs: Array.from({ length: 1000 }, (_, i) => stubOf(owner, BigInt(i * 10), 12n, `stub${pid} ${i}`)),
    });
    harness.learn({ processExits: [owner.process] });
  }
  harness.cycle();
  assert.equal(harness.store.stats().liveStubs, 0);
  harness.cycle();
  assert.equal(harness.store.stats().stubBytes, 0);
});

test('a stub that makes room because it has expired takes no other name with it', () => {
  const harness = new StoreHarness({ lifetime: '10s' });
  for (const address of [0n, 1n]) harness.learn({ stubs: [stubOf({ process }, address, 1n, `stub${address}`)] });
  harness.nowMs += 10_100;
  harness.learnName(fileIdOf(1), 0n, 'f');
  harness.learn({ stubs: [stubOf({ process }, 2n, 1n, 'stub2')] });
  assert.equal(harness.name(fileIdOf(1), 0n), 'f');
  assert.equal(harness.nameIn(process, 0n), 'stub0');
  assert.equal(harness.store.stats().strings, 1);
});

test('a stub that the store had let go and finds again is within the budget too', () => {
  const harness = new StoreHarness({ max_entries: 4, stubs: { max_total: 2 } });
  const owners = [{ process }, { fileId: fileIdOf(9) }];
  harness.learn({ stubs: owners.map((owner) => stubOf(owner, 0n, 16n, 'stub')) });
  for (const find of [() => harness.nameIn(process, 8n), () => harness.name(fileIdOf(9), 8n)]) {
    for (let i = 0; i < 4; i++) harness.learnName(fileIdOf(i), 1n, `f${i}`);
    assert.equal(find(), 'stub');
    assert.ok(harness.store.stats().entries <= 4, `${harness.store.stats().entries} entries`);
  }
});

test('two processes that had one ID in a cycle both keep their stubs while both are sampled', () => {
  const older = processOf(7, { startTimeNano: 1n });
  const newer = processOf(7, { startTimeNano: 2n });
  for (const order of [
    [older, newer],
    [newer, older],
  ]) {
    const harness = new StoreHarness();
    harness.learn({ stubs: [stubOf({ process: older }, 0n, 64n, 'old')] });
    harness.learn({ stubs: [stubOf({ process: newer }, 0n, 64n, 'new')] });
    harness.learn({
      samples: order.map((process) => ({ frames: [{ file, address: 1n }], process, timestamps: [1n] })),
    });
    harness.cycle();
    assert.deepEqual([harness.nameIn(older, 1n), harness.nameIn(newer, 1n)], ['old', 'new']);
    harness.learn({ samples: [{ frames: [{ file, address: 1n }], process: newer, timestamps: [1n] }] });
    harness.cycle();
    assert.deepEqual([harness.nameIn(older, 1n), harness.nameIn(newer, 1n)], [undefined, 'new']);
  }
});

test('a process whose start is not known keeps the stubs that it submits after the exit of the one before', () => {
  const harness = new StoreHarness();
  const owner = { process: processOf(7, { startTimeNano: 0n }) };
  harness.learn({ stubs: [stubOf(owner, 0n, 64n, 'old')] });
  harness.learn({ processExits: [owner.process] });
  harness.learn({ stubs: [stubOf(owner, 0n, 64n, 'new')] });
  harness.cycle();
  assert.equal(harness.nameIn(owner.process, 1n), 'new');
});

test('a collector that gives one process ID ever new start times has a few of them at a time', () => {
  const harness = new StoreHarness();
  for (let start = 1n; start <= 100n; start++) {
    harness.nowMs++;
    const owner = { process: processOf(7, { startTimeNano: start }) };
    harness.learn({ stubs: [stubOf(owner, 0n, 64n, `stub${start}`)] });
  }
  const { stubOwners, liveStubs, boundedOutStubs } = harness.store.stats();
  assert.deepEqual(
    { stubOwners, liveStubs, boundedOutStubs },
    {
      stubOwners: 8,
      liveStubs: 8,
      boundedOutStubs: { ...none, namesakes: 92 },
    },
  );
  assert.equal(harness.nameIn(processOf(7, { startTimeNano: 100n }), 1n), 'stub100');
});

test('stubs and processes may come and go between the steps of a resubmission', () => {
  const harness = new StoreHarness();
  const [first, second, third, late] = [1, 2, 3, 4].map((pid) => processOf(pid));
  const stubsOf = (owner: typeof process) =>
    Array.from({ length: 2000 }, (_, i) => stubOf({ process: owner }, BigInt(i * 64), 64n, `stub${i}`));
  for (const owner of [first!, second!, third!]) harness.learn({ stubs: stubsOf(owner) });
  const resubmission = harness.store.at(harness.nowMs).resubmitStubs();
  let steps = 0;
  for (let step = resubmission.next(); step.done !== true; step = resubmission.next()) {
    steps += 1;
    if (steps === 1) harness.learn({ stubs: stubsOf(late!), processExits: [third!] });
  }
  assert.ok(steps > 4, `${steps} steps`);
  harness.store.at(harness.nowMs).purge();
  // The exit came while the report was being made.
  for (const owner of [first!, second!, third!, late!]) assert.equal(harness.nameIn(owner, 1999n * 64n), 'stub1999');
  assert.equal(harness.cycle(), 8000);
  assert.equal(harness.nameIn(third!, 0n), undefined);
  assert.equal(harness.cycle(), 6000);
});
