import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const engine = join(import.meta.dirname, '../../src/support/engine-by-load.ts');

// Objects that survive a few collections: V8 alone gives them 64 MiB within these rounds.
const load = `
import { setImmediate } from 'node:timers/promises';
import { getHeapSpaceStatistics } from 'node:v8';
import { fitEngineToLoad } from ${JSON.stringify(engine)};
fitEngineToLoad();
const kept = new Array(40_000);
for (let round = 0; round < 200; round++) {
  for (let index = 0; index < kept.length; index++) kept[index] = { round, places: [index] };
  await setImmediate();
}
console.log(getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size);
`;

test('young objects take no more than 16 MiB, however many of them survive', () => {
  // A small heap would bound them by itself.
  const args = ['--max-old-space-size=4096', '--input-type=module', '--eval', load];
  const { NODE_OPTIONS: _, ...env } = process.env;
  const bytes = Number(execFileSync(process.execPath, args, { env, encoding: 'utf8' }));
  assert.ok(bytes >= 4 << 20 && bytes <= 16 << 20, `${bytes / 2 ** 20} MiB`);
});
