import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { loadSnapshot } from '../../../src/symbols/snapshot/load-snapshot.ts';
import {
  encodeHeader,
  encodeSectionHeader,
  SnapshotFault,
  sectionKinds,
} from '../../../src/symbols/snapshot/snapshot-format.ts';
import { fileIdOf, processOf, symbolOf } from '../../support/batch.ts';
import { StoreHarness, stubOf } from '../store-harness.ts';
import { LineSink, loadHarness, save, temporaryFolder } from './snapshot-harness.ts';

const numRuns = Number(process.env.PROPERTY_RUNS ?? 100);

/** A snapshot with something of everything. */
async function smallSnapshot(context: TestContext): Promise<{ readonly path: string; readonly bytes: Buffer }> {
  const harness = new StoreHarness();
  const path = join(temporaryFolder(context), 'symbols');
  harness.learnName(fileIdOf(1), 0xffff_8000_0000_1234n, 'first', { inlined: [symbolOf('inner')] });
  harness.nowMs = 1000;
  harness.learnName(fileIdOf(1), 2n, 'second');
  const executable = { fileName: '/bin/app', gnuBuildId: 'abcd', goBuildId: '', hasHtlHash: true };
  harness.learn({ executables: [{ fileId: fileIdOf(2), executable }] });
  harness.learn({ stubs: [stubOf({ process: processOf(7) }, 16n, 8n, 'entry')] });
  harness.learn({ stubs: [stubOf({ fileId: fileIdOf(3) }, 2n ** 64n - 8n, 8n, 'top')] });
  await save(harness.store, path, { nowMs: harness.nowMs });
  return { path, bytes: readFileSync(path) };
}

async function refusalOf(path: string, maxBytes = 1 << 20): Promise<SnapshotFault | undefined> {
  try {
    await loadSnapshot(path, maxBytes, () => new StoreHarness().store.restore(0, 0));
    return undefined;
  } catch (error) {
    if (error instanceof SnapshotFault) return error;
    throw error;
  }
}

test('a whole snapshot is taken', async (context) => {
  const { path } = await smallSnapshot(context);
  const { harness } = await loadHarness(path);
  assert.equal(harness.find(fileIdOf(1), 0xffff_8000_0000_1234n)?.inlined[0]?.functionName, 'inner');
  assert.equal(harness.store.at(0).executable(fileIdOf(2))?.gnuBuildId, 'abcd');
  assert.equal(harness.nameIn(processOf(7), 23n), 'entry');
  assert.equal(harness.name(fileIdOf(3), 2n ** 64n - 1n), 'top');
});

test('a snapshot that ends anywhere before its end is refused', async (context) => {
  const { path, bytes } = await smallSnapshot(context);
  for (let length = 0; length < bytes.length; length++) {
    writeFileSync(path, bytes.subarray(0, length));
    assert.ok((await refusalOf(path)) !== undefined, `${length} of ${bytes.length} bytes were taken`);
  }
});

test('a snapshot with one bit changed is refused, wherever it is', async (context) => {
  const { path, bytes } = await smallSnapshot(context);
  for (let at = 0; at < bytes.length; at++) {
    const damaged = Buffer.from(bytes);
    damaged[at]! ^= 1 << (at % 8);
    writeFileSync(path, damaged);
    assert.ok((await refusalOf(path)) !== undefined, `a change of byte ${at} was not seen`);
  }
});

test('a snapshot with more behind its end is refused', async (context) => {
  const { path, bytes } = await smallSnapshot(context);
  writeFileSync(path, Buffer.concat([bytes, Buffer.alloc(1)]));
  assert.match((await refusalOf(path))!.message, /1 bytes follow the end/);
});

/** A file of sections that are all in order, whatever is in them. */
function fileOf(sections: readonly Uint8Array[]): Buffer {
  const parts = sections.flatMap((payload, i) => [encodeSectionHeader(sectionKinds.entries, i, payload), payload]);
  const end = Buffer.alloc(4);
  return Buffer.concat([encodeHeader(0n), ...parts, encodeSectionHeader(sectionKinds.end, sections.length, end), end]);
}

