import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fullyAccepted } from '../../src/exporters/export-client.ts';
import type { ExportRequest } from '../../src/exporters/export-request.ts';
import { createExportRequest } from '../../src/exporters/export-request.ts';
import type { Reservation } from '../../src/exporters/profiles-exporter.ts';

import { goodProfiles } from '../otlp/good-profiles.ts';
import { LogFolder } from '../storage/log-folder.ts';
import { fakeRequest } from '../support/fake-request.ts';
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
    undefined,
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
