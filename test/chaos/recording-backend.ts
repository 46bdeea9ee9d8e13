import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import type { Random } from '../../src/support/clock.ts';
import type { Answer } from '../support/otlp-answer.ts';
import { ScriptedOtlpServer } from '../support/otlp-server.ts';
import type { PlainSample } from '../support/plain-view.ts';
import { plainSamples } from '../support/plain-view.ts';
import type { BackendMode } from './chaos-schedule.ts';
import { backendModes, pick } from './chaos-schedule.ts';

/** One arrival of a sample in a request that the backend took. */
export interface RecordedCopy {
  readonly sample: PlainSample;
  /** Whether the service surely got to know that it was taken. */
  isConfirmed(): boolean;
}

/**
 * An OTLP backend that behaves as badly as it is told to and keeps a record of what it took. Taken is what it answered with
 * OK, and what it would have if the connection had not broken under its answer.
 */
export class RecordingBackend {
  readonly port: number;
  readonly #random: Random;
  readonly #slowMs: number;
  readonly #copies = new Map<number, RecordedCopy[]>();
  readonly #taken = new WeakSet<Answer>();
  #server: ScriptedOtlpServer | undefined;
  #readCount = 0;
  #mode: BackendMode = 'ok';
  requestCount = 0;

  /** `slowMs`: the longest time that an answer takes in mode `slow`. */
  constructor(port: number, random: Random, slowMs: number) {
    this.port = port;
    this.#random = random;
    this.#slowMs = slowMs;
  }

  async set(mode: BackendMode): Promise<void> {
    this.#mode = mode;
    if (mode === 'down') await this.#stop();
    else this.#server ??= await ScriptedOtlpServer.start(() => this.#answer(), { port: this.port });
  }

  async stop(): Promise<void> {
    await this.#stop();
  }

  /** All that was taken so far, by number. */
  record(): ReadonlyMap<number, readonly RecordedCopy[]> {
    const requests = this.#server?.requests ?? [];
    for (; this.#readCount < requests.length; this.#readCount++) {
      const { bytes, answer, isConfirmed } = requests[this.#readCount]!;
      if (!this.#taken.has(answer)) continue;
      this.requestCount += 1;
      const isSurelyConfirmed = (): boolean => answer.kind === 'ok' && isConfirmed();
      for (const sample of plainSamples(decodeProfilesData(bytes)).flatMap(partRepeated)) {
        const number = Number(sample.attributes['thread.id']);
        const copies = this.#copies.get(number) ?? [];
        copies.push({ sample, isConfirmed: isSurelyConfirmed });
        this.#copies.set(number, copies);
      }
    }
    return this.#copies;
  }

  async #stop(): Promise<void> {
    this.record();
    const server = this.#server;
    this.#server = undefined;
    this.#readCount = 0;
    await server?.stop();
  }

  #answer(): Answer {
    const answer = this.#answerIn(this.#mode);
    const isTaken =
      answer.kind === 'ok' || answer.kind === 'slow' || (answer.kind === 'reset' && answer.when === 'mid_response');
    if (isTaken) this.#taken.add(answer);
    return answer;
  }

  #answerIn(mode: BackendMode): Answer {
    switch (mode) {
      case 'ok':
      case 'down':
        return { kind: 'ok' };
      case 'hang':
        return { kind: 'silence' };
      case 'slow': {
        const delayMs = this.#random() * this.#slowMs;
        const until = new Promise<void>((resolve) => setTimeout(resolve, delayMs).unref());
        return { kind: 'slow', until, answer: { kind: 'ok' } };
      }
      case 'unavailable':
        return { kind: 'status', code: unavailable, details: 'the backend restarts' };
      case 'exhausted':
        return { kind: 'status', code: resourceExhausted, details: 'too many requests', retryAfterMs: 100 };
      case 'permanent':
        return { kind: 'status', code: invalidArgument, details: 'the backend does not like it' };
      case 'reset_mid_request':
        return { kind: 'reset', when: 'mid_request' };
      case 'reset_after_request':
        return { kind: 'reset', when: 'after_request' };
      case 'reset_mid_response':
        return { kind: 'reset', when: 'mid_response' };
      case 'goaway':
        return { kind: 'goaway' };
      case 'flaky':
        return this.#answerIn(pick(this.#random, flakyModes));
    }
  }
}

/** A sample that came twice within one reporting cycle is one with its moments repeated; here it is two again. */
function partRepeated(sample: PlainSample): PlainSample[] {
  const rounds: { readonly timestamps: bigint[]; readonly values: bigint[] }[] = [];
  const timesSeen = new Map<bigint, number>();
  for (const [position, timestamp] of sample.timestamps.entries()) {
    const round = timesSeen.get(timestamp) ?? 0;
    timesSeen.set(timestamp, round + 1);
    rounds[round] ??= { timestamps: [], values: [] };
    rounds[round].timestamps.push(timestamp);
    rounds[round].values.push(...sample.values.slice(position, position + 1));
  }
  return rounds.map((round) => ({ ...sample, ...round }));
}

/** As https://grpc.io/docs/guides/status-codes numbers them. */
const invalidArgument = 3;
const resourceExhausted = 8;
const unavailable = 14;

const flakyModes: readonly BackendMode[] = [
  'ok',
  ...backendModes.filter((mode) => !['flaky', 'permanent', 'down', 'hang'].includes(mode)),
];
