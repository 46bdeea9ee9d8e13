import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConfigSection } from '../../src/config/config-section.ts';
import type { ExportClient, SendResult } from '../../src/exporters/export-client.ts';
import { fullyAccepted } from '../../src/exporters/export-client.ts';
import type { ExportRequest } from '../../src/exporters/export-request.ts';
import { createExportRequest } from '../../src/exporters/export-request.ts';
import type { OfferResult } from '../../src/exporters/profiles-exporter.ts';
import { QueuedExporter } from '../../src/exporters/queued-exporter.ts';
import { retryTable } from '../../src/exporters/retry-config.ts';
import { sendingQueueTable } from '../../src/exporters/sending-queue-config.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { atOnce } from '../../src/support/steps.ts';
import { syntheticProfiles } from '../bench/synthetic-profiles.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { roomOf } from '../support/fake-exporter.ts';
import { fakeRequest, numberOf } from '../support/fake-request.ts';
import { recordLogs } from '../support/log-recorder.ts';
import { recordMetrics } from '../support/metric-recorder.ts';
import { createExporter, isTaken } from './exporter-harness.ts';

const neverAborted = new AbortController().signal;
const busy: SendResult = { kind: 'retryable', errorType: 'Unavailable', reason: 'busy' };
const tooLarge: SendResult = {
  kind: 'permanent',
  errorType: 'ResourceExhausted',
  reason: 'large',
  tooLarge: { limitBytes: undefined },
};
const limited: SendResult = { ...tooLarge, tooLarge: { limitBytes: 1500 } };
const bad: SendResult = { kind: 'permanent', errorType: 'InvalidArgument', reason: 'bad' };

for (const { name, queue, fits, over } of [
  { name: 'at its capacity', queue: { queue_size: 2, num_consumers: 1 }, fits: [1, 1], over: undefined },
  {
    name: 'when one found no room',
    queue: { sizer: 'items', queue_size: 10, num_consumers: 1 },
    fits: [4, 5],
    over: 2,
  },
  { name: 'when one found no free consumer', queue: { enabled: false, num_consumers: 2 }, fits: [1, 1], over: 1 },
]) {
  test(`an exporter says that it is full ${name}, until something has left`, async () => {
    let end = (): void => undefined;
    const { exporter } = createExporter(
      () =>
        new Promise((resolve) => {
          end = () => resolve(fullyAccepted);
        }),
      queue,
    );
    await exporter.start();
    for (const size of fits) {
      assert.equal(roomOf(exporter), 'open');
      exporter.offer(fakeRequest(1, size));
    }
    if (over !== undefined) {
      assert.equal(roomOf(exporter), 'open');
      assert.equal(await isTaken(exporter.offer(fakeRequest(2, over))), false);
    }
    assert.equal(roomOf(exporter), 'none');
    end();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(roomOf(exporter), 'open');
  });
}

test('an exporter is full for a second when its storage takes nothing, and is tried again then', async () => {
  let refusal: 'storage_full' | undefined = 'storage_full';
  const stored = { sampleCount: 1, sizeBytes: 4, read: async () => undefined, finish: () => undefined };
  const storage = { open: () => [], *prepare() {}, add: () => refusal ?? stored, close: () => undefined };
  const { exporter, clock } = createExporter(async () => fullyAccepted, {}, { storage });
  await exporter.start();
  assert.equal(await isTaken(exporter.offer(fakeRequest(1))), false);
  assert.equal(roomOf(exporter), 'none');
  await clock.advance(1_000);
  assert.equal(roomOf(exporter), 'open');
  refusal = undefined;
  assert.equal(await isTaken(exporter.offer(fakeRequest(1))), true);
});

