import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { description, version } from '../../src/support/version.ts';

const root = join(import.meta.dirname, '../..');

test('version and description are those of package.json', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  assert.deepEqual([version, description], [manifest.version, manifest.description]);
});

test('version is found from dist as well as from src', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-version-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'dist/support'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"module","version":"9.8.7","description":"d"}');
  const copy = join(folder, 'dist/support/version.ts');
  copyFileSync(join(root, 'src/support/version.ts'), copy);
  assert.equal((await import(pathToFileURL(copy).href)).version, '9.8.7');
});
