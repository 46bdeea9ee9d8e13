import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  listProgramFiles,
  loadPackage,
  programFolder,
  readPackageFile,
  readProgramFile,
} from '../../src/support/program-files.ts';

// The sources' form; the built forms are those of test/image.
const root = join(import.meta.dirname, '../..');

test('files that come with the program are found from src', () => {
  assert.deepEqual(readProgramFile('../otel-config.yaml'), readFileSync(join(root, 'otel-config.yaml')));
  assert.deepEqual(listProgramFiles('http/live-page/assets/'), readdirSync(join(root, 'src/http/live-page/assets')));
  assert.equal(programFolder('../recordings/'), join(root, 'recordings/'));
});

test('packages are loaded once, and their files are read', () => {
  assert.equal(typeof loadPackage<typeof import('bcryptjs')>('bcryptjs').compare, 'function');
  assert.equal(loadPackage('bcryptjs'), loadPackage('bcryptjs'));
  assert.equal(readPackageFile('gecko-profiler-demangle/index_bg.wasm').toString('latin1', 0, 4), '\0asm');
});

test('only program-files.ts knows where the program lies', () => {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  const knowing = files.filter(
    (name) => name.endsWith('.ts') && /import\.meta|node:sea/.test(readFileSync(join(root, 'src', name), 'utf8')),
  );
  assert.deepEqual(knowing, ['support/program-files.ts']);
});
