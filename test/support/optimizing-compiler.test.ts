import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const source = join(import.meta.dirname, '../../src');
const engine = join(source, 'support/engine-by-load.ts');
const { NODE_OPTIONS: _, ...env } = process.env;

const fit = `
import { setImmediate } from 'node:timers/promises';
import { fitEngineToLoad } from ${JSON.stringify(engine)};
if (process.argv[1] === 'fit') fitEngineToLoad();
`;

// Functions that are not inlined where they are called.
const hotFunctions = `${fit}
const body = (index) => 'let sum = ' + index + '; for (let i = 0; i < count; i++) sum += i ^ count; return sum;';
const functions = Array.from({ length: 8 }, (_, index) => new Function('count', body(index)));
for (let round = 0; round < 50; round++) {
  for (let call = 0; call < 1000; call++) for (const one of functions) one(10);
  await setImmediate();
}
console.log(functions.filter((one) => %ActiveTierIsTurbofan(one)).length);
`;

function run(script: string, argument: string): string {
  // V8's efficiency mode alone puts the last compiler off: here for one call, on a node for minutes.
  const flags = ['--allow-natives-syntax', '--efficiency-mode-delay-turbofan=1'];
  return execFileSync(process.execPath, [...flags, '--input-type=module', '--eval', script, argument], {
    env,
    encoding: 'utf8',
  });
}

test('while there is little load, no function is compiled by V8’s last compiler, whose code would stay in memory', () => {
  assert.ok(Number(run(hotFunctions, '')) > 0);
  assert.equal(Number(run(hotFunctions, 'fit')), 0);
});

test('nor is what finds the modules of the service; what strips their types is only here', () => {
  // The end is where the configuration is read: all modules are loaded then.
  const args = ['--trace-opt', join(source, 'main.ts'), '--config', '/nowhere/otel-config.yaml'];
  const traces = spawnSync(process.execPath, args, { env, encoding: 'utf8' }).stdout;
  const finder = /\[completed compiling .*<JSFunction normalizeString .*\(target (\w+)\)/g;
  assert.deepEqual([...new Set([...traces.matchAll(finder)].map((match) => match[1]))], ['MAGLEV']);
});
