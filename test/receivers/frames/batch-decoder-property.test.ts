import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InvalidMessage } from '../../../src/model/invalid-message.ts';
import { BatchDecoder } from '../../../src/receivers/frames/batch-decoder.ts';
import type { PlainBatch } from '../../support/frames-client.ts';
import { encodeBatch, smallBatch } from '../../support/frames-client.ts';
import { plainBatchOf } from './plain-batch.ts';

const now = 1_767_225_600_000_000_000n;
const bounds = { maxAgeMs: 86_400_000, maxFutureMs: 3_600_000 };

const word64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const word32 = fc.nat(0xffffffff);
const count = 4;
/** An index of a table of `count` entries; the least is 0 where there may be none. */
const index = (least: 0 | 1): fc.Arbitrary<number> => fc.integer({ min: least, max: count });
const table = <T>(entry: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(entry, { minLength: count, maxLength: count });
const id = (size: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: size, maxLength: size }).filter((bytes) => bytes.some((byte) => byte > 0));
const labels = fc.uniqueArray(fc.record({ key: index(1), value: index(0) }), { selector: ({ key }) => key });

const moments = fc.array(
  fc.tuple(fc.bigInt({ min: now - 10n ** 12n, max: now }), fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })),
  {
    minLength: 1,
    maxLength: 5,
  },
);
const sample = fc
  .tuple(
    fc.record({
      stack: index(1),
      process: index(1),
      profileType: index(1),
      threadId: word32,
      threadName: index(0),
      cpuPlusOne: word32,
      link: index(0),
      labelSet: index(0),
    }),
    moments,
    fc.boolean(),
  )
  .map(([fields, pairs, hasValues]) => ({
    ...fields,
    timestamps: pairs.map(([timestamp]) => timestamp),
    values: hasValues ? pairs.map(([, value]) => value) : [],
  }));

/** Batches without fault. Every table has four entries; strings are distinct, as labels need distinct keys. */
const batches: fc.Arbitrary<PlainBatch> = fc.record({
  collector: fc.record({
    instanceId: id(16),
    resourceAttributes: fc.uniqueArray(fc.record({ key: fc.string({ minLength: 1 }), value: fc.string() }), {
      selector: ({ key }) => key,
    }),
    scopeName: fc.string(),
    scopeVersion: fc.string(),
  }),
  sequence: word64,
  strings: fc.uniqueArray(fc.string({ minLength: 1, unit: 'grapheme' }), { minLength: count, maxLength: count }),
  // Distinct, so that an index can be told from what it refers to.
  fileIds: fc
    .uniqueArray(id(16), { minLength: count, maxLength: count, selector: String })
    .map((ids) => Uint8Array.from(ids.flatMap((each) => [...each]))),
  mappings: table(
    fc
      .tuple(index(1), word64, word64, word64)
      .filter(([, start, end]) => start !== end)
      .map(([fileId, a, b, fileOffset]) => ({
        fileId,
        start: a < b ? a : b,
        end: a < b ? b : a,
        fileOffset,
      })),
  ),
  frames: table(
    fc
      .tuple(fc.boolean(), index(1), word64, fc.nat(13), index(0))
      .map(([isFile, owner, addressOrLine, kind, mapping]) => ({
        fileId: isFile ? owner : 0,
        process: isFile ? 0 : owner,
        addressOrLine,
        kind,
        mapping,
      })),
  ),
  stacks: table(fc.record({ frames: fc.array(index(1), { minLength: 1, maxLength: 300 }), truncated: fc.boolean() })),
  processes: table(
    fc.record({
      pid: word32,
      namespacePid: word32,
      startTimeNano: word64,
      comm: index(0),
      executablePath: index(0),
      containerId: index(0),
      serviceName: index(0),
      labels,
    }),
  ),
  links: table(fc.record({ traceId: id(16), spanId: id(8) })),
  labelSets: table(fc.record({ labels })),
  profileTypes: table(
    fc.record({
      sampleType: index(1),
      sampleUnit: index(1),
      periodType: index(0),
      periodUnit: index(0),
      period: word64,
    }),
  ),
  samples: fc.array(sample, { maxLength: 20 }),
  symbols: fc.array(
    fc.record({
      fileId: index(1),
      addressOrLine: word64,
      locations: fc.array(
        fc.record({
          function: index(1),
          systemName: index(0),
          file: index(0),
          line: word32,
          column: word32,
          startLine: word32,
        }),
        { minLength: 1, maxLength: 4 },
      ),
    }),
    { maxLength: 5 },
  ),
  stubs: fc.array(
    fc
      .tuple(
        fc.boolean(),
        index(1),
        word64,
        fc.record({
          name: index(1),
          file: index(0),
          line: word32,
          kind: fc.integer({ min: 1, max: 3 }),
          tier: index(0),
          systemName: index(0),
        }),
      )
      .map(([isFile, owner, start, rest]) => ({
        fileId: isFile ? owner : 0,
        process: isFile ? 0 : owner,
        start,
        length: 2n ** 64n - start > 2n ** 64n - 1n ? 1n : 2n ** 64n - start,
        ...rest,
      })),
    { maxLength: 5 },
  ),
  processExits: fc.array(index(1), { maxLength: 5 }),
  lostSamples: fc.array(fc.record({ reason: fc.nat(4), count: fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }) }), {
    maxLength: 3,
  }),
});

