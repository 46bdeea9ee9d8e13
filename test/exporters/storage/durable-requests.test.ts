import assert from 'node:assert/strict';
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import type { Send, SendResult } from '../../../src/exporters/export-client.ts';
import { fullyAccepted } from '../../../src/exporters/export-client.ts';
import { decodeProfilesData } from '../../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { systemFileSystem } from '../../../src/storage/log-file-system.ts';
import { headerBytes } from '../../../src/storage/record-header.ts';
import { syntheticProfiles } from '../../bench/synthetic-profiles.ts';
import { LogFolder } from '../../storage/log-folder.ts';
import { fakeRequest, numberOf } from '../../support/fake-request.ts';
import { withLists } from '../../support/with-lists.ts';
import { isTaken } from '../exporter-harness.ts';
import { createStoredExporter } from './storage-harness.ts';

const neverAborted = new AbortController().signal;
const busy: SendResult = { kind: 'retryable', errorType: 'Unavailable', reason: 'busy' };
const bad: SendResult = { kind: 'permanent', errorType: 'InvalidArgument', reason: 'bad' };
const sent = 'otelcol_exporter_sent_profile_samples{exporter="otlp/a"}';
const size = 'otelcol_exporter_queue_size{exporter="otlp/a",data_type="profiles"}';
const onDisk = 'framekeeper_exporter_storage_records{exporter="otlp/a"}';

/** Lets reads of files come back, which takes real time and no clock. */
async function until(isDone: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isDone())) await nextTurn();
}

test('an exporter with a storage sends in order, and has nothing on disk when all is sent', async (t) => {
  const folder = new LogFolder(t);
  const log = folder.createLog();
  const numbers: number[] = [];
  const { exporter, values } = createStoredExporter(
    log,
    async (request) => {
      numbers.push(numberOf(request.encoded()));
      return fullyAccepted;
    },
    { num_consumers: 1 },
  );
  await exporter.start();
  for (const number of [1, 2, 3, 4]) assert.equal(await isTaken(exporter.offer(fakeRequest(number, 10))), true);
  await until(() => numbers.length === 4 && log.recordCount === 0);
  const counted = await values();
  assert.deepEqual([numbers, counted.get(sent), counted.get(onDisk)], [[1, 2, 3, 4], 40, 0]);
  await exporter.stop(neverAborted);
  assert.deepEqual(folder.files(), []);
});

test('an exporter has a request on disk when offer returns', async (t) => {
  const folder = new LogFolder(t);
  const { exporter } = createStoredExporter(folder.createLog(), () => new Promise(() => undefined));
  await exporter.start();
  exporter.offer(fakeRequest(7, 10));
  const { records } = folder.createLog().open();
  assert.deepEqual(
    records.map(({ header }) => header.sampleCount),
    [10],
  );
});

test('an exporter that stops before a backend answers leaves everything for the next start, and drops nothing', async (t) => {
  const folder = new LogFolder(t);
  const attempts: number[] = [];
  const down = createStoredExporter(
    folder.createLog(),
    async (request) => {
      attempts.push(numberOf(request.encoded()));
      return busy;
    },
    { num_consumers: 2 },
  );
  await down.exporter.start();
  for (const number of [1, 2, 3, 4, 5]) down.exporter.offer(fakeRequest(number, 10));
  await down.exporter.stop(neverAborted);
  assert.deepEqual(attempts, [1, 2], 'what would fail as well is not tried');
  const dropped = [...(await down.values())].filter(
    ([name, value]) => /failed_profile_samples/.test(name) && value !== 0,
  );
  assert.deepEqual(dropped, []);
  assert.deepEqual(
    down.logs.lines.filter(({ level }) => level >= 40),
    [],
  );
  const { requests } = await down.logs.until('Requests stay on disk until the next start.');
  assert.equal(requests, 5);

  const numbers: number[] = [];
  const up = createStoredExporter(
    folder.createLog(),
    async (request) => {
      numbers.push(numberOf(request.encoded()));
      return fullyAccepted;
    },
    { num_consumers: 1, queue_size: 2 },
  );
  await up.exporter.start();
  assert.equal(await isTaken(up.exporter.offer(fakeRequest(6, 10))), false, 'what was restored counts');
  await until(async () => (await up.values()).get(size) === 0);
  assert.equal(await isTaken(up.exporter.offer(fakeRequest(7, 10))), true);
  await up.exporter.stop(neverAborted);
  assert.deepEqual(numbers, [1, 2, 3, 4, 5, 7]);
  assert.deepEqual(folder.files(), []);
});

