import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigSection } from '../../src/config/config-section.ts';
import { Batcher } from '../../src/exporters/batcher.ts';
import type { DeliveryResult } from '../../src/exporters/export-client.ts';
import { createExportEvents } from '../../src/exporters/export-events.ts';
import type { ExportRequest } from '../../src/exporters/export-request.ts';
import { createExportRequest } from '../../src/exporters/export-request.ts';
import { sendingQueueTable } from '../../src/exporters/sending-queue-config.ts';
import { checkConformance } from '../../src/profile/check/check-conformance.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { recordLogs } from '../support/log-recorder.ts';
import { recordMetrics } from '../support/metric-recorder.ts';

const neverAborted = new AbortController().signal;
/** Two samples each. */
const request = (): ExportRequest => createExportRequest(goodProfiles(), 2);

/** A batcher whose deliveries end when the test says so. */
function createBatcher(values: Record<string, unknown>, numConsumers = 1) {
  const clock = new FakeClock();
  const stopping = new AbortController();
  const { meter, values: metrics } = recordMetrics();
  const sent: ExportRequest[] = [];
  const ends: ((outcome: DeliveryResult) => void)[] = [];
  const batcher = new Batcher(
    sendingQueueTable.read(new ConfigSection('', { batch: values }, [])).batch!,
    numConsumers,
    {
      clock,
      stopping: stopping.signal,
      functionsTwice: false,
      events: createExportEvents('otlp/a', { logger: recordLogs().logger, meter, clock }),
      deliver: (one) => {
        sent.push(one);
        return new Promise((resolve) => ends.push(resolve));
      },
    },
  );
  const outcomes: DeliveryResult[] = [];
  const add = (one: ExportRequest, signal = neverAborted): void => {
    void batcher.add(one, signal).then((outcome) => outcomes.push(outcome));
  };
  const counts = (): number[] => sent.map(({ sampleCount }) => sampleCount);
  const endNext = async (outcome: DeliveryResult = 'finished'): Promise<void> => {
    ends.shift()!(outcome);
    await clock.advance(0);
  };
  return { batcher, add, sent, counts, endNext, outcomes, ended: () => outcomes.length, clock, stopping, metrics };
}

test('a batch goes as soon as it has min_size, as one request of one resource', async () => {
  const { add, sent, counts, endNext, ended, clock } = createBatcher({ min_size: 5 });
  add(request());
  add(request());
  assert.deepEqual(counts(), []);
  add(request());
  assert.deepEqual(counts(), [6]);
  assert.equal(sent[0]!.data.resourceProfiles.length, 1);
  assert.deepEqual(checkConformance(sent[0]!.data), []);
  assert.equal(ended(), 0);
  await endNext();
  assert.equal(ended(), 3);
  await clock.advance(10_000);
  assert.deepEqual([counts(), clock.sleeperCount], [[6], 0]);
});

test('a batch goes after flush_timeout from its first request on', async () => {
  const { add, counts, clock } = createBatcher({ flush_timeout: '1s' });
  add(request());
  await clock.advance(600);
  add(request());
  await clock.advance(399);
  assert.deepEqual(counts(), []);
  await clock.advance(1);
  assert.deepEqual(counts(), [4]);
});

test('a request that goes alone is sent as it is', async () => {
  const { add, sent } = createBatcher({ min_size: 0 });
  const alone = request();
  add(alone);
  assert.equal(sent[0], alone);
});

test('what waits while nobody is free to send it becomes one batch, up to min_size', async () => {
  const { batcher, add, counts, endNext, clock } = createBatcher({ min_size: 6 });
  for (let i = 0; i < 3; i++) add(request());
  for (let i = 0; i < 2; i++) {
    add(request());
    await clock.advance(1000);
  }
  assert.deepEqual([counts(), batcher.hasRoom], [[6], true]);
  add(request());
  assert.deepEqual([counts(), batcher.hasRoom], [[6], false]);
  await endNext();
  assert.deepEqual([counts(), batcher.hasRoom], [[6, 6], true]);
  add(request());
  await clock.advance(1000);
  await endNext();
  assert.deepEqual(counts(), [6, 6, 2]);
});

