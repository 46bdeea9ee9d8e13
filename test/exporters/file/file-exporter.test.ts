import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { ConfigSection } from '../../../src/config/config-section.ts';
import type { ExportRequest } from '../../../src/exporters/export-request.ts';
import { createExportRequest } from '../../../src/exporters/export-request.ts';
import { fileTable } from '../../../src/exporters/file/file-config.ts';
import { createFileExporter } from '../../../src/exporters/file/file-exporter.ts';
import { decodeProfilesData } from '../../../src/otlp/protobuf/decode-profiles-data.ts';
import { decompressZstd } from '../../../src/support/decompress-zstd.ts';
import { goodProfiles } from '../../otlp/good-profiles.ts';
import { decodeProfilesJson } from '../../support/decode-json.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { fakeRequest, numberOf } from '../../support/fake-request.ts';
import { recordLogs } from '../../support/log-recorder.ts';
import { recordMetrics } from '../../support/metric-recorder.ts';
import { withLists } from '../../support/with-lists.ts';

const neverAborted = new AbortController().signal;

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'framekeeper-file-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function createExporter(values: Record<string, unknown>) {
  const clock = new FakeClock();
  const logs = recordLogs();
  const { meter, values: metrics } = recordMetrics();
  const exporter = createFileExporter('file', fileTable.read(new ConfigSection('file', values, [])), {
    logger: logs.logger,
    meter,
    clock,
    random: () => 0.5,
  });
  return { exporter, clock, logs, metrics };
}

/** Runs an exporter from start to stop. */
async function write(values: Record<string, unknown>, requests: readonly ExportRequest[]) {
  const made = createExporter(values);
  await made.exporter.start();
  for (const request of requests) assert.equal((await made.exporter.offer(request)).kind, 'taken');
  await made.exporter.stop(neverAborted);
  return made;
}

function realRequest(durationNano: bigint): ExportRequest {
  const data = goodProfiles();
  data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!.durationNano = durationNano;
  return createExportRequest(data, 2);
}

function framesOf(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const end = offset + 4 + bytes.readUInt32BE(offset);
    assert.ok(end <= bytes.length, 'the last frame is whole');
    frames.push(bytes.subarray(offset + 4, end));
    offset = end;
  }
  return frames;
}

const numbersIn = async (path: string): Promise<number[]> => framesOf(await readFile(path)).map(numberOf);
const numbered = (count: number, sizeBytes = 4): ExportRequest[] =>
  Array.from({ length: count }, (_, index) => fakeRequest(index + 1, 1, sizeBytes));

test('file writes protobuf frames that read back as what was sent, in order', async (t) => {
  const path = join(await temporaryFolder(t), 'profiles.otlp');
  const requests = [1n, 2n, 3n].map(realRequest);
  const { metrics } = await write({ path, format: 'proto' }, requests);
  const read = framesOf(await readFile(path)).map((frame) => withLists(decodeProfilesData(frame)));
  assert.deepEqual(
    read,
    requests.map(({ data }) => withLists(data)),
  );
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal((await metrics()).get('otelcol_exporter_sent_profile_samples{exporter="file"}'), 6);
});

test('file writes JSON, one document a line', async (t) => {
  const path = join(await temporaryFolder(t), 'profiles.json');
  const requests = [1n, 2n].map(realRequest);
  await write({ path }, requests);
  const lines = (await readFile(path, 'utf8')).split('\n');
  assert.equal(lines.pop(), '', 'the last line is ended');
  assert.deepEqual(
    lines.map((line) => withLists(decodeProfilesJson(line))),
    requests.map(({ data }) => withLists(data)),
  );
});

for (const { append, numbers } of [
  { append: false, numbers: [1, 2] },
  { append: true, numbers: [1, 2, 3, 1, 2] },
]) {
  test(`file ${append ? 'writes on behind' : 'empties'} what is there with append: ${append}`, async (t) => {
    const path = join(await temporaryFolder(t), 'a.otlp');
    const values = { path, format: 'proto', append };
    await write(values, numbered(3));
    await write(values, numbered(2));
    assert.deepEqual(await numbersIn(path), numbers);
  });
}

