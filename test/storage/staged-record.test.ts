import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LogFileSystem } from '../../src/storage/log-file-system.ts';
import { systemFileSystem } from '../../src/storage/log-file-system.ts';
import { headerBytes } from '../../src/storage/record-header.ts';
import type { SegmentLog } from '../../src/storage/segment-log.ts';
import { atOnce } from '../../src/support/steps.ts';
import { appendText, LogFolder, readTexts } from './log-folder.ts';

const noDamage = { damagedCount: 0, cutCount: 0, damagedBytes: 0 };
const mebibyte = 1 << 20;
const maxBytes = 16 * mebibyte;
const large = Buffer.alloc(3 * mebibyte, 'large');
const recordBytes = headerBytes + large.length;

/** A file system that notes the bytes of each write, and fails from a time on. */
class WatchedDisk {
  readonly writes: number[] = [];
  failing: 'nothing' | keyof LogFileSystem = 'nothing';
  readonly fs: LogFileSystem = {
    ...systemFileSystem,
    writevSync: (fd, buffers, position) => {
      this.#fail('writevSync');
      this.writes.push(buffers.reduce((sum, { byteLength }) => sum + byteLength, 0));
      return systemFileSystem.writevSync(fd, buffers, position);
    },
    renameSync: (from, to) => {
      this.#fail('renameSync');
      systemFileSystem.renameSync(from, to);
    },
    fsyncSync: (fd) => {
      this.#fail('fsyncSync');
      systemFileSystem.fsyncSync(fd);
    },
  };

  #fail(what: keyof LogFileSystem): void {
    if (this.failing === what) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
  }
}

async function lengthsAfterRestart(folder: LogFolder): Promise<(number | undefined)[]> {
  const after = folder.createLog({ maxBytes });
  const { records, damage } = after.open();
  assert.deepEqual(damage, noDamage);
  assert.ok(!readdirSync(folder.path).includes('staged'));
  return (await readTexts(after, records)).map((text) => text?.length);
}

