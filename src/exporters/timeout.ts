import type { Clock } from '../support/clock.ts';
import type { Send, SendResult } from './export-client.ts';

/**
 * Gives each attempt `timeoutMs` to end; 0 gives it for ever. An attempt past its time, or past the caller's `signal`, is
 * aborted and left behind: whatever it still does, the result is out. Too late is retryable, as in the OTLP table.
 */
export function withTimeout(send: Send, timeoutMs: number, clock: Clock): Send {
  return (request, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<SendResult>();
    const attempt = new AbortController();
    const leave = (): void => {
      stopTimer?.();
      signal.removeEventListener('abort', cut);
    };
    const end = (result: SendResult): void => {
      leave();
      // A receiver that has accepted was heard to the end, and an abort is an event that costs something.
      if (result.kind !== 'accepted') attempt.abort(attemptEnded);
      resolve(result);
    };
    const cut = (): void => end({ kind: 'retryable', errorType: 'Canceled', reason: 'the attempt was cut off' });
    const giveUp = (): void =>
      end({ kind: 'retryable', errorType: 'DeadlineExceeded', reason: `no answer within ${timeoutMs}ms` });
    const stopTimer = timeoutMs === 0 ? undefined : clock.after(timeoutMs, giveUp);
    signal.addEventListener('abort', cut);
    if (signal.aborted) cut();
    send(request, attempt.signal).then(end, (error) => {
      leave();
      attempt.abort(attemptEnded);
      reject(error);
    });
    return promise;
  };
}

/** With a reason of its own, an abort makes no error. */
const attemptEnded = 'the attempt has ended';
