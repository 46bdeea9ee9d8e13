import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frameKinds } from '../../src/model/frame-kind.ts';
import type { NeededNames } from '../../src/symbols/needed-names.ts';
import { fileIdOf, processOf, symbolOf } from '../support/batch.ts';
import { instanceA, instanceB, lifetimeMs, StoreHarness, stubOf, submitted } from './store-harness.ts';

const file = fileIdOf(1);
const process = processOf(7, { startTimeNano: 0x8000_0000_0000_0003n });
const { jvm } = frameKinds;
const shop = { fileName: 'shop', gnuBuildId: 'c0ffee', goBuildId: '', hasHtlHash: true };

function createNames(yaml: Record<string, unknown> = {}): { harness: StoreHarness; names: NeededNames } {
  const harness = new StoreHarness(yaml);
  // Does not compile when the store's list is none that the reporter can call.
  const names: NeededNames = harness.store.neededNames;
  return { harness, names };
}

const ofFile = { kind: 'file', fileId: file } as const;
const ofProcess = { kind: 'process', instanceId: instanceA, process } as const;

test('a frame is asked for once in an interval, and only if it was needed again', () => {
  const { names } = createNames();
  names.note(instanceA, ofFile, 1, 2, jvm, 0);
  names.note(instanceA, ofFile, 1, 2, jvm, 10);
  assert.deepEqual(names.take(instanceA, 20), [{ owner: { fileId: file }, addressHigh: 1, addressLow: 2, kind: jvm }]);
  names.note(instanceA, ofFile, 1, 2, jvm, 30);
  assert.deepEqual(names.take(instanceA, 40), []);
  assert.deepEqual(names.take(instanceA, 5019), []);
  assert.equal(names.take(instanceA, 5020).length, 1);
  assert.deepEqual(names.take(instanceA, 100_000), []);
});

test('a frame that was asked for a moment ago waits while another one is asked for', () => {
  const { names } = createNames();
  const take = (nowMs: number): number[] => names.take(instanceA, nowMs).map(({ addressLow }) => addressLow);
  names.note(instanceA, ofFile, 0, 1, jvm, 0);
  assert.deepEqual(take(0), [1]);
  names.note(instanceA, ofFile, 0, 1, jvm, 10);
  names.note(instanceA, ofFile, 0, 2, jvm, 10);
  assert.deepEqual([take(10), take(4999), take(5000)], [[2], [], [1]]);
});

test('a frame of a process is asked for by process ID and start time, and nothing else of it is kept', () => {
  const { names } = createNames();
  names.note(instanceA, ofProcess, 1, 2, jvm, 0);
  const [needed] = names.take(instanceA, 0);
  assert.deepEqual(needed?.owner, { pid: 7, startTimeNano: 0x8000_0000_0000_0003n });
});

test('owners and addresses that differ anywhere are asked for apart', () => {
  const { names } = createNames();
  const sameAsFileWords = processOf(file.word0, { startTimeNano: (BigInt(file.word1) << 32n) | BigInt(file.word2) });
  const owners = [
    ofFile,
    { kind: 'file', fileId: fileIdOf(2) },
    ofProcess,
    { kind: 'process', instanceId: instanceA, process: processOf(7) },
    { kind: 'process', instanceId: instanceA, process: sameAsFileWords },
  ] as const;
  for (let round = 0; round < 2; round++) {
    for (const owner of owners) for (const high of [0, 0xffff_ffff]) names.note(instanceA, owner, high, 5, jvm, 0);
  }
  assert.equal(names.take(instanceA, 0).length, 10);
});

test('what was learned meanwhile is not asked for', () => {
  const { harness, names } = createNames();
  names.note(instanceA, ofFile, 0, 1, jvm, 0);
  names.note(instanceA, ofFile, 0, 2, jvm, 0);
  names.note(instanceA, ofProcess, 0, 10, jvm, 0);
  names.note(instanceA, ofProcess, 0, 99, jvm, 0);
  harness.learn({
    symbols: [submitted(file, 1n, symbolOf('f'))],
    stubs: [stubOf({ process }, 8n, 8n, 'stub')],
  });
  assert.deepEqual(
    names.take(instanceA, 0).map(({ addressLow }) => addressLow),
    [2, 99],
  );
});

test('a collector is asked for its own frames alone', () => {
  const { names } = createNames();
  names.note(instanceA, ofFile, 0, 1, jvm, 0);
  assert.deepEqual(names.take(instanceB, 0), []);
  assert.equal(names.take(instanceA, 0).length, 1);
});

