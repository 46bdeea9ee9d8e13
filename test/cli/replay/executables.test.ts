import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readElfFile } from '../../../src/cli/replay/elf-file.ts';
import { Executables, elfAddressOf, readExecutableTable } from '../../../src/cli/replay/executables.ts';
import { fnv128a } from '../../../src/model/file-id.ts';

const table = readExecutableTable(join(import.meta.dirname, '../../../recordings/executables.json'));
const nodeBuildId = 'ebeaf2df364d5eeb7096f0f7722a69eec6efdf3b';
const folder = mkdtempSync(join(tmpdir(), 'framekeeper-elf-'));
after(() => rmSync(folder, { recursive: true }));

test('elfAddressOf knows that an ET_EXEC file lies where it was linked to', () => {
  const node = new Executables(table, 'test').find('/usr/bin/node', nodeBuildId);
  assert.equal(elfAddressOf(node, 0x155e376n), 0x195e376n);
  assert.equal(elfAddressOf(node, 0x14c4000n), 0x18c4000n);
});

test('elfAddressOf gives a byte in the page of two segments to the executable one', () => {
  const loads = [
    { fileOffset: 0n, address: 0n, fileSize: 0x1800n, memorySize: 0x1800n, flags: 'r--' },
    { fileOffset: 0x1800n, address: 0x2800n, fileSize: 0x1000n, memorySize: 0x1000n, flags: 'r-x' },
  ];
  const executable = { fileId: '', fileIdIsHtlhash: false, fileName: '', gnuBuildId: '', loads };
  assert.equal(elfAddressOf(executable, 0x1000n), 0x2000n);
  assert.equal(elfAddressOf(executable, 0x800n), 0x800n);
  assert.equal(elfAddressOf(executable, 0x9000n), 0x9000n, 'an offset outside of all segments stays what it is');
});

test('Executables takes the recorded file ID, whatever lies on this machine', () => {
  const { fileId, fileIdIsHtlhash, fileName } = new Executables(table, 'test').find('/usr/bin/node', nodeBuildId);
  assert.deepEqual([fileId, fileIdIsHtlhash, fileName], ['0d20d072132aa616b95687600bc53ada', true, 'node']);
});

test('Executables derives the file ID of a file that nobody has from its build ID', () => {
  const { fileId, fileIdIsHtlhash } = new Executables(table, 'test').find('/srv/app/workc', 'aa'.repeat(20));
  assert.deepEqual([fileId, fileIdIsHtlhash], [fnv128a('aa'.repeat(20)), false]);
});

test('Executables identifies the kernel by its build ID and its place in memory', () => {
  const executables = new Executables(table, 'test');
  const { executable, textStart, textEnd } = executables.kernel('6.18.44-fc-v669');
  assert.equal(executable.gnuBuildId, '4a5a9b0affb66c437abcd455d2738af879985fa9');
  const elsewhere = executables.kernelOf(executable.gnuBuildId, textStart + 0x200000n, textEnd + 0x200000n);
  assert.notEqual(elsewhere.executable.fileId, executable.fileId);
  assert.deepEqual([executable.fileName, textStart], ['vmlinux', 0xffffffff81000000n]);
});

test('a file without build ID is another one in another recording, with other names at the same addresses', () => {
  const [first, second] = ['first', 'second'].map((scope) => new Executables(table, scope));
  assert.notEqual(first?.find('/opt/app', '').fileId, second?.find('/opt/app', '').fileId);
  assert.notEqual(first?.kernel('unknown').executable.fileId, second?.kernel('unknown').executable.fileId);
  assert.equal(first?.find('/opt/app (deleted)', '').fileId, first?.find('/opt/app', '').fileId);
});

test('readElfFile reads segments, build ID and file ID', () => {
  const path = join(folder, 'program');
  const bytes = smallElf();
  writeFileSync(path, bytes);
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(bytes.length));
  const head = bytes.subarray(0, 4096);
  const tail = bytes.subarray(bytes.length - 4096);
  assert.deepEqual(readElfFile(path), {
    sizeBytes: bytes.length,
    gnuBuildId: '0102030405060708',
    htlhash: createHash('sha256').update(head).update(tail).update(length).digest('hex').slice(0, 32),
    loads: [{ fileOffset: 0x1000n, address: 0x401000n, fileSize: 0x800n, memorySize: 0x900n, flags: 'r-x' }],
  });
});

test('Executables takes a file of this machine when it has the build ID', () => {
  const path = join(folder, 'other');
  writeFileSync(path, smallElf());
  assert.equal(new Executables(table, 'test').find(path, '0102030405060708').fileIdIsHtlhash, true);
  assert.equal(new Executables(table, 'test').find(path, 'ffffffffffffffff').fileIdIsHtlhash, false);
});

test('readElfFile knows nothing of what is no ELF file', () => {
  const path = join(folder, 'text');
  writeFileSync(path, 'no program'.repeat(20));
  assert.equal(readElfFile(path), undefined);
  assert.equal(readElfFile(folder), undefined);
  assert.equal(readElfFile(join(folder, 'missing')), undefined);
});

/** A header, a loaded segment and a note with a build ID of eight bytes; 5,000 bytes long. */
function smallElf(): Buffer {
  const bytes = Buffer.alloc(5_000, 7);
  bytes.fill(0, 0, 512);
  bytes.write('\x7fELF\x02\x01\x01', 'latin1');
  bytes.writeBigUInt64LE(64n, 32);
  bytes.writeUInt16LE(56, 54);
  bytes.writeUInt16LE(2, 56);
  writeProgramHeader(bytes, 64, { type: 1, flags: 5, offset: 0x1000n, address: 0x401000n, size: 0x800n });
  writeProgramHeader(bytes, 120, { type: 4, flags: 4, offset: 256n, address: 0x400100n, size: 44n });
  // Another note comes first: only one that is named GNU and has type 3 is the build ID.
  bytes.writeUInt32LE(4, 256);
  bytes.writeUInt32LE(0, 260);
  bytes.writeUInt32LE(1, 264);
  bytes.write('GNU\0', 268, 'latin1');
  bytes.writeUInt32LE(4, 272);
  bytes.writeUInt32LE(8, 276);
  bytes.writeUInt32LE(3, 280);
  bytes.write('GNU\0', 284, 'latin1');
  bytes.set([1, 2, 3, 4, 5, 6, 7, 8], 288);
  return bytes;
}

function writeProgramHeader(
  bytes: Buffer,
  at: number,
  header: { type: number; flags: number; offset: bigint; address: bigint; size: bigint },
): void {
  bytes.writeUInt32LE(header.type, at);
  bytes.writeUInt32LE(header.flags, at + 4);
  bytes.writeBigUInt64LE(header.offset, at + 8);
  bytes.writeBigUInt64LE(header.address, at + 16);
  bytes.writeBigUInt64LE(header.size, at + 32);
  bytes.writeBigUInt64LE(header.size + 0x100n, at + 40);
}
