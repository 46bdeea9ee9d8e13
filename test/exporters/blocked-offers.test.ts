import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SendResult } from '../../src/exporters/export-client.ts';
import { fullyAccepted } from '../../src/exporters/export-client.ts';
import type { OfferResult } from '../../src/exporters/profiles-exporter.ts';
import { roomOf } from '../support/fake-exporter.ts';
import { fakeRequest, numberOf } from '../support/fake-request.ts';
import { createExporter } from './exporter-harness.ts';

const neverAborted = new AbortController().signal;
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const enqueueFailed = 'otelcol_exporter_enqueue_failed_profile_samples{exporter="otlp/a",error_type=';

const noRoomInTime = { kind: 'failed', isRetryable: true, reason: 'the sending queue had no room in time' };

/** An exporter whose attempts end when the test says so; `sent` are the numbers of those begun. */
function createHeld(queue: Record<string, unknown>, rest = {}) {
  const sent: number[] = [];
  const ends: ((result: SendResult) => void)[] = [];
  const created = createExporter(
    (request, signal) => {
      sent.push(numberOf(request.encoded()));
      return new Promise((resolve) => {
        ends.push(resolve);
        signal.addEventListener('abort', () => resolve({ kind: 'retryable', errorType: 'Canceled', reason: 'cut' }));
      });
    },
    queue,
    rest,
  );
  const end = async (result: SendResult = fullyAccepted): Promise<void> => {
    ends.shift()!(result);
    await settle();
  };
  return { ...created, sent, end };
}

/** The outcomes of offers as they come, by number. */
function collect(offers: readonly (OfferResult | Promise<OfferResult>)[]): Map<number, OfferResult> {
  const outcomes = new Map<number, OfferResult>();
  for (const [index, offer] of offers.entries()) {
    void Promise.resolve(offer).then((outcome) => outcomes.set(index, outcome));
  }
  return outcomes;
}

test('with block_on_overflow, offers wait for room in their order, and no more than num_consumers of them', async () => {
  const { exporter, sent, end, values } = createHeld({ num_consumers: 2, queue_size: 2, block_on_overflow: true });
  await exporter.start();
  const taken = [exporter.offer(fakeRequest(0))];
  assert.equal(roomOf(exporter), 'open');
  taken.push(exporter.offer(fakeRequest(1)));
  assert.equal(roomOf(exporter), 'waiting');
  assert.deepEqual(await Promise.all(taken), [{ kind: 'taken' }, { kind: 'taken' }]);
  const third = exporter.offer(fakeRequest(2), neverAborted);
  assert.equal(roomOf(exporter), 'waiting');
  const fourth = exporter.offer(fakeRequest(3), neverAborted);
  assert.equal(roomOf(exporter), 'none');
  const late = await exporter.offer(fakeRequest(4, 5), neverAborted);
  assert.deepEqual(late, { kind: 'refused', isFinal: false }, 'as many as may wait already do');
  // A report, which nobody waits for, may wait in any case.
  const outcomes = collect([third, fourth, exporter.offer(fakeRequest(5))]);
  await settle();
  assert.equal(outcomes.size, 0);
  await end();
  assert.deepEqual([[...outcomes], sent.length], [[[0, { kind: 'taken' }]], 3]);
  for (let i = 0; i < 4; i++) await end();
  assert.deepEqual([...outcomes.keys()], [0, 1, 2]);
  assert.deepEqual(sent, [0, 1, 2, 3, 5]);
  assert.equal((await values()).get(`${enqueueFailed}"queue_full"}`), 5);
  assert.equal(roomOf(exporter), 'open');
});

test('an offer does not overtake one that waits, though it would fit', async () => {
  const { exporter, end, sent } = createHeld({
    num_consumers: 1,
    queue_size: 10,
    sizer: 'items',
    block_on_overflow: true,
  });
  await exporter.start();
  exporter.offer(fakeRequest(0, 6));
  const waiting = collect([exporter.offer(fakeRequest(1, 8))]);
  assert.equal(roomOf(exporter), 'none');
  assert.deepEqual(await exporter.offer(fakeRequest(2, 1), neverAborted), { kind: 'refused', isFinal: false });
  assert.equal(waiting.size, 0);
  await end();
  assert.deepEqual(sent, [0, 1]);
});

test('an offer whose sender leaves is withdrawn and counted, and the next one moves up', async () => {
  const { exporter, end, sent, values } = createHeld({ num_consumers: 2, queue_size: 1, block_on_overflow: true });
  await exporter.start();
  exporter.offer(fakeRequest(0));
  const leaving = new AbortController();
  const left = exporter.offer(fakeRequest(1, 7), leaving.signal);
  const outcomes = collect([left, exporter.offer(fakeRequest(2))]);
  leaving.abort();
  await settle();
  assert.deepEqual([...outcomes], [[0, noRoomInTime]]);
  await end();
  assert.deepEqual(sent, [0, 2]);
  assert.equal((await values()).get(`${enqueueFailed}"cancelled"}`), 7);
  assert.deepEqual(await exporter.offer(fakeRequest(3), AbortSignal.abort()), noRoomInTime);
});

