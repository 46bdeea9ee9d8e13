import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SendResult } from '../../src/exporters/export-client.ts';
import { fullyAccepted } from '../../src/exporters/export-client.ts';
import type { ExportRequest } from '../../src/exporters/export-request.ts';
import { createExportRequest } from '../../src/exporters/export-request.ts';
import type { Reservation } from '../../src/exporters/profiles-exporter.ts';

import { ExporterOutlet } from '../../src/pipeline/exporter-outlet.ts';
import { atOnce } from '../../src/support/steps.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { LogFolder } from '../storage/log-folder.ts';
import { buildData } from '../support/build-data.ts';
import { fakeRequest, numberOf } from '../support/fake-request.ts';
import { recordLogs } from '../support/log-recorder.ts';
import { patienceMs } from '../support/patience.ts';
import { createExporter } from './exporter-harness.ts';
import { createStoredExporter } from './storage/storage-harness.ts';

test('an exporter with a storage sends what was reserved when it is committed, and keeps nothing of what is cancelled', async (t) => {
  const log = new LogFolder(t).createLog();
  const sent: ExportRequest[] = [];
  const { exporter, values } = createStoredExporter(
    log,
    async (request) => {
      sent.push(request);
      return fullyAccepted;
    },
    { queue_size: 2 },
  );
  await exporter.start();
  const cancelled = exporter.reserve(fakeRequest(1)) as Reservation;
  const taken = exporter.reserve(fakeRequest(2)) as Reservation;
  assert.equal(log.recordCount, 2, 'both are on disk');
  assert.equal(exporter.reserve(fakeRequest(3)), 'queue_full', 'a place that is reserved is taken');
  cancelled.cancel();
  assert.deepEqual([log.recordCount, sent.length], [1, 0]);
  taken.commit();
  await exporter.stop(AbortSignal.timeout(patienceMs));
  assert.deepEqual([log.recordCount, sent.length], [0, 1]);
  assert.equal(
    (await values()).get('otelcol_exporter_enqueue_failed_profile_samples{exporter="otlp/a",error_type="queue_full"}'),
    0,
  );
});

test('a request is written in a dialect once, however often its report is refused', async (t) => {
  const request = createExportRequest(goodProfiles(), 3);
  const log = new LogFolder(t).createLog({ maxBytes: 400 });
  const { exporter } = createStoredExporter(log, async () => fullyAccepted, {}, 'devfiler');
  await exporter.start();
  const written = request.inDialect('devfiler');
  assert.equal(exporter.reserve(request), 'storage_too_small');
  assert.equal(request.inDialect('devfiler'), written);
  assert.notEqual(written.request, request);
  assert.equal(request.inDialect('generic').request, request);
  await exporter.stop(AbortSignal.timeout(patienceMs));
});

for (const { name, queue, isDurable } of [
  { name: 'in memory', queue: { sizer: 'items', queue_size: 10 }, isDurable: false },
  {
    name: 'in memory that blocks',
    queue: { sizer: 'items', queue_size: 10, block_on_overflow: true },
    isDurable: false,
  },
  { name: 'on disk', queue: { sizer: 'items', queue_size: 10 }, isDurable: true },
  { name: 'on disk that blocks', queue: { sizer: 'items', queue_size: 10, block_on_overflow: true }, isDurable: true },
]) {
  test(`a report larger than a whole queue ${name} is taken while that is not full; a request is refused`, async (t) => {
    const sent: number[] = [];
    const { promise: isUp, resolve: comeUp } = Promise.withResolvers<void>();
    const send = async (request: ExportRequest): Promise<SendResult> => {
      await isUp;
      sent.push(numberOf(request.encoded()));
      return fullyAccepted;
    };
    const { exporter, values } = isDurable
      ? createStoredExporter(new LogFolder(t).createLog(), send, queue)
      : createExporter(send, queue);
    await exporter.start();
    await exporter.offer(fakeRequest(1, 5));
    assert.deepEqual(await exporter.offer(fakeRequest(2, 11)), { kind: 'refused', isFinal: true });
    // Without a storage, a report that may wait does so among the blocked offers.
    const waitsInExporter = !isDurable && queue.block_on_overflow === true;
    const outlet = new ExporterOutlet([exporter], { logger: recordLogs().logger, onFailure: assert.fail });
    const report = buildData({
      samples: Array.from({ length: 11 }, (_, index) => ({ at: [index], stack: [{ names: [`f${index}`] }] })),
    });
    assert.equal(atOnce(outlet.deliver({ ...emptyReport, data: report, sampleCount: 11 })), true);
    assert.equal(
      atOnce(outlet.deliver({ ...emptyReport, data: report, sampleCount: 11 })),
      waitsInExporter,
      'it is full now',
    );
    comeUp();
    await until(() => sent.length >= 2);
    assert.equal(outlet.retry(), true);
    await until(() => sent.length === 3);
    await exporter.stop(AbortSignal.timeout(patienceMs));
    const counted = await values();
    assert.equal(counted.get('otelcol_exporter_sent_profile_samples{exporter="otlp/a"}'), 27);
    const refused = 'otelcol_exporter_enqueue_failed_profile_samples{exporter="otlp/a",error_type=';
    assert.deepEqual([counted.get(`${refused}"too_large"}`), counted.get(`${refused}"queue_full"}`)], [11, 0]);
  });
}

test('a report larger than a whole queue is not lost to one exporter whose queue has something in it, beside one that is empty', async () => {
  const sizes = { sizer: 'items', queue_size: 10 };
  const { promise: isUp, resolve: comeUp } = Promise.withResolvers<void>();
  const busy = createExporter(async () => isUp.then(() => fullyAccepted), sizes);
  const idle = createExporter(async () => fullyAccepted, sizes);
  await Promise.all([busy.exporter.start(), idle.exporter.start()]);
  await busy.exporter.offer(fakeRequest(1, 5));
  const parts = { logger: recordLogs().logger, onFailure: assert.fail };
  const outlet = new ExporterOutlet([busy.exporter, idle.exporter], parts);
  const report = buildData({ samples: Array.from({ length: 11 }, (_, index) => ({ at: [index] })) });
  assert.equal(atOnce(outlet.deliver({ ...emptyReport, data: report, sampleCount: 11 })), true);
  comeUp();
  await Promise.all([busy, idle].map(({ exporter }) => exporter.stop(AbortSignal.timeout(patienceMs))));
  const sent = 'otelcol_exporter_sent_profile_samples{exporter="otlp/a"}';
  assert.deepEqual([(await busy.values()).get(sent), (await idle.values()).get(sent)], [16, 11]);
});

const emptyReport = {
  range: { startUnixNano: 1n, endUnixNano: 2n },
  ...{ eventCount: 1, heldCount: 0, unresolved: [], resubmittedStubs: 0, durationMs: 0 },
};

async function until(isDone: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000 && !isDone(); turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(isDone());
}
