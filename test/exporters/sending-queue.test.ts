import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigSection } from '../../src/config/config-section.ts';
import type { DeliveryResult } from '../../src/exporters/export-client.ts';
import type { ExportRequest } from '../../src/exporters/export-request.ts';
import { SendingQueue } from '../../src/exporters/sending-queue.ts';
import { sendingQueueTable } from '../../src/exporters/sending-queue-config.ts';
import { fakeRequest, numberOf } from '../support/fake-request.ts';

const neverAborted = new AbortController().signal;

/** A queue whose consumers end when the test says so, or when they are cut off. */
function createQueue(values: Record<string, unknown>) {
  const begun: number[] = [];
  const running = new Map<number, () => void>();
  const consume = (request: ExportRequest, signal: AbortSignal): Promise<DeliveryResult> =>
    new Promise((resolve) => {
      const number = numberOf(request.encoded());
      begun.push(number);
      const end = (): void => {
        running.delete(number);
        resolve('finished');
      };
      running.set(number, end);
      signal.addEventListener('abort', end);
    });
  const queue = new SendingQueue(sendingQueueTable.read(new ConfigSection('', values, [])), consume);
  const finish = async (number: number): Promise<void> => {
    running.get(number)!();
    await settle();
  };
  return { queue, begun, running, finish };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('SendingQueue consumes in order, num_consumers at a time', async () => {
  const { queue, begun, finish } = createQueue({ num_consumers: 2 });
  for (const number of [1, 2, 3, 4]) assert.equal(queue.offer(fakeRequest(number)), undefined);
  assert.deepEqual([begun, queue.size], [[1, 2], 4]);
  await finish(2);
  assert.deepEqual([begun, queue.size], [[1, 2, 3], 3]);
  await finish(1);
  await finish(3);
  assert.deepEqual([begun, queue.size], [[1, 2, 3, 4], 1]);
  await finish(4);
  assert.equal(queue.size, 0);
});

for (const { sizer, capacity, fits, over, tooLarge } of [
  { sizer: 'requests', capacity: 3, fits: [9, 9, 9], over: 1, tooLarge: undefined },
  { sizer: 'items', capacity: 10, fits: [4, 6], over: 1, tooLarge: 11 },
  { sizer: 'items', capacity: 10, fits: [4, 5], over: 2, tooLarge: 11 },
  { sizer: 'bytes', capacity: 100, fits: [50, 50], over: 4, tooLarge: 101 },
] as const) {
  test(`SendingQueue with sizer ${sizer} and queue_size ${capacity} takes ${fits} and refuses ${over} more`, async () => {
    const { queue, finish } = createQueue({ sizer, queue_size: capacity, num_consumers: 1 });
    const request = (number: number, size: number): ExportRequest => fakeRequest(number, size, Math.max(4, size));
    for (const [index, size] of fits.entries()) assert.equal(queue.offer(request(index, size)), undefined);
    const sizeBefore = queue.size;
    assert.equal(queue.offer(request(8, over)), 'queue_full');
    assert.equal(queue.size, sizeBefore, 'a refusal changes nothing');
    assert.ok(queue.size <= queue.capacity);
    await finish(0);
    assert.equal(queue.offer(request(9, over)), undefined, 'there is room again');
    if (tooLarge !== undefined) assert.equal(queue.offer(request(10, tooLarge)), 'too_large');
  });
}

test('SendingQueue without waiting refuses what no consumer is free for', async () => {
  const { queue, begun, finish } = createQueue({ enabled: false, num_consumers: 2 });
  assert.deepEqual(
    [1, 2, 3].map((number) => queue.offer(fakeRequest(number))),
    [undefined, undefined, 'queue_full'],
  );
  await finish(1);
  assert.equal(queue.offer(fakeRequest(4)), undefined);
  assert.deepEqual(begun, [1, 2, 4]);
});

test('SendingQueue.stop refuses new requests and ends when the last one is consumed', async () => {
  const { queue, begun, finish } = createQueue({ num_consumers: 1 });
  queue.offer(fakeRequest(1));
  queue.offer(fakeRequest(2));
  let isStopped = false;
  const left = queue.stop(neverAborted).finally(() => {
    isStopped = true;
  });
  assert.equal(queue.offer(fakeRequest(3)), 'stopped');
  await finish(1);
  assert.equal(isStopped, false);
  await finish(2);
  assert.deepEqual([await left, begun, queue.size], [[], [1, 2], 0]);
});

test('SendingQueue.stop cuts off at the deadline and returns what had no turn, oldest first', async () => {
  const { queue, begun } = createQueue({ num_consumers: 2 });
  for (const number of [1, 2, 3, 4]) queue.offer(fakeRequest(number));
  const deadline = new AbortController();
  const left = queue.stop(deadline.signal);
  await settle();
  deadline.abort();
  assert.deepEqual(
    (await left).map((request) => numberOf(request.encoded())),
    [3, 4],
  );
  assert.deepEqual([begun, queue.size], [[1, 2], 0]);
});

test('SendingQueue.stop ends at once when there is nothing, or no time', async () => {
  assert.deepEqual(await createQueue({}).queue.stop(neverAborted), []);
  const { queue } = createQueue({ num_consumers: 1 });
  queue.offer(fakeRequest(1));
  queue.offer(fakeRequest(2));
  assert.equal((await queue.stop(AbortSignal.abort())).length, 1);
});
