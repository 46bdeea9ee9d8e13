import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StepPace } from '../../src/support/step-pace.ts';

/** Work of each step, of which one unit takes `unitMs`. */
function worksOf(pace: StepPace, unitMs: number, steps: number): number[] {
  return Array.from({ length: steps }, () => {
    const { work } = pace;
    pace.took(work, work * unitMs);
    return work;
  });
}

test('StepPace grows the work of a step by halves while steps are short', () => {
  assert.deepEqual(worksOf(new StepPace(100, 400), 0.0001, 6), [100, 150, 225, 337, 400, 400]);
});

test('StepPace shrinks the work of a step to what takes 0.3 ms, at once, and never below the least', () => {
  const pace = new StepPace(10, 1_000);
  worksOf(pace, 0.0001, 20);
  assert.deepEqual(worksOf(pace, 0.003, 3), [1_000, 100, 100]);
  assert.deepEqual(worksOf(pace, 1, 2), [100, 10]);
});

test('StepPace learns nothing of a step too short to tell', () => {
  const pace = new StepPace(100, 400);
  pace.took(1, 0.001);
  assert.equal(pace.work, 100);
});

test('StepPace does the least again once steps are of another kind', () => {
  const pace = new StepPace(100, 400);
  worksOf(pace, 0.0001, 3);
  pace.restart();
  assert.equal(pace.work, 100);
});
