import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileIdOf, symbolOf } from '../support/batch.ts';
import { unknownExecutable } from '../support/unknown-executable.ts';
import { cycleMs, lifetimeMs, StoreHarness, submitted } from './store-harness.ts';

const file = fileIdOf(1);
const otherFile = fileIdOf(2);

test('a submitted symbol is found at its address and at no other', () => {
  const harness = new StoreHarness();
  const symbol = symbolOf('main', {
    systemName: '_main',
    filePath: 'main.c',
    line: 3,
    column: 4,
    startLine: 1,
    inlined: [symbolOf('inner', { filePath: 'inner.h', line: 9 })],
  });
  harness.learn({ symbols: [submitted(file, 0xffff_ffff_8100_0001n, symbol)] });
  assert.deepEqual(harness.find(file, 0xffff_ffff_8100_0001n), symbol);
  assert.equal(harness.find(file, 0x7fff_ffff_8100_0001n), undefined);
  assert.equal(harness.find(file, 0xffff_ffff_8100_0002n), undefined);
  assert.equal(harness.find(otherFile, 0xffff_ffff_8100_0001n), undefined);
});

test('files that differ in one bit of any word are different files', () => {
  const harness = new StoreHarness();
  harness.learnName(file, 1n, 'right');
  for (const word of ['word0', 'word1', 'word2', 'word3'] as const) {
    assert.equal(harness.find({ ...file, [word]: (file[word] ^ 0x8000_0000) >>> 0 }, 1n), undefined);
  }
  assert.equal(harness.name(file, 1n), 'right');
});

test('a name in use never expires, whichever way it is used', () => {
  const harness = new StoreHarness();
  for (const [address, name] of [
    [1n, 'read'],
    [2n, 'written'],
    [3n, 'unused'],
  ] as const) {
    harness.learnName(file, address, name);
  }
  for (let elapsedMs = 0; elapsedMs < 10 * lifetimeMs; elapsedMs += lifetimeMs / 2) {
    harness.nowMs += lifetimeMs / 2;
    assert.equal(harness.name(file, 1n), 'read');
    harness.learnName(file, 2n, 'written');
    harness.store.at(harness.nowMs).purge();
  }
  assert.equal(harness.name(file, 2n), 'written');
  assert.equal(harness.find(file, 3n), undefined);
  assert.equal(harness.reason(file, 3n), 'expired');
  const { symbols, expirations, inserts } = harness.store.stats();
  assert.deepEqual({ symbols, expirations, inserts }, { symbols: 2, expirations: 1, inserts: 3 });
});

test('a submission that says nothing new is a use all the same', () => {
  const harness = new StoreHarness();
  harness.learnName(file, 1n, 'f');
  harness.nowMs = lifetimeMs - 1000;
  harness.learnName(file, 1n, 'f');
  harness.nowMs = 2 * lifetimeMs - 2000;
  assert.equal(harness.name(file, 1n), 'f');
});

test('a file that is used keeps none of the symbols that are not', () => {
  const harness = new StoreHarness();
  for (let i = 0; i < 100; i++) harness.learnName(file, BigInt(i), `f${i}`);
  for (let i = 0; i < 10; i++) {
    harness.nowMs += lifetimeMs / 4;
    harness.find(file, 7n);
    harness.store.at(harness.nowMs).purge();
  }
  const { symbols, files } = harness.store.stats();
  assert.deepEqual({ symbols, files }, { symbols: 1, files: 1 });
});

test('a file that was not used for a lifetime leaves with all that was known of it', () => {
  const harness = new StoreHarness();
  harness.learnName(file, 1n, 'f');
  harness.learn({ executables: [{ fileId: file, executable: { ...unknownExecutable, fileName: 'work' } }] });
  harness.nowMs += lifetimeMs + 1000;
  assert.equal(harness.store.at(harness.nowMs).executable(file), undefined);
  assert.equal(harness.find(file, 1n), undefined);
  assert.equal(harness.reason(file, 1n), 'expired');
  harness.store.at(harness.nowMs).purge();
  const { entries, strings } = harness.store.stats();
  assert.deepEqual({ entries, strings }, { entries: 0, strings: 0 });
  assert.equal(harness.reason(file, 1n), 'expired');
});

