import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import protobuf from 'protobufjs';
import type { BatchMessage } from '../../../src/cli/replay/frames-messages.ts';
import { decodeReply, encodeBatch } from '../../../src/cli/replay/frames-wire.ts';
import { bundledRecordings, readRecording } from '../../../src/cli/replay/read-recording.ts';
import { batchesOf } from '../../support/batches-of.ts';

// Against protobufjs, which reads the .proto file.
const proto = protobuf.loadSync(join(import.meta.dirname, '../../../proto/framekeeper/frames/v1/frames.proto'));
const Batch = proto.lookupType('framekeeper.frames.v1.Batch');
const BatchReply = proto.lookupType('framekeeper.frames.v1.BatchReply');

function asRead(bytes: Uint8Array): object {
  return Batch.toObject(Batch.decode(Buffer.from(bytes)), { longs: BigInt });
}

for (const name of bundledRecordings) {
  test(`batches of the recording ${name} are as protobufjs writes them`, () => {
    let count = 0;
    for (const batch of batchesOf(readRecording(name), new Uint8Array(16).fill(7), 1_800_000_000_000_000_000n)) {
      const expected = Batch.encode(Batch.fromObject(batch)).finish();
      assert.deepEqual(asRead(encodeBatch(batch)), asRead(expected));
      count++;
    }
    assert.ok(count > 10);
  });
}

test('fields that no recording has are written too', () => {
  const [first] = batchesOf(readRecording('c'), new Uint8Array(16).fill(7), 1_800_000_000_000_000_000n);
  const process = { pid: 4_194_304, namespacePid: 7, startTimeNano: 2n ** 64n - 1n, comm: 1, executablePath: 2 };
  const stub = { process: 1, start: 2n ** 63n, length: 300n, name: 1, systemName: 2, file: 3, line: 4, tier: 5 };
  const sample = { stack: 1, process: 1, profileType: 1, threadId: 2 ** 32 - 1, threadName: 1, cpuPlusOne: 3 };
  const batch: BatchMessage = {
    ...first!,
    sequence: 2n ** 64n - 1n,
    processes: [process],
    stubs: [{ ...stub, kind: 'STUB_KIND_JIT' }],
    samples: [{ ...sample, timestamps: [1n, 2n ** 64n - 1n], values: [-1n, 2n ** 62n] }],
    processExits: Array.from({ length: 200 }, (_, pid) => pid),
    lostSamples: [{ reason: 'REASON_UNWIND_FAILED', count: 2n ** 40n }],
    clock: { kind: 'KIND_BOOTTIME', anchorNano: 1n, anchorUnixNano: 2n ** 63n },
  };
  assert.deepEqual(asRead(encodeBatch(batch)), asRead(Batch.encode(Batch.fromObject(batch)).finish()));
});

test('a reply is read as protobufjs wrote it, with defaults for what it lacks', () => {
  const empty = { fileId: new Uint8Array(), pid: 0, startTimeNano: 0n, addressOrLine: 0n, kind: 0 };
  const reply = {
    ...{
      sequence: 2n ** 63n + 1n,
      acceptedSamples: 4_294_967_295,
      rejectedSamples: 2,
      retryDelayMs: 250,
      duplicate: true,
    },
    rejections: [
      { path: 'samples[3]', reason: 'is too old' },
      { path: '', reason: '' },
    ],
    namesNeeded: [
      { fileId: new Uint8Array(16).fill(3), pid: 9, startTimeNano: 5n, addressOrLine: 2n ** 64n - 1n, kind: 3 },
      empty,
    ],
    executablesNeeded: new Uint8Array(32).fill(8),
  };
  const bytes = BatchReply.encode(BatchReply.fromObject(reply)).finish();
  assert.deepEqual(plain(decodeReply(bytes)), plain(reply));
  assert.deepEqual(plain(decodeReply(new Uint8Array())), {
    ...{ sequence: 0n, acceptedSamples: 0, rejectedSamples: 0, rejections: [], namesNeeded: [], executablesNeeded: [] },
    ...{ retryDelayMs: 0, duplicate: false },
  });
});

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, plain(field)]));
}
