import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

/** The diagram: which folder of `src` may import which others. Everything may import `model`, `support` and `config`. */
const allowed: Record<string, readonly string[]> = {
  model: [],
  support: [],
  config: ['support'],
  lru: [],
  memory: [],
  storage: [],
  journal: ['storage'],
  otlp: [],
  symbols: ['lru'],
  profile: ['otlp'],
  reporter: ['profile', 'otlp'],
  exporters: ['otlp', 'storage'],
  receivers: ['otlp'],
  http: [],
  auth: [],
  cli: ['profile', 'otlp'],
  // Where the stages meet: it connects them, and none of them knows it.
  pipeline: ['otlp', 'symbols', 'profile', 'reporter', 'exporters', 'receivers', 'journal', 'storage', 'memory'],
};
const shared = ['model', 'support', 'config'];
const source = join(import.meta.dirname, '../src');

test('folders import only what the diagram allows', () => {
  const offences: string[] = [];
  for (const file of globSync('*/**/*.ts', { cwd: source })) {
    const folder = file.split('/')[0]!;
    assert.ok(folder in allowed, `src/${folder} is not in the diagram; add it`);
    for (const [, path] of readFileSync(join(source, file), 'utf8').matchAll(/from '(\.[^']+)'/g)) {
      const target = relative(source, join(source, dirname(file), path!)).split('/')[0]!;
      const isShared = shared.includes(target) && !['model', 'support'].includes(folder);
      if (target === folder || isShared || allowed[folder]!.includes(target)) continue;
      if (folder === 'model' || !['model', 'support'].includes(target)) {
        offences.push(`${folder} must not import ${target} (src/${file})`);
      }
    }
  }
  assert.deepEqual(offences, []);
});
