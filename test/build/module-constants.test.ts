import assert from 'node:assert/strict';
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { build } from 'esbuild';
import { bundleExecutable, bundleProgram } from '../../build/bundles.ts';
import { withModuleConstants } from '../../build/module-constants.ts';

const project = join(import.meta.dirname, '../..');

/** All sources with loops that have to be fast, as the bundler joins them, without what they import of packages. */
async function bundleHotSources(): Promise<{ readonly text: string; readonly files: readonly string[] }> {
  const files = globSync('src/**/*.ts', { cwd: project }).filter((file) =>
    readFileSync(join(project, file), 'utf8').startsWith('// hot'),
  );
  const { outputFiles } = await build({
    absWorkingDir: project,
    stdin: { contents: files.map((file) => `export * from './${file}';`).join('\n'), resolveDir: project },
    ...{ bundle: true, write: false, format: 'esm', platform: 'node', packages: 'external', logLevel: 'silent' },
  });
  return { text: outputFiles[0]!.text, files };
}

test('constants of hot sources are constants in a bundle', async () => {
  const { text, files } = await bundleHotSources();
  assert.ok(files.length > 20);
  const restored = withModuleConstants(text, project);
  const constant = new Set([...restored.matchAll(/^const (\w+) = /gm)].map(([, name]) => name!.replace(/\d+$/, '')));
  for (const file of files) {
    for (const [, name] of readFileSync(join(project, file), 'utf8').matchAll(/^const (\w+)/gm)) {
      // What nothing uses is not in the bundle.
      const isThere = new RegExp(`\\b${name}\\d*\\b`).test(restored);
      assert.ok(!isThere || constant.has(name!.replace(/\d+$/, '')), `${name} of ${file}`);
    }
  }
  const variables = /^var (\w+) = /gm;
  const others = [...restored.matchAll(variables)].map(([, name]) => name!);
  assert.ok(others.length < 20, `still variables: ${others.join(', ')}`);
});

test('a variable of a source, and what is not of ours, stays a variable', () => {
  const ours = '// src/support/halves.ts\nvar uint64Of = 1;\nvar other = 2;';
  assert.equal(withModuleConstants(ours, project), ours);
  const packages = '// src/support/mix-words.ts\nvar seedName2 = 1;\n// node_modules/x/y.js\nvar seedName = 1;';
  assert.equal(withModuleConstants(packages, project), packages.replace('var seedName2', 'const seedName2'));
});

for (const { form, bundle } of [
  { form: 'package', bundle: bundleProgram },
  { form: 'executable', bundle: bundleExecutable },
]) {
  test(`no source is evaluated late in the bundles of the ${form}, where its constants would be variables`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'framekeeper-bundles-'));
    t.after(() => rmSync(folder, { recursive: true }));
    await bundle(folder);
    const files = readdirSync(folder);
    assert.ok(files.length > 3);
    for (const file of files) {
      const late = readFileSync(join(folder, file), 'utf8').match(/"src\/[^"]+\.ts"\(\)/g) ?? [];
      assert.deepEqual(late, [], file);
    }
  });
}
