import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { OpenFile } from '../../../src/native/files/open-file.ts';
import { openBelow, openRegularFile } from '../../../src/native/files/open-file.ts';

/** `outside/secret` beside a root with `lib/libc.so`. */
function createTree(t: TestContext): { root: string; outside: string } {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-root-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const root = join(folder, 'root');
  mkdirSync(join(root, 'lib'), { recursive: true });
  mkdirSync(join(folder, 'outside'));
  writeFileSync(join(folder, 'outside/secret'), 'secret');
  writeFileSync(join(root, 'lib/libc.so'), 'library');
  return { root, outside: join(folder, 'outside') };
}

function textOf(opened: OpenFile | undefined): string | undefined {
  if (opened === undefined) return undefined;
  const bytes = new Uint8Array(opened.source.sizeBytes);
  opened.source.read(bytes, 0);
  opened.close();
  return Buffer.from(bytes).toString();
}

const maxBytes = 1_000_000;

for (const { name, link, target, found } of [
  { name: 'a relative link', link: 'lib/link.so', target: 'libc.so', found: 'library' },
  { name: 'an absolute link, as the process sees it', link: 'lib/link.so', target: '/lib/libc.so', found: 'library' },
  { name: 'a link through a folder and back', link: 'link.so', target: 'lib/../lib/libc.so', found: 'library' },
  {
    name: 'a link that climbs above the root stays in it',
    link: 'link.so',
    target: '../../../lib/libc.so',
    found: 'library',
  },
  { name: 'a link out of the root', link: 'link.so', target: '../outside/secret', found: undefined },
  { name: 'a link to itself', link: 'link.so', target: 'link.so', found: undefined },
  { name: 'a link to a folder', link: 'link.so', target: 'lib', found: undefined },
  { name: 'a link to nothing', link: 'link.so', target: 'nothing', found: undefined },
]) {
  test(`openBelow: ${name} leads to ${found === undefined ? 'nothing' : 'the file'}`, (t) => {
    const { root } = createTree(t);
    symlinkSync(target, join(root, link));
    assert.equal(textOf(openBelow(root, `/${link}`, maxBytes)), found);
  });
}

test('openBelow: an absolute link to what lies outside leads to nothing', (t) => {
  const { root, outside } = createTree(t);
  symlinkSync(join(outside, 'secret'), join(root, 'link.so'));
  assert.equal(openBelow(root, 'link.so', maxBytes), undefined);
  symlinkSync(outside, join(root, 'folder'));
  assert.equal(openBelow(root, 'folder/secret', maxBytes), undefined);
});

test('openBelow: FIFOs, folders and files that are too large are not opened', (t) => {
  const { root } = createTree(t);
  execFileSync('mkfifo', [join(root, 'fifo')]);
  assert.equal(openBelow(root, 'fifo', maxBytes), undefined);
  assert.equal(openBelow(root, 'lib', maxBytes), undefined);
  assert.equal(openBelow(root, 'lib/libc.so', 3), undefined);
  assert.equal(openRegularFile(join(root, 'fifo'), maxBytes), undefined);
  assert.equal(openRegularFile('/dev/null', maxBytes), undefined);
});

test('openBelow closes every descriptor but that of the file', (t) => {
  const { root } = createTree(t);
  symlinkSync('../lib/./libc.so', join(root, 'lib/link.so'));
  const before = readdirSync('/proc/self/fd').length;
  for (let i = 0; i < 5; i++) {
    assert.equal(textOf(openBelow(root, 'lib/link.so', maxBytes)), 'library');
    assert.equal(openBelow(root, 'lib/nothing', maxBytes), undefined);
    assert.equal(openBelow(root, 'lib/libc.so/below', maxBytes), undefined);
  }
  assert.equal(readdirSync('/proc/self/fd').length, before);
});
