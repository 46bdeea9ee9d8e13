import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FrameSymbol } from '../../src/model/frame-symbol.ts';
import type { BatchSketch } from '../support/batch.ts';
import { batchOf, fileIdOf, processOf, symbolOf } from '../support/batch.ts';
import { unknownExecutable } from '../support/unknown-executable.ts';
import { cycleMs, StoreHarness, stubOf, submitted } from './store-harness.ts';

const file = fileIdOf(1);

/** A store, and collectors that send names to it: each an instance, some of them with a host. */
class Senders extends StoreHarness {
  from(instance: string, sketch: BatchSketch, hostId?: string): void {
    const resourceAttributes = new Map(hostId === undefined ? [] : [['host.id', hostId]]);
    const collector = { instanceId: instance.repeat(32), resourceAttributes };
    this.store.at(this.nowMs).learn(batchOf({ ...sketch, collector }));
  }

  nameFrom(instance: string, name: string, fields: Partial<FrameSymbol> = {}, hostId?: string): void {
    this.from(instance, { symbols: [submitted(file, 1n, symbolOf(name, fields))] }, hostId);
  }

  get conflicts(): number {
    return this.store.stats().nameConflicts;
  }
}

test('a collector cannot rename what another one named that is live', () => {
  const senders = new Senders();
  senders.nameFrom('a', 'main');
  senders.nameFrom('b', 'POISON');
  assert.deepEqual([senders.name(file, 1n), senders.conflicts], ['main', 1]);
  senders.nameFrom('b', 'main');
  assert.equal(senders.conflicts, 1, 'who says the same is in no conflict');
  senders.nameFrom('a', 'main_v2');
  assert.equal(senders.name(file, 1n), 'main_v2');
});

test('each address belongs to who named it first, in a file that two collectors name', () => {
  const senders = new Senders();
  senders.nameFrom('a', 'main');
  senders.from('b', { symbols: [2n, 2n ** 60n].map((address) => submitted(file, address, symbolOf('of b'))) });
  for (const address of [2n, 2n ** 60n]) {
    senders.from('a', { symbols: [submitted(file, address, symbolOf('POISON'))] });
    senders.from('c', { symbols: [submitted(file, address, symbolOf('POISON'))] });
    assert.equal(senders.name(file, address), 'of b');
  }
  senders.from('b', { symbols: [submitted(file, 2n, symbolOf('of b, again'))] });
  assert.deepEqual([senders.name(file, 2n), senders.conflicts], ['of b, again', 4]);
});

test('another collector may add what a name lacks', () => {
  const senders = new Senders();
  senders.nameFrom('a', 'main');
  senders.nameFrom('b', 'main', { filePath: 'main.c', line: 7 });
  senders.nameFrom('c', 'main', { filePath: 'POISON.c', line: 7 });
  assert.deepEqual(senders.find(file, 1n), symbolOf('main', { filePath: 'main.c', line: 7 }));
  assert.equal(senders.conflicts, 1);
});

test('a collector that was started again on its host may correct its names', () => {
  const senders = new Senders();
  senders.nameFrom('a', 'old', {}, 'node-1');
  senders.nameFrom('b', 'new', {}, 'node-1');
  senders.nameFrom('c', 'POISON', {}, 'node-2');
  assert.deepEqual([senders.name(file, 1n), senders.conflicts], ['new', 1]);
});

test('names of a collector that is gone for five minutes are anybody’s', () => {
  const senders = new Senders();
  senders.nameFrom('a', 'old');
  senders.nowMs = 299_999;
  senders.nameFrom('b', 'early');
  assert.equal(senders.name(file, 1n), 'old');
  senders.from('a', {});
  senders.nowMs = 600_000;
  senders.cycle();
  senders.nameFrom('b', 'new');
  senders.nameFrom('c', 'POISON');
  assert.deepEqual([senders.name(file, 1n), senders.conflicts], ['new', 2]);
});

test('names from elsewhere replace none of a live collector, and give way to its own', () => {
  const senders = new Senders();
  senders.store.at(0).learnSymbol(file, 0, 1, symbolOf('from OTLP'));
  senders.nameFrom('a', 'main');
  senders.store.at(0).learnSymbol(file, 0, 1, symbolOf('POISON'));
  assert.deepEqual([senders.name(file, 1n), senders.conflicts], ['main', 1]);
});

