import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { fnv128a } from '../../../src/model/file-id.ts';
import { htlhashOf } from '../../../src/native/elf/build-id.ts';
import { MemorySource } from '../../../src/native/elf/byte-source.ts';
import { findAlternateFile, findDebugFile } from '../../../src/native/files/debug-files.ts';
import { identify } from '../../../src/native/files/file-identity.ts';
import type { FileMiss, FileSearch, FoundFile } from '../../../src/native/files/find-file.ts';
import { FileFinder } from '../../../src/native/files/find-file.ts';
import { fixtureBytes, fixturePath } from '../open-fixture.ts';

const split = identify(new MemorySource(fixtureBytes('split.elf')))!.identity;
const other = identify(new MemorySource(fixtureBytes('gcc-dwarf5.elf')))!.identity;
const wanted = { fileId: split.htlhash, gnuBuildId: '', fileName: 'lib.so' };

/** A `/proc` of one process, 7, with `/lib/lib.so` mapped in a file system of its own. */
function createNode(t: TestContext, { hasMapFiles = true, isThere = true } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-find-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const put = (path: string, name: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    copyFileSync(fixturePath(name), join(folder, path));
  };
  mkdirSync(join(folder, 'proc/7/map_files'), { recursive: true });
  mkdirSync(join(folder, 'container'));
  mkdirSync(join(folder, 'debug'));
  symlinkSync(join(folder, 'container'), join(folder, 'proc/7/root'));
  const line = '7f0000001000-7f0000002000 r-xp 00001000 fe:01 1234                       /lib/lib.so';
  writeFileSync(join(folder, 'proc/7/maps'), `55d0-55e0 rw-p 00000000 00:00 0 [heap]\n${line}\n`);
  if (isThere) put('container/lib/lib.so', 'split.elf');
  if (hasMapFiles)
    symlinkSync(join(folder, 'container/lib/lib.so'), join(folder, 'proc/7/map_files/7f0000001000-7f0000002000'));
  const search: FileSearch = {
    ...{ procRoot: join(folder, 'proc'), debugDirectories: [join(folder, 'debug')], maxFileBytes: 2 ** 30 },
  };
  const find = (file = wanted, pids = [7]): FoundFile | FileMiss => {
    const found = new FileFinder(search).find(file, pids, 0);
    if (typeof found === 'object') t.after(() => found.close());
    return found;
  };
  return { put, search, find };
}

for (const { name, file, pids } of [
  { name: 'by its hash', file: wanted, pids: [7] },
  { name: 'by its build ID', file: { ...wanted, fileId: '1'.repeat(32), gnuBuildId: split.gnuBuildId }, pids: [7] },
  {
    name: 'by a file ID that is derived from its build ID',
    file: { ...wanted, fileId: fnv128a(split.gnuBuildId) },
    pids: [7],
  },
  { name: 'under another name than the collector knows', file: { ...wanted, fileName: 'else' }, pids: [7] },
  { name: 'in another process than that of the sample', file: wanted, pids: [] },
  { name: 'in another process than the one that is gone', file: wanted, pids: [99] },
]) {
  test(`a mapped file is found ${name}`, (t) => {
    assert.equal(typeof createNode(t).find(file, pids), 'object');
  });
}

test('a mapped file is found below the root of its process where map_files may not be read', (t) => {
  assert.equal(typeof createNode(t, { hasMapFiles: false }).find(), 'object');
});

test('a file at the right path with another build ID is not taken, and that is said', (t) => {
  const node = createNode(t);
  assert.equal(node.find({ ...wanted, fileId: other.htlhash, gnuBuildId: other.gnuBuildId }), 'build_id_differs');
  // Not even if its hash is the wanted one.
  assert.equal(node.find({ ...wanted, gnuBuildId: other.gnuBuildId }), 'build_id_differs');
});

test('a file that no process has any more is found by its build ID in the debug directories', (t) => {
  const { put, find } = createNode(t, { isThere: false, hasMapFiles: false });
  const byId = { ...wanted, gnuBuildId: split.gnuBuildId };
  assert.equal(find(byId), 'no_file');
  put(`debug/.build-id/${split.gnuBuildId.slice(0, 2)}/${split.gnuBuildId.slice(2)}.debug`, 'shared.debug');
  assert.equal(typeof find(byId), 'object');
});

for (const { name, path, isInRoot } of [
  { name: 'by build ID in its own file system', path: 'container/usr/lib/debug/.build-id/ID.debug', isInRoot: true },
  { name: 'by build ID in the debug directories', path: 'debug/.build-id/ID.debug', isInRoot: false },
  { name: 'by name beside it', path: 'container/lib/shared.debug', isInRoot: true },
  { name: 'by name in .debug', path: 'container/lib/.debug/shared.debug', isInRoot: true },
  {
    name: 'by name in the debug folder of its own file system',
    path: 'container/usr/lib/debug/lib/shared.debug',
    isInRoot: true,
  },
  { name: 'by name in the debug directories', path: 'debug/lib/shared.debug', isInRoot: false },
]) {
  test(`the debug file of a stripped one is found ${name}, and not when it is that of another build`, (t) => {
    const place = path.replace('ID', `${split.gnuBuildId.slice(0, 2)}/${split.gnuBuildId.slice(2)}`);
    const { put, search, find } = createNode(t);
    const file = find() as FoundFile;
    put(place, 'gcc-dwarf5.elf');
    assert.equal(findDebugFile(file, search), undefined);
    put(place, 'shared.debug');
    const debug = findDebugFile(file, search)!;
    debug.opened.close();
    assert.equal(debug.isInRoot, isInRoot);
  });
}

test('the file that dwz moved parts to is found beside the file, and not when it is that of another build', (t) => {
  const { put, search, find } = createNode(t);
  const file = find() as FoundFile;
  const dwz = { elf: identify(new MemorySource(fixtureBytes('dwz.elf')))!.elf, path: '/lib/lib.so' };
  put('container/lib/dwz-common.debug', 'shared.debug');
  assert.equal(findAlternateFile(dwz, file, search), undefined);
  put('container/lib/dwz-common.debug', 'dwz-common.debug');
  const found = findAlternateFile(dwz, file, search)!;
  found.opened.close();
  assert.ok(found.isInRoot);
});

test('the hash of a file is that of its head, its tail and its length', () => {
  // By `head -c 4096`, `tail -c 4096`, eight bytes of length and sha256sum.
  assert.equal(htlhashOf(new MemorySource(Buffer.from('abc'))), 'a7e79e8a85da69bad5c3fea209342ac9');
});
