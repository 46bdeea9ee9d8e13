import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SendResult } from '../../src/exporters/export-client.ts';
import { fullyAccepted } from '../../src/exporters/export-client.ts';
import type { ExportRequest } from '../../src/exporters/export-request.ts';
import type { AdmissionRefusal } from '../../src/model/admission.ts';
import { frameKinds } from '../../src/model/frame-kind.ts';
import type { LogFileSystem } from '../../src/storage/log-file-system.ts';
import { systemFileSystem } from '../../src/storage/log-file-system.ts';
import { createStoredExporter } from '../exporters/storage/storage-harness.ts';
import { FullDisk } from '../storage/full-disk.ts';
import { LogFolder } from '../storage/log-folder.ts';
import type { PlainReply } from '../support/frames-client.ts';
import { smallBatch } from '../support/frames-client.ts';
import { patienceMs } from '../support/patience.ts';
import { collectInto, JournaledNode } from './journaled-node.ts';

/** Where the clocks of all nodes begin. */
const start = 1_767_225_600_000_000_000n;

function batchOf(sequence: number, more = {}) {
  const sample = { stack: 1, process: 1, profileType: 1, threadId: sequence, timestamps: [start] };
  return smallBatch([], { sequence, samples: [sample], ...more });
}

/** The sample lacks a name that only its collector can give. */
const unnamed = {
  frames: [{ fileId: 1, addressOrLine: 99n, kind: frameKinds.cpython }],
};

function eventsOf(...sequences: number[]): string[] {
  return sequences.map((sequence) => `${sequence}@${start}`);
}

function isRefusal(answer: PlainReply | AdmissionRefusal): answer is AdmissionRefusal {
  return 'reason' in answer;
}

/** A durable exporter on a disk of its own, that sends into `sent` what `collectInto` would collect. */
async function durableExporter(t: TestContext, sent: string[]) {
  const disk = new FullDisk();
  const folder = new LogFolder(t);
  const collector = collectInto(sent);
  const send = async (request: ExportRequest) => {
    collector.offer(request);
    return fullyAccepted;
  };
  const stored = createStoredExporter(folder.createLog({}, disk.fs), send);
  await stored.exporter.start();
  return { ...stored, disk, folder };
}

/** Lets files be read, which takes real time and no clock. */
async function until(isDone: () => boolean): Promise<void> {
  for (const giveUp = AbortSignal.timeout(patienceMs); !isDone(); await nextTurn()) giveUp.throwIfAborted();
}

