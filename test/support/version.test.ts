import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { description, version } from '../../src/support/version.ts';

const root = join(import.meta.dirname, '../..');

test('version and description are those of package.json', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  assert.deepEqual([version, description], [manifest.version, manifest.description]);
});
