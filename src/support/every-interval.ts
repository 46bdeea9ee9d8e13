import type { Clock } from './clock.ts';

/**
 * Runs `work` after each interval until `signal` aborts; the next interval begins when `work` has ended. `intervalMs` is
 * asked before each wait. Rejects with the error of `work`, and then runs it no more.
 */
export async function everyInterval(
  clock: Clock,
  signal: AbortSignal,
  intervalMs: () => number,
  work: () => void | Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    const isOver = await clock.sleep(intervalMs(), signal).then(
      () => true,
      () => false,
    );
    if (!isOver) return;
    await work();
  }
}