for (const { format, torn } of [
  { format: 'proto', torn: Buffer.from([0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 9, 1]) },
  { format: 'proto', torn: Buffer.from([0, 0]) },
  { format: 'json', torn: Buffer.from('{"resourceProfiles":[]}\n{"resour') },
]) {
  test(`file puts a torn ${format} file of ${torn.length} bytes aside before it appends`, async (t) => {
    const folder = await temporaryFolder(t);
    const path = join(folder, 'a.otlp');
    await writeFile(path, torn);
    const { logs } = await write({ path, format, append: true }, [realRequest(1n)]);
    const [backup] = (await readdir(folder)).filter((name) => name !== 'a.otlp');
    assert.equal(backup, 'a-20260101T000000.000Z.otlp');
    assert.deepEqual(await readFile(join(folder, backup)), torn, 'nothing is lost');
    assert.equal(logs.lines[0]!.msg, 'The file ends in mid-message; it was put aside and a new one begins.');
    const bytes = await readFile(path);
    if (format === 'proto') assert.equal(framesOf(bytes).length, 1);
    else assert.equal(bytes.toString().split('\n').length, 2);
  });
}

const halfMegabyte = 512 * 1024;

test('file rotates before a message would make it too large, and keeps the newest backups', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'a.otlp');
  const rotation = { max_megabytes: 1, max_backups: 2 };
  // Two frames of this size and their prefixes are exactly 1 MiB.
  const requests = numbered(9, halfMegabyte - 4);
  await write({ path, format: 'proto', rotation }, requests);
  const names = (await readdir(folder)).sort();
  assert.deepEqual(names, ['a-20260101T000000.002Z.otlp', 'a-20260101T000000.003Z.otlp', 'a.otlp']);
  assert.deepEqual(await Promise.all(names.map((name) => numbersIn(join(folder, name)))), [[5, 6], [7, 8], [9]]);
});

test('file gives a message larger than max_megabytes a file of its own', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'a.otlp');
  await writeFile(join(folder, 'a-notes.otlp'), 'not a backup');
  const requests = [fakeRequest(1, 1, 3 * halfMegabyte), fakeRequest(2), fakeRequest(3, 1, 3 * halfMegabyte)];
  await write({ path, format: 'proto', rotation: { max_megabytes: 1, max_backups: 0 } }, requests);
  const names = (await readdir(folder)).filter((name) => name !== 'a-notes.otlp').sort();
  assert.deepEqual(names, ['a-20260101T000000.000Z.otlp', 'a-20260101T000000.001Z.otlp', 'a.otlp']);
  assert.deepEqual(await Promise.all(names.map((name) => numbersIn(join(folder, name)))), [[1], [2], [3]]);
});

for (const { compression, unpack } of [
  { compression: 'zstd', unpack: (bytes: Buffer) => decompressZstd(bytes, 1_000_000) },
  { compression: 'gzip', unpack: async (bytes: Buffer) => gunzipSync(bytes) },
]) {
  test(`file compresses with ${compression}: what ${compression} unpacks is the file without compression`, async (t) => {
    const folder = await temporaryFolder(t);
    const requests = [1n, 2n, 3n].map(realRequest);
    for (const format of ['json', 'proto']) {
      const [plain, packed] = [join(folder, format), join(folder, `${format}.${compression}`)];
      await write({ path: plain, format }, requests);
      await write({ path: packed, format, compression, compression_params: { level: 1 } }, requests);
      const unpacked = Buffer.from(await unpack(await readFile(packed)));
      assert.deepEqual(unpacked, await readFile(plain));
    }
  });
}

test('file with compression and rotation puts a file aside that is there at start, and begins a new one', async (t) => {
  const folder = await temporaryFolder(t);
  const values = { path: join(folder, 'a.zst'), format: 'proto', compression: 'zstd', rotation: {} };
  for (const number of [1, 2]) await write(values, [fakeRequest(number)]);
  await write(values, []);
  const names = (await readdir(folder)).sort();
  assert.deepEqual(names, ['a-20260101T000000.000Z.zst', 'a-20260101T000000.001Z.zst', 'a.zst']);
  const files = await Promise.all(names.map(async (name) => readFile(join(folder, name))));
  const [first, second] = await Promise.all(files.slice(0, 2).map((bytes) => decompressZstd(bytes, 100)));
  assert.deepEqual(
    [first, second].map((bytes) => framesOf(Buffer.from(bytes!)).map(numberOf)),
    [[1], [2]],
  );
});

