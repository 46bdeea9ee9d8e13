import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { test } from 'node:test';
import { ConnectionLimiter, limitConnections } from '../../src/support/connection-limiter.ts';
import { FakeClock } from './fake-clock.ts';

class FakeConnection extends EventEmitter {
  isDestroyed = false;

  destroy(): void {
    this.isDestroyed = true;
    this.emit('close');
  }
}

function createLimiter(most: number, doBusyYield = false) {
  const clock = new FakeClock();
  const counts = { idleClosed: 0, refused: 0 };
  let busyClosed = 0;
  const limiter = new ConnectionLimiter(most, clock, {
    onIdleClosed: () => counts.idleClosed++,
    onRefused: () => counts.refused++,
    onBusyClosed: doBusyYield ? () => busyClosed++ : undefined,
  });
  const open = (): FakeConnection => {
    const connection = new FakeConnection();
    limiter.open(connection);
    return connection;
  };
  return { clock, counts, limiter, open, busyClosed: () => busyClosed };
}

test('ConnectionLimiter closes for a new connection the one that has been idle for longest', () => {
  const { counts, limiter, open } = createLimiter(3);
  const [first, second, third] = [open(), open(), open()];
  limiter.touch(first);
  const endCall = limiter.begin(second);
  open();
  assert.deepEqual([first.isDestroyed, second.isDestroyed, third.isDestroyed], [false, false, true]);
  endCall();
  endCall();
  open();
  assert.deepEqual([first.isDestroyed, second.isDestroyed], [true, false]);
  assert.deepEqual(counts, { idleClosed: 2, refused: 0 });
});

test('ConnectionLimiter refuses a new connection while all others have calls, until one has been silent for long', async () => {
  const { clock, counts, limiter, open } = createLimiter(2);
  const [first, second] = [open(), open()];
  limiter.begin(first);
  limiter.begin(second);
  assert.ok(open().isDestroyed);
  assert.deepEqual(counts, { idleClosed: 0, refused: 1 });
  await clock.advance(30_000);
  limiter.touch(first);
  assert.ok(!open().isDestroyed);
  assert.deepEqual([first.isDestroyed, second.isDestroyed], [false, true]);
});

test('ConnectionLimiter closes the oldest busy connection that is not kept, where busy ones make room', () => {
  const { counts, limiter, open, busyClosed } = createLimiter(3, true);
  const [kept, oldest, newest] = [open(), open(), open()];
  limiter.keep(kept);
  const endCall = limiter.begin(kept);
  for (const connection of [oldest, newest]) limiter.begin(connection);
  limiter.begin(open());
  assert.deepEqual([kept.isDestroyed, oldest.isDestroyed, newest.isDestroyed], [false, true, false]);
  assert.deepEqual([counts, busyClosed()], [{ idleClosed: 0, refused: 0 }, 1]);
  endCall();
  limiter.begin(kept);
  for (let i = 0; i < 3; i++) limiter.begin(open());
  assert.ok(kept.isDestroyed);
});

test('ConnectionLimiter lets a busy connection make room before one that had no time for its first request', async () => {
  const { clock, counts, limiter, open, busyClosed } = createLimiter(2, true);
  const attack = open();
  limiter.begin(attack);
  const probe = open();
  open();
  assert.deepEqual([attack.isDestroyed, probe.isDestroyed, busyClosed()], [true, false, 1]);
  await clock.advance(1_000);
  open();
  assert.deepEqual([probe.isDestroyed, counts.idleClosed], [true, 1]);
});

test('ConnectionLimiter refuses a new connection while all others are kept', () => {
  const { counts, limiter, open } = createLimiter(1, true);
  const kept = open();
  limiter.keep(kept);
  limiter.begin(kept);
  assert.ok(open().isDestroyed);
  assert.deepEqual([kept.isDestroyed, counts.refused], [false, 1]);
});

test('ConnectionLimiter forgets a connection that closes', () => {
  const { counts, open } = createLimiter(1);
  open().destroy();
  open();
  assert.deepEqual(counts, { idleClosed: 0, refused: 0 });
});

for (const { count, answered, closed } of [
  { count: 8, answered: 8, closed: 0 },
  { count: 1_000, answered: 0, closed: 1 },
]) {
  const fate = closed === 0 ? 'answers all of' : 'takes 8 and closes the connection at';
  test(`a server with a limiter ${fate} ${count} requests that come ahead of their responses`, async (t) => {
    let taken = 0;
    const server = createServer((_, response) => {
      taken++;
      setImmediate(() => response.end('x'));
    });
    let pipelineClosed = 0;
    limitConnections(server, 10, new FakeClock(), {
      onIdleClosed: () => undefined,
      onRefused: () => undefined,
      onPipelineClosed: () => pipelineClosed++,
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => undefined);
    let text = '';
    socket.on('data', (bytes: Buffer) => {
      text += bytes;
      if (text.split('HTTP/1.1 200').length - 1 === count) socket.end();
    });
    socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(count));
    await once(socket, 'close');
    assert.deepEqual(
      [text.split('HTTP/1.1 200').length - 1, taken, pipelineClosed],
      [answered, Math.min(count, 8), closed],
    );
  });
}
