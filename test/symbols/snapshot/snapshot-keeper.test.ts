import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { systemClock } from '../../../src/support/clock.ts';
import { tryLockFile } from '../../../src/support/file-lock.ts';
import { SnapshotKeeper } from '../../../src/symbols/snapshot/snapshot-keeper.ts';
import type { SymbolStore } from '../../../src/symbols/symbol-store.ts';
import { fileIdOf, symbolOf } from '../../support/batch.ts';
import type { LogRecorder } from '../../support/log-recorder.ts';
import { recordLogs } from '../../support/log-recorder.ts';
import { recordMetrics } from '../../support/metric-recorder.ts';
import { StoreHarness, submitted } from '../store-harness.ts';
import { temporaryFolder } from './snapshot-harness.ts';

interface KeeperHarness {
  readonly keeper: SnapshotKeeper;
  readonly harness: StoreHarness;
  readonly logs: LogRecorder;
  metric(name: string): Promise<number | undefined>;
}

const deadline = new AbortController().signal;
const lockFiles = ['symbols.lock.sqlite', 'symbols.lock.sqlite-owner.json'];

async function startKeeper(
  path: string,
  { intervalMs = 3_600_000, maxBytes = 1 << 30 }: { readonly intervalMs?: number; readonly maxBytes?: number } = {},
): Promise<KeeperHarness> {
  const harness = new StoreHarness();
  harness.nowMs = systemClock.nowMs();
  const logs = recordLogs();
  const { meter, values } = recordMetrics();
  const parts = { store: harness.store, clock: systemClock, logger: logs.logger, meter };
  const keeper = new SnapshotKeeper('symbol_store', { path, intervalMs, maxBytes }, parts);
  await keeper.start();
  const metric = async (name: string): Promise<number | undefined> =>
    (await values()).get(`framekeeper_symbol_store_snapshot_${name}{}`);
  return { keeper, harness, logs, metric };
}

function nameOf(store: SymbolStore, address: number): string | undefined {
  return store.at(systemClock.nowMs()).openFile(fileIdOf(1))?.find(0, address)?.functionName;
}

test('what a store knows at a stop, another knows from its start', async (context: TestContext) => {
  const path = join(temporaryFolder(context), 'made', 'by', 'us', 'symbols');
  const first = await startKeeper(path);
  assert.equal(first.logs.lines.at(-1)?.msg, 'There is no symbol snapshot yet.');
  first.harness.learnName(fileIdOf(1), 1n, 'f');
  await first.keeper.stop(deadline);
  assert.deepEqual([await first.metric('writes'), await first.metric('entries')], [1, 2]);
  assert.equal(await first.metric('size'), readFileSync(path).length);

  const second = await startKeeper(path);
  const line = second.logs.lines.at(-1)!;
  assert.equal(line.msg, 'The symbol snapshot was loaded.');
  assert.deepEqual([line.files, line.symbols, line.expired, line.evicted], [1, 1, 0, 0]);
  assert.equal(nameOf(second.harness.store, 1), 'f');
  assert.equal(await second.metric('loaded'), 2);
  assert.ok((await second.metric('age'))! < 60);
  assert.equal(second.harness.store.stats().inserts, 0);
  await second.keeper.stop(deadline);
});

test('a snapshot comes at every interval, and a stop waits for no pause of it', async (context) => {
  const path = join(temporaryFolder(context), 'symbols');
  const { keeper, harness, logs, metric } = await startKeeper(path, { intervalMs: 10 });
  harness.learnName(fileIdOf(1), 1n, 'f');
  await logs.until('The symbol snapshot was written.');
  // So many that the next one is under way for a while.
  const symbols = Array.from({ length: 60_000 }, (_, i) => submitted(fileIdOf(2), BigInt(i), symbolOf('g')));
  harness.learn({ symbols });
  while (!readdirSync(join(path, '..')).some((name) => name.endsWith('.tmp'))) await systemClock.sleep(1);
  await keeper.stop(deadline);
  assert.equal(await metric('failures'), 0);
  assert.equal(logs.lines.at(-1)?.symbols, 60_001);
  assert.deepEqual(readdirSync(join(path, '..')).sort(), ['symbols', ...lockFiles]);
});

test('a snapshot that cannot be written is an error that is counted, and the last one stays', async (context) => {
  const folder = temporaryFolder(context);
  const path = join(folder, 'state', 'symbols');
  const { keeper, harness, logs, metric } = await startKeeper(path, { intervalMs: 20 });
  harness.learnName(fileIdOf(1), 1n, 'f');
  await logs.until('The symbol snapshot was written.');
  // A folder in place of the snapshot: a rename onto it fails, as one on a disk without room would.
  renameSync(path, join(folder, 'last'));
  mkdirSync(join(path, 'in the way'), { recursive: true });
  const line = await logs.until('The symbol snapshot could not be written. The last one stays.');
  assert.equal(line.level, 50);
  assert.match(JSON.stringify(line), /EISDIR|ENOTEMPTY|EEXIST|directory/);
  rmSync(path, { recursive: true });
  await keeper.stop(deadline);
  assert.ok((await metric('failures'))! >= 1);
  assert.ok(existsSync(path));
});

