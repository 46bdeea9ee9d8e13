import assert from 'node:assert/strict';
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { ProfilesExporter } from '../../src/exporters/profiles-exporter.ts';
import { frameKinds } from '../../src/model/frame-kind.ts';
import { LogFolder } from '../storage/log-folder.ts';
import type { PlainBatch, PlainReply } from '../support/frames-client.ts';
import { smallBatch } from '../support/frames-client.ts';
import { collectInto, JournaledNode } from './journaled-node.ts';

/** Where the clocks of all nodes begin. */
const start = 1_767_225_600_000_000_000n;

/** A batch with one sample for each thread, of `moments` events each. */
function batchOf(sequence: number, threads: readonly number[], moments = 1, more: PlainBatch = {}): PlainBatch {
  const samples = threads.map((threadId) => ({
    stack: 1,
    process: 1,
    profileType: 1,
    threadId,
    timestamps: timesOf(moments),
  }));
  return smallBatch([], { sequence, samples, ...more });
}

function timesOf(moments: number): bigint[] {
  return Array.from({ length: moments }, (_, index) => start + BigInt(index));
}

/** What the backend has to have of such a batch. */
function eventsOf(threads: readonly number[], moments = 1): string[] {
  return threads.flatMap((thread) => timesOf(moments).map((time) => `${thread}@${time}`));
}

/** A sample in stack 2 lacks a name that only its collector can give. */
const unnamed: PlainBatch = {
  frames: [
    { fileId: 1, addressOrLine: 0x1234n, kind: 1 },
    { fileId: 1, addressOrLine: 99n, kind: frameKinds.cpython },
  ],
  stacks: [{ frames: [1] }, { frames: [2, 1] }],
};

function sampleOf(threadId: number, stack: number, moments = 1) {
  return { stack, process: 1, profileType: 1, threadId, timestamps: timesOf(moments) };
}

