import type { Outcome } from './sending-queue.ts';

/** What the whole came to, of two of its parts. What may be sent later counts more than what never will be. */
export function worseOutcome(one: Outcome, other: Outcome): Outcome {
  if (one === 'finished' || other === 'interrupted') return other;
  if (one === 'interrupted' || other === 'finished') return one;
  return other.isRetryable && !one.isRetryable ? other : one;
}
