import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExportRequest } from '../../src/exporters/create-export-request.ts';
import { withDialect } from '../../src/exporters/dialect-exporter.ts';
import type { ExportRequest, Refusal, Reservation } from '../../src/exporters/export-request.ts';
import { fullyAccepted } from '../../src/exporters/send-result.ts';

import { goodProfiles } from '../otlp/good-profiles.ts';
import { LogFolder } from '../storage/log-folder.ts';
import { fakeRequest } from '../support/fake-request.ts';
import { recordMetrics } from '../support/metric-recorder.ts';
import { patienceMs } from '../support/patience.ts';
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
  const cancelled = exporter.reserve!(fakeRequest(1)) as Reservation;
  const taken = exporter.reserve!(fakeRequest(2)) as Reservation;
  assert.equal(log.recordCount, 2, 'both are on disk');
  assert.equal(exporter.reserve!(fakeRequest(3)), 'queue_full', 'a place that is reserved is taken');
  cancelled.cancel();
  assert.deepEqual([log.recordCount, sent.length], [1, 0]);
  taken.commit();
  await exporter.stop(AbortSignal.timeout(patienceMs));
  assert.deepEqual([log.recordCount, sent.length], [0, 1]);
  assert.equal(
    (await values()).get('otelcol_exporter_enqueue_failed_profile_samples{exporter="otlp/a",error_type="queue_full"}'),
    undefined,
  );
});

test('an exporter with a dialect writes a report once, however often it is refused', () => {
  const { meter } = recordMetrics();
  const answers: (Refusal | undefined)[] = ['storage_full', 'storage_error', undefined];
  const seen: ExportRequest[] = [];
  const plain = {
    id: 'otlp/a',
    start: async () => {},
    stop: async () => {},
    offer: () => true,
    room: 'open' as const,
    reserve: (request: ExportRequest) => {
      seen.push(request);
      return answers.shift() ?? { commit: () => undefined, cancel: () => undefined };
    },
  };
  const exporter = withDialect(plain, 'devfiler', meter);
  const request = createExportRequest(goodProfiles(), 3);
  const results = Array.from({ length: 3 }, () => exporter.reserve!(request));
  assert.deepEqual(results.slice(0, 2), ['storage_full', 'storage_error']);
  (results[2] as Reservation).commit();
  assert.equal(new Set(seen).size, 1);
});
