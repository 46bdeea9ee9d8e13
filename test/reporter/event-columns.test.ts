import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventColumns } from '../../src/reporter/event-columns.ts';

test('EventColumns gives back every event exactly, with times and values of 64 bits, however many there are', () => {
  const events = new EventColumns();
  events.addHeld(9, 2n ** 64n - 1n, 2n ** 63n - 1n);
  const count = 12_000;
  const times = BigUint64Array.from({ length: count }, (_, i) => 1_767_225_600_000_000_000n + BigInt(i));
  // Values of 64 bits among many small ones, in the first chunk and in the last.
  const large = [700, count - 1];
  const values = BigInt64Array.from({ length: count }, (_, i) => (large.includes(i) ? 5_000_000_000n : BigInt(i)));
  const words = (column: BigUint64Array | BigInt64Array) => new Uint32Array(column.buffer);
  for (let i = 0; i < count; i += 3) events.add(4_000_000_000 + i, words(times), words(values), i, i + 3);
  assert.equal(events.count, count + 1);
  assert.deepEqual([events.wasHeld(0), events.wasHeld(1)], [true, false]);
  assert.deepEqual([events.sample(0), events.unixNano(0), events.value(0)], [9, 2n ** 64n - 1n, 2n ** 63n - 1n]);
  for (let i = 0; i < count; i++) {
    const event = i + 1;
    assert.deepEqual(
      [events.sample(event), events.unixNano(event), events.value(event)],
      [4_000_000_000 + i - (i % 3), times[i], values[i]],
    );
  }
});