test('sections with a right checksum and any bytes are read or refused, and never more than that', async (context) => {
  const { path, bytes } = await smallSnapshot(context);
  const payload = bytes.subarray(48, 48 + bytes.readUInt32LE(40));
  const changed = fc
    .array(fc.tuple(fc.nat(payload.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    .map((changes) => {
      const copy = Buffer.from(payload);
      for (const [at, value] of changes) copy[at] = value;
      return copy;
    });
  const property = fc.asyncProperty(fc.oneof(changed, fc.uint8Array({ maxLength: 200 })), async (section) => {
    writeFileSync(path, fileOf([section]));
    const refusal = await refusalOf(path);
    if (refusal !== undefined) assert.equal(refusal.kind, 'damaged');
  });
  await fc.assert(property, { numRuns });
});

const id = [...Buffer.alloc(16, 5)];
for (const { name, payload, problem } of [
  { name: 'more texts than bytes', payload: [0xff, 0xff, 0xff, 0xff, 0x0f], problem: /cut off/ },
  { name: 'a text longer than the section', payload: [1, 200, 1, 65], problem: /needs 200 bytes, and 1 are left/ },
  { name: 'a number of more than 32 bits', payload: [0xff, 0xff, 0xff, 0xff, 0x1f], problem: /32 bits/ },
  { name: 'an unknown record', payload: [0, 9], problem: /unknown tag 9/ },
  { name: 'a symbol without a file', payload: [0, 2, 0, 0, 0], problem: /belongs to no file/ },
  { name: 'a text that is not there', payload: [0, 1, ...id, 0, 2, 7, 0, 0, 0], problem: /text 7 of 1/ },
  { name: 'unknown flags', payload: [0, 1, ...id, 0, 4], problem: /unknown flags 4/ },
  { name: 'a file that goes on without a beginning', payload: [0, 1, ...id, 0, 1], problem: /did not begin/ },
  { name: 'files out of order', payload: [0, 1, ...id, 1, 0, 1, ...id, 2, 0], problem: /not in the order/ },
  {
    name: 'a symbol that was used in the future',
    payload: [0, 1, ...id, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    problem: /after the snapshot began/,
  },
  { name: 'a stub without an owner', payload: [0, 4, 0, 0, 0, 0], problem: /belongs to nobody/ },
  { name: 'an owner with a faulty ID', payload: [1, 1, 65, 3, 0, 0, 1], problem: /faulty ID/ },
  {
    name: 'a stub that ends before it starts',
    payload: [1, 32, ...Buffer.from('0'.repeat(32)), 3, 0, 0, 1, 4, 0, 2, 0, 1],
    problem: /ends before it starts/,
  },
  {
    name: 'functions inlined without an end',
    payload: [0, 1, ...id, 0, 0, 2, 0, 0, 0, ...Array.from({ length: 60 }, () => [0, 0, 0, 0, 0, 0, 1]).flat()],
    problem: /too deeply/,
  },
  { name: 'other counts than it says', payload: [0, 1, ...id, 0, 0], problem: /other counts/ },
]) {
  test(`a snapshot with ${name} is refused`, async (context) => {
    const path = join(temporaryFolder(context), 'symbols');
    writeFileSync(path, fileOf([Uint8Array.from(payload)]));
    const refusal = await refusalOf(path);
    assert.equal(refusal?.kind, 'damaged');
    assert.match(refusal.message, problem);
    assert.match(refusal.message, /section \d+ at byte \d+: .*; its names are lost/);
  });
}

test('sections that were swapped are refused', async (context) => {
  const path = join(temporaryFolder(context), 'symbols');
  const bytes = fileOf([Buffer.from([0]), Buffer.from([0])]);
  writeFileSync(path, Buffer.concat([bytes.subarray(0, 32), bytes.subarray(49, 66), bytes.subarray(32, 49)]));
  assert.match((await refusalOf(path))!.message, /says that it is section 1/);
});

test('a snapshot of a newer version is refused with its version', async (context) => {
  const { path, bytes } = await smallSnapshot(context);
  bytes.writeUInt32LE(2, 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 28)), 28);
  writeFileSync(path, bytes);
  const { kind, message } = (await refusalOf(path))!;
  assert.equal(kind, 'newer');
  assert.match(message, /format version 2, and this framekeeper reads 1; run the version that wrote it/);
});

test('a file that is no snapshot is refused as such', async (context) => {
  const path = join(temporaryFolder(context), 'symbols');
  writeFileSync(path, '{"version": 1}\n'.repeat(10));
  const { kind, message } = (await refusalOf(path))!;
  assert.deepEqual(
    [kind, message],
    ['foreign', 'does not begin like a symbol snapshot; give the snapshot a path of its own'],
  );
});

test('a snapshot that is too large is refused unread', async (context) => {
  const { path, bytes } = await smallSnapshot(context);
  const { kind, message } = (await refusalOf(path, bytes.length - 1))!;
  assert.equal(kind, 'too_large');
  assert.match(message, /raise max_size_mib/);
  assert.equal(await refusalOf(path, bytes.length), undefined);
});

test('a folder is refused as unreadable, and no file is none', async (context) => {
  const folder = temporaryFolder(context);
  mkdirSync(join(folder, 'symbols'));
  assert.equal((await refusalOf(join(folder, 'symbols')))?.kind, 'unreadable');
  assert.equal(await loadSnapshot(join(folder, 'none'), 1, () => new LineSink()), undefined);
});