describe('a journal', () => {
  test('gives back after a kill what was acknowledged and not reported, once', async (t) => {
    const folder = new LogFolder(t);
    const first = await JournaledNode.start(folder.createLog());
    first.take(batchOf(1, [1, 2], 3));
    first.take(batchOf(2, [3]));
    const second = await JournaledNode.start(folder.createLog(), first.reported);
    assert.equal(second.windowEvents, 7);
    await second.tick();
    assert.deepEqual(second.reported.toSorted(), [...eventsOf([1, 2], 3), ...eventsOf([3])].toSorted());
    const third = await JournaledNode.start(folder.createLog(), second.reported);
    await third.tick();
    assert.equal(third.reported.length, 7, 'reported once');
  });

  test('keeps what it gave back when the service cannot start after all', async (t) => {
    const folder = new LogFolder(t);
    const first = await JournaledNode.start(folder.createLog());
    first.take(batchOf(1, [1]));
    const second = await JournaledNode.start(folder.createLog(), first.reported);
    // As `Lifecycle` does when e.g. the port of a receiver is not free: exporters in memory send nothing any more.
    await second.stop(AbortSignal.abort());
    assert.deepEqual(second.reported, []);
    const third = await JournaledNode.start(folder.createLog(), second.reported);
    await third.tick();
    assert.deepEqual(third.reported, eventsOf([1]));
  });

  test('knows a batch again whose reply was lost, be it reported or not', async (t) => {
    const folder = new LogFolder(t);
    const first = await JournaledNode.start(folder.createLog());
    const lost = first.take(batchOf(1, [1])) as PlainReply;
    await first.tick();
    first.take(batchOf(2, [2, 3]));
    const second = await JournaledNode.start(folder.createLog(), first.reported);
    for (const [sequence, accepted] of [
      [1, 1],
      [2, 2],
    ] as const) {
      const reply = second.take(batchOf(sequence, [9, 9])) as PlainReply;
      assert.deepEqual([reply.duplicate, reply.acceptedSamples, reply.sequence], [true, accepted, String(sequence)]);
    }
    assert.equal(lost.duplicate, false);
    await second.tick();
    assert.deepEqual(second.reported.toSorted(), eventsOf([1, 2, 3]));
  });

  test('gives back the names that came with what it keeps', async (t) => {
    const folder = new LogFolder(t);
    const symbols = [{ fileId: 1, addressOrLine: 99n, locations: [{ function: 5, line: 7 }] }];
    const first = await JournaledNode.start(folder.createLog());
    first.take(batchOf(1, [], 1, { ...unnamed, symbols }));
    await first.tick();
    const second = await JournaledNode.start(folder.createLog());
    const reply = second.take(batchOf(2, [], 1, { ...unnamed, samples: [sampleOf(1, 2)] })) as PlainReply;
    assert.deepEqual(reply.namesNeeded, []);
  });

  for (const kill of ['before', 'after'] as const) {
    test(`gives back just the events that waited for a name, killed ${kill} their report`, async (t) => {
      const folder = new LogFolder(t);
      const first = await JournaledNode.start(folder.createLog());
      const samples = [sampleOf(1, 1, 2), sampleOf(2, 2, 3), sampleOf(3, 1)];
      first.take(batchOf(1, [], 1, { ...unnamed, samples }));
      first.take(batchOf(2, [4]));
      await first.tick();
      assert.deepEqual(first.reported.toSorted(), [...eventsOf([1], 2), ...eventsOf([3, 4])].toSorted());
      assert.equal(first.windowEvents, 3);
      // Without another batch there is nothing newer in the window than what waited.
      if (kill === 'before') first.take(batchOf(3, [5]));
      else await first.tick();
      const second = await JournaledNode.start(folder.createLog(), first.reported);
      assert.equal(second.windowEvents, kill === 'before' ? 4 : 0);
      await second.tick();
      await second.tick();
      const later = kill === 'before' ? [5] : [];
      const all = [...eventsOf([1], 2), ...eventsOf([2], 3), ...eventsOf([3, 4, ...later])];
      assert.deepEqual(second.reported.toSorted(), all.toSorted());
    });
  }

  test('keeps apart what comes in while the window before is reported', async (t) => {
    const folder = new LogFolder(t);
    const reported: string[] = [];
    const collecting = collectInto(reported);
    let whileReporting: () => unknown = () => undefined;
    const exporter: ProfilesExporter = {
      ...collecting,
      *prepare() {
        whileReporting();
        yield;
      },
    };
    const first = await JournaledNode.start(folder.createLog(), reported, { exporters: [exporter] });
    first.take(batchOf(1, [], 1, { ...unnamed, samples: [sampleOf(1, 1), sampleOf(2, 2)] }));
    whileReporting = () => first.take(batchOf(2, [3]));
    await first.tick();
    assert.deepEqual(reported, eventsOf([1]));
    assert.deepEqual(
      first.lines.filter(({ level }) => level >= 50),
      [],
    );
    const second = await JournaledNode.start(folder.createLog(), reported);
    assert.equal(second.windowEvents, 2, 'what waits, and what came in');
    await second.tick();
    await second.tick();
    assert.deepEqual(second.reported.toSorted(), eventsOf([1, 2, 3]));
  });

  test('gives back what waited when it is killed once more in the same cycle', async (t) => {
    const folder = new LogFolder(t);
    const first = await JournaledNode.start(folder.createLog());
    first.take(batchOf(1, [], 1, { ...unnamed, samples: [sampleOf(1, 1), sampleOf(2, 2, 2), sampleOf(3, 2)] }));
    await first.tick();
    let node = first;
    for (let life = 0; life < 3; life++) node = await JournaledNode.start(folder.createLog(), node.reported);
    assert.equal(node.windowEvents, 3);
    // The name did not come: they wait for one more cycle of this life.
    await node.tick();
    node = await JournaledNode.start(folder.createLog(), node.reported);
    assert.equal(node.windowEvents, 3);
    await node.tick();
    await node.tick();
    assert.deepEqual(node.reported.toSorted(), [...eventsOf([1]), ...eventsOf([2], 2), ...eventsOf([3])].toSorted());
  });

  test('does not give back what was rejected because the window was full, though there is room now', async (t) => {
    const folder = new LogFolder(t);
    const first = await JournaledNode.start(folder.createLog(), [], { cycle: 'max_events: 5' });
    const reply = first.take(batchOf(1, [1, 2, 3, 4], 2)) as PlainReply;
    assert.deepEqual([reply.acceptedSamples, reply.rejectedSamples], [2, 2]);
    const second = await JournaledNode.start(folder.createLog(), first.reported, { cycle: 'max_events: 1' });
    assert.equal(second.windowEvents, 4, 'and whatever the bound is now');
    const again = second.take(batchOf(1, [1, 2, 3, 4], 2)) as PlainReply;
    assert.deepEqual([again.duplicate, again.acceptedSamples, again.rejectedSamples], [true, 2, 2]);
    const paths = ['samples[2]', 'samples[3]'];
    for (const { rejections } of [reply, again])
      assert.deepEqual(
        rejections.map(({ path }) => path),
        paths,
      );
    await second.tick();
    assert.deepEqual(second.reported.toSorted(), eventsOf([1, 2], 2).toSorted());
  });

  test('takes the same samples again however late it is, and whatever max_age is by then', async (t) => {
    const folder = new LogFolder(t);
    const first = await JournaledNode.start(folder.createLog(), [], { maxAgeMs: 10_000, nowMs: 9_000 });
    const tooOld = { stack: 1, process: 1, profileType: 1, threadId: 2, timestamps: [start - 2_000_000_000n] };
    const reply = first.take(batchOf(1, [], 1, { samples: [sampleOf(1, 1), tooOld, sampleOf(3, 1)] })) as PlainReply;
    assert.deepEqual([reply.acceptedSamples, reply.rejectedSamples], [2, 1]);
    const later = { maxAgeMs: 1_000, nowMs: 3_600_000 };
    const second = await JournaledNode.start(folder.createLog(), first.reported, later);
    await second.tick();
    assert.deepEqual(second.reported.toSorted(), eventsOf([1, 3]));
  });

  test('keeps two windows at most on disk', async (t) => {
    const folder = new LogFolder(t);
    const node = await JournaledNode.start(folder.createLog());
    const sizes: number[] = [];
    for (let cycle = 1; cycle <= 6; cycle++) {
      node.take(batchOf(cycle, [cycle]));
      await node.tick();
      sizes.push(node.log.recordCount);
    }
    assert.deepEqual(sizes, [2, 2, 2, 2, 2, 2], 'the last window and its mark');
    assert.equal(node.reported.length, 6);
    await node.stop();
    assert.equal(folder.files().length, 2);
  });

  test('loses a damaged record alone, and says how many samples that are', async (t) => {
    const folder = new LogFolder(t);
    const first = await JournaledNode.start(folder.createLog());
    for (const sequence of [1, 2, 3]) first.take(batchOf(sequence, [10 * sequence, 10 * sequence + 1]));
    const [path] = folder.files();
    const bytes = readFileSync(path!);
    const middle = Math.floor(bytes.length / 2);
    bytes[middle]! ^= 1;
    writeFileSync(path!, bytes);
    const second = await JournaledNode.start(folder.createLog(), first.reported);
    await second.tick();
    assert.deepEqual(second.reported.toSorted(), eventsOf([10, 11, 30, 31]));
    const counted = await second.values();
    assert.equal(counted.get('framekeeper_journal_lost_samples{pipeline="profiles",reason="damaged"}'), 2);
    assert.equal(counted.get('framekeeper_journal_damaged_records{pipeline="profiles"}'), 1);
    assert.equal(counted.get('framekeeper_journal_restored_samples{pipeline="profiles"}'), 4);
    assert.ok(second.lines.some(({ level, dropped_samples: samples }) => level === 50 && samples === 2));
  });

  for (const { name, keep, level, bytes } of [
    { name: 'lost its end', keep: (size: number) => size - 1, level: 40, bytes: (size: number) => size - 1 },
    { name: 'was emptied', keep: () => 0, level: 50, bytes: () => 0 },
  ]) {
    test(`says once that a file ${name}`, async (t) => {
      const folder = new LogFolder(t);
      const first = await JournaledNode.start(folder.createLog());
      first.take(batchOf(1, [1]));
      const [path] = folder.files();
      const { size } = statSync(path!);
      truncateSync(path!, keep(size));
      const second = await JournaledNode.start(folder.createLog());
      const counted = await second.values();
      assert.equal(counted.get('framekeeper_journal_damaged_records{pipeline="profiles"}'), 1);
      assert.equal(counted.get('framekeeper_journal_damaged_bytes{pipeline="profiles"}'), bytes(size));
      assert.deepEqual(
        second.lines.filter((line) => line.level >= 40).map((line) => [line.level, line.bytes]),
        [[level, bytes(size)]],
      );
      const third = await JournaledNode.start(folder.createLog());
      assert.deepEqual(
        third.lines.filter((line) => line.level >= 40),
        [],
      );
    });
  }

  test('reports what a damaged mark spoke of once more rather than never', async (t) => {
    const folder = new LogFolder(t);
    const first = await JournaledNode.start(folder.createLog());
    first.take(batchOf(1, [1]));
    await first.tick();
    const path = folder.files().at(-1)!;
    const bytes = readFileSync(path);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(path, bytes);
    const second = await JournaledNode.start(folder.createLog());
    await second.tick();
    assert.deepEqual(second.reported, eventsOf([1]));
  });

  test('says that it cannot read a journal of another format, and goes on', async (t) => {
    const folder = new LogFolder(t);
    const log = folder.createLog();
    log.open();
    log.append(Buffer.from([2, 1, 0, 0]), 5);
    const node = await JournaledNode.start(folder.createLog());
    const counted = await node.values();
    assert.equal(counted.get('framekeeper_journal_lost_samples{pipeline="profiles",reason="unknown_format"}'), 5);
    node.take(batchOf(1, [1]));
    await node.tick();
    assert.deepEqual(node.reported, eventsOf([1]));
    assert.equal(node.log.recordCount, 2, 'what cannot be read is not kept for ever');
  });
});
