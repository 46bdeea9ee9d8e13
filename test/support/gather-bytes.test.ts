import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatherBytes, gathered } from '../../src/support/gather-bytes.ts';
import { WorkQueue } from '../../src/support/steps.ts';
import { FakeClock } from './fake-clock.ts';

const mebibyte = 1024 * 1024;
const pieces = [0, 1, 300_000, 5, 2 * mebibyte].map((length, index) => Buffer.alloc(length, index));

test('gatherBytes puts the pieces one after the other, and copies no more than half a mebibyte a step', () => {
  const whole = Buffer.concat(pieces);
  const steps = gatherBytes(pieces);
  let stepCount = 1;
  let step = steps.next();
  for (; step.done !== true; step = steps.next()) stepCount++;
  assert.ok(step.value.equals(whole));
  assert.ok(stepCount >= whole.length / (mebibyte / 2), `${stepCount} steps`);
});

test('gathered does small pieces at once, and large ones in the slices of its work', async () => {
  const work = new WorkQueue(new FakeClock());
  assert.ok(!(gathered(pieces.slice(0, 4), work) instanceof Promise));
  const large = gathered(pieces, work);
  assert.ok(large instanceof Promise);
  assert.ok((await large).equals(Buffer.concat(pieces)));
});
