import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { systemFileSystem } from '../../src/storage/log-file-system.ts';
import { headerBytes, stateOffset } from '../../src/storage/record-header.ts';
import type { LogRecord } from '../../src/storage/segment.ts';
import { appendText, LogFolder, readTexts } from './log-folder.ts';

const noDamage = { damagedCount: 0, cutCount: 0, damagedBytes: 0 };

test('SegmentLog counts the bytes of a file whose end was never written, as after a power cut', (t) => {
  const folder = new LogFolder(t);
  const log = folder.createLog();
  log.open();
  for (const text of ['first', 'second', 'third']) appendText(log, text);
  const [path] = folder.files();
  const bytes = readFileSync(path!);
  const [whole, size] = [29, bytes.length];
  for (const { kept, records } of [
    { kept: whole, records: 1 },
    { kept: 0, records: 0 },
  ]) {
    writeFileSync(path!, Buffer.concat([bytes.subarray(0, kept), Buffer.alloc(size - kept)]));
    const opened = folder.createLog().open();
    assert.deepEqual(
      [opened.records.length, opened.damage],
      [records, { damagedCount: 1, cutCount: 0, damagedBytes: size - kept }],
    );
  }
});

test('SegmentLog gives back after a restart what is not finished, in order, with its samples', async (t) => {
  const folder = new LogFolder(t);
  const before = folder.createLog();
  before.open();
  const records = ['a', 'b', 'c', 'd'].map((text, index) => appendText(before, text, index));
  before.finish(records[1]!);
  // Not closed: as after kill -9.
  const after = folder.createLog();
  const opened = after.open();
  assert.deepEqual(await readTexts(after, opened.records), ['a', 'c', 'd']);
  assert.deepEqual([opened.records.map(({ header }) => header.sampleCount), opened.damage], [[0, 2, 3], noDamage]);
  appendText(after, 'e');
  const last = folder.createLog();
  assert.deepEqual(await readTexts(last, last.open().records), ['a', 'c', 'd', 'e']);
});

test('SegmentLog deletes a file once all of its records are finished, and the last one when it closes', (t) => {
  const folder = new LogFolder(t);
  // A sixteenth of 3,200 bytes is a file: three records of 20 bytes, as each has a header of 24.
  const log = folder.createLog({ maxBytes: 3_200 });
  log.open();
  const records = Array.from({ length: 10 }, () => appendText(log, 'x'.repeat(40)));
  assert.equal(folder.files().length, 4);
  for (const index of [0, 1, 4]) log.finish(records[index]!);
  assert.equal(folder.files().length, 4);
  log.finish(records[2]!);
  assert.equal(folder.files().length, 3);
  for (const index of [3, 5, 6, 7, 8, 9]) log.finish(records[index]!);
  assert.deepEqual([folder.files().length, log.recordCount, log.sizeBytes], [1, 0, 64]);
  log.close();
  assert.deepEqual(folder.files(), []);
});

test('SegmentLog never has more on disk than its bound, and takes data again when records are finished', (t) => {
  const folder = new LogFolder(t);
  const log = folder.createLog({ maxBytes: 1_000 });
  log.open();
  const records: LogRecord[] = [];
  for (let record = log.append(Buffer.alloc(30), 1); record !== undefined; record = log.append(Buffer.alloc(30), 1)) {
    records.push(record);
  }
  const sizeOnDisk = (): number => folder.files().reduce((sum, path) => sum + statSync(path).size, 0);
  assert.deepEqual([records.length, log.sizeBytes, sizeOnDisk()], [18, 18 * 54, 18 * 54]);
  assert.equal(log.append(Buffer.alloc(977), 1), undefined, 'larger than all');
  log.finish(records[7]!);
  assert.notEqual(log.append(Buffer.alloc(30), 1), undefined);
  assert.equal(log.append(Buffer.alloc(30), 1), undefined);
});

test('SegmentLog can fill its bound with one record after the other in one file', (t) => {
  const folder = new LogFolder(t);
  const log = folder.createLog({ maxBytes: 1_000 });
  log.open();
  for (let i = 0; i < 5; i++) {
    const record = log.append(Buffer.alloc(1_000 - headerBytes), 1);
    assert.ok(record, 'what is finished does not stand in the way');
    log.finish(record);
  }
});

test('SegmentLog cut off at any byte gives back the whole records before that, and counts the one that is cut', async (t) => {
  const folder = new LogFolder(t);
  const texts = ['first', '', 'third record'];
  const log = folder.createLog();
  log.open();
  for (const text of texts) appendText(log, text);
  const [path] = folder.files();
  const bytes = readFileSync(path!);
  const ends = [0, 29, 53, 89];
  assert.equal(bytes.length, ends.at(-1));
  for (let length = 0; length <= bytes.length; length++) {
    writeFileSync(path!, bytes.subarray(0, length));
    const cut = folder.createLog();
    const { records, damage } = cut.open();
    const whole = ends.filter((end) => end <= length).length - 1;
    const damagedBytes = length - ends[whole]!;
    // A file is made for a record, so an empty one has lost what it held.
    const expected = { damagedCount: length === 0 ? 1 : 0, cutCount: damagedBytes > 0 ? 1 : 0, damagedBytes };
    assert.deepEqual([await readTexts(cut, records), damage], [texts.slice(0, whole), expected], `cut at ${length}`);
    assert.deepEqual(folder.createLog().open().damage, noDamage, 'the loss is told once');
    if (whole > 0) assert.equal(statSync(path!).size, ends[whole], 'the torn end is gone');
    else assert.deepEqual(folder.files(), []);
  }
});