describe('a journal on a full disk', () => {
  test('refuses what is larger than the whole of it, and nobody else because of that', async (t) => {
    const folder = new LogFolder(t);
    const node = await JournaledNode.start(folder.createLog({ maxBytes: 2_000 }));
    node.take(batchOf(1));
    await node.tick();
    const refused = node.take(batchOf(2, { strings: ['samples', 'count', 'cpu', 'nanoseconds', 'x'.repeat(2_000)] }));
    assert.ok(isRefusal(refused));
    assert.match(refused.reason, /^the request needs \d+ bytes of a journal that holds 1976 \(max_size_mib\)/);
    assert.ok(!isRefusal(node.take(batchOf(3))));
    assert.equal(node.log.recordCount, 3, 'what was reported, with its mark, is not let go of for it');
    const counted = await node.values();
    assert.equal(counted.get('framekeeper_journal_write_failures{pipeline="profiles",error_type="too_large"}'), 1);
  });

  test('refuses a batch before it changes anything, and takes it when there is room again', async (t) => {
    const disk = new FullDisk();
    const folder = new LogFolder(t);
    const node = await JournaledNode.start(folder.createLog({}, disk.fs));
    node.take(batchOf(1));
    disk.isFull = true;
    const refused = node.take(batchOf(2));
    assert.ok(isRefusal(refused));
    assert.deepEqual(
      [refused.reason, refused.retryDelayMs],
      ['the journal cannot be written (ENOSPC); it is tried again', 1_000],
    );
    assert.deepEqual([node.windowEvents, node.log.recordCount], [1, 1]);
    disk.isFull = false;
    assert.ok(isRefusal(node.take(batchOf(2))), 'nobody decodes for a second');
    assert.ok(node.admitsOtlp, 'what passes through is in no journal');
    await node.clock.advance(1_000);
    const taken = node.take(batchOf(2));
    assert.ok(!isRefusal(taken) && !taken.duplicate && taken.acceptedSamples === 1);
    const second = await JournaledNode.start(folder.createLog(), node.reported);
    await second.tick();
    assert.deepEqual(second.reported.toSorted(), eventsOf(1, 2));
    const counted = await node.values();
    assert.equal(counted.get('framekeeper_journal_write_failures{pipeline="profiles",error_type="ENOSPC"}'), 1);
    assert.equal(counted.get('framekeeper_admission_refused_calls{pipeline="profiles",reason="journal"}'), 1);
  });

  test('says which key it is that keeps the service from starting', async (t) => {
    const disk = new FullDisk();
    const mkdirSync = (): never => {
      throw new Error('ENOSPC: no space left on device, mkdir');
    };
    const log = new LogFolder(t).createLog({}, { ...disk.fs, mkdirSync });
    await assert.rejects(JournaledNode.start(log), {
      message:
        'processors.reporting_cycle.storage: cannot open the journal (ENOSPC: no space left on device, mkdir); ' +
        'look after the directory of the storage, or remove the key.',
    });
  });

  test('refuses at its bound, and lets go of the window before for what comes', async (t) => {
    const folder = new LogFolder(t);
    const node = await JournaledNode.start(folder.createLog({ maxBytes: 2_000 }));
    const fill = (from: number): number => {
      let sequence = from;
      while (!isRefusal(node.take(batchOf(sequence)))) sequence++;
      return sequence - from;
    };
    const room = fill(1);
    assert.ok(room > 4);
    await node.tick();
    assert.equal(node.reported.length, room);
    for (let sequence = 100; sequence < 100 + Math.ceil(room / 2); sequence++) node.take(batchOf(sequence));
    await node.tick();
    assert.ok(fill(200) >= room - 1, 'what is reported stands in the way of nothing');
    await node.tick();
    assert.equal(new Set(node.reported).size, node.reported.length);
  });

  test('can say what is reported when nothing can be written', async (t) => {
    const disk = new FullDisk();
    const folder = new LogFolder(t);
    const node = await JournaledNode.start(folder.createLog({}, disk.fs));
    for (const sequence of [1, 2, 3]) {
      disk.isFull = false;
      await node.clock.advance(1_000);
      node.take(batchOf(sequence));
      disk.isFull = true;
      await node.tick();
    }
    assert.deepEqual(node.reported, eventsOf(1, 2, 3));
    const second = await JournaledNode.start(folder.createLog(), node.reported);
    await second.tick();
    assert.deepEqual(second.reported, eventsOf(1, 2, 3));
  });

  test('loses nothing that waits for a name when nothing can be written', async (t) => {
    const disk = new FullDisk();
    const folder = new LogFolder(t);
    const node = await JournaledNode.start(folder.createLog({}, disk.fs));
    node.take(batchOf(1, unnamed));
    node.take(batchOf(2));
    disk.isFull = true;
    await node.tick();
    assert.deepEqual(node.reported, eventsOf(2));
    const second = await JournaledNode.start(folder.createLog(), node.reported);
    await second.tick();
    await second.tick();
    assert.deepEqual([...new Set(second.reported)].toSorted(), eventsOf(1, 2));
  });
});

