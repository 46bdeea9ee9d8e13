import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { MemorySource } from '../../../src/native/elf/byte-source.ts';
import { readElfFile } from '../../../src/native/elf/elf-file.ts';
import { InflatedFiles } from '../../../src/native/files/inflate-to-file.ts';
import { SplitFileFinder } from '../../../src/native/files/split-files.ts';
import { ObjectFile } from '../../../src/native/object-file.ts';
import { answers, fixtureBytes, fixturePath } from '../open-fixture.ts';

const deep = answers['split/gcc-dwarf5.elf']!.find(({ frames }) => frames.length === 3)!;
const packed = answers['split/packed-dwarf5.elf']!.find(({ frames }) => frames.length === 2)!;

/** The file system of a process with an executable at `/srv/app/program`, and a debug directory. */
function createNode(t: TestContext, program: string) {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-split-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const put = (path: string, name: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    copyFileSync(fixturePath(`split/${name}`), join(folder, path));
  };
  mkdirSync(join(folder, 'root/srv/app'), { recursive: true });
  mkdirSync(join(folder, 'debug'));
  const search = { procRoot: '/proc', debugDirectories: [join(folder, 'debug')], maxFileBytes: 2 ** 30 };
  const file = { root: join(folder, 'root'), path: '/srv/app/program' };
  /** Number of functions at an address; 1 without the split unit. */
  const depthAt = async (address: number): Promise<number> => {
    const before = openFiles();
    const finder = new SplitFileFinder(file, search, () => new InflatedFiles(folder, 2 ** 30));
    const elf = readElfFile(new MemorySource(fixtureBytes(`split/${program}`)))!;
    const inflated = new InflatedFiles(folder, 2 ** 30);
    const object = new ObjectFile(
      { elf, debug: undefined, alternate: undefined, splitFiles: finder },
      inflated.inflate,
    );
    const [answer] = await object.answer(Float64Array.of(address), 'inlines');
    finder.close();
    assert.equal(openFiles(), before, 'a file stays open');
    return answer!.frames.length;
  };
  return { folder, put, depthAt };
}

function openFiles(): number {
  return readdirSync('/proc/self/fd').length;
}

for (const { name, path } of [
  {
    name: 'at the path of compilation in the root of the process',
    path: 'root/tmp/framekeeper-fixtures/gcc-dwarf5.elf-chain.dwo',
  },
  { name: 'beside the executable', path: 'root/srv/app/gcc-dwarf5.elf-chain.dwo' },
  { name: 'in a debug directory', path: 'debug/tmp/framekeeper-fixtures/gcc-dwarf5.elf-chain.dwo' },
]) {
  test(`a .dwo file is found ${name}`, async (t) => {
    const { put, depthAt } = createNode(t, 'gcc-dwarf5.elf');
    assert.equal(await depthAt(deep.address), 1);
    put(path, 'gcc-dwarf5.elf-chain.dwo');
    assert.equal(await depthAt(deep.address), 3);
  });
}

for (const path of [
  'root/srv/app/program.dwp',
  'root/usr/lib/debug/srv/app/program.dwp',
  'debug/srv/app/program.dwp',
]) {
  test(`a .dwp file is found at ${path}`, async (t) => {
    const { put, depthAt } = createNode(t, 'packed-dwarf5.elf');
    assert.equal(await depthAt(packed.address), 1);
    put(path, 'packed-dwarf5.elf.dwp');
    assert.equal(await depthAt(packed.address), 2);
  });
}

test('a .dwo file of another build is not taken, and does not hide the right one', async (t) => {
  const { put, depthAt } = createNode(t, 'gcc-dwarf5.elf');
  put('root/tmp/framekeeper-fixtures/gcc-dwarf5.elf-chain.dwo', 'clang-dwarf5.dwo');
  assert.equal(await depthAt(deep.address), 1);
  put('root/srv/app/gcc-dwarf5.elf-chain.dwo', 'gcc-dwarf5.elf-chain.dwo');
  assert.equal(await depthAt(deep.address), 3);
});

test('a .dwp file of another program is not taken', async (t) => {
  const { put, depthAt } = createNode(t, 'packed-dwarf5.elf');
  put('root/srv/app/program.dwp', 'packed-dwarf4.elf.dwp');
  assert.equal(await depthAt(packed.address), 1);
});

test('a link out of the root of the process leads to no .dwo file', async (t) => {
  const { folder, put, depthAt } = createNode(t, 'gcc-dwarf5.elf');
  put('outside/chain.dwo', 'gcc-dwarf5.elf-chain.dwo');
  symlinkSync('../../../outside/chain.dwo', join(folder, 'root/srv/app/gcc-dwarf5.elf-chain.dwo'));
  assert.equal(await depthAt(deep.address), 1);
});