test('an expired file that is named anew knows only what is new', () => {
  const harness = new StoreHarness();
  harness.learnName(file, 1n, 'old');
  harness.learn({ executables: [{ fileId: file, executable: { ...unknownExecutable, fileName: 'old' } }] });
  harness.nowMs += lifetimeMs + 1000;
  harness.learnName(file, 2n, 'new');
  assert.equal(harness.find(file, 1n), undefined);
  assert.equal(harness.store.at(harness.nowMs).executable(file), undefined);
  assert.equal(harness.name(file, 2n), 'new');
  harness.store.at(harness.nowMs).purge();
  assert.equal(harness.store.stats().symbols, 1);
});

test('a symbol that somebody holds stays whole when the store forgets and relearns it', () => {
  const harness = new StoreHarness({ max_entries: 4, stubs: { max_total: 1 } });
  harness.learnName(file, 1n, 'held', { filePath: 'held.c' });
  const held = harness.find(file, 1n)!;
  const copy = structuredClone(held);
  for (let i = 0; i < 50; i++) harness.learnName(otherFile, BigInt(i), `g${i}`);
  harness.learnName(file, 1n, 'revised', { filePath: 'other.c' });
  assert.deepEqual(held, copy);
});

for (const { name, known, submission, expected } of [
  {
    name: 'an empty file does not overwrite a known one',
    known: { filePath: 'a.c', line: 7 },
    submission: {},
    expected: { filePath: 'a.c', line: 7 },
  },
  {
    name: 'a file is added to a name',
    known: {},
    submission: { filePath: 'a.c', line: 7 },
    expected: { filePath: 'a.c', line: 7 },
  },
  {
    name: 'an empty name does not overwrite a known one',
    known: {},
    submission: { functionName: '', filePath: 'a.c' },
    expected: { filePath: 'a.c' },
  },
  {
    name: 'another file brings its own lines',
    known: { filePath: 'a.c', line: 7, column: 2, startLine: 5 },
    submission: { filePath: 'b.c' },
    expected: { filePath: 'b.c' },
  },
  {
    name: 'another line brings its own column',
    known: { filePath: 'a.c', line: 7, column: 2 },
    submission: { filePath: 'a.c', line: 8 },
    expected: { filePath: 'a.c', line: 8 },
  },
  {
    name: 'another function takes the linker name along',
    known: { systemName: '_f' },
    submission: { functionName: 'g' },
    expected: { functionName: 'g' },
  },
  {
    name: 'another function keeps the known file',
    known: { filePath: 'a.c' },
    submission: { functionName: 'g' },
    expected: { functionName: 'g', filePath: 'a.c' },
  },
  {
    name: 'inlined functions stay when the same function comes without them',
    known: { inlined: [symbolOf('i')] },
    submission: {},
    expected: { inlined: [symbolOf('i')] },
  },
  {
    name: 'inlined functions are replaced by others',
    known: { inlined: [symbolOf('i')] },
    submission: { inlined: [symbolOf('j')] },
    expected: { inlined: [symbolOf('j')] },
  },
  {
    name: 'inlined functions go with their function',
    known: { inlined: [symbolOf('i')] },
    submission: { functionName: 'g' },
    expected: { functionName: 'g' },
  },
]) {
  test(`of two submissions for one frame, ${name}`, () => {
    const harness = new StoreHarness();
    harness.learnName(file, 1n, 'f', known);
    harness.learnName(file, 1n, 'f', submission);
    assert.deepEqual(harness.find(file, 1n), symbolOf('f', expected));
  });
}

test('an executable may be known without a symbol, and knows more after a second submission', () => {
  const harness = new StoreHarness();
  const work = { fileName: 'work', gnuBuildId: 'abcd', goBuildId: '', hasHtlHash: true };
  harness.learn({ executables: [{ fileId: file, executable: work }] });
  harness.learn({ executables: [{ fileId: file, executable: { ...unknownExecutable, goBuildId: 'go' } }] });
  assert.deepEqual(harness.store.at(0).executable(file), { ...work, goBuildId: 'go' });
  assert.equal(harness.find(file, 1n), undefined);
  assert.equal(harness.store.at(0).executable(otherFile), undefined);
});

