import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deadlines } from '../../src/grpc/deadlines.ts';
import { FakeClock } from '../support/fake-clock.ts';

test('each deadline passes at its time, in whatever order they were added, with one timer', async () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  const passed: string[] = [];
  for (const ms of [300, 100, 200, 100]) deadlines.add(ms, () => passed.push(`${ms} at ${clock.nowMs()}`));
  deadlines.add(150, () => passed.push('withdrawn'))();
  assert.equal(clock.sleeperCount, 1);
  await clock.advance(1_000);
  assert.deepEqual(passed, ['100 at 100', '100 at 100', '200 at 200', '300 at 300']);
  assert.equal(clock.sleeperCount, 0);
});

test('a deadline that is added by another one that passes is kept', async () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  const passed: number[] = [];
  deadlines.add(100, () => deadlines.add(50, () => passed.push(clock.nowMs())));
  deadlines.add(500, () => passed.push(clock.nowMs()));
  await clock.advance(1_000);
  assert.deepEqual(passed, [150, 500]);
});

test('a stop, and a time that no timer can wait, leave no timer', async () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  deadlines.add(100 * 86_400_000, () => assert.fail('a timer of more than 24.8 days fires at once'));
  assert.equal(clock.sleeperCount, 0);
  deadlines.add(100, () => assert.fail('stopped'));
  deadlines.stop();
  await clock.advance(1_000);
  assert.equal(clock.sleeperCount, 0);
});
