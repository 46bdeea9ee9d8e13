import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frameKinds } from '../../src/model/frame-kind.ts';
import type { NameRequests } from '../../src/reporter/name-requests.ts';
import { fileIdOf, processOf, symbolOf } from '../support/batch.ts';
import { instanceA, instanceB, lifetimeMs, StoreHarness, stubOf, submitted } from './store-harness.ts';

const file = fileIdOf(1);
const process = processOf(7, { startTimeNano: 0x8000_0000_0000_0003n });
const { jvm } = frameKinds;

function createNames(yaml: Record<string, unknown> = {}): { harness: StoreHarness; names: NameRequests } {
  const harness = new StoreHarness(yaml);
  // Does not compile when the store's list is none that the reporter can call.
  const names: NameRequests = harness.store.neededNames;
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
  assert.deepEqual(harness.store.neededNames.figures(), { collectors: 1, pending: 10, asked: 0, boundedOut: 15 });
  assert.equal(names.take(instanceA, 0).length, 10);
});

test('of more than 1,024 collectors the one that needed nothing for longest is forgotten, and counted', () => {
  const { harness, names } = createNames();
  for (let i = 0; i < 1024; i++) names.note(`${i}`, ofFile, 0, i, jvm, i);
  names.note('0', ofFile, 0, 5000, jvm, 2000);
  names.note('new', ofFile, 0, 1, jvm, 2001);
  const { collectors, boundedOut } = harness.store.neededNames.figures();
  assert.deepEqual([collectors, boundedOut], [1024, 1]);
  const asked = ['new', '0', '1', '2'].map((instanceId) => names.take(instanceId, 2001).length);
  assert.deepEqual(asked, [1, 2, 0, 1]);
});

test('a collector that needs nothing for a lifetime is forgotten', () => {
  const { harness, names } = createNames();
  names.note(instanceA, ofFile, 0, 1, jvm, 0);
  harness.store.purge(lifetimeMs);
  assert.equal(harness.store.neededNames.figures().collectors, 1);
  harness.store.purge(lifetimeMs + 1);
  assert.equal(harness.store.neededNames.figures().collectors, 0);
  assert.deepEqual(names.take(instanceA, lifetimeMs + 1), []);
});