test('an exporter that stops sends what is on disk as long as that works', async (t) => {
  const folder = new LogFolder(t);
  const numbers: number[] = [];
  const { exporter, clock } = createStoredExporter(
    folder.createLog(),
    async (request) => {
      await clock.sleep(100);
      numbers.push(numberOf(request.encoded()));
      return numbers.length < 3 ? fullyAccepted : busy;
    },
    { num_consumers: 1 },
  );
  await exporter.start();
  for (const number of [1, 2, 3, 4]) exporter.offer(fakeRequest(number));
  let isStopped = false;
  const stopped = exporter.stop(neverAborted).then(() => {
    isStopped = true;
  });
  await until(async () => {
    await clock.advance(100);
    return isStopped;
  });
  await stopped;
  assert.deepEqual(numbers, [1, 2, 3]);
  assert.equal(folder.createLog().open().records.length, 2);
});

test('an exporter lets go of what was refused for good, and of what was retried for long enough', async (t) => {
  const folder = new LogFolder(t);
  const log = folder.createLog();
  const { exporter, clock, values } = createStoredExporter(log, async (request) =>
    numberOf(request.encoded()) === 1 ? bad : busy,
  );
  await exporter.start();
  exporter.offer(fakeRequest(1, 10));
  exporter.offer(fakeRequest(2, 20));
  await clock.advance(200_000);
  assert.equal(log.recordCount, 1);
  await clock.advance(100_000);
  const counted = await values();
  const failed = (type: string) =>
    `otelcol_exporter_send_failed_profile_samples{exporter="otlp/a",error_type="${type}"}`;
  assert.deepEqual(
    [log.recordCount, counted.get(failed('InvalidArgument')), counted.get(failed('Unavailable'))],
    [0, 10, 20],
  );
});

test('an exporter holds in memory only what it is sending', async (t) => {
  const folder = new LogFolder(t);
  const log = folder.createLog();
  let readCount = 0;
  const read = log.read.bind(log);
  log.read = (record) => {
    readCount += 1;
    return read(record);
  };
  const { exporter } = createStoredExporter(log, async () => fullyAccepted, { num_consumers: 1 });
  await exporter.start();
  for (const number of [1, 2, 3]) exporter.offer(fakeRequest(number));
  await until(() => log.recordCount === 0);
  assert.equal(readCount, 2, 'all but the first, which never waited');
});

test('an exporter whose request is damaged on disk sends the others, and counts its samples', async (t) => {
  const folder = new LogFolder(t);
  const before = folder.createLog();
  before.open();
  for (const number of [1, 2, 3]) before.append(fakeRequest(number).encoded(), number * 10);
  const [path] = folder.files();
  const bytes = readFileSync(path!);
  bytes[28 + 24 + 3]! ^= 1;
  writeFileSync(path!, bytes);

  const log = folder.createLog();
  const numbers: number[] = [];
  const { exporter, logs, values } = createStoredExporter(
    log,
    async (request) => {
      numbers.push(numberOf(request.encoded()));
      return fullyAccepted;
    },
    { num_consumers: 1 },
  );
  await exporter.start();
  await until(() => log.recordCount === 0);
  const counted = await values();
  assert.deepEqual(numbers, [1, 3]);
  assert.deepEqual(
    [
      'framekeeper_exporter_storage_restored_records{exporter="otlp/a"}',
      'framekeeper_exporter_storage_damaged_records{exporter="otlp/a"}',
      'otelcol_exporter_send_failed_profile_samples{exporter="otlp/a",error_type="DamagedRecord"}',
      sent,
    ].map((name) => counted.get(name)),
    [3, 1, 20, 40],
  );
  const line = await logs.until('A request on disk cannot be read. Dropping data.');
  assert.deepEqual([line.error, line.file, line.offset, line.dropped_items], ['its checksum is wrong', path, 28, 20]);
});

