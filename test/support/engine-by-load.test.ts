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

// Functions that are called too seldom for more than baseline code, which V8 makes at once where it is told to.
const calls = `
import { fitEngineToLoad } from ${JSON.stringify(engine)};
if (process.argv[1] === 'fit') fitEngineToLoad();
const body = (index) => 'let sum = 0; for (let i = 0; i < count; i++) sum += i ^ ' + index + '; return sum;';
const functions = Array.from({ length: 50 }, (_, index) => new Function('count', body(index)));
for (let round = 0; round < 30; round++) for (const one of functions) one(3);
console.log(functions.filter((one) => %ActiveTierIsSparkplug(one)).length);
`;

test('no baseline code is made while there is little load', () => {
  const countWith = (argument: string): number => {
    const args = ['--allow-natives-syntax', '--always-sparkplug', '--input-type=module', '--eval', calls, argument];
    const { NODE_OPTIONS: _, ...env } = process.env;
    return Number(execFileSync(process.execPath, args, { env, encoding: 'utf8' }));
  };
  assert.ok(countWith('') > 0);
  assert.equal(countWith('fit'), 0);
});

test('young objects take no more than 16 MiB, however many of them survive', () => {
  // A small heap would bound them by itself.
  const args = ['--max-old-space-size=4096', '--input-type=module', '--eval', load];
  const { NODE_OPTIONS: _, ...env } = process.env;
  const bytes = Number(execFileSync(process.execPath, args, { env, encoding: 'utf8' }));
  assert.ok(bytes >= 4 << 20 && bytes <= 16 << 20, `${bytes / 2 ** 20} MiB`);
});
