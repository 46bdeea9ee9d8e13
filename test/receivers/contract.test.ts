import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { ServiceError } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { retryableCodes } from '../../src/exporters/otlp-grpc/retryable-status.ts';
import { retryableStatuses } from '../../src/exporters/otlp-http/retryable-status.ts';
import type { Admission } from '../../src/model/admission.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { FramesClient, smallBatch } from '../support/frames-client.ts';
import { acceptAll, startFramesServer } from '../support/frames-server.ts';
import { exportOverGrpc, startOtlpReceiver } from '../support/otlp-sender.ts';

/** What a sender makes of an answer. */
type Verdict = 'accepted' | 'retryable' | 'permanent';

/** A receiver, and a sender of numbered items to it. */
interface Line {
  /** Sends an item once; one at fault is sent so that no receiver can take it. */
  readonly send: (number: number, isFaulty: boolean) => Promise<Verdict>;
  /** Numbers of the items that the receiver handed on. */
  readonly consumed: readonly number[];
  readonly metrics: () => Promise<Map<string, number>>;
  readonly label: string;
  readonly samplesPerItem: number;
}

interface Busy {
  /** Whether the receiver has to refuse now. */
  readonly isBusy: () => boolean;
}

const busyRefusal = { reason: 'the queue is full', retryDelayMs: 1 };

async function startFrames(t: TestContext, { isBusy }: Busy): Promise<Line> {
  const consumed: number[] = [];
  const admission: Admission = () => (isBusy() ? busyRefusal : undefined);
  const take: typeof acceptAll = (batch) => {
    consumed.push(batch.processes[1]!.pid);
    return acceptAll(batch);
  };
  const server = await startFramesServer(take, {}, admission);
  const client = new FramesClient(server.port);
  t.after(async () => {
    client.close();
    await server.stop();
  });
  const batch = (number: number, isFaulty: boolean) =>
    smallBatch([1_767_225_600_000_000_000n], {
      processes: [{ pid: number, comm: 5 }],
      ...(isFaulty && { stacks: [{ frames: [9] }] }),
    });
  const send = (number: number, isFaulty: boolean): Promise<Verdict> =>
    client.submit(batch(number, isFaulty)).then(() => 'accepted' as const, verdictOnStatus);
  return { send, consumed, metrics: server.metrics, label: 'receiver="frames",transport="grpc"', samplesPerItem: 1 };
}

function otlpItem(number: number, isFaulty: boolean): Uint8Array {
  const data = goodProfiles();
  const [profile] = data.resourceProfiles[0]!.scopeProfiles[0]!.profiles;
  profile!.durationNano = BigInt(number);
  const bytes = encodeProfilesData(data);
  return isFaulty ? bytes.subarray(0, bytes.length - 1) : bytes;
}

async function startOtlp(t: TestContext, { isBusy }: Busy, transport: 'grpc' | 'http'): Promise<Line> {
  const consumed: number[] = [];
  const receiver = await startOtlpReceiver({
    answer: (data) => {
      if (isBusy()) return { kind: 'busy', reason: busyRefusal.reason, retryAfterMs: 1 };
      consumed.push(Number(data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!.durationNano));
      return { kind: 'accepted' };
    },
  });
  t.after(() => receiver.stop());
  const overGrpc = (bytes: Uint8Array): Promise<Verdict> =>
    exportOverGrpc(receiver.grpcPort, bytes).then(() => 'accepted' as const, verdictOnStatus);
  const overHttp = async (bytes: Uint8Array): Promise<Verdict> => {
    const headers = { 'content-type': 'application/x-protobuf' };
    const response = await fetch(receiver.httpUrl, { method: 'POST', headers, body: Buffer.from(bytes) });
    await response.arrayBuffer();
    if (response.ok) return 'accepted';
    return retryableStatuses.has(response.status) ? 'retryable' : 'permanent';
  };
  const way = transport === 'grpc' ? overGrpc : overHttp;
  const label = `receiver="otlp",transport="${transport}"`;
  const { metrics } = receiver;
  return { send: (number, isFaulty) => way(otlpItem(number, isFaulty)), consumed, metrics, label, samplesPerItem: 2 };
}

/** By the table that our own exporter keeps to. */
function verdictOnStatus(error: ServiceError): Verdict {
  const rule = retryableCodes.get(error.code);
  const hasRetryInfo = error.metadata.get('grpc-status-details-bin').length > 0;
  assert.notEqual(error.code, status.CANCELLED);
  return rule === 'always' || (rule !== undefined && hasRetryInfo) ? 'retryable' : 'permanent';
}

/** Numbers of 0 to 1 by which a run can be repeated. */
function chanceOf(seed: number): () => number {
  let count = 0;
  return () => (Math.imul(++count + seed, 2_654_435_761) >>> 0) / 2 ** 32;
}

const itemCount = 60;

for (const { way, start } of [
  { way: 'frames', start: startFrames },
  { way: 'otlp over gRPC', start: (t: TestContext, busy: Busy) => startOtlp(t, busy, 'grpc') },
  { way: 'otlp over HTTP', start: (t: TestContext, busy: Busy) => startOtlp(t, busy, 'http') },
]) {
  for (const { name, busyShare, faultyShare } of [
    { name: 'everything is taken', busyShare: 0, faultyShare: 0 },
    { name: 'some is refused for now', busyShare: 0.5, faultyShare: 0 },
    { name: 'some is refused for good', busyShare: 0, faultyShare: 0.4 },
    { name: 'some is refused for now and some for good', busyShare: 0.3, faultyShare: 0.3 },
  ]) {
    test(`${way}: each item is handed on once when ${name}`, async (t) => {
      const chance = chanceOf(itemCount);
      let refusedForNow = 0;
      const isBusy = (): boolean => {
        const isNow = chance() < busyShare;
        if (isNow) refusedForNow += 1;
        return isNow;
      };
      const line = await start(t, { isBusy });
      const faultChance = chanceOf(7);
      const wanted: number[] = [];
      const verdicts: Verdict[] = [];
      for (let number = 1; number <= itemCount; number++) {
        const isFaulty = faultChance() < faultyShare;
        if (!isFaulty) wanted.push(number);
        let verdict: Verdict;
        do {
          verdict = await line.send(number, isFaulty);
          verdicts.push(verdict);
        } while (verdict === 'retryable');
        assert.equal(verdict, isFaulty ? 'permanent' : 'accepted');
      }

      assert.deepEqual(line.consumed, wanted, 'each once, in order, none that is at fault');
      const retried = verdicts.filter((verdict) => verdict === 'retryable').length;
      assert.equal(retried, refusedForNow);
      assert.equal(verdicts.length, itemCount + retried, 'attempts = n + retryable');
      assert.equal(retried > 0, busyShare > 0);
      assert.equal(wanted.length < itemCount, faultyShare > 0);
      const accepted = (await line.metrics()).get(`otelcol_receiver_accepted_profile_samples{${line.label}}`);
      assert.equal(accepted, wanted.length * line.samplesPerItem);
    });
  }
}