test('an exporter counts what it sends, and what its queue holds meanwhile', async () => {
  const { exporter, clock, values } = createExporter(
    async () => {
      await clock.sleep(100);
      return fullyAccepted;
    },
    { num_consumers: 1, queue_size: 7 },
  );
  await exporter.start();
  exporter.offer(fakeRequest(1, 20));
  exporter.offer(fakeRequest(2, 30));
  const changing = async () => [...(await values())].filter(([name]) => !/_failed_/.test(name));
  assert.deepEqual(Object.fromEntries(await changing()), {
    'otelcol_exporter_sent_profile_samples{exporter="otlp/a"}': 0,
    'otelcol_exporter_in_flight_requests{exporter="otlp/a",data_type="profiles"}': 1,
    'otelcol_exporter_queue_size{exporter="otlp/a",data_type="profiles"}': 2,
    'otelcol_exporter_queue_capacity{exporter="otlp/a",data_type="profiles"}': 7,
  });
  await clock.advance(200);
  assert.deepEqual(Object.fromEntries(await changing()), {
    'otelcol_exporter_sent_profile_samples{exporter="otlp/a"}': 50,
    'otelcol_exporter_in_flight_requests{exporter="otlp/a",data_type="profiles"}': 0,
    'otelcol_exporter_queue_size{exporter="otlp/a",data_type="profiles"}': 0,
    'otelcol_exporter_queue_capacity{exporter="otlp/a",data_type="profiles"}': 7,
  });
  await exporter.stop(neverAborted);
});

test('an exporter reports a recoverable error while it retries, and ok once its destination takes data again', async () => {
  const answers = [fullyAccepted, busy, busy, fullyAccepted, bad, fullyAccepted];
  const { exporter, clock, statuses } = createExporter(async () => answers.shift()!);
  await exporter.start();
  for (let number = 1; number <= 4; number++) {
    exporter.offer(fakeRequest(number));
    await clock.advance(60_000);
  }
  assert.deepEqual(statuses, ['recoverable_error: busy', 'ok', 'recoverable_error: bad', 'ok']);
});

for (const errorType of ['Unauthenticated', 'PermissionDenied', 'Unimplemented']) {
  test(`an exporter reports a permanent error when its destination says ${errorType}, until it takes data`, async () => {
    const answers: SendResult[] = [{ kind: 'permanent', errorType, reason: 'no' }, fullyAccepted];
    const { exporter, clock, statuses } = createExporter(async () => answers.shift()!);
    await exporter.start();
    for (const number of [1, 2]) {
      exporter.offer(fakeRequest(number));
      await clock.advance(1);
    }
    assert.deepEqual(statuses, ['permanent_error: no', 'ok']);
  });
}

test('an exporter reports nothing while it stops', async () => {
  const { exporter, clock, statuses } = createExporter(async () => {
    await clock.sleep(100);
    return bad;
  });
  await exporter.start();
  exporter.offer(fakeRequest(1));
  const stopped = exporter.stop(neverAborted);
  await clock.advance(100);
  await stopped;
  assert.deepEqual(statuses, []);
});

test('two exporters of one service are counted apart', async () => {
  const { meter, values } = recordMetrics();
  const config = {
    timeoutMs: 0,
    retry: retryTable.read(new ConfigSection('', {}, [])),
    queue: sendingQueueTable.read(new ConfigSection('', {}, [])),
  };
  const client: ExportClient = {
    sendsProtobuf: true,
    start: async () => {},
    send: async () => fullyAccepted,
    close: async () => {},
  };
  const clock = new FakeClock();
  const dependencies = { clock, logger: recordLogs().logger, meter, random: () => 0.5 };
  for (const [id, sampleCount] of [
    ['otlp/a', 1],
    ['otlp/b', 2],
  ] as const) {
    const exporter = new QueuedExporter(id, client, config, dependencies);
    await exporter.start();
    exporter.offer(fakeRequest(1, sampleCount));
  }
  await clock.advance(0);
  const counted = await values();
  for (const [id, sampleCount] of [
    ['otlp/a', 1],
    ['otlp/b', 2],
  ] as const) {
    assert.equal(counted.get(`otelcol_exporter_sent_profile_samples{exporter="${id}"}`), sampleCount);
    assert.equal(counted.get(`otelcol_exporter_queue_capacity{exporter="${id}",data_type="profiles"}`), 1000);
  }
});

