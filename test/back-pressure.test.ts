import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { ServiceError } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { readRetryDelayMs } from '../src/exporters/otlp-grpc/retry-info.ts';
import { systemClock } from '../src/support/clock.ts';
import { FramesClient, smallBatch } from './support/frames-client.ts';
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

/** A service with a reporting cycle of 20 ms, and these exporters with a gRPC destination each. */
const configOf = (exporters: Readonly<Record<string, string>>): string => `
receivers: {frames: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}}
processors: {symbol_store: {}, reporting_cycle: {interval: 20ms, resolve_grace: false}}
exporters: {${Object.entries(exporters).map(([id, config]) => `${id}: ${config}`)}}
service:
  pipelines: {profiles: {receivers: [frames], processors: [symbol_store, reporting_cycle], exporters: [${Object.keys(exporters)}]}}`;

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

function enqueueFailed({ metric }: RunningService, exporter: string): Promise<number> {
  const name = 'otelcol_exporter_enqueue_failed_profile_samples';
  return metric(`${name}{exporter="${exporter}",error_type="queue_full"}`);
}