test('SegmentLog loses to a flipped bit the record that it is in, and no other', async (t) => {
  const folder = new LogFolder(t);
  const texts = ['first', 'second', 'FKR1 third', 'fourth'];
  const log = folder.createLog();
  log.open();
  const records = texts.map((text) => appendText(log, text));
  const [path] = folder.files();
  const bytes = readFileSync(path!);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const damaged = Buffer.from(bytes);
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    writeFileSync(path!, damaged);
    const reopened = folder.createLog();
    const opened = reopened.open();
    const read = await readTexts(reopened, opened.records);
    const hit = records.findLastIndex(({ offset }) => offset <= bit >> 3);
    const place = (bit >> 3) - records[hit]!.offset;
    // The state and the zeros behind it belong to no checksum: damage there does no harm.
    const isHarmless = place >= stateOffset && place < headerBytes;
    const expected = isHarmless ? texts : texts.toSpliced(hit, 1);
    assert.deepEqual(
      read.filter((text) => text !== undefined),
      expected,
      `bit ${bit}`,
    );
    const { damagedCount: foundAtOnce, cutCount } = opened.damage;
    const damagedCount = foundAtOnce + cutCount + read.filter((text) => text === undefined).length;
    assert.equal(damagedCount, isHarmless ? 0 : 1, `bit ${bit}`);
  }
});

test('SegmentLog does not take a record inside a record for one', async (t) => {
  const folder = new LogFolder(t);
  const log = folder.createLog();
  log.open();
  appendText(log, 'inner');
  const inner = readFileSync(folder.files()[0]!);
  log.append(Buffer.concat([Buffer.from('xx'), inner]), 1);
  appendText(log, 'last');
  const [path] = folder.files();
  const bytes = readFileSync(path!);
  // The second record's header is damaged, so the search for the next one goes through its payload.
  bytes[29 + 4]! ^= 1;
  writeFileSync(path!, bytes);
  const after = folder.createLog();
  const { records, damage } = after.open();
  assert.deepEqual([await readTexts(after, records), damage.damagedCount], [['inner', 'last'], 1]);
});

test('SegmentLog finds the next record behind a large damaged one', async (t) => {
  // The search reads 64 KiB at a time from the second byte on: the next magic lies before, across and behind the end of that.
  for (const length of [65_508, 65_510, 65_511, 65_512, 65_513, 200_000]) {
    const folder = new LogFolder(t);
    const log = folder.createLog({ maxBytes: 1 << 24 });
    log.open();
    log.append(Buffer.alloc(length, 'F'), 1);
    appendText(log, 'next');
    const [path, ...others] = folder.files();
    assert.deepEqual(others, []);
    const bytes = readFileSync(path!);
    bytes[0]! ^= 1;
    writeFileSync(path!, bytes);
    const after = folder.createLog();
    assert.deepEqual(await readTexts(after, after.open().records), ['next']);
  }
});

test('SegmentLog after a failed write has nothing of it, and works again with the disk', async (t) => {
  const folder = new LogFolder(t);
  let isFull = false;
  const log = folder.createLog(
    { isSynced: true },
    {
      ...systemFileSystem,
      writevSync: (fd, buffers, position) => {
        if (!isFull) return systemFileSystem.writevSync(fd, buffers, position);
        // As a disk does that has room for a part.
        if (position === 29)
          return systemFileSystem.writevSync(fd, [(buffers[0] as Uint8Array).subarray(0, 20)], position);
        throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      },
    },
  );
  log.open();
  appendText(log, 'first');
  isFull = true;
  for (let i = 0; i < 3; i++) assert.throws(() => appendText(log, 'lost'), { code: 'ENOSPC' });
  assert.deepEqual([log.sizeBytes, log.recordCount, folder.files().length], [29, 1, 1]);
  assert.equal(statSync(folder.files()[0]!).size, 29);
  isFull = false;
  appendText(log, 'second');
  assert.equal(folder.files().length, 2, 'nothing more is written to a file that failed');
  const after = folder.createLog();
  const { records, damage } = after.open();
  assert.deepEqual([await readTexts(after, records), damage], [['first', 'second'], noDamage]);
});