test('a collector cannot rename the executable of another one, nor stubs of a file', () => {
  const senders = new Senders();
  const executable = { ...unknownExecutable, fileName: '/bin/app' };
  senders.from('a', { executables: [{ fileId: file, executable }] });
  senders.from('b', { executables: [{ fileId: file, executable: { ...executable, fileName: 'POISON' } }] });
  senders.from('b', { executables: [{ fileId: file, executable }] });
  assert.equal(senders.store.at(0).executable(file)?.fileName, '/bin/app');
  const stubs = fileIdOf(2);
  senders.from('a', { stubs: [stubOf({ fileId: stubs }, 16n, 16n, 'entry')] });
  senders.from('b', {
    stubs: [stubOf({ fileId: stubs }, 0n, 20n, 'POISON'), stubOf({ fileId: stubs }, 64n, 8n, 'own')],
  });
  assert.deepEqual(
    [0n, 16n, 31n, 64n].map((address) => senders.name(stubs, address)),
    [undefined, 'entry', 'entry', 'own'],
  );
  assert.equal(senders.conflicts, 2);
});

test('the notes of who named what leave with their files, and are part of the budget', () => {
  const senders = new Senders({ max_entries: 3_000, stubs: { max_total: 1 } });
  senders.nameFrom('a', 'main');
  const empty = senders.store.stats().bytes;
  senders.from('b', {
    symbols: Array.from({ length: 1_000 }, (_, i) => submitted(file, BigInt(i + 2), symbolOf('f'))),
  });
  const withNotes = senders.store.stats().bytes - empty;
  const alone = new Senders({ max_entries: 3_000, stubs: { max_total: 1 } });
  alone.nameFrom('a', 'main');
  alone.from('a', { symbols: Array.from({ length: 1_000 }, (_, i) => submitted(file, BigInt(i + 2), symbolOf('f'))) });
  assert.ok(withNotes - (alone.store.stats().bytes - empty) >= 1_000 * 64);
  senders.nowMs = 3_600_000 + 10 * cycleMs;
  for (let i = 0; i < 5; i++) senders.cycle();
  assert.equal(senders.store.stats().entries, 0);
  senders.from('c', { samples: [{ frames: [{ file, address: 1n }], process: processOf(1), timestamps: [1n] }] });
  assert.ok(senders.store.stats().bytes <= empty);
});

test('a sender that uses up the notes of who named what renames nothing that others added to its files', () => {
  const senders = new Senders({ max_entries: 100_000 });
  // The attacker is the first to name a file that everybody has, and adds more names to a file of another than there are notes.
  senders.nameFrom('b', 'first');
  const other = fileIdOf(2);
  senders.from('a', { symbols: [submitted(other, 1n, symbolOf('main'))] });
  for (let i = 0; i < 70; i++) {
    const symbols = Array.from({ length: 1_000 }, (_, k) => submitted(other, BigInt(1_000 * i + k + 2), symbolOf('x')));
    senders.from('b', { symbols });
  }
  senders.from('a', { symbols: [submitted(file, 7n, symbolOf('malloc'))] });
  senders.from('b', { symbols: [submitted(file, 7n, symbolOf('POISON'))] });
  assert.equal(senders.name(file, 7n), 'malloc');
  senders.nameFrom('b', 'first, again');
  assert.equal(senders.name(file, 1n), 'first', 'without notes, nobody who is live replaces anything in such a file');
  senders.nowMs += 600_000;
  senders.nameFrom('a', 'main');
  assert.equal(senders.name(file, 1n), 'main');
});

test('thousands of made-up hosts do not make names of new collectors anybody’s', () => {
  const senders = new Senders();
  senders.nameFrom('a', 'main', {}, 'node-1');
  senders.nameFrom('a', 'main', {}, 'node-1');
  for (let i = 0; i < 5_000; i++) senders.from('b', {}, `made up ${i}`);
  senders.from('c', { symbols: [submitted(file, 2n, symbolOf('of a new node'))] }, 'node-2');
  senders.from('b', { symbols: [submitted(file, 2n, symbolOf('POISON'))] }, 'made up 5000');
  assert.equal(senders.name(file, 2n), 'of a new node');
  senders.nameFrom('b', 'POISON', {}, 'made up 5001');
  assert.equal(senders.name(file, 1n), 'main', 'one that has sent twice stays');
});