for (const { name, isInTime, outcome, attempts } of [
  { name: 'are taken in turn until the deadline', isInTime: true, outcome: 'taken', attempts: [0, 1, 2] },
  { name: 'are refused and counted once the deadline has passed', isInTime: false, outcome: 'failed', attempts: [0] },
]) {
  test(`at a stop, offers that wait ${name}`, async () => {
    const { exporter, end, sent, values } = createHeld({ num_consumers: 2, queue_size: 1, block_on_overflow: true });
    await exporter.start();
    exporter.offer(fakeRequest(0));
    const outcomes = collect([exporter.offer(fakeRequest(1, 3)), exporter.offer(fakeRequest(2, 4))]);
    const deadline = new AbortController();
    const stopped = exporter.stop(deadline.signal);
    assert.equal(roomOf(exporter), 'none');
    assert.deepEqual(await exporter.offer(fakeRequest(3)), { kind: 'refused', isFinal: false });
    if (isInTime) for (let i = 0; i < 3; i++) await end();
    else deadline.abort();
    await stopped;
    assert.deepEqual([[...outcomes.values()].map(({ kind }) => kind), sent], [[outcome, outcome], attempts]);
    assert.equal((await values()).get(`${enqueueFailed}"stopped"}`), isInTime ? 0 : 7);
  });
}

test('at a stop, offers that wait go into the storage, whatever its queue may hold', async () => {
  const added: number[] = [];
  const storage = {
    open: () => [],
    add: (request: ReturnType<typeof fakeRequest>) => {
      added.push(numberOf(request.encoded()));
      return { sampleCount: 1, sizeBytes: 4, read: async () => request, finish: () => undefined };
    },
    close: () => undefined,
  };
  const { exporter } = createHeld({ num_consumers: 2, queue_size: 1, block_on_overflow: true }, { storage });
  await exporter.start();
  exporter.offer(fakeRequest(0));
  const outcomes = collect([exporter.offer(fakeRequest(1)), exporter.offer(fakeRequest(2))]);
  await exporter.stop(AbortSignal.abort());
  assert.deepEqual(
    [[...outcomes.values()], added],
    [
      [{ kind: 'taken' }, { kind: 'taken' }],
      [0, 1, 2],
    ],
  );
});

test('with block_on_overflow, an offer waits while the storage takes nothing', async () => {
  let refusal: 'storage_error' | undefined = 'storage_error';
  const stored = { sampleCount: 1, sizeBytes: 4, read: async () => undefined, finish: () => undefined };
  const storage = { open: () => [], add: () => refusal ?? stored, close: () => undefined };
  const { exporter, clock, values } = createHeld({ block_on_overflow: true }, { storage });
  await exporter.start();
  const outcomes = collect([exporter.offer(fakeRequest(0))]);
  await clock.advance(10_000);
  assert.deepEqual([outcomes.size, roomOf(exporter)], [0, 'waiting']);
  refusal = undefined;
  await clock.advance(1_000);
  assert.deepEqual([[...outcomes.values()], roomOf(exporter)], [[{ kind: 'taken' }], 'open']);
  assert.deepEqual(
    [...(await values())].filter(([name, value]) => name.startsWith(enqueueFailed) && value !== 0),
    [],
  );
});

const bad: SendResult = { kind: 'permanent', errorType: 'InvalidArgument', reason: 'bad' };
const down: SendResult = { kind: 'retryable', errorType: 'Unavailable', reason: 'down' };
for (const { name, results, batch, outcomes } of [
  { name: 'taken', results: [fullyAccepted], outcomes: [{ kind: 'taken' }] },
  { name: 'refused for good', results: [bad], outcomes: [{ kind: 'failed', isRetryable: false, reason: 'bad' }] },
  {
    name: 'tried for as long as it may be',
    results: Array(100).fill(down),
    outcomes: [{ kind: 'failed', isRetryable: true, reason: 'no more retries left: down' }],
  },
  {
    name: 'taken as part of a batch',
    batch: { min_size: 2 },
    results: [fullyAccepted],
    outcomes: [{ kind: 'taken' }, { kind: 'taken' }],
  },
  {
    name: 'refused as part of a batch',
    batch: { min_size: 2 },
    results: [bad],
    outcomes: [bad, bad].map(({ reason }) => ({ kind: 'failed', isRetryable: false, reason })),
  },
]) {
  test(`with wait_for_result, who offers learns that the request was ${name}`, async () => {
    let attempts = 0;
    const { exporter, clock } = createExporter(async () => results[attempts++]!, {
      wait_for_result: true,
      ...(batch && { batch }),
    });
    await exporter.start();
    const answers = collect(outcomes.map((_, index) => exporter.offer(fakeRequest(index))));
    await clock.advance(400_000);
    assert.deepEqual([...answers.values()], outcomes);
    await exporter.stop(neverAborted);
  });
}

test('with wait_for_result, who offers learns that the queue is full, and that the exporter stopped', async () => {
  const { exporter } = createHeld({ wait_for_result: true, num_consumers: 1, queue_size: 2 });
  await exporter.start();
  const answers = collect([0, 1, 2].map((number) => exporter.offer(fakeRequest(number))));
  await settle();
  assert.deepEqual([...answers], [[2, noRoomInTime]]);
  await exporter.stop(AbortSignal.abort());
  for (const number of [0, 1]) {
    const { kind, isRetryable } = answers.get(number) as OfferResult & { isRetryable: boolean };
    assert.deepEqual([kind, isRetryable], ['failed', true]);
  }
});
