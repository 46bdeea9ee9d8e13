import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { ConnectionPlaces } from '../../src/support/connection-places.ts';
import { FakeClock } from './fake-clock.ts';

class FakeConnection extends EventEmitter {
  isDestroyed = false;

  destroy(): void {
    this.isDestroyed = true;
    this.emit('close');
  }
}

function createPlaces(most: number, doBusyYield = false) {
  const clock = new FakeClock();
  const counts = { idleClosed: 0, refused: 0 };
  let busyClosed = 0;
  const places = new ConnectionPlaces(most, clock, {
    onIdleClosed: () => counts.idleClosed++,
    onRefused: () => counts.refused++,
    onBusyClosed: doBusyYield ? () => busyClosed++ : undefined,
  });
  const open = (): FakeConnection => {
    const connection = new FakeConnection();
    places.open(connection);
    return connection;
  };
  return { clock, counts, places, open, busyClosed: () => busyClosed };
}

test('ConnectionPlaces gives a new connection the place of the one that has been idle for longest', () => {
  const { counts, places, open } = createPlaces(3);
  const [first, second, third] = [open(), open(), open()];
  places.touch(first);
  const endCall = places.begin(second);
  open();
  assert.deepEqual([first.isDestroyed, second.isDestroyed, third.isDestroyed], [false, false, true]);
  endCall();
  endCall();
  open();
  assert.deepEqual([first.isDestroyed, second.isDestroyed], [true, false]);
  assert.deepEqual(counts, { idleClosed: 2, refused: 0 });
});

test('ConnectionPlaces refuses a new connection while all others have calls, until one has been silent for long', async () => {
  const { clock, counts, places, open } = createPlaces(2);
  const [first, second] = [open(), open()];
  places.begin(first);
  places.begin(second);
  assert.ok(open().isDestroyed);
  assert.deepEqual(counts, { idleClosed: 0, refused: 1 });
  await clock.advance(30_000);
  places.touch(first);
  assert.ok(!open().isDestroyed);
  assert.deepEqual([first.isDestroyed, second.isDestroyed], [false, true]);
});

test('ConnectionPlaces closes the oldest busy connection that is not kept, where busy ones make room', () => {
  const { counts, places, open, busyClosed } = createPlaces(3, true);
  const [kept, oldest, newest] = [open(), open(), open()];
  places.keep(kept);
  const endCall = places.begin(kept);
  for (const connection of [oldest, newest]) places.begin(connection);
  places.begin(open());
  assert.deepEqual([kept.isDestroyed, oldest.isDestroyed, newest.isDestroyed], [false, true, false]);
  assert.deepEqual([counts, busyClosed()], [{ idleClosed: 0, refused: 0 }, 1]);
  endCall();
  places.begin(kept);
  for (let i = 0; i < 3; i++) places.begin(open());
  assert.ok(kept.isDestroyed);
});

test('ConnectionPlaces refuses a new connection while all others are kept', () => {
  const { counts, places, open } = createPlaces(1, true);
  const kept = open();
  places.keep(kept);
  places.begin(kept);
  assert.ok(open().isDestroyed);
  assert.deepEqual([kept.isDestroyed, counts.refused], [false, 1]);
});

test('ConnectionPlaces forgets a connection that closes', () => {
  const { counts, open } = createPlaces(1);
  open().destroy();
  open();
  assert.deepEqual(counts, { idleClosed: 0, refused: 0 });
});