test('over the budget, symbols leave in the order of the last use of their files, then of their own', () => {
  const harness = new StoreHarness({ max_entries: 7, stubs: { max_total: 1 } });
  for (const address of [1n, 2n, 3n]) harness.learnName(file, address, `cold${address}`);
  harness.learnName(otherFile, 1n, 'warm');
  harness.find(file, 1n);
  harness.find(otherFile, 1n);
  harness.learnName(fileIdOf(3), 1n, 'hot');
  assert.deepEqual(
    [1n, 2n, 3n].map((address) => harness.store.knowsInFile(file, 0, Number(address))),
    [true, false, true],
  );
  assert.equal(harness.reason(file, 2n), 'evicted');
  harness.learnName(fileIdOf(4), 1n, 'hotter');
  assert.equal(harness.store.stats().files, 3);
  assert.equal(harness.reason(file, 3n), 'evicted');
  assert.equal(harness.reason(file, 1n), 'evicted');
  assert.equal(harness.name(otherFile, 1n), 'warm');
});

test('the budget in bytes holds, whatever is learned', () => {
  const harness = new StoreHarness({ max_size_mib: 1 });
  for (let i = 0; i < 6000; i++) {
    harness.learnName(fileIdOf(i % 700), BigInt(i), `function number ${i} of a fairly long name`, {
      filePath: `file${i % 50}`,
    });
    const { bytes, maxBytes } = harness.store.stats();
    assert.ok(bytes <= maxBytes, `${bytes} bytes after ${i} symbols`);
  }
  const { evictions, symbols } = harness.store.stats();
  assert.ok(evictions > 0 && symbols > 1000, `${evictions} evictions, ${symbols} symbols`);
  assert.equal(harness.name(fileIdOf(5999 % 700), 5999n), 'function number 5999 of a fairly long name');
});

test('a symbol that would take much of the budget is refused and counted', () => {
  const harness = new StoreHarness({ max_size_mib: 1 });
  harness.learnName(file, 1n, 'x'.repeat(60_000));
  harness.learnName(file, 2n, 'small');
  assert.equal(harness.find(file, 1n), undefined);
  assert.equal(harness.name(file, 2n), 'small');
  assert.equal(harness.store.stats().refusedSymbols, 1);
});

test('texts are counted once for all symbols that have them, and go with the last one', () => {
  const harness = new StoreHarness();
  for (let i = 0; i < 100; i++) harness.learnName(fileIdOf(i), 1n, 'same', { filePath: 'same.c' });
  assert.equal(harness.store.stats().strings, 2);
  harness.nowMs += lifetimeMs + cycleMs;
  harness.store.at(harness.nowMs).purge();
  assert.equal(harness.store.stats().strings, 0);
});

test('memory is where it was before, after everything has left', () => {
  const harness = new StoreHarness();
  harness.learnName(file, 1n, 'first');
  harness.nowMs += lifetimeMs + cycleMs;
  harness.store.at(harness.nowMs).purge();
  const { bytes } = harness.store.stats();
  for (let i = 0; i < 3000; i++)
    harness.learnName(fileIdOf(i % 1000), BigInt(i), `f${i}`, { inlined: [symbolOf(`i${i}`)] });
  harness.nowMs += lifetimeMs + cycleMs;
  for (let i = 0; i < 20; i++) harness.store.at(harness.nowMs).purge();
  assert.deepEqual([harness.store.stats().entries, harness.store.stats().bytes], [0, bytes]);
});

test('reasonUnknown says never_submitted for what the store has not heard of', () => {
  const harness = new StoreHarness();
  assert.equal(harness.reason(file, 1n), 'never_submitted');
  harness.learnName(file, 2n, 'f');
  assert.equal(harness.reason(file, 1n), 'never_submitted');
});

test('files that have expired leave with all that they had, however many new ones come before the purge', () => {
  const harness = new StoreHarness();
  for (let i = 0; i < 8; i++) harness.learnName(fileIdOf(i), 1n, `old${i}`);
  harness.nowMs += lifetimeMs + 100;
  for (let i = 8; i < 16; i++) harness.learnName(fileIdOf(i), 1n, `new${i}`);
  harness.cycle();
  const { files, symbols, strings } = harness.store.stats();
  assert.deepEqual({ files, symbols, strings }, { files: 8, symbols: 8, strings: 8 });
});