test('a reply asks for at most 1,024 frames; the next ones ask for the rest, the longest waiting first', () => {
  const { names } = createNames();
  for (let i = 0; i < 2500; i++) names.note(instanceA, ofFile, 0, i, jvm, 0);
  const replies = [0, 1, 2, 3].map((nowMs) => names.take(instanceA, nowMs).map(({ addressLow }) => addressLow));
  assert.deepEqual(
    replies.map(({ length }) => length),
    [1024, 1024, 452, 0],
  );
  assert.deepEqual(
    replies.flat(),
    Array.from({ length: 2500 }, (_, i) => i),
  );
});

test('what waits is bounded, and what does not fit is counted', () => {
  const { harness, names } = createNames({ names_needed: { max_pending: 10 } });
  for (let i = 0; i < 25; i++) names.note(instanceA, ofFile, 0, i, jvm, 0);
  assert.deepEqual(harness.store.neededNames.stats(), {
    collectors: 1,
    pending: 10,
    asked: 0,
    pendingExecutables: 0,
    askedExecutables: 0,
    boundedOut: 15,
  });
  assert.equal(names.take(instanceA, 0).length, 10);
});

test('an executable is asked for once in an interval, only if it was needed again and is not known by now', () => {
  const { harness, names } = createNames();
  const other = fileIdOf(2);
  names.noteExecutable(instanceA, file, 0);
  names.noteExecutable(instanceA, file, 10);
  names.noteExecutable(instanceA, other, 10);
  assert.deepEqual(names.takeExecutables(instanceB, 20), []);
  assert.deepEqual(names.takeExecutables(instanceA, 20), [file, other]);
  for (const fileId of [file, other]) names.noteExecutable(instanceA, fileId, 30);
  assert.deepEqual(names.takeExecutables(instanceA, 5019), []);
  harness.learn({ executables: [{ fileId: file, executable: shop }] });
  assert.deepEqual(names.takeExecutables(instanceA, 5020), [other]);
  assert.deepEqual(names.takeExecutables(instanceA, 100_000), []);
  assert.equal(harness.store.neededNames.stats().askedExecutables, 3);
});

test('executables have the bounds of frames, apart from them', () => {
  const { harness, names } = createNames({ names_needed: { max_pending: 1500 } });
  for (let i = 0; i < 1500; i++) names.note(instanceA, ofFile, 0, i, jvm, 0);
  for (let i = 0; i < 1600; i++) names.noteExecutable(instanceA, fileIdOf(i), 0);
  const { pendingExecutables, boundedOut } = harness.store.neededNames.stats();
  assert.deepEqual([pendingExecutables, boundedOut], [1500, 100]);
  const replies = [0, 1, 2].map((nowMs) => names.takeExecutables(instanceA, nowMs));
  assert.deepEqual(
    replies.map(({ length }) => length),
    [1024, 476, 0],
  );
  assert.deepEqual(
    replies.flat(),
    Array.from({ length: 1500 }, (_, i) => fileIdOf(i)),
  );
});

test('what was asked for is remembered, however much else does not fit', () => {
  const { names } = createNames({ names_needed: { max_pending: 2 } });
  const note = (number: number, nowMs: number): void => {
    names.note(instanceA, ofFile, 0, number, jvm, nowMs);
    names.noteExecutable(instanceA, fileIdOf(number), nowMs);
  };
  note(1, 0);
  const counts = (nowMs: number): number[] => [
    names.take(instanceA, nowMs).length,
    names.takeExecutables(instanceA, nowMs).length,
  ];
  assert.deepEqual(counts(0), [1, 1]);
  for (let i = 100; i < 200; i++) note(i, 10);
  assert.deepEqual(counts(10), [2, 2]);
  note(1, 20);
  assert.deepEqual(counts(20), [0, 0]);
});

test('of more than 1,024 collectors the one that needed nothing for longest is forgotten, and counted', () => {
  const { harness, names } = createNames();
  for (let i = 0; i < 1024; i++) names.note(`${i}`, ofFile, 0, i, jvm, i);
  names.note('0', ofFile, 0, 5000, jvm, 2000);
  names.note('new', ofFile, 0, 1, jvm, 2001);
  const { collectors, boundedOut } = harness.store.neededNames.stats();
  assert.deepEqual([collectors, boundedOut], [1024, 1]);
  const asked = ['new', '0', '1', '2'].map((instanceId) => names.take(instanceId, 2001).length);
  assert.deepEqual(asked, [1, 2, 0, 1]);
});

test('a collector that needs nothing for a lifetime is forgotten', () => {
  const { harness, names } = createNames();
  names.note(instanceA, ofFile, 0, 1, jvm, 0);
  harness.store.at(lifetimeMs).purge();
  assert.equal(harness.store.neededNames.stats().collectors, 1);
  harness.store.at(lifetimeMs + 1).purge();
  assert.equal(harness.store.neededNames.stats().collectors, 0);
  assert.deepEqual(names.take(instanceA, lifetimeMs + 1), []);
});