test('file begins a new file with the first message that comes max_age after the first of it', async (t) => {
  const folder = await temporaryFolder(t);
  const { exporter, clock, metrics } = createExporter({
    path: join(folder, 'a'),
    format: 'proto',
    rotation: { max_age: '1h' },
  });
  const written = async (count: number): Promise<void> => {
    while ((await metrics()).get('otelcol_exporter_sent_profile_samples{exporter="file"}') !== count) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await exporter.start();
  for (const [number, waitMs] of [0, 1_800_000, 1_800_000, 1, 3_600_001].entries()) {
    await clock.advance(waitMs);
    exporter.offer(fakeRequest(number + 1));
    await written(number + 1);
  }
  await exporter.stop(neverAborted);
  const names = (await readdir(folder)).sort();
  assert.deepEqual(names, ['a', 'a-20260101T010000.001Z', 'a-20260101T020000.002Z']);
  assert.deepEqual(await Promise.all(names.map((name) => numbersIn(join(folder, name)))), [[5], [1, 2, 3], [4]]);
});

for (const { layout, path, kept } of [
  { layout: 'stream', path: 'a', kept: ['a', 'a-20251231T000000.000Z'] },
  {
    layout: 'per_message',
    path: '',
    kept: ['profiles-20251231T000000.000Z-000002.otlp', 'profiles-20260101T000000.000Z-000003.otlp'],
  },
]) {
  test(`file with layout ${layout} deletes files older than max_days`, async (t) => {
    const folder = await temporaryFolder(t);
    for (const [index, day] of ['20251230', '20251231'].entries()) {
      const name = layout === 'stream' ? `a-${day}T000000.000Z` : `profiles-${day}T000000.000Z-00000${index + 1}.otlp`;
      await writeFile(join(folder, name), '');
    }
    const values = { path: join(folder, path), format: 'proto', layout, rotation: { max_days: 1, max_backups: 0 } };
    await write(values, numbered(1));
    assert.deepEqual((await readdir(folder)).sort(), kept);
  });
}

test('file makes folders with directory_permissions', async (t) => {
  const folder = join(await temporaryFolder(t), 'deep');
  await write({ path: join(folder, 'a'), create_directory: true, directory_permissions: '0700' }, [realRequest(1n)]);
  assert.equal((await stat(folder)).mode & 0o777, 0o700);
});

test('file keeps the newest backups when the clock was set back', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'a.otlp');
  for (const year of [2027, 2028]) await writeFile(join(folder, `a-${year}0101T000000.000Z.otlp`), '');
  const rotation = { max_megabytes: 1, max_backups: 2 };
  await write({ path, format: 'proto', rotation }, numbered(5, halfMegabyte - 4));
  const names = (await readdir(folder)).sort();
  assert.deepEqual(names, ['a-20280101T000000.001Z.otlp', 'a-20280101T000000.002Z.otlp', 'a.otlp']);
});

for (const { format, extension } of [
  { format: 'proto', extension: 'otlp' },
  { format: 'json', extension: 'json' },
]) {
  test(`file with layout per_message writes a ${format} file a message`, async (t) => {
    const path = join(await temporaryFolder(t), 'deep', 'folder');
    const requests = [1n, 2n].map(realRequest);
    const values = { path, format, layout: 'per_message', create_directory: true };
    await write(values, requests);
    await write(values, [realRequest(3n)]);
    const names = (await readdir(path)).sort();
    assert.deepEqual(
      names,
      [1, 2, 3].map((number) => `profiles-20260101T000000.000Z-00000${number}.${extension}`),
    );
    const read = await Promise.all(names.map((name) => readFile(join(path, name))));
    assert.deepEqual(
      read.map((bytes) =>
        format === 'proto' ? withLists(decodeProfilesData(bytes)) : decodeProfilesJson(bytes.toString()),
      ),
      [1n, 2n, 3n].map((durationNano) => realRequest(durationNano).data),
    );
  });
}

test('file with layout per_message keeps max_backups files, and removes what a crash left', async (t) => {
  const path = await temporaryFolder(t);
  await writeFile(join(path, '.profiles-20260101T000000.000Z-000009.otlp.tmp'), 'half');
  await writeFile(join(path, 'profiles-20250101T000000.000Z-000041.otlp'), 'old');
  await writeFile(join(path, 'README'), 'mine');
  const values = { path, format: 'proto', layout: 'per_message', rotation: { max_backups: 2 } };
  await write(values, numbered(3));
  assert.deepEqual((await readdir(path)).sort(), [
    'README',
    'profiles-20260101T000000.000Z-000043.otlp',
    'profiles-20260101T000000.000Z-000044.otlp',
  ]);
});

