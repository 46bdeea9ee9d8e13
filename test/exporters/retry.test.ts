import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigSection } from '../../src/config/config-section.ts';
import type { SendResult } from '../../src/exporters/export-client.ts';
import { fullyAccepted } from '../../src/exporters/export-client.ts';
import { createExportRequest } from '../../src/exporters/export-request.ts';
import { withRetry } from '../../src/exporters/retry.ts';
import { retryTable } from '../../src/exporters/retry-config.ts';
import { buildData } from '../support/build-data.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeRequest } from '../support/fake-request.ts';

const busy: SendResult = { kind: 'retryable', errorType: 'Unavailable', reason: 'busy' };
const bad: SendResult = { kind: 'permanent', errorType: 'InvalidArgument', reason: 'bad' };
const asked = (retryAfterMs: number): SendResult => ({ ...busy, retryAfterMs }) as SendResult;
const neverAborted = new AbortController().signal;
const endless = Array.from({ length: 1000 }, () => busy);

const unauthenticated: SendResult = { kind: 'permanent', errorType: 'Unauthenticated', reason: 'wrong token' };
const forbidden: SendResult = { kind: 'permanent', errorType: 'PermissionDenied', reason: 'not allowed' };

const cases: {
  readonly name: string;
  readonly config?: Record<string, unknown>;
  readonly answers: readonly SendResult[];
  readonly random?: number;
  readonly delaysMs: readonly number[];
  readonly outcome: string;
  readonly retriesAuth?: boolean;
  /** Times that a receiver asked for and did not get. */
  readonly excess?: readonly number[];
}[] = [
  { name: 'returns the first acceptance', answers: [fullyAccepted], delaysMs: [], outcome: 'accepted' },
  { name: 'returns what a later attempt gets', answers: [busy, fullyAccepted], delaysMs: [5000], outcome: 'accepted' },
  { name: 'never retries a permanent failure', answers: [busy, bad], delaysMs: [5000], outcome: 'permanent: bad' },
  {
    name: 'multiplies the interval by 1.5 up to 30 s, and gives up when the next delay would pass 5 min',
    answers: endless,
    // 275,937.5 ms have passed by then; 30,000 more would be past the limit of 300,000.
    delaysMs: [5000, 7500, 11250, 16875, 25312.5, 30000, 30000, 30000, 30000, 30000, 30000, 30000],
    outcome: 'permanent: no more retries left: busy',
  },
  {
    name: 'draws from the lower end of the interval',
    answers: [busy, busy, fullyAccepted],
    random: 0,
    delaysMs: [2500, 3750],
    outcome: 'accepted',
  },
  {
    name: 'draws from the upper end of the interval',
    answers: [busy, busy, fullyAccepted],
    random: 0.999999,
    delaysMs: [7500, 11250],
    outcome: 'accepted',
  },
  {
    name: 'takes the interval as it is when the factor is 0',
    config: { randomization_factor: 0 },
    answers: [busy, fullyAccepted],
    random: 0,
    delaysMs: [5000],
    outcome: 'accepted',
  },
  {
    name: 'waits as long as the receiver asks when that is longer',
    answers: [asked(12_000), asked(1000), fullyAccepted],
    delaysMs: [12_000, 7500],
    outcome: 'accepted',
  },
  {
    name: 'gives up at once when the receiver asks for more time than is left',
    answers: [asked(300_001)],
    delaysMs: [],
    outcome: 'permanent: no more retries left: busy',
  },
  {
    name: 'retries when the delay ends exactly with the time',
    answers: [asked(300_000), fullyAccepted],
    delaysMs: [300_000],
    outcome: 'accepted',
  },
  {
    name: 'goes on for ever when max_elapsed_time is 0',
    config: { max_elapsed_time: '0s', max_interval: '1s', initial_interval: '1s' },
    answers: [...endless.slice(0, 999), fullyAccepted],
    delaysMs: Array.from({ length: 999 }, () => 1000),
    outcome: 'accepted',
  },
  {
    name: 'waits for a day at most when the receiver asks for more',
    config: { max_elapsed_time: 0 },
    answers: [asked(86_400_001), asked(Number.POSITIVE_INFINITY), fullyAccepted],
    delaysMs: [86_400_000, 86_400_000],
    excess: [86_400_001, Number.POSITIVE_INFINITY],
    outcome: 'accepted',
  },
  {
    name: 'retries refused credentials with pauses of a minute, where it is to',
    config: { max_elapsed_time: 0 },
    retriesAuth: true,
    answers: [unauthenticated, forbidden, busy, unauthenticated, fullyAccepted],
    delaysMs: [60_000, 60_000, 5_000, 60_000],
    outcome: 'accepted',
  },
  {
    name: 'does not retry refused credentials, where it is not to',
    answers: [unauthenticated],
    delaysMs: [],
    outcome: 'permanent: wrong token',
  },
  {
    name: 'does not retry refused credentials for longer than max_elapsed_time',
    retriesAuth: true,
    config: { max_elapsed_time: '90s' },
    answers: [unauthenticated, unauthenticated],
    delaysMs: [60_000],
    outcome: 'permanent: no more retries left: wrong token',
  },
  {
    name: 'tries once when it is disabled',
    config: { enabled: false },
    answers: [busy],
    delaysMs: [],
    outcome: 'permanent: retry_on_failure is disabled: busy',
  },
];

