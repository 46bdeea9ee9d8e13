import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BatchReply } from '../../../src/receivers/frames/batch-reply.ts';
import { encodeReply } from '../../../src/receivers/frames/batch-reply.ts';
import type { SequenceMemoryLimits } from '../../../src/receivers/frames/sequence-memory.ts';
import {
  defaultSequenceMemoryLimits,
  rememberedSequences,
  SequenceMemory,
} from '../../../src/receivers/frames/sequence-memory.ts';

function createMemory(limits: Partial<SequenceMemoryLimits> = {}) {
  const forgotten = { sent_once: 0, silent: 0, no_room: 0, batches: 0 };
  const memory = new SequenceMemory(
    { ...defaultSequenceMemoryLimits, ...limits },
    { instanceForgotten: (reason) => forgotten[reason]++, batchForgotten: () => forgotten.batches++ },
  );
  const remember = (instance: string, sequence: bigint, nowMs = 0, padding = 0): void => {
    const reply: BatchReply = {
      ...{ sequence, acceptedSamples: 1, rejectedSamples: 0, rejections: [], namesNeeded: [], executablesNeeded: [] },
      retryDelayMs: 0,
    };
    memory.remember(instance, reply, Buffer.concat([encodeReply(reply), Buffer.alloc(padding)]), nowMs);
  };
  return { memory, remember, forgotten };
}

test('SequenceMemory recalls the newest 1,024 batches of an instance', () => {
  const { memory, remember } = createMemory();
  for (let sequence = 1n; sequence <= 1_030n; sequence++) remember('a', sequence);
  assert.deepEqual(
    [6n, 7n, 1_030n, 1_031n].map((sequence) => memory.recall('a', sequence) !== undefined),
    [false, true, true, false],
  );
  assert.equal(rememberedSequences, 1_024);
});

test('SequenceMemory keeps a collector that came again, however many instances are made up', () => {
  const { memory, remember, forgotten } = createMemory({ instances: 64 });
  for (const sequence of [1n, 2n, 3n]) remember('good', sequence);
  for (let i = 0; i < 10_000; i++) remember(`once ${i}`, 1n, i);
  assert.ok(memory.recall('good', 3n) !== undefined);
  assert.equal(forgotten.sent_once, 10_000 - 63);
  for (let i = 0; i < 100; i++) for (const sequence of [1n, 2n]) remember(`twice ${i}`, sequence, 20_000);
  assert.ok(memory.recall('good', 3n) !== undefined);
  assert.equal(forgotten.no_room > 0, true);
  assert.equal(forgotten.silent, 0);
});

test('SequenceMemory forgets who was silent for longest once that is long enough', () => {
  const { memory, remember, forgotten } = createMemory({ instances: 2, protectedMs: 1_000 });
  for (const sequence of [1n, 2n]) remember('a', sequence, 0);
  for (const sequence of [1n, 2n]) remember('b', sequence, 500);
  remember('c', 1n, 999);
  assert.equal(memory.recall('c', 1n), undefined);
  remember('c', 2n, 1_000);
  assert.deepEqual([memory.recall('a', 1n), memory.recall('c', 2n) !== undefined], [undefined, true]);
  assert.deepEqual([forgotten.no_room, forgotten.silent], [1, 1]);
});

test('SequenceMemory lets the instance that takes most pay for the bytes of all', () => {
  const { memory, remember, forgotten } = createMemory({ totalBytes: 20_000 });
  for (const sequence of [1n, 2n, 3n]) remember('good', sequence);
  for (let sequence = 1n; sequence <= 100n; sequence++) remember('greedy', sequence, 0, 1_000);
  assert.deepEqual(
    [1n, 2n, 3n].map((sequence) => memory.recall('good', sequence) !== undefined),
    [true, true, true],
  );
  assert.equal(memory.recall('greedy', 1n), undefined);
  assert.ok(memory.recall('greedy', 100n) !== undefined);
  assert.ok(forgotten.batches > 50);
});

test('SequenceMemory answers with the counts alone where there was no room for the reply', () => {
  const { memory, remember } = createMemory({ replyBytes: 1_500 });
  remember('a', 1n, 0, 1_000);
  remember('a', 2n, 0, 1_000);
  assert.ok(memory.recall('a', 1n)!.length < 100);
  assert.ok(memory.recall('a', 2n)!.length > 1_000);
});
