import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CompileEffort } from '../../src/support/compile-effort.ts';

/** Notes the CPU time of `shares` of a core, each for `seconds`, once in `everyMs`. */
function sparingAfter(shares: readonly (readonly [share: number, seconds: number])[], everyMs: number): boolean[] {
  const effort = new CompileEffort(0, 0);
  let [nowMs, cpuMs] = [0, 0];
  return shares.map(([share, seconds]) => {
    for (const endMs = nowMs + 1000 * seconds; nowMs < endMs; ) {
      nowMs += everyMs;
      cpuMs += share * everyMs;
      effort.note(nowMs, cpuMs);
    }
    return effort.isSparing;
  });
}

test('code is compiled with little effort until there is load, and again once there is none', () => {
  const load = [
    [0.003, 600],
    [0.1, 61],
    [0.03, 600],
    [0.003, 61],
    [0.03, 600],
  ] as const;
  assert.deepEqual(sparingAfter(load, 500), [true, false, false, true, true]);
});

test('full load is known within seconds', () => {
  assert.deepEqual(
    sparingAfter(
      [
        [0.001, 61],
        [1, 2],
      ],
      10,
    ),
    [true, false],
  );
});

test('a load that takes a quarter of a core, in bursts, is known within seconds, whatever was before', () => {
  const bursts = Array.from(
    { length: 5 },
    () =>
      [
        [0.001, 0.75],
        [1, 0.25],
      ] as const,
  ).flat();
  assert.equal(sparingAfter([[0.001, 20], ...bursts], 50).at(-1), false);
});

test('one expensive request is no load', () => {
  const effort = new CompileEffort(0, 0);
  effort.note(4_700, 250);
  effort.note(4_705, 255);
  effort.note(9_400, 280);
  effort.note(20_000, 290);
  assert.equal(effort.isSparing, true);
});
