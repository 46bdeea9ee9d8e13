import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import type { ProfilesExporter } from '../../src/exporters/profiles-exporter.ts';
import { encodeExportResponse } from '../../src/otlp/protobuf/export-response.ts';
import type { Component } from '../../src/support/lifecycle.ts';
import { fakeRequest, numberOf } from '../support/fake-request.ts';
import type { Answer } from '../support/otlp-answer.ts';
import type { HttpScriptAnswer } from '../support/otlp-http-server.ts';
import type { Connection } from './connect.ts';
import { connectGrpc, connectHttp } from './connect.ts';
import type { OtlpType } from './create-exporter.ts';
import { createExporter } from './create-exporter.ts';
import { isTaken } from './exporter-harness.ts';

// What the Collector asks of its exporters (https://github.com/open-telemetry/opentelemetry-collector/blob/main/exporter/exportertest/contract_checker.go),
// with more ways to fail: numbered requests, and for each call an answer that is drawn from a few.

/** What an answer means to a request: it is taken, or refused for good, or has to be sent again. */
type Meaning = 'taken' | 'permanent' | 'again';

interface Behaviour {
  readonly meaning: Meaning;
  readonly grpc: () => Answer;
  readonly http: () => HttpScriptAnswer;
}

const partial = encodeExportResponse({ rejectedProfiles: 1n, errorMessage: 'one is too old' });
const protobuf = { 'content-type': 'application/x-protobuf' };
const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const behaviours = {
  ok: { meaning: 'taken', grpc: () => ({ kind: 'ok' }), http: () => ({ kind: 'ok' }) },
  slow: {
    meaning: 'taken',
    grpc: () => ({ kind: 'slow', until: soon(), answer: { kind: 'ok' } }),
    http: () => ({ kind: 'slow', until: soon(), answer: { kind: 'ok' } }),
  },
  partial_success: {
    meaning: 'taken',
    grpc: () => ({ kind: 'response', message: partial }),
    http: () => ({ kind: 'response', status: 200, headers: protobuf, body: partial }),
  },
  retryable: {
    meaning: 'again',
    grpc: () => ({ kind: 'status', code: status.UNAVAILABLE }),
    http: () => ({ kind: 'response', status: 503 }),
  },
  throttled: {
    meaning: 'again',
    grpc: () => ({ kind: 'status', code: status.RESOURCE_EXHAUSTED, retryAfterMs: 1 }),
    http: () => ({ kind: 'response', status: 429, headers: { 'retry-after': '0' } }),
  },
  permanent: {
    meaning: 'permanent',
    grpc: () => ({ kind: 'status', code: status.INVALID_ARGUMENT }),
    http: () => ({ kind: 'response', status: 400 }),
  },
  wrong_compression: {
    meaning: 'permanent',
    grpc: () => ({ kind: 'status', code: status.UNIMPLEMENTED, details: 'Content is compressed with `gzip`' }),
    http: () => ({ kind: 'response', status: 415 }),
  },
  redirect: {
    meaning: 'permanent',
    grpc: () => ({ kind: 'http', status: 307, headers: { location: 'http://127.0.0.1:1/' } }),
    http: () => ({ kind: 'response', status: 307, headers: { location: 'http://127.0.0.1:1/' } }),
  },
  reset_mid_request: {
    meaning: 'again',
    grpc: () => ({ kind: 'reset', when: 'mid_request' }),
    http: () => ({ kind: 'reset', when: 'mid_request' }),
  },
  reset_after_request: {
    meaning: 'again',
    grpc: () => ({ kind: 'reset', when: 'after_request' }),
    http: () => ({ kind: 'reset', when: 'after_request' }),
  },
  half_closed: {
    meaning: 'again',
    grpc: () => ({ kind: 'reset', when: 'mid_response' }),
    http: () => ({ kind: 'reset', when: 'mid_response' }),
  },
  /** For HTTP/1.1 the nearest: the connection ends with something that is no answer. */
  goaway: { meaning: 'again', grpc: () => ({ kind: 'goaway' }), http: () => ({ kind: 'garbage' }) },
} as const satisfies Record<string, Behaviour>;

type BehaviourName = keyof typeof behaviours;

/** A request that a server has read, and what its answer meant. */
interface Attempt {
  readonly number: number;
  readonly meaning: Meaning;
}

/** An exporter and its server, however they speak. */
interface Peers {
  readonly exporter: Component & ProfilesExporter;
  readonly metrics: () => Promise<Map<string, number>>;
  /** Requests that were read to their end. */
  attempts(): readonly Attempt[];
  /** Resolves when so many requests were taken or refused for good. */
  settled(count: number): Promise<void>;
}

// Real time with the shortest retries: what is tested is what is sent, not when.
const retry_on_failure = { initial_interval: '1ms', max_interval: '1ms', randomization_factor: 0, max_elapsed_time: 0 };
type Choose = () => Behaviour;

const contenders: Record<
  OtlpType,
  (t: TestContext, choose: Choose, values: Record<string, unknown>) => Promise<Peers>
> = {
  async otlp_grpc(t, choose, values) {
    const meanings = new Map<Answer, Meaning>();
    const script = (): Answer => noted(choose(), 'grpc', meanings);
    return peersOf(await connectGrpc(t, { script, values }), meanings);
  },
  async otlp_http(t, choose, values) {
    const meanings = new Map<HttpScriptAnswer, Meaning>();
    const script = (): HttpScriptAnswer => noted(choose(), 'http', meanings);
    return peersOf(await connectHttp(t, { script, values }), meanings);
  },
};

