import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fullyAccepted } from '../src/exporters/export-client.ts';
import type { SegmentLog } from '../src/storage/segment-log.ts';
import { createStoredExporter } from './exporters/storage/storage-harness.ts';
import { JournaledNode } from './journal/journaled-node.ts';
import { LogFolder } from './storage/log-folder.ts';
import { fileIdOf, processOf } from './support/batch.ts';
import { numberOf } from './support/fake-request.ts';
import { smallBatch } from './support/frames-client.ts';
import { loadHarness } from './symbols/snapshot/snapshot-harness.ts';

// Files as the version of 2026-11-23 left them behind; clocks of the tests stand still, so that nothing in them grows old.
const fixtures = join(import.meta.dirname, 'fixtures/files-2026-11-23');
const start = 1_767_225_600_000_000_000n;

/** A copy of a log of the version before, which the service may write to. */
function logOf(t: TestContext, name: 'journal' | 'queue'): SegmentLog {
  const folder = new LogFolder(t);
  cpSync(join(fixtures, name), folder.path, { recursive: true });
  return folder.createLog();
}

test('a symbol snapshot of the version before is read', async () => {
  const { harness, expired, evicted } = await loadHarness(join(fixtures, 'symbols'));
  assert.deepEqual([expired, evicted], [0, 0]);
  const first = harness.find(fileIdOf(1), 0xffff_8000_0000_1234n);
  assert.deepEqual([first?.functionName, first?.inlined[0]?.functionName], ['first', 'inner']);
  assert.equal(harness.name(fileIdOf(1), 2n), 'second');
  assert.deepEqual(harness.store.at(0).executable(fileIdOf(2)), {
    ...{ fileName: '/bin/app', gnuBuildId: 'abcd', goBuildId: '', hasHtlHash: true },
  });
  assert.equal(harness.nameIn(processOf(7), 23n), 'entry');
  assert.equal(harness.name(fileIdOf(3), 2n ** 64n - 1n), 'top');
});

test('a journal of the version before gives back what was not reported, and knows what was', async (t) => {
  const node = await JournaledNode.start(logOf(t, 'journal'));
  const again = node.take(smallBatch([start], { sequence: 1 }));
  assert.ok('duplicate' in again && again.duplicate, 'a batch of a window that was reported is known');
  await node.tick();
  assert.deepEqual(node.reported.toSorted(), [`3@${start}`, `4@${start}`, `5@${start}`]);
  assert.equal((await node.values()).get('framekeeper_journal_damaged_records{pipeline="profiles"}'), 0);
});

test('a sending queue on disk of the version before is sent, without what was sent', async (t) => {
  const log = logOf(t, 'queue');
  const sent: [number, number][] = [];
  const { exporter } = createStoredExporter(
    log,
    async (request) => {
      sent.push([numberOf(request.encoded()), request.sampleCount]);
      return fullyAccepted;
    },
    { num_consumers: 1 },
  );
  await exporter.start();
  while (log.recordCount > 0) await nextTurn();
  await exporter.stop(AbortSignal.abort());
  assert.deepEqual(sent, [
    [2, 20],
    [3, 30],
  ]);
});
