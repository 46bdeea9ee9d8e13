import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { ServiceError } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { countSamples } from '../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../src/otlp/protobuf/encode-profiles-data.ts';
import { readRetryDelayMs } from '../src/otlp/protobuf/retry-info.ts';
import { systemClock } from '../src/support/clock.ts';
import { goodProfiles } from './otlp/good-profiles.ts';
import { FramesClient, smallBatch } from './support/frames-client.ts';
import { exportOverGrpc } from './support/otlp-sender.ts';
import type { RecordedRequest } from './support/otlp-server.ts';
import { ScriptedOtlpServer } from './support/otlp-server.ts';
import type { RunningService } from './support/running-service.ts';
import { startService, timestampsIn } from './support/running-service.ts';

/** A destination that lets every call wait until the test opens it. */
async function startHeldServer(t: TestContext): Promise<{ server: ScriptedOtlpServer; open: () => void }> {
  const { promise: until, resolve: open } = Promise.withResolvers<void>();
  const server = await ScriptedOtlpServer.start(() => ({ kind: 'slow', until, answer: { kind: 'ok' } }));
  t.after(() => {
    open();
    return server.stop();
  });
  return { server, open };
}

/** Sends samples one by one, each at another moment, and knows which were acknowledged. */
function createSender(t: TestContext, { service }: RunningService) {
  const client = new FramesClient(service.receiverPorts.get('frames')!);
  t.after(() => client.close());
  const startUnixNano = systemClock.unixNano();
  const acknowledged: bigint[] = [];
  let sequence = 0;
  /** The refusal, or `undefined` when the sample was taken; what was refused is sent again by the next call. */
  const send = async (): Promise<ServiceError | undefined> => {
    const timestamp = startUnixNano + BigInt(sequence);
    try {
      // Each of another thread, so that each is a sample of the profile.
      const sample = { stack: 1, process: 1, profileType: 1, threadId: sequence + 1, timestamps: [timestamp] };
      const reply = await client.submit(smallBatch([], { sequence: sequence + 1, samples: [sample] }));
      assert.deepEqual([reply.acceptedSamples, reply.duplicate], [1, false]);
      acknowledged.push(timestamp);
      sequence++;
      return undefined;
    } catch (error) {
      return error as ServiceError;
    }
  };
  return { acknowledged, send };
}

/** A service with a receiver of each kind, a reporting cycle of 20 ms, and these exporters with a gRPC destination each. */
const configOf = (exporters: Readonly<Record<string, string>>, cycle = ''): string => `
receivers:
  frames: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}
  otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}, http: {endpoint: "127.0.0.1:0"}}}
processors: {symbol_store: {}, reporting_cycle: {interval: 20ms, resolve_grace: false${cycle}}}
exporters: {${Object.entries(exporters).map(([id, config]) => `${id}: ${config}`)}}
service:
  pipelines: {profiles: {receivers: [frames, otlp], processors: [symbol_store, reporting_cycle], exporters: [${Object.keys(exporters)}]}}`;

const otlpGrpc = ({ port }: ScriptedOtlpServer, queue: string): string =>
  `{endpoint: "127.0.0.1:${port}", tls: {insecure: true}, timeout: 1m, sending_queue: {num_consumers: 1, ${queue}}}`;

const sorted = (list: readonly bigint[]): bigint[] => [...list].sort((a, b) => Number(a - b));
const byTime = (requests: readonly RecordedRequest[]): bigint[] => sorted(timestampsIn(requests));

test('a full queue reaches the collector, which comes back later; all that was acknowledged arrives', async (t) => {
  const { server, open } = await startHeldServer(t);
  const running = await startService(t, configOf({ otlp_grpc: otlpGrpc(server, 'queue_size: 2') }));
  const { send, acknowledged } = createSender(t, running);
  let refusal: ServiceError | undefined;
  while (refusal === undefined) refusal = await send();
  assert.deepEqual(
    [refusal.code, refusal.details],
    [status.RESOURCE_EXHAUSTED, 'the sending queue of otlp_grpc is full; send it again later'],
  );
  const delayMs = readRetryDelayMs(refusal.metadata.get('grpc-status-details-bin')[0] as Buffer)!;
  assert.ok(delayMs >= 2_500 && delayMs <= 7_500, String(delayMs));
  const takenBefore = acknowledged.length;
  // Whatever came between the last report and the full queue stays in the window.
  while ((await running.metric('framekeeper_held_up_cycles')) < 3) await send();
  assert.equal(acknowledged.length, takenBefore);
  open();
  while (acknowledged.length < takenBefore + 10) await send();
  await running.stop();
  assert.deepEqual(byTime(server.requests), acknowledged);
  assert.equal(await enqueueFailed(running, 'otlp_grpc'), 0);
});

