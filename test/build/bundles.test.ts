import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bundleExecutable, bundleProgram } from '../../build/bundles.ts';

for (const { form, bundle } of [
  { form: 'package', bundle: bundleProgram },
  { form: 'executable', bundle: bundleExecutable },
]) {
  test(`the program of the ${form} does not load Node.js's HTTP/2`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'framekeeper-bundles-'));
    t.after(() => rmSync(folder, { recursive: true }));
    await bundle(folder);
    const files = readdirSync(folder);
    const texts = files.map((file) => readFileSync(join(folder, file), 'utf8'));
    assert.ok(texts.some((text) => text.includes('node:http')));
    const loading = files.filter((_, index) =>
      /(?:require|getBuiltinModule|from) ?\(?["']node:http2/.test(texts[index]!),
    );
    assert.deepEqual(loading, []);
  });
}
