import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { KeptBytes } from '../../../src/http/live-page/kept-bytes.ts';
import { ByteKeeper } from '../../../src/http/live-page/kept-bytes.ts';

test('kept bytes stay as they were until they are released, the oldest or the newest first', () => {
  const step = fc.record({
    size: fc.oneof(fc.nat(20), fc.integer({ min: 100_000, max: 300_000 })),
    release: fc.constantFrom('none', 'oldest', 'newest'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const keeper = new ByteKeeper();
      const held: { kept: KeptBytes; size: number; mark: number }[] = [];
      for (const [mark, { size, release }] of steps.entries()) {
        held.push({ kept: keeper.keep(new Uint8Array(size).fill(mark)), size, mark });
        const gone = release === 'oldest' ? held.shift() : release === 'newest' ? held.pop() : undefined;
        if (gone !== undefined) keeper.release(gone.kept);
        for (const { kept, size: length, mark: expected } of held) {
          assert.equal(kept.bytes.length, length);
          assert.ok([0, length >> 1, length - 1].every((at) => length === 0 || kept.bytes[at] === expected));
        }
      }
    }),
    { endOnFailure: true, numRuns: 50 },
  );
});

test('a thousand requests of which the last hundred are kept share some pieces of memory', () => {
  const keeper = new ByteKeeper();
  const memory = new Set<ArrayBufferLike>();
  const held: KeptBytes[] = [];
  for (let i = 0; i < 1000; i++) {
    const kept = keeper.keep(new Uint8Array(50_000));
    memory.add(kept.bytes.buffer);
    held.push(kept);
    if (held.length > 100) keeper.release(held.shift()!);
  }
  // 100 × 50 kB fill 5 MiB; one piece is filled, and one is free.
  assert.ok(memory.size <= 8, `${memory.size} pieces`);
});