for (const queue of [
  'sizer: items, queue_size: 25',
  'sizer: bytes, queue_size: 4000',
  'sizer: items, queue_size: 20, block_on_overflow: true',
]) {
  test(`a report waits for room in {${queue}}, and all that was acknowledged arrives`, async (t) => {
    const { server, open } = await startHeldServer(t);
    const running = await startService(t, configOf({ otlp_grpc: otlpGrpc(server, queue) }));
    const { send, acknowledged } = createSender(t, running);
    while ((await running.metric('framekeeper_held_up_cycles')) < 3) await send();
    open();
    const before = acknowledged.length;
    while (acknowledged.length < before + 10) await send();
    await running.stop();
    assert.deepEqual(byTime(server.requests), acknowledged);
    for (const reason of ['queue_full', 'stopped']) {
      assert.equal(await enqueueFailed(running, 'otlp_grpc', reason), 0, reason);
    }
  });
}
test('an exporter that is switched off takes nothing in place of one that is full', async (t) => {
  const { server, open } = await startHeldServer(t);
  const exporters = { otlp_grpc: otlpGrpc(server, 'queue_size: 2'), otlp_http: '{endpoint: "", optional: true}' };
  const running = await startService(t, configOf(exporters));
  const { send, acknowledged } = createSender(t, running);
  let refusal: ServiceError | undefined;
  while (refusal === undefined && (await enqueueFailed(running, 'otlp_grpc')) === 0) refusal = await send();
  assert.equal(refusal?.details, 'the sending queue of otlp_grpc is full; send it again later');
  assert.match(await createCallers(running).overGrpc(), /^UNAVAILABLE: the sending queue of otlp_grpc is full/);
  while ((await running.metric('framekeeper_held_up_cycles')) < 2) await send();
  open();
  await running.stop();
  assert.equal(await enqueueFailed(running, 'otlp_grpc'), 0);
  assert.ok(acknowledged.length > 0);
});

test('an exporter that is full beside another one delays nobody, and counts what it loses', async (t) => {
  const { server: down, open } = await startHeldServer(t);
  const up = await ScriptedOtlpServer.start();
  t.after(() => up.stop());
  const running = await startService(
    t,
    configOf({ otlp_grpc: otlpGrpc(up, 'queue_size: 100'), 'otlp_grpc/down': otlpGrpc(down, 'queue_size: 1') }),
  );
  const { send, acknowledged } = createSender(t, running);
  while ((await enqueueFailed(running, 'otlp_grpc/down')) === 0) assert.equal(await send(), undefined);
  for (let i = 0; i < 10; i++) assert.equal(await send(), undefined);
  open();
  await running.stop();
  assert.deepEqual(byTime(up.requests), acknowledged);
  const failed = await enqueueFailed(running, 'otlp_grpc/down');
  assert.equal(timestampsIn(down.requests).length + failed, acknowledged.length);
  assert.equal(await enqueueFailed(running, 'otlp_grpc'), 0);
});

test('with block_on_overflow an OTLP call is answered when there is room, and more of them are refused', async (t) => {
  const { server, open } = await startHeldServer(t);
  const running = await startService(
    t,
    configOf({ otlp_grpc: otlpGrpc(server, 'queue_size: 1, block_on_overflow: true') }),
  );
  const { overGrpc, overHttp } = createCallers(running);
  assert.equal(await overGrpc(), 'OK');
  // One may wait, whichever of the two comes first.
  const calls = [overHttp(), overGrpc()];
  const refused = await Promise.race(calls);
  assert.match(refused, /^(503|UNAVAILABLE: the sending queue of otlp_grpc is full; send it again later)$/);
  open();
  const answers = await Promise.all(calls);
  assert.ok(answers.includes(refused === '503' ? 'OK' : '200'), String(answers));
  await running.stop();
  assert.equal(server.requests.length, 2);
});

