import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readText } from '../../../src/native/files/process-maps.ts';

const folder = mkdtempSync(join(tmpdir(), 'framekeeper-maps-'));
const path = join(folder, 'text');
after(() => rmSync(folder, { recursive: true }));

test('a text of any length is read to its end, and what was read before does not change', () => {
  writeFileSync(path, 'before');
  const before = readText(path);
  for (const length of [0, 1, 65_535, 65_536, 65_537, 200_000]) {
    const text = 'aé€😀'.repeat(length / 10).padEnd(length, 'x');
    writeFileSync(path, text);
    assert.equal(readText(path), text);
  }
  assert.equal(before, 'before');
});

test('a file that tells a page at a time, and no size, is read to its end', () => {
  const maps = readText('/proc/self/maps');
  assert.ok(maps.length > 4096, `${maps.length}`);
  assert.match(maps, /\[vdso\]/);
  assert.ok(maps.endsWith('\n'));
});

test('no more than a bound, and a step, is read', () => {
  writeFileSync(path, 'x'.repeat(1_000_000));
  assert.ok(readText(path, 100_000).length <= 100_000 + 65_536);
});