test('an exporter tells of a retry once at info, once a minute that its destination is down, and of a drop with its samples', async () => {
  const { exporter, clock, logs } = createExporter(async () => busy);
  await exporter.start();
  exporter.offer(fakeRequest(1, 20));
  await clock.advance(300_000);
  const shown = logs.lines.filter(({ level }) => level >= 30);
  assert.deepEqual(
    shown.map(({ level, msg, error, interval, dropped_items }) => [level, msg, error, interval, dropped_items]),
    [
      [30, 'Exporting failed. Will retry the request after interval.', 'busy', '5s', undefined],
      ...Array(4).fill([40, 'The destination takes no data. Requests wait.', 'busy', undefined, undefined]),
      [50, 'Exporting failed. Dropping data.', 'no more retries left: busy', undefined, 20],
    ],
  );
  await exporter.stop(neverAborted);
});

test('while a destination is down one line a minute tells for how long and how much waits, and one line ends that', async () => {
  let isUp = false;
  const { exporter, clock, logs } = createExporter(async () => (isUp ? fullyAccepted : busy), { sizer: 'items' });
  await exporter.start();
  for (let number = 1; number <= 20; number++) {
    exporter.offer(fakeRequest(number, 10));
    await clock.advance(5_000);
  }
  isUp = true;
  await clock.advance(60_000);
  const shown = logs.lines.filter(({ level }) => level >= 30);
  assert.deepEqual(
    shown.map(({ level, msg, down_for, queue_size, queue_capacity }) => [
      level,
      msg,
      down_for,
      queue_size,
      queue_capacity,
    ]),
    [
      [30, 'Exporting failed. Will retry the request after interval.', undefined, undefined, undefined],
      [40, 'The destination takes no data. Requests wait.', '1m1s', 130, 1_000],
      [30, 'The destination takes data again.', '1m41s', undefined, undefined],
    ],
  );
});

test('a destination that fails now and then is told of once each time, and not summed up', async () => {
  const answers = [busy, fullyAccepted, busy, fullyAccepted];
  const { exporter, clock, logs } = createExporter(async () => answers.shift()!);
  await exporter.start();
  for (const number of [1, 2]) {
    exporter.offer(fakeRequest(number));
    await clock.advance(100_000);
  }
  const retrying = 'Exporting failed. Will retry the request after interval.';
  assert.deepEqual(
    logs.lines.filter(({ level }) => level >= 30).map(({ msg }) => msg),
    [retrying, retrying],
  );
});

const refused: SendResult = { kind: 'permanent', errorType: 'Unauthenticated', reason: 'wrong token' };
const endless = { max_elapsed_time: 0 };
for (const { name, isDurable, retry, config, isRetried } of [
  {
    name: 'are retried with a durable queue and retries without end',
    isDurable: true,
    retry: endless,
    isRetried: true,
  },
  { name: 'are final with a durable queue and retries that end', isDurable: true, retry: {}, isRetried: false },
  { name: 'are final without a durable queue', isDurable: false, retry: endless, isRetried: false },
  {
    ...{ name: 'are final where retry_on_auth_failure is false', isDurable: true, retry: endless },
    ...{ config: { retryOnAuthFailure: false }, isRetried: false },
  },
  {
    ...{ name: 'are retried where retry_on_auth_failure is true', isDurable: false, retry: {} },
    ...{ config: { retryOnAuthFailure: true }, isRetried: true },
  },
]) {
  test(`refused credentials ${name}`, async () => {
    const stored = { sampleCount: 1, sizeBytes: 4, read: async () => undefined, finish: () => undefined };
    const storage = { open: () => [], *prepare() {}, add: () => stored, close: () => undefined };
    let attempts = 0;
    const { exporter, clock, logs, statuses } = createExporter(
      async () => (++attempts === 4 ? fullyAccepted : refused),
      {},
      { retry, ...config, ...(isDurable && { storage }) },
    );
    await exporter.start();
    exporter.offer(fakeRequest(1));
    await clock.advance(240_000);
    const status = 'permanent_error: wrong token';
    assert.deepEqual([attempts, statuses], isRetried ? [4, [status, 'ok']] : [1, [status]]);
    assert.equal(logs.lines.filter(({ level }) => level >= 30).length, 1, 'logged once');
    assert.equal(logs.lines[0]!.level, 50);
  });
}