test('an exporter says once that a file of its storage lost its end', async (t) => {
  const folder = new LogFolder(t);
  const before = folder.createLog();
  before.open();
  for (const number of [1, 2]) before.append(fakeRequest(number).encoded(), number);
  const [path] = folder.files();
  truncateSync(path!, statSync(path!).size - 2);
  const { exporter, logs, values } = createStoredExporter(folder.createLog(), async () => fullyAccepted);
  await exporter.start();
  const counted = await values();
  const { length } = fakeRequest(2).encoded();
  assert.deepEqual(
    ['restored_records', 'damaged_records', 'damaged_bytes'].map((name) =>
      counted.get(`framekeeper_exporter_storage_${name}{exporter="otlp/a"}`),
    ),
    [1, 1, headerBytes + length - 2],
  );
  assert.equal(logs.lines.filter(({ level }) => level === 40).length, 1);
});

test('an exporter refuses what the storage has no room for, and takes more when there is room again', async (t) => {
  const folder = new LogFolder(t);
  let answer: SendResult = busy;
  const { exporter, clock, values } = createStoredExporter(folder.createLog({ maxBytes: 1_000 }), async () => answer);
  await exporter.start();
  const results = await Promise.all(
    [0, 1, 2, 3].map((number) => isTaken(exporter.offer(fakeRequest(number, 10, 276)))),
  );
  assert.deepEqual(results, [true, true, true, false]);
  answer = fullyAccepted;
  await clock.advance(60_000);
  assert.equal(await isTaken(exporter.offer(fakeRequest(5, 10, 276))), true);
  const counted = await values();
  const refused = 'otelcol_exporter_enqueue_failed_profile_samples{exporter="otlp/a",error_type="storage_full"}';
  assert.equal(counted.get(refused), 10);
  assert.equal(counted.get('framekeeper_exporter_storage_capacity_bytes{exporter="otlp/a"}'), 1_000);
});

for (const { waits, queue } of [
  { waits: 'refuses at once', queue: {} },
  { waits: 'lets nobody wait', queue: { block_on_overflow: true } },
]) {
  test(`an exporter ${waits} for what is larger than its whole storage, and takes the next`, async (t) => {
    const folder = new LogFolder(t);
    const log = folder.createLog({ maxBytes: 1_000 });
    const { exporter, values } = createStoredExporter(log, async () => fullyAccepted, queue);
    await exporter.start();
    assert.equal(exporter.reserve(fakeRequest(1, 10, 977)), 'storage_too_small');
    assert.equal(await isTaken(exporter.offer(fakeRequest(1, 10, 977))), false);
    assert.equal(exporter.hasRoomFor('report'), true);
    assert.equal(await isTaken(exporter.offer(fakeRequest(2, 20, 976))), true);
    const counted = await values();
    const refused = 'otelcol_exporter_enqueue_failed_profile_samples{exporter="otlp/a",error_type="storage_too_small"}';
    assert.equal(counted.get(refused), 10);
    await exporter.stop(neverAborted);
  });
}

test('an exporter refuses while the disk is full, says so once, and recovers by itself', async (t) => {
  const folder = new LogFolder(t);
  let isFull = true;
  const log = folder.createLog(
    {},
    {
      ...systemFileSystem,
      writevSync: (...args) => {
        if (isFull) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
        return systemFileSystem.writevSync(...args);
      },
    },
  );
  const { exporter, logs, values } = createStoredExporter(log, async () => fullyAccepted);
  await exporter.start();
  for (const number of [1, 2]) assert.equal(await isTaken(exporter.offer(fakeRequest(number, 10))), false);
  isFull = false;
  assert.equal(await isTaken(exporter.offer(fakeRequest(3, 10))), true);
  await until(() => log.recordCount === 0);
  const counted = await values();
  assert.deepEqual(
    [
      'otelcol_exporter_enqueue_failed_profile_samples{exporter="otlp/a",error_type="storage_error"}',
      'framekeeper_exporter_storage_write_failures{exporter="otlp/a",error_type="ENOSPC"}',
      sent,
    ].map((name) => counted.get(name)),
    [20, 2, 10],
  );
  const about = logs.lines.map(({ msg }) => msg).filter((msg) => msg.includes('storage can'));
  assert.deepEqual(about, [
    'The storage cannot be written; new data is refused until it can.',
    'The storage can be written again.',
  ]);
});

