import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GivenUpReason } from '../../src/grpc/unfinished-messages.ts';
import { UnfinishedMessages, unfinishedLimits } from '../../src/grpc/unfinished-messages.ts';
import { FakeClock } from '../support/fake-clock.ts';

function createMessages(limits: { mostBytes?: number; mostConnectionBytes?: number } = {}) {
  const clock = new FakeClock();
  const counted: GivenUpReason[] = [];
  const whole = {
    mostBytes: 100_000,
    mostEarlyBytes: 10_000,
    mostConnectionBytes: 60_000,
    stallMs: 10_000,
    wholeMs: 60_000,
    ...limits,
  };
  const messages = new UnfinishedMessages(whole, clock, (reason) => counted.push(reason));
  const begin = (connection: object) => {
    const told: GivenUpReason[] = [];
    return { told, ...messages.begin(connection, (reason) => told.push(reason)) };
  };
  return { clock, counted, messages, begin };
}

test('UnfinishedMessages gives up a message that does not get any further, and one that is too slow', async () => {
  const { clock, counted, messages, begin } = createMessages();
  const [stalled, slow] = [begin({}), begin({})];
  stalled.hold(1_000, 1);
  for (let second = 0; second <= 60; second++) {
    slow.hold(second, 1);
    await clock.advance(1_000);
  }
  assert.deepEqual([stalled.told, slow.told], [['stalled'], ['too_slow']]);
  assert.deepEqual(counted, ['stalled', 'too_slow']);
  assert.equal(messages.heldBytes, 0);
});

test('UnfinishedMessages gives up the largest message of a connection that holds too much', () => {
  const { messages, begin } = createMessages();
  const connection = {};
  const [small, large] = [begin(connection), begin(connection)];
  small.hold(20_000, 1);
  large.hold(45_000, 1);
  assert.deepEqual([small.told, large.told], [[], ['connection_full']]);
  assert.equal(messages.heldBytes, 20_256);
});

test('UnfinishedMessages has room for a message of which little has come while all hold little', () => {
  const { messages, begin } = createMessages();
  const large = begin({});
  assert.deepEqual([messages.hasRoomFor(10_000), messages.hasRoomFor(10_001)], [true, false]);
  large.hold(3_744, 1);
  assert.deepEqual([messages.hasRoomFor(6_000), messages.hasRoomFor(6_001)], [true, false]);
  large.finish();
  assert.equal(messages.hasRoomFor(10_000), true);
});

test('UnfinishedMessages takes from the connection that holds most when all hold too much', () => {
  const { begin } = createMessages();
  const greedy = begin({});
  const others = Array.from({ length: 12 }, () => begin({}));
  greedy.hold(50_000, 1);
  for (const other of others) other.hold(4_000, 1);
  assert.deepEqual(greedy.told, ['all_full']);
  assert.ok(others.every(({ told }) => told.length === 0));
});

test('UnfinishedMessages counts the pieces that a message comes in', () => {
  const { counted, begin } = createMessages();
  begin({}).hold(300, 300);
  assert.deepEqual(counted, ['connection_full']);
});

test('UnfinishedMessages holds nothing of a message that is whole', async () => {
  const { clock, counted, messages, begin } = createMessages();
  const message = begin({});
  message.hold(50_000, 1);
  message.finish();
  message.hold(50_000, 1);
  assert.equal(messages.heldBytes, 0);
  for (let second = 0; second < 70; second++) await clock.advance(1_000);
  assert.deepEqual(counted, []);
});

test('unfinishedLimits has room for a handful of the largest messages, and gives them 10 s without progress', () => {
  const mebibyte = 1024 * 1024;
  const times = { stallMs: 10_000, wholeMs: 60_000 };
  const most = { mostBytes: 64 * mebibyte, mostEarlyBytes: 8 * mebibyte, mostConnectionBytes: 16 * mebibyte };
  assert.deepEqual(unfinishedLimits(4 * mebibyte), { ...most, ...times });
  const large = { ...most, mostBytes: 96 * mebibyte, mostConnectionBytes: 48 * mebibyte };
  assert.deepEqual(unfinishedLimits(32 * mebibyte), { ...large, ...times });
});