test('an exporter refuses what its queue cannot take, and says so', async () => {
  const { exporter, logs, values } = createExporter(async () => bad, { sizer: 'items', queue_size: 10 });
  await exporter.start();
  assert.equal(await isTaken(exporter.offer(fakeRequest(1, 8))), true);
  assert.equal(await isTaken(exporter.offer(fakeRequest(2, 3))), false);
  assert.equal(await isTaken(exporter.offer(fakeRequest(3, 11))), false);
  await exporter.stop(neverAborted);
  assert.equal(await isTaken(exporter.offer(fakeRequest(4, 5))), false);
  const counted = await values();
  const name = 'otelcol_exporter_enqueue_failed_profile_samples{exporter="otlp/a",error_type=';
  assert.deepEqual(
    ['queue_full', 'too_large', 'stopped'].map((reason) => counted.get(`${name}"${reason}"}`)),
    [3, 11, 5],
  );
  const rejections = logs.lines.filter(({ msg }) => msg === 'Exporting failed. Rejecting data.');
  assert.deepEqual(
    rejections.map(({ rejected_items }) => rejected_items),
    [3, 11, 5],
  );
});

test('an exporter takes a request without samples and sends nothing', async () => {
  let sent = 0;
  const { exporter } = createExporter(async () => {
    sent += 1;
    return fullyAccepted;
  });
  await exporter.start();
  assert.equal(await isTaken(exporter.offer(fakeRequest(1, 0))), true);
  await exporter.stop(neverAborted);
  assert.equal(sent, 0);
});

test('an exporter that stops cuts off retries and gives what is queued one attempt', async () => {
  const attempts: number[] = [];
  const { exporter, clock, values } = createExporter(
    async (request) => {
      attempts.push(numberOf(request.encoded()));
      return busy;
    },
    { num_consumers: 1 },
  );
  await exporter.start();
  for (const number of [1, 2, 3]) exporter.offer(fakeRequest(number, 10));
  await clock.advance(4000);
  assert.deepEqual(attempts, [1]);
  await exporter.stop(neverAborted);
  assert.deepEqual(attempts, [1, 2, 3]);
  const name = 'otelcol_exporter_send_failed_profile_samples{exporter="otlp/a",error_type="Shutdown"}';
  assert.equal((await values()).get(name), 30);
});

test('an exporter survives a client that throws, and one that cannot close', async () => {
  const { exporter, logs, values } = createExporter(
    async () => {
      throw new TypeError('a bug');
    },
    {},
    {
      close: async () => {
        throw new Error('disk gone');
      },
    },
  );
  await exporter.start();
  exporter.offer(fakeRequest(1, 4));
  await exporter.stop(neverAborted);
  const name = 'otelcol_exporter_send_failed_profile_samples{exporter="otlp/a",error_type="_OTHER"}';
  assert.equal((await values()).get(name), 4);
  assert.match(String(logs.lines[0]!.error), /TypeError: a bug/);
  assert.deepEqual([logs.lines[1]!.msg, logs.lines[1]!.error], ['Closing failed.', 'disk gone']);
});

test('an exporter does not wait past the deadline for a client that never closes', async () => {
  const { exporter } = createExporter(async () => fullyAccepted, {}, { close: () => new Promise(() => undefined) });
  await exporter.start();
  const deadline = new AbortController();
  const stopped = exporter.stop(deadline.signal);
  deadline.abort();
  await stopped;
});

/** What happens to an exporter, one after the other. */
const step = fc.oneof(
  fc.record({ offer: fc.constantFrom(0, 1, 2, 3, 20, 40) }),
  fc.record({ advanceMs: fc.constantFrom(1, 100, 3000, 60_000) }),
);

/** What an attempt comes to, and after how long; `throw` is a bug, and more than 5 s is a timeout. */
const answer = fc.record({
  result: fc.oneof(
    fc.constantFrom<SendResult | 'throw'>(fullyAccepted, busy, bad, tooLarge, limited, 'throw'),
    fc.record({ kind: fc.constant('accepted' as const), rejectedProfiles: fc.constant(1n), message: fc.constant('') }),
  ),
  afterMs: fc.constantFrom(0, 1, 50, 7000),
});

const queueConfig = fc.record({
  enabled: fc.boolean(),
  num_consumers: fc.integer({ min: 1, max: 3 }),
  queue_size: fc.integer({ min: 1, max: 60 }),
  block_on_overflow: fc.boolean(),
  wait_for_result: fc.boolean(),
  sizer: fc.constantFrom('requests', 'items'),
  batch: fc.option(
    fc.record({
      min_size: fc.integer({ min: 0, max: 30 }),
      max_size: fc.constantFrom(0, 30, 500),
      sizer: fc.constantFrom('items', 'bytes'),
    }),
  ),
});