test('an OTLP call whose profiles are to leave with a report does not wait for room, and is refused', async (t) => {
  const { server, open } = await startHeldServer(t);
  const exporters = { otlp_grpc: otlpGrpc(server, 'queue_size: 1, block_on_overflow: true') };
  const running = await startService(t, configOf(exporters, ', otlp_profiles: merge'));
  const { overGrpc } = createCallers(running);
  let taken = 0;
  let answer = await overGrpc();
  for (; answer === 'OK'; answer = await overGrpc()) taken++;
  assert.equal(answer, 'UNAVAILABLE: the sending queue of otlp_grpc is full; send it again later');
  open();
  await running.stop();
  const sent = server.requests.reduce((sum, { bytes }) => sum + countSamples(decodeProfilesData(bytes)), 0);
  assert.ok(sent > 0 && sent <= 2 * taken, `${sent} samples of ${taken} requests`);
});

test('an OTLP call that gives up is not sent later', async (t) => {
  const { server, open } = await startHeldServer(t);
  const running = await startService(
    t,
    configOf({ otlp_grpc: otlpGrpc(server, 'queue_size: 1, block_on_overflow: true') }),
  );
  const { overGrpc, overHttp } = createCallers(running);
  assert.equal(await overGrpc(), 'OK');
  // Again where a busy machine let the time pass before the call had arrived, or the one before had left.
  const cancelled = (): Promise<number> => enqueueFailed(running, 'otlp_grpc', 'cancelled');
  while ((await cancelled()) < 2) assert.match(await overGrpc(300), /^(DEADLINE_EXCEEDED|UNAVAILABLE)/);
  const before = await cancelled();
  while ((await cancelled()) < before + 2) assert.match(await overHttp(300), /^(TimeoutError|503)$/);
  open();
  await running.stop();
  assert.equal(server.requests.length, 1);
});

test('with wait_for_result an OTLP call is answered with what became of its profiles', async (t) => {
  const invalid = { kind: 'status', code: status.INVALID_ARGUMENT, details: 'nobody wants this' } as const;
  const unavailable = { kind: 'status', code: status.UNAVAILABLE, details: 'not today' } as const;
  const server = await ScriptedOtlpServer.start([invalid, invalid, unavailable, unavailable]);
  t.after(() => server.stop());
  const exporter = otlpGrpc(server, 'wait_for_result: true').replace(/}$/, ', retry_on_failure: {enabled: false}}');
  const running = await startService(t, configOf({ otlp_grpc: exporter }));
  const { overGrpc, overHttp } = createCallers(running);
  assert.match(await overGrpc(), /^INTERNAL: .*nobody wants this/);
  assert.equal(await overHttp(), '500');
  assert.match(await overGrpc(), /^UNAVAILABLE: retry_on_failure is disabled: .*not today/);
  assert.equal(await overHttp(), '503');
  assert.equal(await overGrpc(), 'OK');
  assert.equal(await overHttp(), '200');
  assert.equal(server.requests.length, 6);
});

/** OTLP calls with two samples each; what they were answered, as words. */
function createCallers({ service }: RunningService) {
  const bytes = encodeProfilesData(goodProfiles());
  const url = `http://127.0.0.1:${service.receiverPorts.get('otlp:http')}/v1development/profiles`;
  return {
    overGrpc: async (deadlineMs = 60_000): Promise<string> => {
      try {
        await exportOverGrpc(service.receiverPorts.get('otlp')!, bytes, {}, 0, deadlineMs);
        return 'OK';
      } catch (error) {
        const { code, details } = error as ServiceError;
        return `${status[code]}: ${details}`;
      }
    },
    overHttp: async (deadlineMs = 60_000): Promise<string> => {
      const headers = { 'content-type': 'application/x-protobuf' };
      const options = { method: 'POST', body: bytes, headers, signal: AbortSignal.timeout(deadlineMs) };
      return fetch(url, options).then(
        ({ status: code }) => String(code),
        ({ name }: Error) => name,
      );
    },
  };
}

function enqueueFailed({ metric }: RunningService, exporter: string, reason = 'queue_full'): Promise<number> {
  const name = 'otelcol_exporter_enqueue_failed_profile_samples';
  return metric(`${name}{exporter="${exporter}",error_type="${reason}"}`);
}