describe('a report that a durable queue cannot take', () => {
  test('waits, holds new data up, and arrives once everywhere when there is room again', async (t) => {
    const [plain, sent]: string[][] = [[], []];
    const { exporter, disk } = await durableExporter(t, sent!);
    const exporters = [collectInto(plain!), exporter];
    const node = await JournaledNode.start(new LogFolder(t).createLog(), [], { exporters });
    node.take(batchOf(1));
    disk.isFull = true;
    await node.tick();
    assert.deepEqual([plain, sent], [[], []]);
    const refused = node.take(batchOf(2));
    assert.ok(isRefusal(refused));
    assert.match(refused.reason, /a report waits for the sending queue of otlp\/a \(storage_error\)/);
    await node.clock.advance(60_000);
    assert.ok(isRefusal(node.take(batchOf(2))));
    disk.isFull = false;
    await node.clock.advance(1_000);
    assert.ok(!isRefusal(node.take(batchOf(2))));
    await node.tick();
    await until(() => sent!.length >= 2);
    assert.deepEqual([plain, sent], [eventsOf(1, 2), eventsOf(1, 2)]);
    await exporter.stop(AbortSignal.timeout(patienceMs));
  });

  test('gets the room that the journal takes for what is reported, where they share a disk', async (t) => {
    const [journalFolder, queueFolder] = [new LogFolder(t), new LogFolder(t)];
    const sizeOf = (folder: LogFolder): number => folder.files().reduce((sum, path) => sum + statSync(path).size, 0);
    let diskBytes = Infinity;
    const writevSync: LogFileSystem['writevSync'] = (fd, buffers, position) => {
      if (sizeOf(journalFolder) + sizeOf(queueFolder) >= diskBytes)
        throw Object.assign(new Error('ENOSPC: write'), { code: 'ENOSPC' });
      return systemFileSystem.writevSync(fd, buffers, position);
    };
    const fs = { ...systemFileSystem, writevSync };
    const sent: string[] = [];
    const collector = collectInto(sent);
    const stored = createStoredExporter(queueFolder.createLog({}, fs), async (request) => {
      collector.offer(request);
      return fullyAccepted;
    });
    await stored.exporter.start();
    const node = await JournaledNode.start(journalFolder.createLog({}, fs), [], { exporters: [stored.exporter] });
    for (const sequence of [1, 2]) {
      node.take(batchOf(sequence));
      if (sequence === 2) diskBytes = sizeOf(journalFolder);
      await node.tick();
    }
    await node.clock.advance(1_000);
    await until(() => sent.length === 2);
    assert.deepEqual(sent, eventsOf(1, 2));
    await stored.exporter.stop(AbortSignal.timeout(patienceMs));
  });

  for (const end of ['killed', 'stopped'] as const) {
    test(`is in the journal of a service that is ${end} meanwhile`, async (t) => {
      const [plain, sent]: string[][] = [[], []];
      const { exporter, disk } = await durableExporter(t, sent!);
      const exporters = [collectInto(plain!), exporter];
      const folder = new LogFolder(t);
      const first = await JournaledNode.start(folder.createLog(), [], { exporters });
      first.take(batchOf(1, unnamed));
      first.take(batchOf(2));
      disk.isFull = true;
      await first.tick();
      if (end === 'stopped') await first.stop();
      disk.isFull = false;
      const second = await JournaledNode.start(folder.createLog(), [], { exporters });
      await second.tick();
      await second.tick();
      await until(() => sent!.length >= 2);
      assert.deepEqual([plain!.toSorted(), sent!.toSorted()], [eventsOf(1, 2), eventsOf(1, 2)]);
      await exporter.stop(AbortSignal.timeout(patienceMs));
    });
  }

  test('is in the journal of a service that is killed while a queue that blocks has too little room', async (t) => {
    const [journalFolder, queueFolder] = [new LogFolder(t), new LogFolder(t)];
    const queue = { sizer: 'items', queue_size: 3, num_consumers: 1, block_on_overflow: true };
    const { promise: never } = Promise.withResolvers<SendResult>();
    const down = createStoredExporter(queueFolder.createLog(), () => never, queue);
    await down.exporter.start();
    const plain: string[] = [];
    const exporters = (stored: typeof down) => ({ exporters: [collectInto(plain), stored.exporter] });
    const first = await JournaledNode.start(journalFolder.createLog(), [], exporters(down));
    for (const sequence of [1, 3]) {
      for (const each of [sequence, sequence + 1]) first.take(batchOf(each));
      await first.tick();
    }
    assert.equal(down.exporter.hasRoomFor('report'), false);

    const sent: string[] = [];
    const collector = collectInto(sent);
    const up = createStoredExporter(queueFolder.createLog(), async (request) => {
      collector.offer(request);
      return fullyAccepted;
    });
    await up.exporter.start();
    const second = await JournaledNode.start(journalFolder.createLog(), [], exporters(up));
    await second.tick();
    await until(() => sent.length === 4);
    assert.deepEqual([plain.toSorted(), sent.toSorted()], [eventsOf(1, 2, 3, 4), eventsOf(1, 2, 3, 4)]);
    await up.exporter.stop(AbortSignal.timeout(patienceMs));
  });

  test('is in the journal of a service that stops while no queue has room', async (t) => {
    const folder = new LogFolder(t);
    const full = { ...collectInto([], () => true), hasRoomFor: () => false };
    const first = await JournaledNode.start(folder.createLog(), [], { exporters: [full] });
    first.takeUnadmitted(batchOf(1));
    await first.stop();
    assert.ok(first.lines.some(({ msg }) => msg === 'The last window stays in the journal until the next start.'));
    const next = await JournaledNode.start(folder.createLog());
    await next.tick();
    assert.deepEqual(next.reported, eventsOf(1));
  });
});
