import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Send, SendResult } from '../../src/exporters/export-client.ts';
import { fullyAccepted } from '../../src/exporters/export-client.ts';
import { withTimeout } from '../../src/exporters/timeout.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeRequest } from '../support/fake-request.ts';

const neverAborted = new AbortController().signal;

/** A client that answers after `ms`, whether or not it was aborted, and keeps the signal of its attempt. */
function slowClient(clock: FakeClock, ms: number): { send: Send; attempts: AbortSignal[] } {
  const attempts: AbortSignal[] = [];
  const send = async (_request: unknown, signal: AbortSignal): Promise<SendResult> => {
    attempts.push(signal);
    await clock.sleep(ms);
    return fullyAccepted;
  };
  return { send, attempts };
}

for (const { name, timeoutMs, answerMs, outcome } of [
  { name: 'passes on an answer in time', timeoutMs: 5000, answerMs: 4999, outcome: 'accepted' },
  { name: 'calls an answer too late retryable', timeoutMs: 5000, answerMs: 5001, outcome: 'DeadlineExceeded' },
  { name: 'of 0 waits for ever', timeoutMs: 0, answerMs: 1e9, outcome: 'accepted' },
]) {
  test(`withTimeout ${name}`, async () => {
    const clock = new FakeClock();
    const { send, attempts } = slowClient(clock, answerMs);
    const result = withTimeout(send, timeoutMs, clock)(fakeRequest(1), neverAborted);
    await clock.advance(1e9);
    const final = await result;
    assert.equal(final.kind === 'accepted' ? 'accepted' : final.errorType, outcome);
    assert.equal(
      attempts[0]!.aborted,
      outcome !== 'accepted',
      'an attempt that was given up is over for the client too',
    );
  });
}

test('withTimeout aborts the attempt at the moment it gives up', async () => {
  const clock = new FakeClock();
  const { send, attempts } = slowClient(clock, 60_000);
  const result = withTimeout(send, 5000, clock)(fakeRequest(1), neverAborted);
  await clock.advance(4999);
  assert.equal(attempts[0]!.aborted, false);
  await clock.advance(1);
  assert.equal(attempts[0]!.aborted, true);
  assert.deepEqual(await result, {
    kind: 'retryable',
    errorType: 'DeadlineExceeded',
    reason: 'no answer within 5000ms',
  });
});

for (const timeoutMs of [0, 5000]) {
  test(`withTimeout of ${timeoutMs} ends with its caller's signal, although the client does not`, async () => {
    const clock = new FakeClock();
    const { send } = slowClient(clock, 60_000);
    const caller = new AbortController();
    const result = withTimeout(send, timeoutMs, clock)(fakeRequest(1), caller.signal);
    caller.abort();
    assert.equal((await result).kind, 'retryable');
  });
}

test('withTimeout leaves no timer behind', async () => {
  const clock = new FakeClock();
  await withTimeout(async () => fullyAccepted, 5000, clock)(fakeRequest(1), neverAborted);
  await clock.advance(0);
  assert.equal(clock.sleeperCount, 0);
});

test('withTimeout passes on what an attempt throws, and leaves no timer behind', async () => {
  const clock = new FakeClock();
  const fault = new Error('a bug');
  const failing: Send = () => Promise.reject(fault);
  await assert.rejects(withTimeout(failing, 5000, clock)(fakeRequest(1), neverAborted), fault);
  assert.equal(clock.sleeperCount, 0);
});
