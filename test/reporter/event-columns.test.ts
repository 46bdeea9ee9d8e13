import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventColumns } from '../../src/reporter/event-columns.ts';

test('EventColumns gives back every event exactly, with times and values of 64 bits, however many there are', () => {
  const events = new EventColumns();
  const held = { resource: 9, profileType: 8, stack: 7, context: 6, link: 5 };
  events.addHeld(held, 2n ** 64n - 1n, 2n ** 63n - 1n);
  const count = 3_000;
  const times = BigUint64Array.from({ length: count }, (_, i) => 1_767_225_600_000_000_000n + BigInt(i));
  // One value of 64 bits among many small ones, behind the first growth.
  const values = BigInt64Array.from({ length: count }, (_, i) => (i === 700 ? 5_000_000_000n : BigInt(i)));
  const words = (column: BigUint64Array | BigInt64Array) => new Uint32Array(column.buffer);
  for (let i = 0; i < count; i += 3) {
    const event = {
      resource: i,
      profileType: i + 1,
      stack: i + 2,
      context: 4_000_000_000 + i,
      link: i % 2 === 0 ? -1 : i,
    };
    events.add(event, words(times), words(values), i, i + 3);
  }
  assert.equal(events.count, count + 1);
  assert.deepEqual([events.wasHeld(0), events.wasHeld(1)], [true, false]);
  assert.deepEqual(
    [events.resource(0), events.link(0), events.unixNano(0), events.value(0)],
    [9, 5, 2n ** 64n - 1n, 2n ** 63n - 1n],
  );
  for (let i = 0; i < count; i++) {
    const first = i - (i % 3);
    const event = i + 1;
    assert.deepEqual(
      [
        events.resource(event),
        events.profileType(event),
        events.stack(event),
        events.context(event),
        events.link(event),
      ],
      [first, first + 1, first + 2, 4_000_000_000 + first, first % 2 === 0 ? -1 : first],
    );
    assert.deepEqual([events.unixNano(event), events.value(event)], [times[i], values[i]]);
  }
});