/** Bytes of all files of the folder. */
function bytesOnDisk({ path }: LogFolder): number {
  return readdirSync(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
}

function openLog(folder: LogFolder, disk = new WatchedDisk(), isSynced = false): SegmentLog {
  const log = folder.createLog({ maxBytes, isSynced }, disk.fs);
  log.open();
  return log;
}

test('a large record is written in short steps ahead of its append, which writes a header', async (t) => {
  const folder = new LogFolder(t);
  const disk = new WatchedDisk();
  const log = openLog(folder, disk);
  appendText(log, 'before');
  disk.writes.length = 0;
  let steps = 0;
  for (const staging = log.stage(large); staging.next().done !== true; ) steps++;
  assert.ok(steps >= 12 && Math.max(...disk.writes) <= mebibyte / 4, `${steps} steps, ${disk.writes}`);
  assert.equal(log.sizeBytes, bytesOnDisk(folder));
  disk.writes.length = 0;
  const record = log.append(large, 7)!;
  assert.deepEqual(disk.writes, [headerBytes]);
  appendText(log, 'after');
  assert.deepEqual([log.recordCount, log.sizeBytes], [3, bytesOnDisk(folder)]);
  assert.ok(large.equals((await log.read(record))!));
  // Not closed: as after kill -9.
  assert.deepEqual(await lengthsAfterRestart(folder), [6, large.length, 5]);
});

test('a process that ends while a record is staged leaves nothing of it', async (t) => {
  for (let left = 0; left <= 13; left++) {
    const folder = new LogFolder(t);
    const log = openLog(folder);
    appendText(log, 'before');
    const steps = log.stage(large);
    for (let step = 0; step < left; step++) steps.next();
    assert.deepEqual(await lengthsAfterRestart(folder), [6], `after ${left} steps`);
  }
});

test('a staged record whose file lost any part of its bytes with the power is no record', async (t) => {
  const folder = new LogFolder(t);
  const log = openLog(folder);
  atOnce(log.stage(large));
  log.append(large, 1);
  const [path] = folder.files();
  const bytes = readFileSync(path!);
  for (const spoil of [() => bytes.fill(0, 0, headerBytes), () => bytes.fill(0, mebibyte, mebibyte + 4096)]) {
    spoil();
    writeFileSync(path!, bytes);
    const after = folder.createLog({ maxBytes });
    const { records } = after.open();
    assert.deepEqual(
      (await readTexts(after, records)).filter((text) => text !== undefined),
      [],
    );
    writeFileSync(path!, bytes);
  }
});

for (const failing of ['writevSync', 'renameSync', 'fsyncSync'] as const) {
  test(`nothing is left of a staged record whose append fails at ${failing}`, async (t) => {
    const folder = new LogFolder(t);
    const disk = new WatchedDisk();
    const log = openLog(folder, disk, true);
    appendText(log, 'before');
    atOnce(log.stage(large));
    disk.failing = failing;
    assert.throws(() => log.append(large, 1), { code: 'EIO' });
    disk.failing = 'nothing';
    assert.deepEqual([log.recordCount, log.sizeBytes], [1, bytesOnDisk(folder)]);
    appendText(log, 'after');
    assert.deepEqual(await lengthsAfterRestart(folder), [6, 5]);
  });
}

test('a record that could not be staged is appended at once, and that tells what is wrong', (t) => {
  const folder = new LogFolder(t);
  const disk = new WatchedDisk();
  const log = openLog(folder, disk);
  disk.failing = 'writevSync';
  atOnce(log.stage(large));
  assert.deepEqual([log.sizeBytes, readdirSync(folder.path)], [0, []]);
  assert.throws(() => log.append(large, 1), { code: 'EIO' });
  disk.failing = 'nothing';
  assert.ok(log.append(large, 1));
});

test('what is staged counts, and makes room for what is appended, for the next one, and at the end', (t) => {
  const folder = new LogFolder(t);
  const log = openLog(folder);
  const others = Array.from({ length: 4 }, () => Buffer.from(large));
  for (const bytes of others) assert.ok(log.append(bytes, 1));
  atOnce(log.stage(large));
  assert.equal(log.sizeBytes, 5 * recordBytes);
  // Nothing else has room beside it.
  assert.ok(log.append(Buffer.alloc(2 * mebibyte), 1));
  assert.deepEqual([log.sizeBytes, bytesOnDisk(folder)], [4 * recordBytes + headerBytes + 2 * mebibyte, log.sizeBytes]);
  assert.equal(log.append(large, 1), undefined);
  atOnce(log.stage(large));
  assert.ok(!readdirSync(folder.path).includes('staged'), 'there is no room for it');
  log.close();
});

test('one record is staged at a time, also while two are written', async (t) => {
  const folder = new LogFolder(t);
  const disk = new WatchedDisk();
  const log = openLog(folder, disk);
  const one = Buffer.from(large);
  const other = Buffer.alloc(4 * mebibyte, 'other');
  // Their checksums come first, a step for each 256 KiB.
  const [first, second] = [log.stage(one), log.stage(other)];
  for (let step = 0; step < 14; step++) first.next();
  for (let step = 0; step < 16; step++) second.next();
  for (let isDone = false; !isDone; ) {
    first.next();
    isDone = second.next().done === true;
  }
  atOnce(first);
  assert.equal(log.sizeBytes, headerBytes + other.length);
  disk.writes.length = 0;
  assert.ok(log.append(other, 1));
  assert.ok(log.append(one, 1));
  assert.deepEqual(disk.writes, [headerBytes, recordBytes]);
  assert.equal(log.sizeBytes, bytesOnDisk(folder));
  assert.deepEqual(await lengthsAfterRestart(folder), [other.length, large.length]);
  atOnce(log.stage(large));
  log.close();
  assert.ok(!readdirSync(folder.path).includes('staged'));
});