test('a batch above max_size is sent in pieces, and ends with the last of them', async () => {
  const { add, counts, endNext, ended, metrics } = createBatcher({ min_size: 4, max_size: 4 }, 2);
  add(createExportRequest(goodProfiles(), 2));
  add(createExportRequest(goodProfiles(), 2));
  assert.deepEqual(counts(), [4]);
  await endNext();
  const three = createBatcher({ min_size: 3, max_size: 3 }, 2);
  three.add(request());
  three.add(request());
  assert.deepEqual(three.counts(), [3, 1]);
  await three.endNext();
  assert.deepEqual([ended(), three.ended()], [2, 0]);
  await three.endNext();
  assert.equal(three.ended(), 2);
  const name = 'framekeeper_exporter_split_requests{exporter="otlp/a",reason="max_size"}';
  assert.deepEqual([(await metrics()).get(name), (await three.metrics()).get(name)], [undefined, 1]);
});

test('sizes in bytes count the encoded request', async () => {
  const sizeBytes = request().encoded().length;
  const { add, counts, sent } = createBatcher({ sizer: 'bytes', min_size: 2 * sizeBytes, max_size: 2 * sizeBytes });
  add(request());
  assert.deepEqual(counts(), []);
  add(request());
  assert.deepEqual(counts(), [4]);
  assert.ok(sent[0]!.encoded().length < 2 * sizeBytes, 'the dictionary is there once');
});

test('a batch that no piece can hold is dropped, counted, and ends', async () => {
  const { add, outcomes, metrics, clock } = createBatcher({ sizer: 'bytes', min_size: 1, max_size: 1 });
  add(request());
  await clock.advance(0);
  assert.equal(outcomes.length, 1);
  assert.partialDeepStrictEqual(outcomes[0], { kind: 'failed', isRetryable: false });
  const name = 'otelcol_exporter_send_failed_profile_samples{exporter="otlp/a",error_type="too_large"}';
  assert.equal((await metrics()).get(name), 2);
});

test('nothing waits for more once the exporter stops', async () => {
  const { add, counts, endNext, stopping, clock } = createBatcher({});
  add(request());
  stopping.abort();
  assert.deepEqual(counts(), [2]);
  add(request());
  await endNext();
  assert.deepEqual([counts(), clock.sleeperCount], [[2, 2], 0]);
});

test('what is too late to be sent is not merged, and each request is given on to be counted', async () => {
  const { add, counts, endNext } = createBatcher({ min_size: 4 });
  const cut = new AbortController();
  for (let i = 0; i < 4; i++) add(request(), cut.signal);
  cut.abort();
  await endNext();
  await endNext();
  assert.deepEqual(counts(), [4, 2, 2]);
});

test('a batch of which one piece is interrupted is interrupted as a whole', async () => {
  const { add, outcomes, endNext } = createBatcher({ min_size: 3, max_size: 3 }, 2);
  add(request());
  add(request());
  await endNext('interrupted');
  await endNext();
  assert.deepEqual(outcomes, ['interrupted', 'interrupted']);
});

test('a fault of our own costs one batch', async () => {
  const { add, ended, counts, metrics, clock } = createBatcher({ min_size: 4 });
  const fail = (): never => {
    throw new TypeError('a bug');
  };
  const broken: ExportRequest = Object.defineProperty(request(), 'data', { get: fail });
  add(broken);
  add(request());
  await clock.advance(0);
  assert.equal(ended(), 2);
  const name = 'otelcol_exporter_send_failed_profile_samples{exporter="otlp/a",error_type="_OTHER"}';
  assert.equal((await metrics()).get(name), 4);
  add(request());
  add(request());
  assert.deepEqual(counts(), [4]);
});