interface AnyServer<A> {
  readonly requests: readonly { readonly bytes: Uint8Array; readonly answer: A }[];
  until(isDone: () => boolean): Promise<void>;
}

function peersOf<A>({ server, exporter, metrics }: Connection<AnyServer<A>>, meanings: Map<A, Meaning>): Peers {
  const attempts = () =>
    server.requests.map(({ bytes, answer }) => ({ number: numberOf(bytes), meaning: meanings.get(answer)! }));
  const settled = (count: number) => server.until(() => settledCount(attempts()) === count);
  return { exporter, metrics, attempts, settled };
}

function noted<P extends 'grpc' | 'http'>(
  behaviour: Behaviour,
  protocol: P,
  meanings: Map<ReturnType<Behaviour[P]>, Meaning>,
): ReturnType<Behaviour[P]> {
  const answer = behaviour[protocol]() as ReturnType<Behaviour[P]>;
  meanings.set(answer, behaviour.meaning);
  return answer;
}

function settledCount(attempts: readonly Attempt[]): number {
  return attempts.filter(({ meaning }) => meaning !== 'again').length;
}

const requestCount = 60;

interface Case {
  readonly name: string;
  readonly drawn: readonly BehaviourName[];
  /** A connection that breaks takes all of its calls with it, so there is one at a time. */
  readonly isAlone?: true;
}

const cases: readonly Case[] = [
  { name: 'always takes', drawn: ['ok'] },
  { name: 'sometimes says later', drawn: ['ok', 'retryable'] },
  { name: 'sometimes refuses for good', drawn: ['ok', 'permanent'] },
  { name: 'says anything', drawn: ['ok', 'retryable', 'throttled', 'permanent', 'partial_success', 'slow'] },
  { name: 'takes in part', drawn: ['ok', 'partial_success'] },
  { name: 'is slow', drawn: ['slow'] },
  { name: 'throttles', drawn: ['ok', 'throttled'] },
  { name: 'does not know the compression', drawn: ['wrong_compression'] },
  { name: 'redirects', drawn: ['ok', 'redirect'] },
  { name: 'leaves in mid-request', drawn: ['ok', 'reset_mid_request'], isAlone: true },
  { name: 'leaves without an answer', drawn: ['ok', 'reset_after_request'], isAlone: true },
  { name: 'leaves within its answer', drawn: ['ok', 'half_closed'], isAlone: true },
  { name: 'goes away', drawn: ['ok', 'goaway'], isAlone: true },
  { name: 'does all of that', drawn: Object.keys(behaviours) as BehaviourName[], isAlone: true },
];

for (const [protocol, connect] of Object.entries(contenders)) {
  for (const { name, drawn, isAlone } of cases) {
    test(`${protocol} delivers each request once to a receiver that ${name}`, async (t) => {
      const given: Meaning[] = [];
      const choose = (): Behaviour => {
        const behaviour = behaviours[drawn[draw(given.length, drawn.length)]!];
        given.push(behaviour.meaning);
        return behaviour;
      };
      const sending_queue = isAlone ? { num_consumers: 1 } : {};
      const peers = await connect(t, choose, { retry_on_failure, sending_queue });
      for (let number = 1; number <= requestCount; number++) {
        assert.ok(await isTaken(peers.exporter.offer(fakeRequest(number, number))));
      }
      await peers.settled(requestCount);
      await peers.exporter.stop(new AbortController().signal);

      const numbersWith = (wanted: Meaning): number[] =>
        peers.attempts().flatMap(({ number, meaning }) => (meaning === wanted ? [number] : []));
      const [taken, refused] = [numbersWith('taken'), numbersWith('permanent')];
      const againCount = given.filter((meaning) => meaning === 'again').length;
      assert.equal(taken.length, requestCount - refused.length, 'sent = n - permanent');
      assert.equal(given.length, requestCount + againCount, 'attempts = n + retryable');
      assert.equal(new Set([...taken, ...refused]).size, requestCount, 'nothing twice, nothing lost');
      assert.equal(await total(peers, 'otelcol_exporter_sent_profile_samples'), sum(taken));
      assert.equal(await total(peers, 'otelcol_exporter_send_failed_profile_samples'), sum(refused));
    });
  }
}

for (const type of ['otlp_grpc', 'otlp_http'] as const) {
  test(`${type} without an endpoint is switched off when it is optional, and says so`, async () => {
    const { exporter, logs } = createExporter(type, { endpoint: '', optional: true });
    await exporter.start();
    assert.equal(await isTaken(exporter.offer(fakeRequest(1))), true);
    await exporter.stop(new AbortController().signal);
    assert.deepEqual(
      logs.lines.map(({ msg, reason }) => [msg, reason]),
      [['The exporter is switched off and sends nothing.', 'its endpoint is empty']],
    );
  });
}

/** The same choices on every run; no answer is drawn so often in a row that retries would take long. */
function draw(callIndex: number, count: number): number {
  return Math.floor(((Math.imul(callIndex + 7, 2_654_435_761) >>> 0) / 2 ** 32) * count);
}

async function total({ metrics }: Peers, name: string): Promise<number> {
  return sum([...(await metrics())].flatMap(([key, value]) => (key.startsWith(`${name}{`) ? [value] : [])));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, number) => all + number, 0);
}
