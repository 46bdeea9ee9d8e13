import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { ConfigSection } from '../../src/config/config-section.ts';
import { FileStorage } from '../../src/storage/file-storage.ts';
import { fileStorageTable } from '../../src/storage/file-storage-config.ts';
import type { LogRecord } from '../../src/storage/segment.ts';
import { systemClock } from '../../src/support/clock.ts';
import { runChild } from '../support/child-process.ts';
import { numberOf } from '../support/fake-request.ts';
import { freePorts } from '../support/free-ports.ts';
import { recordLogs } from '../support/log-recorder.ts';
import { ScriptedOtlpServer } from '../support/otlp-server.ts';
import { appendText, LogFolder } from './log-folder.ts';

const child = join(import.meta.dirname, '../exporters/storage/offering-child.ts');

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-storage-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function createStorage(values: Record<string, unknown>, id = 'file_storage'): FileStorage {
  const config = fileStorageTable.read(new ConfigSection(`extensions.${id}`, { timeout: '0s', ...values }, []));
  return new FileStorage(id, config, recordLogs().logger, systemClock);
}

test('FileStorage makes its directory only when it is told to, and then for few', async (t) => {
  const directory = join(temporaryFolder(t), 'a/b');
  await assert.rejects(createStorage({ directory }).start(), {
    message: `extensions.file_storage.directory: cannot use ${directory} (ENOENT: no such file or directory, access '${directory}'); name a directory that exists and can be written, or set create_directory: true.`,
  });
  const storage = createStorage({ directory, create_directory: true, directory_permissions: '0700' });
  await storage.start();
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  await storage.stop();
});

test('FileStorage refuses a directory that a file is in the place of', async (t) => {
  const directory = join(temporaryFolder(t), 'file');
  writeFileSync(directory, '');
  await assert.rejects(
    createStorage({ directory }).start(),
    /^Error: extensions\.file_storage\.directory: cannot use /,
  );
});

test('FileStorage gives each exporter a folder of its own inside the directory', (t) => {
  const directory = temporaryFolder(t);
  const storage = createStorage({ directory });
  for (const id of ['otlp_grpc', 'otlp_grpc/a', 'otlp_grpc/../../b']) storage.logOf('exporter', id).open();
  assert.deepEqual(
    ['exporter_otlp_grpc', 'exporter_otlp_grpc%2Fa', 'exporter_otlp_grpc%2F..%2F..%2Fb'].map((name) =>
      existsSync(join(directory, name)),
    ),
    [true, true, true],
  );
});

test('FileStorage refuses a directory that another extension has, and takes it when that one has stopped', async (t) => {
  const directory = temporaryFolder(t);
  const first = createStorage({ directory });
  const second = createStorage({ directory }, 'file_storage/two');
  await first.start();
  const we = `process ${process.pid} on ${hostname()}`;
  await assert.rejects(second.start(), {
    message: `extensions.file_storage/two.directory: ${directory} is in use by ${we} (file_storage), so ${we} (file_storage/two) cannot use it; give each process and each extension a directory of its own.`,
  });
  await first.stop();
  await second.start();
  await second.stop();
});

test('FileStorage waits for a process that is about to end, and never for one that was killed', async (t) => {
  const directory = temporaryFolder(t);
  const other = runChild(process.execPath, [child, directory, '127.0.0.1:1', '0', '1']);
  await linesOf(other, 1);
  const early = createStorage({ directory });
  await assert.rejects(early.start(), /is in use by process \d+ on .* \(file_storage\), so process \d+ on /);
  const patient = createStorage({ directory, timeout: '20s' });
  const started = patient.start();
  await other.kill();
  await started;
  await patient.stop();
  const next = createStorage({ directory });
  await next.start();
  await next.stop();
});

test('every request that was taken arrives, though its process is killed again and again', async (t) => {
  const directory = temporaryFolder(t);
  const [port] = (await freePorts(1)) as [number];
  const endpoint = `127.0.0.1:${port}`;
  const taken = new Set<number>();
  // While the backend is away, and once while it is there.
  for (const [round, lineCount] of [30, 1, 75].entries()) {
    const process_ = runChild(process.execPath, [child, directory, endpoint, String(round * 1_000), '300']);
    await linesOf(process_, lineCount);
    await process_.kill();
    for (const number of numbersIn(process_.output())) taken.add(number);
  }
  assert.ok(taken.size >= 106, `${taken.size} were taken`);
  // The first call breaks off, and the connection with it: what was sent then is sent again.
  const server = await ScriptedOtlpServer.start([{ kind: 'reset', when: 'after_request' }], { port });
  t.after(() => server.stop());
  const received = (): number[] => server.requests.map(({ bytes }) => numberOf(bytes));
  const sending = runChild(process.execPath, [child, directory, endpoint, '9000', '50']);
  await server.until(() => received().length > 40);
  await sending.kill();
  for (const number of numbersIn(sending.output())) taken.add(number);
  const last = runChild(process.execPath, [child, directory, endpoint, '0', '0']);
  await server.until(() => {
    const arrived = new Set(received());
    return [...taken].every((number) => arrived.has(number));
  });
  await last.kill();
  // In the order of the offers, as far as ten consumers at a time keep it.
  const firsts = [...new Set(received())];
  const sorted = firsts.toSorted((a, b) => a - b);
  for (const [index, number] of firsts.entries()) {
    assert.ok(Math.abs(sorted.indexOf(number) - index) <= 20, `${number} came as number ${index}`);
  }
});

/** Numbers of whole lines. The log may tell between them of what a killed process left half written. */
function numbersIn(output: string): number[] {
  return [...output.matchAll(/^(\d+)\n/gm)].map(([, digits]) => Number(digits));
}

async function linesOf(process_: ReturnType<typeof runChild>, count: number): Promise<void> {
  while (process_.output().split('\n').length <= count) {
    if (process_.hasEnded()) throw new Error(`it ended:\n${process_.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('a disk that is full refuses, and takes again what there is room for', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'framekeeper-small-disk-'));
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', directory], { encoding: 'utf8' });
  t.after(() => {
    if (mount.status === 0) spawnSync('umount', ['--lazy', directory]);
    rmSync(directory, { recursive: true });
  });
  if (mount.status !== 0) return t.skip(`cannot mount a tmpfs: ${mount.error?.message ?? mount.stderr.trim()}`);
  const folder = new LogFolder(t);
  const log = folder.createLog({ directory });
  log.open();
  const records: LogRecord[] = [];
  const fill = (): void => {
    for (;;) records.push(appendText(log, 'x'.repeat(30_000)));
  };
  assert.throws(fill, { code: 'ENOSPC' });
  const count = records.length;
  assert.ok(count > 5, `${count} records`);
  const rest = join(directory, 'rest');
  assert.throws(
    () => {
      for (;;) appendFileSync(rest, Buffer.alloc(4_096));
    },
    { code: 'ENOSPC' },
  );
  const storage = createStorage({ directory });
  await storage.start();
  await storage.stop();
  rmSync(rest);
  for (const record of records) log.finish(record);
  assert.throws(fill, { code: 'ENOSPC' });
  assert.ok(records.length - count >= count, 'what was finished has given its room back');
  const { records: found, damage } = folder.createLog({ directory }).open();
  assert.deepEqual([found.length, damage.damagedCount + damage.cutCount], [log.recordCount, 0]);
});
