import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { BufferPool } from '../../src/support/buffer-pool.ts';

test('buffers that are lent share no memory, and free ones are lent again', () => {
  const sizes = fc.oneof(fc.integer({ min: 0, max: 300_000 }), fc.constantFrom(8_192, 32_768, 65_537, 5_000_000));
  const steps = fc.array(fc.oneof(fc.record({ take: sizes }), fc.record({ giveBack: fc.nat(20) })), { maxLength: 100 });
  let reused = 0;
  fc.assert(
    fc.property(steps, (all) => {
      const pool = new BufferPool(1_000_000);
      /** Memory that was given back and has not been lent again. */
      const free = new Set<ArrayBufferLike>();
      const lent: { readonly buffer: Buffer; readonly number: number }[] = [];
      for (const [number, step] of all.entries()) {
        if ('take' in step) {
          const buffer = pool.take(step.take).fill(number);
          if (free.delete(buffer.buffer)) reused++;
          assert.equal(buffer.length, step.take);
          lent.push({ buffer, number });
        } else if (lent.length > 0) {
          const [own] = lent.splice(step.giveBack % lent.length, 1);
          assertFilled(own!);
          pool.giveBack(own!.buffer);
          // Once is enough: the second time is without effect.
          pool.giveBack(own!.buffer);
          free.add(own!.buffer.buffer);
        }
      }
      lent.forEach(assertFilled);
    }),
    { endOnFailure: true },
  );
  assert.ok(reused > 0);
});

function assertFilled({ buffer, number }: { readonly buffer: Buffer; readonly number: number }): void {
  assert.ok(buffer.every((byte) => byte === number));
}

test('free buffers stay within their bound', () => {
  const pool = new BufferPool(1_000_000);
  const lent = Array.from({ length: 12 }, () => pool.take(100_000));
  const memory = new Set(lent.map(({ buffer }) => buffer));
  for (const buffer of lent) pool.giveBack(buffer);
  const again = Array.from({ length: 12 }, () => pool.take(100_000)).filter(({ buffer }) => memory.has(buffer));
  assert.ok(again.length > 6 && again.length < 10, `${again.length} of 12 buffers of 100 kB were kept`);
});

test('memory that is not of the pool is left alone', () => {
  const pool = new BufferPool(1_000_000);
  const foreign = Buffer.alloc(100_000);
  pool.giveBack(foreign);
  const buffer = pool.take(100_000);
  assert.notEqual(buffer.buffer, foreign.buffer);
  // A quarter of a buffer that is held for long may be unused.
  assert.ok(4 * buffer.length >= 3 * buffer.buffer.byteLength);
});

test('more buffers are kept until the whole heap is collected', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const pool = new BufferPool(1_000_000, 3_000_000);
  const takeAll = (): Buffer[] => Array.from({ length: 40 }, () => pool.take(100_000));
  const giveBackAll = (): WeakSet<ArrayBufferLike> => {
    const lent = takeAll();
    for (const buffer of lent) pool.giveBack(buffer);
    return new WeakSet(lent.map(({ buffer }) => buffer));
  };
  const keptOf = (memory: WeakSet<ArrayBufferLike>): number =>
    takeAll().filter(({ buffer }) => memory.has(buffer)).length;
  assert.ok(keptOf(giveBackAll()) > 20);
  const memory = giveBackAll();
  // What was looked at in a turn of the loop stays for its rest.
  await setImmediate();
  collect();
  const kept = keptOf(memory);
  assert.ok(kept > 6 && kept < 10, `${kept} buffers of 100 kB were kept`);
});
