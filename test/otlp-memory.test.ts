import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '../src/grpc/status.ts';
import { encodeProfilesData } from '../src/otlp/protobuf/encode-profiles-data.ts';
import { BufferPool } from '../src/support/buffer-pool.ts';
import { passingProfiles } from './bench/passing-profiles.ts';
import { GrpcLoad, wireMessage } from './bench/peers/grpc-load.ts';
import type { Script } from './support/otlp-answer.ts';
import type { RecordedRequest } from './support/otlp-server.ts';
import { ScriptedOtlpServer } from './support/otlp-server.ts';
import { patienceMs } from './support/patience.ts';
import { startService } from './support/running-service.ts';

/** Passes requests on to receivers; ports of the service, and what the receivers got. */
async function startPassing(t: TestContext, scripts: readonly Script[]) {
  const receivers = await Promise.all(scripts.map((script) => ScriptedOtlpServer.start(script)));
  const exporters = receivers.map(
    ({ endpoint }, index) =>
      `otlp_grpc/${index}: {endpoint: "${endpoint}", tls: {insecure: true}, compression: none, retry_on_failure: {initial_interval: 1ms, max_interval: 5ms}}`,
  );
  const { service, stop } = await startService(
    t,
    `
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}}
processors: {symbol_store: {}}
exporters: {${exporters.join(', ')}}
service:
  pipelines: {profiles: {receivers: [otlp], processors: [symbol_store], exporters: [${receivers.map((_, index) => `otlp_grpc/${index}`)}]}}`,
  );
  t.after(() => Promise.all(receivers.map((receiver) => receiver.stop())));
  return { receivers, stop, load: await GrpcLoad.connect(service.receiverPorts.get('otlp')!) };
}

const requests = [0.3, 0.4, 0.5, 0.6, 1, 2].map((size) => Buffer.from(encodeProfilesData(passingProfiles(size).data)));

for (const { what, script } of [
  { what: 'every receiver takes them', script: [] },
  {
    what: 'a receiver refuses every third of them for a time',
    script: (call: number) =>
      call % 3 === 2 ? ({ kind: 'status', code: status.UNAVAILABLE } as const) : ({ kind: 'ok' } as const),
  },
]) {
  test(`memory of requests is used again, and each leaves as it came: ${what}`, { timeout: patienceMs }, async (t) => {
    const given = t.mock.method(BufferPool.prototype, 'giveBack').mock;
    const { receivers, load, stop } = await startPassing(t, [[], script]);
    const count = 12 * requests.length;
    const sending = Array.from({ length: count }, (_, number) =>
      load.send(wireMessage(requests[number % requests.length]!, false)),
    );
    await Promise.all(sending);
    for (const receiver of receivers) while (acceptedBy(receiver).length < count) await sleep(5);
    await stop();
    load.close();
    const sizes = new Set(requests.map(({ length }) => length));
    for (const receiver of receivers) {
      const wanted = requests.map((bytes) => ({ tail: tailOf(bytes), left: 12 }));
      for (const { bytes } of acceptedBy(receiver)) {
        const known = wanted.find(({ tail }) => tail.equals(tailOf(bytes)));
        assert.ok(known, 'a request has changed on its way');
        known.left--;
      }
      assert.deepEqual(
        wanted.map(({ left }) => left),
        wanted.map(() => 0),
      );
    }
    const reused = given.calls.filter(({ arguments: [buffer] }) => sizes.has((buffer as Uint8Array).length)).length;
    assert.ok(reused > count / 4, `${reused} of ${count} messages were given back`);
  });
}

function acceptedBy({ requests }: ScriptedOtlpServer): readonly RecordedRequest[] {
  return requests.filter(({ answer }) => answer.kind === 'ok');
}

/** The greater part: at the beginning a name is added to a resource. */
function tailOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.subarray(-12_000));
}
