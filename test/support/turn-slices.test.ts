import assert from 'node:assert/strict';
import { stat } from 'node:fs';
import { test } from 'node:test';
import { currentTurn, TurnSlices } from '../../src/support/turn-slices.ts';

/** Resolves in a callback of input; immediates and timers follow it in its turn of the event loop. */
function input(): Promise<void> {
  return new Promise((resolve) => stat(import.meta.dirname, () => resolve()));
}

test('currentTurn is the same for input and the immediates behind it, and another for the next input', async () => {
  await input();
  const turn = currentTurn();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(currentTurn(), turn);
  await input();
  assert.ok(currentTurn() > turn);
});

test('TurnSlices gives a turn one slice, from when the first work of it asks', () => {
  let nowMs = 100;
  let turn = 1;
  const slices = new TurnSlices(
    () => nowMs,
    () => turn,
  );
  const ends: number[] = [slices.endMs()];
  nowMs = 105;
  ends.push(slices.endMs());
  turn = 2;
  ends.push(slices.endMs());
  assert.deepEqual(ends, [101, 101, 106]);
});