test('an exporter goes on when it cannot note on disk that a request is sent', async (t) => {
  const folder = new LogFolder(t);
  const log = folder.createLog(
    {},
    {
      ...systemFileSystem,
      writeSync: () => {
        throw Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO' });
      },
    },
  );
  const { exporter, logs, values } = createStoredExporter(log, async () => fullyAccepted);
  await exporter.start();
  exporter.offer(fakeRequest(1, 10));
  await logs.until('Could not note that a request is sent; it is sent again after a restart.');
  assert.equal((await values()).get(size), 0);
  assert.equal(folder.createLog().open().records.length, 1);
});

test('a request from disk has the data of the one that was offered', async (t) => {
  const folder = new LogFolder(t);
  const data = syntheticProfiles();
  const bytes = encodeProfilesData(data);
  const before = folder.createLog();
  before.open();
  before.append(bytes, 1_000);
  let received: Parameters<Send>[0] | undefined;
  const { exporter } = createStoredExporter(folder.createLog(), async (request) => {
    received = request;
    return fullyAccepted;
  });
  await exporter.start();
  await until(() => received !== undefined);
  assert.deepEqual([withLists(received!.data), received!.sampleCount], [withLists(decodeProfilesData(bytes)), 1_000]);
  assert.deepEqual(Buffer.from(received!.encoded()), Buffer.from(bytes));
});

for (const { sizer, expected } of [
  { sizer: 'requests', expected: 3 },
  { sizer: 'items', expected: 60 },
  { sizer: 'bytes', expected: 24 },
]) {
  test(`what is restored counts in ${sizer} as what is offered does`, async (t) => {
    const folder = new LogFolder(t);
    for (const round of ['offered', 'restored']) {
      const { exporter, values } = createStoredExporter(folder.createLog(), async () => busy, {
        sizer,
        queue_size: 100,
      });
      await exporter.start();
      if (round === 'offered') for (const number of [1, 2, 3]) exporter.offer(fakeRequest(number, 20, 8));
      assert.equal((await values()).get(size), expected, round);
      await exporter.stop(neverAborted);
    }
  });
}

/** What happens to the service, one after the other; a kill loses everything that is not on disk. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.constant('offer' as const) },
  { weight: 1, arbitrary: fc.constantFrom('advance', 'stop', 'kill', 'up', 'down') },
);

test('every request that was taken is sent or counted as failed, through any stops and kills', async (t) => {
  const run = async (steps: readonly string[], consumers: number): Promise<void> => {
    const folder = new LogFolder(t);
    let isUp = false;
    let counted = 0;
    const taken = new Set<number>();
    const received = new Set<number>();
    const begin = async () => {
      const made = createStoredExporter(
        folder.createLog({ maxBytes: 2_000 }),
        async (request) => {
          // One that was killed is heard no more.
          if (current !== made || !isUp) return busy;
          received.add(numberOf(request.encoded()));
          return fullyAccepted;
        },
        { num_consumers: consumers, queue_size: 20 },
      );
      current = made;
      await made.exporter.start();
    };
    let current: ReturnType<typeof createStoredExporter> | undefined;
    const countFailed = async (): Promise<void> => {
      for (const [name, value] of await current!.values()) {
        if (name.startsWith('otelcol_exporter_send_failed_profile_samples')) counted += value;
      }
    };
    await begin();
    for (const [number, action] of [...steps, 'stop', 'up', 'stop', 'stop'].entries()) {
      if (action === 'offer' && (await isTaken(current!.exporter.offer(fakeRequest(number, 1, 40))))) taken.add(number);
      if (action === 'advance') await current!.clock.advance(10_000);
      if (action === 'up' || action === 'down') isUp = action === 'up';
      if (action === 'stop') await current!.exporter.stop(neverAborted);
      if (action === 'stop' || action === 'kill') {
        await countFailed();
        await begin();
      }
    }
    await until(async () => {
      await current!.clock.advance(1_000);
      return (await current!.values()).get(size) === 0;
    });
    await current!.exporter.stop(neverAborted);
    assert.equal(counted, 0);
    assert.deepEqual([...received].sort(), [...taken].sort());
    assert.deepEqual(folder.files(), []);
  };
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.integer({ min: 1, max: 3 }), run), {
    numRuns: 60,
  });
});
