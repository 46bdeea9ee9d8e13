import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { namesOfStore } from '../../src/pipeline/node-names.ts';
import { PassThrough } from '../../src/pipeline/pass-through.ts';
import { MessageReader } from '../../src/receivers/otlp/message-reader.ts';
import { SymbolStore } from '../../src/symbols/symbol-store.ts';
import { realRequests } from '../otlp/real-requests.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeExporter } from '../support/fake-exporter.ts';
import { recordMetrics } from '../support/metric-recorder.ts';
import { configOf } from '../symbols/store-harness.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options: { type: 'minor' | 'major' }) => void;

test('a request that has passed is freed by young collections: nothing old knows of it', async () => {
  const store = new SymbolStore(configOf({ lifetime: '60s' }), () => 0.5);
  const exporters = [fakeExporter('otlp', () => true)];
  const { meter } = recordMetrics();
  const sink = new PassThrough({ names: namesOfStore(store), exporters, clock: new FakeClock(), meter });
  const reader = new MessageReader();
  const requests = realRequests('profiler');
  const passAll = async (): Promise<void> => {
    for (const request of requests) {
      const bytes = Buffer.allocUnsafeSlow(request.length);
      request.copy(bytes);
      const content = { encoding: 'protobuf', bytes, isVersionDeclared: true } as const;
      assert.equal((await sink.submit(reader.read(content))).kind, 'accepted');
    }
  };
  const heldBytes = (type: 'minor' | 'major'): number => {
    for (let i = 0; i < 3; i++) collect({ type });
    return process.memoryUsage().arrayBuffers;
  };
  await passAll();
  const before = heldBytes('major');
  for (let i = 0; i < 8; i++) await passAll();
  const grownBytes = heldBytes('minor') - before;
  const passedBytes = 8 * requests.reduce((sum, { length }) => sum + length, 0);
  assert.ok(grownBytes < passedBytes / 8, `${grownBytes} of ${passedBytes} bytes are held`);
});
