import type { Steps } from '../../src/support/steps.ts';

/** Work in one step, after a pause. */
export function* oneStep<T>(work: () => T): Steps<T> {
  yield;
  return work();
}