test('decode gives what protobufjs has encoded, of any batch without fault', () => {
  const decoder = new BatchDecoder(bounds);
  fc.assert(
    fc.property(batches, (batch) => {
      const decoded = decoder.decode(encodeBatch(batch), now);
      assert.deepEqual(decoded.rejections.listed, []);
      // A clone has ordinary prototypes, which fast-check does not always give.
      assert.deepEqual(plainBatchOf(decoded.batch), structuredClone(normal(batch)));
    }),
    { numRuns: 150 },
  );
});

/** What `plainBatchOf` says of a batch: values that were left out are there. */
function normal(batch: PlainBatch): PlainBatch {
  const samples = batch.samples as { timestamps: bigint[]; values: bigint[] }[];
  return {
    ...batch,
    samples: samples.map((each) => ({
      ...each,
      values: each.values.length > 0 ? each.values : each.timestamps.map(() => 1n),
    })),
  };
}

const whole = encodeBatch(
  smallBatch([now, now - 1n], {
    sequence: 300,
    collector: {
      instanceId: Buffer.alloc(16, 7),
      resourceAttributes: [{ key: 'host.name', value: 'ä' }],
      scopeName: 's',
    },
    mappings: [{ fileId: 1, start: 1n, end: 2n }],
    links: [{ traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, 1) }],
    labelSets: [{ labels: [{ key: 1, value: 2 }] }],
    symbols: [{ fileId: 1, addressOrLine: 5n, locations: [{ function: 1 }, { function: 2, line: 300 }] }],
    stubs: [{ process: 1, start: 5n, length: 300n, name: 1, kind: 3 }],
    executables: [{ fileId: 1, fileName: 1 }],
    processExits: [1],
    lostSamples: [{ reason: 1, count: 300 }],
    clock: { kind: 1, anchorNano: now, anchorUnixNano: now },
  }),
);

/** Nothing but a batch or `InvalidMessage` may come of any bytes. */
function decodesOrRefuses(decoder: BatchDecoder, bytes: Uint8Array): boolean {
  try {
    decoder.decode(bytes, now);
    return true;
  } catch (error) {
    assert.ok(error instanceof InvalidMessage, `${Buffer.from(bytes).toString('hex')}: ${(error as Error).stack}`);
    assert.match(error.message, /^batch[^:]*: .+; .+/);
    return false;
  }
}

test('decode takes or refuses every truncation of a batch', () => {
  const decoder = new BatchDecoder(bounds);
  assert.ok(decodesOrRefuses(decoder, whole));
  for (let length = 0; length < whole.length; length++) decodesOrRefuses(decoder, whole.subarray(0, length));
});

test('decode takes or refuses a batch with any byte changed to any value', () => {
  const decoder = new BatchDecoder(bounds);
  for (let at = 0; at < whole.length; at++) {
    for (const change of [1, 2, 4, 7, 8, 16, 64, 127, 128, 255]) {
      const changed = Buffer.from(whole);
      changed[at]! ^= change;
      decodesOrRefuses(decoder, changed);
    }
  }
});