test('a deadline that has passed leaves the last snapshot', async (context) => {
  const path = join(temporaryFolder(context), 'symbols');
  writeFileSync(path, '');
  const { keeper, harness, metric } = await startKeeper(path);
  harness.learn({ symbols: Array.from({ length: 5000 }, (_, i) => submitted(fileIdOf(2), BigInt(i), symbolOf('g'))) });
  await keeper.stop(AbortSignal.abort());
  assert.equal(await metric('failures'), 1);
  assert.deepEqual(readdirSync(join(path, '..')).sort(), [...lockFiles, 'symbols.refused']);
});

test('a file that is refused is put aside, named, and counted', async (context) => {
  const path = join(temporaryFolder(context), 'symbols');
  writeFileSync(path, 'a letter to a friend');
  const { keeper, harness, logs, metric } = await startKeeper(path);
  const line = logs.lines.at(-1)!;
  assert.equal(line.level, 40);
  assert.equal(line.msg, 'The symbol snapshot was refused. The symbol store starts empty.');
  assert.equal(line.error, `${path}: does not begin like a symbol snapshot; give the snapshot a path of its own`);
  assert.equal(line.kept_as, `${path}.refused`);
  assert.equal(await metric('refusals'), 1);
  assert.equal(harness.store.stats().entries, 0);
  await keeper.stop(deadline);
  assert.equal(readFileSync(`${path}.refused`, 'utf8'), 'a letter to a friend');
  await (await startKeeper(path)).keeper.stop(deadline);
});

test('a store stays empty when a snapshot turns out to be damaged at its end', async (context) => {
  const path = join(temporaryFolder(context), 'symbols');
  const first = await startKeeper(path);
  const symbols = Array.from({ length: 5000 }, (_, i) => submitted(fileIdOf(1), BigInt(i), symbolOf(`name ${i}`)));
  first.harness.learn({ symbols });
  await first.keeper.stop(deadline);
  const bytes = readFileSync(path);
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(path, bytes);
  const { keeper, harness } = await startKeeper(path);
  const { entries, strings } = harness.store.stats();
  assert.deepEqual({ entries, strings }, { entries: 0, strings: 0 });
  harness.learnName(fileIdOf(1), 1n, 'f');
  assert.equal(nameOf(harness.store, 1), 'f');
  await keeper.stop(deadline);
});

test('a second instance reads the snapshot, and leaves it to the first', async (context) => {
  const path = join(temporaryFolder(context), 'symbols');
  const first = await startKeeper(path);
  first.harness.learnName(fileIdOf(1), 1n, 'f');
  await first.keeper.stop(deadline);
  const before = readFileSync(path);
  const other = await tryLockFile(`${path}.lock.sqlite`, { pid: 17, host: 'elsewhere', component: 'symbol_store' });
  const second = await startKeeper(path);
  assert.deepEqual(
    second.logs.lines.filter(({ level }) => level === 40).map(({ msg, owner }) => [msg, owner]),
    [
      [
        'Another instance writes this symbol snapshot. This one only reads it, until that ends.',
        'process 17 on elsewhere (symbol_store)',
      ],
    ],
  );
  assert.equal(nameOf(second.harness.store, 1), 'f');
  second.harness.learnName(fileIdOf(1), 2n, 'g');
  await second.keeper.stop(deadline);
  assert.deepEqual(readFileSync(path), before);
  assert.equal(second.logs.lines.at(-1)?.msg, 'The symbol snapshot was not written: another instance has it.');
  assert.ok('release' in other);
  other.release();
});

test('an instance that only read the snapshot writes it once the other has ended', async (context) => {
  const path = join(temporaryFolder(context), 'symbols');
  const first = await startKeeper(path);
  const second = await startKeeper(path, { intervalMs: 10 });
  second.harness.learnName(fileIdOf(1), 2n, 'g');
  await first.keeper.stop(deadline);
  await second.logs.until('This instance writes the symbol snapshot.');
  await second.keeper.stop(deadline);
  assert.equal(second.logs.lines.filter(({ level }) => level === 40).length, 1);
  const third = await startKeeper(path);
  assert.equal(nameOf(third.harness.store, 2), 'g');
  await third.keeper.stop(deadline);
});

test('a snapshot that cannot be locked is said once, and not written', async (context) => {
  const path = join(temporaryFolder(context), 'symbols');
  mkdirSync(`${path}.lock.sqlite`);
  const { keeper, logs } = await startKeeper(path, { intervalMs: 10 });
  await keeper.stop(deadline);
  assert.deepEqual(
    logs.lines.filter(({ level }) => level === 50).map(({ msg }) => msg),
    ['The symbol snapshot cannot be locked or written.'],
  );
  assert.ok(!existsSync(path));
});

test('a snapshot is written over what a writer left that was killed', async (context) => {
  const path = join(temporaryFolder(context), 'symbols');
  writeFileSync(`${path}.tmp`, 'a half');
  await (await startKeeper(path)).keeper.stop(deadline);
  assert.ok(existsSync(path) && !existsSync(`${path}.tmp`));
});
