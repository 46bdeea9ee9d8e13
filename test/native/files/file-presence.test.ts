import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { FilePresence } from '../../../src/native/files/file-presence.ts';
import type { FileSearch } from '../../../src/native/files/find-file.ts';
import { FileFinder } from '../../../src/native/files/find-file.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const wanted = { fileId: '1'.repeat(32), gnuBuildId: '', fileName: '' };
const buildId = 'abcdef0123';

/** A `/proc` of processes with files mapped, and empty places for debug files. */
function createNode(t: TestContext): { search: FileSearch; map: (pid: number, ...lines: string[]) => void } {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-presence-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'debug/.build-id/ab'), { recursive: true });
  const search = { procRoot: join(folder, 'proc'), debugDirectories: [join(folder, 'debug')], maxFileBytes: 2 ** 30 };
  const map = (pid: number, ...lines: string[]): void => {
    mkdirSync(join(search.procRoot, `${pid}`), { recursive: true });
    writeFileSync(join(search.procRoot, `${pid}/maps`), lines.map((line) => `${line}\n`).join(''));
  };
  map(7, code('/lib/lib.so'), code('/gone/old (deleted)'), '7f00-7f01 r--p 00000000 fe:01 9 /data/text');
  map(8, ...Array.from({ length: 5000 }, (_, index) => code(`/many/${'d'.repeat(index % 300)}/ä${index}.so`)));
  return { search, map };
}

function code(path: string): string {
  return `7f0000001000-7f0000002000 r-xp 00001000 fe:01 1234                       ${path}`;
}

for (const { fileName, isThere } of [
  { fileName: 'lib.so', isThere: true },
  { fileName: '/elsewhere/lib.so', isThere: true },
  { fileName: 'old', isThere: true },
  { fileName: 'ä4999.so', isThere: true },
  { fileName: 'ä5000.so', isThere: false },
  { fileName: 'text', isThere: false },
  { fileName: '', isThere: false },
]) {
  test(`a file called "${fileName}" ${isThere ? 'may be found' : 'is nowhere'}`, async (t) => {
    const { search } = createNode(t);
    assert.equal(await new FilePresence(search, new FakeClock()).mayBeFound({ ...wanted, fileName }), isThere);
    // What is nowhere is what the thread would say so of.
    const found = new FileFinder(search).find({ ...wanted, fileName }, [], 0);
    if (!isThere) assert.equal(found, 'no_process');
  });
}

test('a file that has a debug file by its build ID may be found, whatever processes have', async (t) => {
  const { search } = createNode(t);
  const presence = new FilePresence(search, new FakeClock());
  const byId = { ...wanted, gnuBuildId: buildId };
  assert.equal(await presence.mayBeFound(byId), false);
  writeFileSync(join(search.debugDirectories[0]!, '.build-id/ab/cdef0123.debug'), '');
  assert.equal(await presence.mayBeFound(byId), true);
});

test('a file that any path may lead to may be found', async (t) => {
  const search = { ...createNode(t).search, hasOwnPaths: true };
  assert.equal(await new FilePresence(search, new FakeClock()).mayBeFound({ ...wanted, fileName: '/x' }), true);
});

test('processes are looked through again after five seconds, and once for all files until then', async (t) => {
  const { search, map } = createNode(t);
  const clock = new FakeClock();
  const presence = new FilePresence(search, clock);
  const late = { ...wanted, fileName: 'late.so' };
  assert.equal(await presence.mayBeFound(late), false);
  map(9, code('/late.so'));
  await clock.advance(4_999);
  assert.equal(await presence.mayBeFound(late), false);
  await clock.advance(1);
  assert.equal(await presence.mayBeFound(late), true);
});
