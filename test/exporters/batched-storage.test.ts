import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigSection } from '../../src/config/config-section.ts';
import type { SendResult } from '../../src/exporters/export-client.ts';
import { fullyAccepted } from '../../src/exporters/export-client.ts';
import type { ExportRequest } from '../../src/exporters/export-request.ts';
import { createExportRequest } from '../../src/exporters/export-request.ts';
import { QueuedExporter } from '../../src/exporters/queued-exporter.ts';
import { retryTable } from '../../src/exporters/retry-config.ts';
import type { RequestStorage } from '../../src/exporters/sending-queue.ts';
import { sendingQueueTable } from '../../src/exporters/sending-queue-config.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { recordLogs } from '../support/log-recorder.ts';
import { recordMetrics } from '../support/metric-recorder.ts';

/** A storage that has twelve requests of two samples from an earlier run. */
function filledStorage() {
  const reads: number[] = [];
  const finished: number[] = [];
  const storage: RequestStorage = {
    *prepare() {},
    open: () =>
      Array.from({ length: 12 }, (_, number) => ({
        sampleCount: 2,
        sizeBytes: 500,
        read: async () => {
          reads.push(number);
          return createExportRequest(goodProfiles(), 2);
        },
        finish: () => finished.push(number),
      })),
    add: () => 'storage_full',
    close: () => undefined,
  };
  return { storage, reads, finished };
}

function createExporter(storage: RequestStorage, send: (request: ExportRequest) => Promise<SendResult>) {
  const clock = new FakeClock();
  const { meter, values } = recordMetrics();
  const queue = { storage: 'file_storage', num_consumers: 1, batch: { min_size: 6 } };
  const config = {
    timeoutMs: 0,
    retry: retryTable.read(new ConfigSection('', {}, [])),
    queue: sendingQueueTable.read(new ConfigSection('', queue, [])),
  };
  const client = { sendsProtobuf: true, start: async () => {}, send, close: async () => {} };
  const dependencies = { clock, logger: recordLogs().logger, meter, random: () => 0.5, storage };
  return { exporter: new QueuedExporter('otlp/a', client, config, dependencies), clock, values };
}

test('a batcher takes from a storage what the next batch needs, and no more', async () => {
  const { storage, reads, finished } = filledStorage();
  const ends: ((result: SendResult) => void)[] = [];
  const counts: number[] = [];
  const { exporter, clock } = createExporter(storage, ({ sampleCount }) => {
    counts.push(sampleCount);
    return new Promise((resolve) => ends.push(resolve));
  });
  await exporter.start();
  await clock.advance(0);
  // One batch is being sent, and one waits.
  assert.deepEqual([counts, reads.length, finished], [[6], 6, []]);
  ends.shift()!(fullyAccepted);
  await clock.advance(0);
  assert.deepEqual([counts, reads.length, finished], [[6, 6], 9, [0, 1, 2]]);
  for (let batch = 0; batch < 3; batch++) {
    ends.shift()!(fullyAccepted);
    await clock.advance(1000);
  }
  assert.deepEqual([counts, finished.length], [[6, 6, 6, 6], 12]);
  await exporter.stop(new AbortController().signal);
});

test('a batch that shutdown interrupts stays in the storage and is not counted', async () => {
  const { storage, finished } = filledStorage();
  const busy: SendResult = { kind: 'retryable', errorType: 'Unavailable', reason: 'busy' };
  const { exporter, clock, values } = createExporter(storage, async () => busy);
  await exporter.start();
  await clock.advance(0);
  await exporter.stop(new AbortController().signal);
  assert.deepEqual(finished, []);
  assert.deepEqual(
    [...(await values())].filter(([name, value]) => /sent|failed/.test(name) && value !== 0),
    [],
  );
});
