import type { Clock } from '../support/clock.ts';
import type { Retryable, Send } from './export-client.ts';

/**
 * Gives each attempt `timeoutMs` to end; 0 gives it for ever. An attempt past its time, or past the caller's `signal`, is
 * aborted and left behind: whatever it still does, the result is out. Too late is retryable, as in the OTLP table.
 */
export function withTimeout(send: Send, timeoutMs: number, clock: Clock): Send {
  return async (request, signal) => {
    const attempt = new AbortController();
    // With a reason of its own, an abort makes no error: most attempts end with one.
    const abort = (): void => attempt.abort(attemptEnded);
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    try {
      return await Promise.race([send(request, attempt.signal), endOfTime(timeoutMs, clock, attempt.signal)]);
    } finally {
      signal.removeEventListener('abort', abort);
      abort();
    }
  };
}

const attemptEnded = 'the attempt has ended';

async function endOfTime(timeoutMs: number, clock: Clock, signal: AbortSignal): Promise<Retryable> {
  if (timeoutMs === 0) await aborted(signal);
  else await clock.sleep(timeoutMs, signal).catch(() => undefined);
  if (signal.aborted) return { kind: 'retryable', errorType: 'Canceled', reason: 'the attempt was cut off' };
  return { kind: 'retryable', errorType: 'DeadlineExceeded', reason: `no answer within ${timeoutMs}ms` };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