/** So many samples, each of a thread of its own. */
function requestOf(sampleCount: number): ExportRequest {
  const data = goodProfiles();
  const [profile] = data.resourceProfiles[0]!.scopeProfiles[0]!.profiles;
  const { attributeTable } = data.dictionary;
  profile!.samples = Array.from({ length: sampleCount }, (_, i) => {
    const attribute = attributeTable.push({ keyStrindex: 12, value: `thread ${i}`, unitStrindex: 0 }) - 1;
    return { ...profile!.samples[i % 2]!, attributeIndices: [attribute] };
  });
  return createExportRequest(data, sampleCount);
}

test('every sample offered is counted once: sent, send_failed or enqueue_failed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 30 }),
      fc.array(answer, { minLength: 1, maxLength: 8 }),
      queueConfig,
      fc.constantFrom(undefined, 1200, 2000),
      fc.boolean(),
      async (steps, answers, { batch, ...queue }, maxRequestBytes, hasTimeToStop) => {
        let sent = 0;
        const { exporter, clock, values } = createExporter(
          async () => {
            const { result, afterMs } = answers[sent++ % answers.length]!;
            if (afterMs > 0) await clock.sleep(afterMs);
            if (result === 'throw') throw new Error('a bug');
            return result;
          },
          { ...queue, ...(batch && { batch }) },
          { maxRequestBytes },
        );
        await exporter.start();
        let offered = 0;
        const offers: (OfferResult | Promise<OfferResult>)[] = [];
        for (const action of steps) {
          if ('offer' in action) {
            offered += action.offer;
            offers.push(exporter.offer(requestOf(action.offer)));
          } else await clock.advance(action.advanceMs);
        }
        const deadline = new AbortController();
        const stopped = exporter.stop(deadline.signal);
        if (hasTimeToStop) await clock.advance(10_000_000);
        else deadline.abort();
        await stopped;
        // Whoever waits is answered.
        await Promise.all(offers);
        let counted = 0;
        for (const [name, value] of await values()) {
          if (/^otelcol_exporter_(sent|send_failed|enqueue_failed)_profile_samples/.test(name)) counted += value;
          if (name.startsWith('otelcol_exporter_in_flight_requests')) assert.equal(value, 0);
        }
        assert.equal(counted, offered);
      },
    ),
    { numRuns: 150 },
  );
});

test('a report is cut for its only receiver alone, and is whole where a queue counts or keeps its bytes', () => {
  const bytes = encodeProfilesData(syntheticProfiles());
  const stored = { sampleCount: 1, sizeBytes: 4, read: async () => undefined, finish: () => undefined };
  const storage = { open: () => [], *prepare() {}, add: () => stored, close: () => undefined };
  for (const { isShared, queue, rest, isCut } of [
    { isShared: false, queue: {}, rest: {}, isCut: true },
    { isShared: true, queue: {}, rest: {}, isCut: false },
    { isShared: false, queue: { sizer: 'bytes' }, rest: {}, isCut: false },
    { isShared: false, queue: {}, rest: { storage }, isCut: false },
  ]) {
    const { exporter } = createExporter(async () => fullyAccepted, queue, { maxRequestBytes: 40_000, ...rest });
    const request = createExportRequest(decodeProfilesData(bytes), 1000);
    atOnce(exporter.prepare(request, isShared));
    assert.equal(request.parts !== undefined, isCut);
    assert.equal(request.bytes !== undefined, !isCut);
  }
});

test('a report in parts waits in the queue as these', async () => {
  const { exporter } = createExporter(
    () => new Promise(() => undefined),
    { num_consumers: 1 },
    { maxRequestBytes: 40_000 },
  );
  await exporter.start();
  exporter.offer(fakeRequest(1));
  const request = createExportRequest(decodeProfilesData(encodeProfilesData(syntheticProfiles())), 1000);
  atOnce(exporter.prepare(request, false));
  const reservation = exporter.reserve(request);
  assert.ok(typeof reservation === 'object');
  reservation.commit();
  assert.ok(request.parts !== undefined);
});