for (const { name, values, message } of [
  {
    name: 'a folder that is not there',
    values: { path: 'missing/a.otlp' },
    message:
      /^file\.path: cannot write .*missing\/a\.otlp \(ENOENT.*\); name a file in a folder that exists and can be written, or set create_directory: true\.$/,
  },
  { name: 'a folder in place of a file', values: { path: '.' }, message: /^file\.path: cannot write .* \(EISDIR/ },
  {
    name: 'a folder of messages that is not there',
    values: { path: 'missing', layout: 'per_message' },
    message: /^file\.path: cannot write .*missing \(ENOENT.*\); name a folder that exists and can be written/,
  },
  {
    name: 'a file in place of a folder of messages',
    values: { path: 'file', layout: 'per_message' },
    message: /^file\.path: cannot write .*file \(ENOTDIR/,
  },
  {
    name: 'a device that would have to be rotated',
    values: { path: '/dev/null', rotation: {} },
    message: /^file\.path: cannot write \/dev\/null \(is not a regular file, so it cannot be rotated\)/,
  },
]) {
  test(`file does not start with ${name}`, async (t) => {
    const folder = await temporaryFolder(t);
    await writeFile(join(folder, 'file'), '');
    const path = values.path.startsWith('/') ? values.path : join(folder, values.path);
    const { exporter } = createExporter({ ...values, path });
    await assert.rejects(exporter.start(), { message });
    await exporter.stop(neverAborted);
  });
}

test('file does not start with a folder that it may not write', { skip: process.getuid?.() === 0 }, async (t) => {
  const folder = await temporaryFolder(t);
  await chmod(folder, 0o500);
  for (const values of [{ path: join(folder, 'a') }, { path: folder, layout: 'per_message' }]) {
    await assert.rejects(createExporter(values).exporter.start(), { message: /EACCES/ });
  }
});

test('file drops with a reason when its folder goes away, and goes on when it is back', async (t) => {
  const path = join(await temporaryFolder(t), 'folder');
  const { exporter, logs, metrics } = createExporter({
    path,
    format: 'proto',
    layout: 'per_message',
    create_directory: true,
  });
  await exporter.start();
  await rm(path, { recursive: true });
  exporter.offer(fakeRequest(1, 5));
  const { error, dropped_items } = await logs.until('Exporting failed. Dropping data.');
  assert.match(String(error), /^ENOENT/);
  assert.equal(dropped_items, 5);
  await mkdir(path);
  exporter.offer(fakeRequest(2, 5));
  await exporter.stop(neverAborted);
  assert.equal((await readdir(path)).length, 1);
  const counted = await metrics();
  assert.equal(counted.get('otelcol_exporter_send_failed_profile_samples{exporter="file",error_type="ENOENT"}'), 5);
  assert.equal(counted.get('otelcol_exporter_sent_profile_samples{exporter="file"}'), 5);
});

const full = await open('/dev/full', 'w').then(
  async (handle) => {
    await handle.close();
    return true;
  },
  () => false,
);

test('file tries again when the disk is full, and counts what it drops', { skip: !full }, async () => {
  const { exporter, clock, logs, metrics } = createExporter({
    path: '/dev/full',
    retry_on_failure: { max_elapsed_time: '1m', max_interval: '30s' },
  });
  await exporter.start();
  exporter.offer(realRequest(1n));
  const { error, interval } = await logs.until('Exporting failed. Will retry the request after interval.');
  assert.match(`${error} ${interval}`, /^ENOSPC.* 5s$/);
  let isDropped = false;
  const dropped = logs.until('Exporting failed. Dropping data.').then(() => {
    isDropped = true;
  });
  // A write to the device is real, so time can only be moved on between attempts.
  while (!isDropped) await clock.advance(5_000);
  await dropped;
  await exporter.stop(neverAborted);
  const name = 'otelcol_exporter_send_failed_profile_samples{exporter="file",error_type="ENOSPC"}';
  assert.equal((await metrics()).get(name), 2);
});