test('SegmentLog refuses a record that cannot be synced', async (t) => {
  const folder = new LogFolder(t);
  const log = folder.createLog(
    { isSynced: true },
    {
      ...systemFileSystem,
      fdatasyncSync: () => {
        throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
      },
    },
  );
  log.open();
  assert.throws(() => appendText(log, 'lost'), { code: 'EIO' });
  assert.deepEqual(folder.createLog().open().records, []);
});

test('SegmentLog writes a record to its end when the system writes it in parts', async (t) => {
  const folder = new LogFolder(t);
  const log = folder.createLog(
    {},
    {
      ...systemFileSystem,
      writevSync: (fd, buffers, position) => {
        const all = Buffer.concat(buffers as Uint8Array[]);
        return systemFileSystem.writevSync(fd, [all.subarray(0, 7)], position);
      },
    },
  );
  log.open();
  const record = appendText(log, 'written in many parts');
  assert.deepEqual(await readTexts(log, [record]), ['written in many parts']);
});

/** What happens to a log. `pick` chooses among the records that are not finished. */
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ append: fc.nat(120) }) },
  { weight: 4, arbitrary: fc.record({ finish: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ restart: fc.constantFrom('closed', 'killed') }) },
  // Killed while writing: the end of a record that was never acknowledged.
  { weight: 1, arbitrary: fc.record({ tornBytes: fc.integer({ min: 1, max: 150 }) }) },
);

test('SegmentLog holds what an array would, through finishing, restarts and torn writes', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 200, max: 4_000 }),
      async (steps, maxBytes) => {
        const folder = new LogFolder(t);
        let log = folder.createLog({ maxBytes });
        log.open();
        let model: { readonly text: string; record: LogRecord }[] = [];
        const restart = async (): Promise<void> => {
          log = folder.createLog({ maxBytes });
          const { records, damage } = log.open();
          assert.equal(damage.damagedCount, 0);
          assert.deepEqual(
            await readTexts(log, records),
            model.map(({ text }) => text),
          );
          model = model.map(({ text }, index) => ({ text, record: records[index]! }));
        };
        for (const [number, action] of steps.entries()) {
          if ('append' in action) {
            const text = `${number}:${'x'.repeat(action.append)}`;
            const record = log.append(Buffer.from(text), 1);
            if (record !== undefined) model.push({ text, record });
          } else if ('finish' in action) {
            const [finished] = model.splice(action.finish % Math.max(1, model.length), 1);
            if (finished !== undefined) log.finish(finished.record);
          } else if ('restart' in action) {
            if (action.restart === 'closed') log.close();
            await restart();
          } else {
            const torn = appendTorn(log, folder, action.tornBytes);
            if (torn) await restart();
          }
          assert.equal(log.recordCount, model.length);
          assert.ok(log.sizeBytes <= maxBytes);
        }
        await restart();
      },
    ),
    { numRuns: 150 },
  );
});

/** Appends a record and takes its end away again; false when there is no room for one. */
function appendTorn(log: ReturnType<LogFolder['createLog']>, folder: LogFolder, tornBytes: number): boolean {
  const record = log.append(Buffer.alloc(130, 't'), 1);
  if (record === undefined) return false;
  truncateSync(record.segment.path, record.offset + headerBytes + 130 - tornBytes);
  assert.ok(folder.files().includes(record.segment.path));
  return true;
}

test('SegmentLog leaves files alone that are not its own', (t) => {
  const folder = new LogFolder(t);
  appendFileSync(`${folder.path}/notes.txt`, 'mine');
  const log = folder.createLog();
  log.open();
  log.close();
  assert.equal(readFileSync(`${folder.path}/notes.txt`, 'utf8'), 'mine');
});

test('SegmentLog takes a payload in parts, and corrects a sample count in place', async (t) => {
  const folder = new LogFolder(t);
  const log = folder.createLog();
  log.open();
  const record = log.append([Buffer.from('in '), Buffer.alloc(0), Buffer.from('parts')], 7)!;
  appendText(log, 'next');
  assert.equal(log.amend(record, 3).header.sampleCount, 3);
  const after = folder.createLog();
  const { records, damage } = after.open();
  assert.deepEqual(await readTexts(after, records), ['in parts', 'next']);
  assert.deepEqual([records.map(({ header }) => header.sampleCount), damage], [[3, 1], noDamage]);
});

test('SegmentLog writes nothing of what it forgets, and deletes a file that was rotated away with its last record', (t) => {
  const folder = new LogFolder(t);
  const log = folder.createLog();
  log.open();
  const [a, b] = [appendText(log, 'a'), appendText(log, 'b')];
  log.rotate();
  const c = appendText(log, 'c');
  assert.deepEqual([a.segment.number, c.segment.number, folder.files().length], [1, 2, 2]);
  log.forget(a);
  assert.equal(folder.createLog().open().records.length, 3, 'no note was written');
  log.forget(b);
  assert.deepEqual([folder.files().length, log.recordCount, log.sizeBytes], [1, 1, headerBytes + 1]);
  log.forget(c);
  assert.equal(folder.files().length, 1, 'it is still written to');
});
