import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ExportRequest } from '../../src/exporters/export-request.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import type { ResourceEditor } from '../../src/otlp/resource-edit.ts';
import { namesOfStore } from '../../src/pipeline/node-names.ts';
import { PassThrough } from '../../src/pipeline/pass-through.ts';
import { MessageReader } from '../../src/receivers/otlp/message-reader.ts';
import { SymbolStore } from '../../src/symbols/symbol-store.ts';
import { passingProfiles } from '../bench/passing-profiles.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { realRequests } from '../otlp/real-requests.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeExporter } from '../support/fake-exporter.ts';
import { recordMetrics } from '../support/metric-recorder.ts';
import { resourceEditor } from '../support/resource-editor.ts';
import { configOf } from '../symbols/store-harness.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options: { type: 'minor' | 'major' }) => void;

function startPassing(takes: (request: ExportRequest) => boolean, editor?: ResourceEditor): PassThrough {
  const store = new SymbolStore(configOf({ lifetime: '60s' }), () => 0.5);
  const exporters = [fakeExporter('otlp', takes)];
  const { meter } = recordMetrics();
  return new PassThrough({
    names: namesOfStore(store),
    exporters,
    clock: new FakeClock(),
    meter,
    ...(editor && { editor }),
  });
}

test('a request that has passed is freed by young collections: nothing old knows of it', async () => {
  const sink = startPassing(() => true);
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

test('a request that was rebuilt has let go of the columns of its message by then', () => {
  let isFree: boolean | undefined;
  const received = new MessageReader().read({
    encoding: 'protobuf',
    bytes: encodeProfilesData(goodProfiles()),
    isVersionDeclared: true,
  });
  assert.ok(received.scan.kind === 'passable');
  const { columns } = received.scan.profiles;
  const editor = resourceEditor((resources) => resources.map(() => ({ kind: 'dropped', by: 'filter' })));
  const sink = startPassing(() => true, {
    ...editor,
    edit: (resources, context) => {
      // At first around the bytes of the message, and then of what was decoded of it.
      isFree = isFree === undefined ? false : columns.bytes.length === 0;
      return editor.edit(resources, context);
    },
  });
  assert.deepEqual(sink.submit(received), { kind: 'accepted' });
  assert.equal(isFree, true);
});

test('a request that waits in a queue holds nothing of its message but the bytes', async () => {
  const waiting: ExportRequest[] = [];
  const sink = startPassing((request) => waiting.push(request) > 0);
  const bytes = Buffer.from(encodeProfilesData(passingProfiles(10).data));
  let givenBack = 0;
  const columns = await (async () => {
    const release = () => givenBack++;
    const received = new MessageReader().read({ encoding: 'protobuf', bytes, isVersionDeclared: true, release });
    assert.ok(received.scan.kind === 'passable' && received.isLarge);
    await sink.submit(received);
    return new WeakRef(received.scan.profiles.columns);
  })();
  await setImmediate();
  collect({ type: 'major' });
  assert.ok(columns.deref() === undefined, 'the columns are held');
  const [request] = waiting;
  request!.lendPieces();
  request!.returnPieces();
  assert.equal(givenBack, 1);
});
