import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TraceEvents } from '../../src/profile/build/window-contents.ts';
import { createEventSlice } from '../../src/profile/build/window-contents.ts';
import { EventColumns } from '../../src/reporter/event-columns.ts';
import { selectEvents } from '../../src/reporter/hold-back.ts';

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

test('events read as columns are those that are looked at one by one', () => {
  const events = new EventColumns();
  // Values of 64 bits in the second of four chunks.
  const count = 3 * 4_096 + 700;
  const times = BigUint64Array.from({ length: count }, (_, i) => 2n ** 60n + BigInt(i) * 7_000_000_000n);
  const values = BigInt64Array.from({ length: count }, (_, i) => (i >> 12 === 1 && i % 3 === 0 ? 2n ** 40n + 7n : 1n));
  for (let i = 0; i < count; i++) {
    events.add(i % 999, new Uint32Array(times.buffer), new Uint32Array(values.buffer), i, i + 1);
  }
  const some = Array.from({ length: 3_001 }, (_, i) => 4 * i + 1);
  for (const read of [events, selectEvents(events, some)]) {
    for (const length of [512, 5_000]) assert.deepEqual(readAll(read, length), lookedAt(read));
  }
});

function readAll(events: TraceEvents, length: number): number[][] {
  const slice = createEventSlice(length);
  const read: number[][] = [];
  while (read.length < events.count) {
    const count = events.read(read.length, slice);
    assert.equal(count, Math.min(length, events.count - read.length));
    const { sample, timeLow, timeHigh, valueLow, valueHigh } = slice;
    for (let i = 0; i < count; i++) read.push([sample[i]!, timeLow[i]!, timeHigh[i]!, valueLow[i]!, valueHigh[i]!]);
  }
  return read;
}

function lookedAt(events: TraceEvents): number[][] {
  return Array.from({ length: events.count }, (_, i) => [
    ...[events.sample(i), events.timeLow(i), events.timeHigh(i), events.valueLow(i), events.valueHigh(i)],
  ]);
}
