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

function createPlaces(most: number) {
  const clock = new FakeClock();
  const counts = { idleClosed: 0, refused: 0 };
  const places = new ConnectionPlaces(most, clock, {
    onIdleClosed: () => counts.idleClosed++,
    onRefused: () => counts.refused++,
  });
  const open = (): FakeConnection => {
    const connection = new FakeConnection();
    places.open(connection);
    return connection;
  };
  return { clock, counts, places, open };
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

test('ConnectionPlaces forgets a connection that closes', () => {
  const { counts, open } = createPlaces(1);
  open().destroy();
  open();
  assert.deepEqual(counts, { idleClosed: 0, refused: 0 });
});