test('decode takes or refuses a batch with bytes put in, taken out or repeated, and random bytes', () => {
  const decoder = new BatchDecoder(bounds);
  const place = fc.nat(whole.length - 1);
  fc.assert(
    fc.property(place, place, fc.uint8Array({ maxLength: 12 }), (from, to, inserted) => {
      const changed = Buffer.concat([whole.subarray(0, from), inserted, whole.subarray(to)]);
      decodesOrRefuses(decoder, changed);
      decodesOrRefuses(decoder, inserted);
    }),
    { numRuns: 3000 },
  );
});

test('decode does not let one message take much more memory than its bytes', () => {
  const decoder = new BatchDecoder(bounds);
  const size = 4 * 1024 * 1024;
  const before = process.memoryUsage();
  // Empty strings, mappings, frames, stacks, processes, samples, symbols: two bytes each.
  for (const tag of [0x1a, 0x2a, 0x32, 0x3a, 0x42, 0x62, 0x6a]) {
    const bytes = Buffer.alloc(size);
    for (let at = 0; at < size; at += 2) bytes[at] = tag;
    decodesOrRefuses(decoder, bytes);
  }
  const after = process.memoryUsage();
  const grownBytes = after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers;
  assert.ok(grownBytes < 20 * size, `${grownBytes} bytes more`);
});

test('decode takes no entry for one of an earlier batch that only resembles it', () => {
  const text = fc.constantFrom('a', 'b', 'ab', 'ba', 'ü', 'a'.repeat(64), 'a'.repeat(65), `${'a'.repeat(63)}b`);
  const ids = fc.array(fc.constantFrom(1, 2, 256), { minLength: 16, maxLength: 16 });
  const base = { pid: 1, namespacePid: 0, startTimeNano: 1n, comm: 1, labels: [{ key: 1, value: 1 }] };
  const changes = [
    {},
    ...[
      { pid: 1025 },
      { namespacePid: 1 },
      { startTimeNano: 2n },
      { comm: 2 },
      { executablePath: 1 },
      { containerId: 1 },
    ],
    ...[{ serviceName: 1 }, { labels: [] }, { labels: [{ key: 1, value: 2 }] }, { labels: [{ key: 2, value: 1 }] }],
  ];
  const process = fc.constantFrom(...changes.map((change) => ({ ...base, ...change })));
  const batch = fc.record({
    collector: fc.record({
      instanceId: fc.constantFrom(Uint8Array.of(...new Array(16).fill(1)), Uint8Array.of(...new Array(16).fill(2))),
      resourceAttributes: fc.constantFrom([], [{ key: 'a', value: 'a' }], [{ key: 'a', value: 'b' }]),
      scopeName: text,
      scopeVersion: text,
    }),
    strings: fc.oneof(fc.constant(['a', 'b']), fc.uniqueArray(text, { minLength: 2, maxLength: 2 })),
    fileIds: ids.map((bytes) => Uint8Array.from(bytes)),
    processes: fc.array(process, { minLength: 1, maxLength: 3 }),
  });
  const wrongText = Buffer.from([0x1a, 2, 0xc3, 0x28]);
  fc.assert(
    fc.property(fc.array(fc.tuple(batch, fc.boolean()), { minLength: 2, maxLength: 8 }), (sent) => {
      const decoder = new BatchDecoder(bounds);
      for (const [plain, isWrong] of sent) {
        const bytes = encodeBatch({ sequence: 1n, ...plain });
        const message = isWrong ? Buffer.concat([bytes, wrongText]) : bytes;
        const decoded = decoder.decode(message, now);
        const fresh = new BatchDecoder(bounds).decode(message, now);
        const { collector, strings, fileIds, processes } = fresh.batch;
        assert.partialDeepStrictEqual(decoded.batch, { collector, strings, fileIds, processes });
        assert.deepEqual(decoded.repairs, fresh.repairs);
      }
    }),
    { endOnFailure: true },
  );
});