for (const { name, config = {}, answers, random = 0.5, delaysMs, outcome, retriesAuth = false, excess = [] } of cases) {
  test(`withRetry ${name}`, async () => {
    const clock = new FakeClock();
    const seenMs: number[] = [];
    const announcedMs: number[] = [];
    const excessMs: number[] = [];
    let sent = 0;
    const send = withRetry(
      async () => {
        seenMs.push(clock.nowMs());
        return answers[sent++]!;
      },
      retryTable.read(new ConfigSection('', config, [])),
      {
        clock,
        random: () => random,
        stopping: neverAborted,
        retriesAuthFailures: retriesAuth,
        onExcessiveRetryAfter: (askedMs) => excessMs.push(askedMs),
        onRetry: (_failure, delayMs, retryCount) => {
          announcedMs.push(delayMs);
          assert.equal(retryCount, announcedMs.length);
        },
      },
    );
    const result = send(fakeRequest(1), neverAborted);
    await clock.advance(200_000_000);
    assert.deepEqual(
      seenMs.slice(1).map((ms, index) => Math.round(ms - seenMs[index]!)),
      delaysMs.map(Math.round),
    );
    assert.deepEqual(announcedMs.map(Math.round), delaysMs.map(Math.round));
    const final = await result;
    assert.equal(final.kind === 'accepted' ? 'accepted' : `${final.kind}: ${final.reason}`, outcome);
    assert.deepEqual(excessMs, excess);
    assert.equal(clock.sleeperCount, 0);
  });
}

const unused = { retriesAuthFailures: false, onRetry: () => undefined, onExcessiveRetryAfter: () => undefined };
const defaults = retryTable.read(new ConfigSection('', {}, []));

test('withRetry ends its wait when the exporter begins to stop', async () => {
  const clock = new FakeClock();
  const stopping = new AbortController();
  let sent = 0;
  const countingSend = async (): Promise<SendResult> => {
    sent += 1;
    return busy;
  };
  const send = withRetry(countingSend, defaults, {
    clock,
    random: () => 0.5,
    stopping: stopping.signal,
    ...unused,
  });
  const result = send(fakeRequest(1), neverAborted);
  await clock.advance(4_999);
  stopping.abort();
  assert.deepEqual(await result, { kind: 'retryable', errorType: 'Shutdown', reason: 'interrupted by shutdown: busy' });
  assert.equal(sent, 1);
});

test('withRetry gives one attempt to what is sent while the exporter stops', async () => {
  const clock = new FakeClock();
  const answers = [busy];
  let announced = 0;
  const send = withRetry(async () => answers.pop()!, defaults, {
    clock,
    random: () => 0.5,
    stopping: AbortSignal.abort(),
    ...unused,
    onRetry: () => announced++,
  });
  const result = await send(fakeRequest(1), neverAborted);
  assert.deepEqual([result.kind, announced, answers.length], ['retryable', 0, 0]);
});

test('withRetry does not wait for longer than a timer can', async () => {
  const clock = new FakeClock();
  const answers = [busy, fullyAccepted];
  const config = retryTable.read(new ConfigSection('', { max_elapsed_time: 0, initial_interval: '1000h' }, []));
  const dependencies = { clock, random: () => 0.5, stopping: neverAborted, ...unused };
  const result = withRetry(async () => answers.shift()!, config, dependencies)(fakeRequest(1), neverAborted);
  await clock.advance(2 ** 31 - 1);
  assert.equal((await result).kind, 'accepted');
});

test('withRetry gives a request of several resources back after its wait, when some may be stored, and not that of one', async () => {
  const several = buildData(
    { samples: [{ at: [1] }] },
    { samples: [{ at: [2] }], resource: { 'service.name': 'cart' } },
  );
  const partial: SendResult = { ...busy, isPartial: true };
  for (const { data, kind, afterMs } of [
    { data: several, kind: 'retryable', afterMs: 5_000 },
    { data: buildData({ samples: [{ at: [1] }] }), kind: 'accepted', afterMs: 5_000 },
  ]) {
    const clock = new FakeClock();
    const answers = [partial, fullyAccepted];
    const dependencies = { clock, random: () => 0.5, stopping: neverAborted, ...unused };
    const send = withRetry(async () => answers.shift()!, defaults, dependencies);
    const result = send(createExportRequest(data, 2), neverAborted).then((end) => [end.kind, clock.nowMs()]);
    await clock.advance(10_000);
    assert.deepEqual(await result, [kind, afterMs]);
  }
});
