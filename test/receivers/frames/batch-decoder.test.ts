import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidMessage } from '../../../src/model/invalid-message.ts';
import type { DecodedBatch } from '../../../src/receivers/frames/batch-decoder.ts';
import { BatchDecoder } from '../../../src/receivers/frames/batch-decoder.ts';
import type { PlainBatch } from '../../support/frames-client.ts';
import { encodeBatch, smallBatch } from '../../support/frames-client.ts';

const now = 1_767_225_600_000_000_000n;
const hour = 3_600_000_000_000n;
const collector = { instanceId: Buffer.alloc(16, 7) };
const file = Buffer.alloc(16, 1);

function decode(batch: PlainBatch | Uint8Array, nowUnixNano = now): DecodedBatch {
  const decoder = new BatchDecoder({ maxAgeMs: 86_400_000, maxFutureMs: 3_600_000 });
  return decoder.decode(batch instanceof Uint8Array ? batch : encodeBatch(batch), nowUnixNano);
}

function refusal(batch: PlainBatch | Uint8Array): string {
  try {
    decode(batch);
  } catch (error) {
    assert.ok(error instanceof InvalidMessage, String(error));
    return error.message;
  }
  return 'taken';
}

const small = (more: PlainBatch = {}): PlainBatch => smallBatch([now], more);
const sample = (more: PlainBatch = {}): PlainBatch => ({
  stack: 1,
  process: 1,
  profileType: 1,
  timestamps: [now],
  ...more,
});
const repeat = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const label = { key: 1, value: 2 };

for (const { name, batch, message } of [
  {
    name: 'no collector',
    batch: { strings: ['a'] },
    message: /^batch\.collector\.instance_id: 0 bytes; send 16 random bytes/,
  },
  { name: 'an empty message', batch: Buffer.alloc(0), message: /^batch\.collector\.instance_id: 0 bytes/ },
  {
    name: 'an instance ID of 15 bytes',
    batch: small({ collector: { instanceId: Buffer.alloc(15, 1) } }),
    message: /instance_id: 15 bytes/,
  },
  {
    name: 'an instance ID of zeros',
    batch: small({ collector: { instanceId: Buffer.alloc(16) } }),
    message: /instance_id: all bytes are zero/,
  },
  {
    name: '65 resource attributes',
    batch: small({ collector: { ...collector, resourceAttributes: repeat(65, (i) => ({ key: `k${i}` })) } }),
    message: /^batch\.collector\.resource_attributes\[64\]: at most 64 are taken/,
  },
  {
    name: 'a resource attribute twice',
    batch: small({ collector: { ...collector, resourceAttributes: [{ key: 'a' }, { key: 'a' }] } }),
    message: /^batch\.collector\.resource_attributes\[1\]\.key: "a" is there twice/,
  },
  {
    name: 'file IDs that are cut',
    batch: small({ fileIds: Buffer.alloc(17) }),
    message: /^batch\.file_ids: 17 bytes are not a multiple of 16/,
  },
  {
    name: 'a frame of a file that is not there',
    batch: small({ frames: [{ fileId: 9, kind: 1 }] }),
    message: /^batch\.frames\[0\]\.file_id: index 9 is out of range \[0\.\.1\]; refer to an entry/,
  },
  {
    name: 'a frame of a process that is not there',
    batch: small({ frames: [{ process: 2 }] }),
    message: /^batch\.frames\[0\]\.process: index 2 is out of range \[0\.\.1\]/,
  },
  {
    name: 'a frame in a mapping that is not there',
    batch: small({ frames: [{ fileId: 1, mapping: 1 }] }),
    message: /^batch\.frames\[0\]\.mapping: index 1 is out of range \[0\.\.0\]/,
  },
  {
    name: 'a frame of nobody',
    batch: small({ frames: [{ fileId: 1 }, { kind: 1 }] }),
    message: /^batch\.frames\[1\]: file_id is 0 and process is 0; set exactly one/,
  },
  {
    name: 'a frame of both a file and a process',
    batch: small({ frames: [{ fileId: 1, process: 1 }] }),
    message: /^batch\.frames\[0\]: file_id is 1 and process is 1/,
  },
  {
    name: 'an index of more than 32 bits',
    batch: withBytes('3208 08 ffffffff10 2000'),
    message: /^batch\.frames\[1\]\.file_id: the value is larger than 32 bits/,
  },
  {
    name: 'a stack of a frame that is not there',
    batch: small({ stacks: [{ frames: [1, 2] }] }),
    message: /^batch\.stacks\[0\]\.frames\[1\]: index 2 is out of range \[1\.\.1\]/,
  },
  {
    name: 'a stack of frame 0',
    batch: small({ stacks: [{ frames: [1, 0] }] }),
    message: /^batch\.stacks\[0\]\.frames\[1\]: index 0 is out of range/,
  },
  {
    name: 'an empty stack',
    batch: small({ stacks: [{ truncated: true }] }),
    message: /^batch\.stacks\[0\]\.frames: the stack is empty/,
  },
  {
    name: 'a stack of 1,025 frames',
    batch: small({ stacks: [{ frames: repeat(1025, () => 1) }] }),
    message: /^batch\.stacks\[0\]\.frames: 1025 frames, at most 1024/,
  },
  {
    name: 'a mapping that ends before it starts',
    batch: small({ mappings: [{ fileId: 1, start: 2n, end: 1n }] }),
    message: /^batch\.mappings\[0\]: start 0x2 is not before end 0x1/,
  },
  {
    name: 'a mapping of no file',
    batch: small({ mappings: [{ start: 1n, end: 2n }] }),
    message: /^batch\.mappings\[0\]\.file_id: index 0 is out of range \[1\.\.1\]/,
  },
  {
    name: 'a process whose name is not there',
    batch: small({ processes: [{ comm: 6 }] }),
    message: /^batch\.processes\[0\]\.comm: index 6 is out of range \[0\.\.5\]/,
  },
  {
    name: '33 labels of a process',
    batch: small({ strings: repeat(40, String), processes: [{ labels: repeat(33, (i) => ({ key: i + 1 })) }] }),
    message: /^batch\.processes\[0\]\.labels\[32\]: at most 32/,
  },
  {
    name: 'a label without key',
    batch: small({ labelSets: [{ labels: [{ value: 1 }] }] }),
    message: /^batch\.label_sets\[0\]\.labels\[0\]\.key: no text/,
  },
  {
    name: 'a label twice',
    batch: small({ labelSets: [{ labels: [label, label] }] }),
    message: /^batch\.label_sets\[0\]\.labels\[1\]\.key: "samples" is there twice/,
  },
  {
    name: 'a trace ID of 15 bytes',
    batch: small({ links: [{ traceId: Buffer.alloc(15, 1), spanId: Buffer.alloc(8, 1) }] }),
    message: /^batch\.links\[0\]\.trace_id: 15 bytes; send 16/,
  },
  {
    name: 'a span ID of zeros',
    batch: small({ links: [{ traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8) }] }),
    message: /^batch\.links\[0\]\.span_id: all bytes are zero/,
  },
  {
    name: 'a profile type without unit',
    batch: small({ profileTypes: [{ sampleType: 1 }] }),
    message: /^batch\.profile_types\[0\]\.sample_unit: no text/,
  },
  {
    name: '65 profile types',
    batch: small({ profileTypes: repeat(65, () => ({ sampleType: 1, sampleUnit: 2 })) }),
    message: /^batch\.profile_types: 65 entries, at most 64/,
  },
  {
    name: '65,537 timestamps',
    batch: small({ samples: [sample({ timestamps: repeat(65_537, () => now) })] }),
    message: /^batch\.samples\[0\]\.timestamps: more than 65536 entries/,
  },
  {
    name: '65,537 values',
    batch: small({ samples: [sample({ values: repeat(65_537, () => 1) })] }),
    message: /^batch\.samples\[0\]\.values: more than 65536 entries/,
  },
  {
    name: 'timestamps that are cut',
    batch: withBytes('6205 4a03 000000'),
    message: /^batch\.samples\[1\]\.timestamps: the bytes end in the middle/,
  },
  {
    name: 'a clock that is not known',
    batch: small({ clock: { kind: 3, anchorUnixNano: 1 } }),
    message: /^batch\.clock\.kind: clock 3 is not known/,
  },
  {
    name: 'a monotonic clock without anchor',
    batch: small({ clock: { kind: 1 } }),
    message: /^batch\.clock\.anchor_unix_nano: no anchor/,
  },
  { name: 'field number 0', batch: withBytes('0000'), message: /^batch: field number 0/ },
  { name: 'a group', batch: withBytes('fb01 fc01'), message: /^batch: wire type 3/ },
  {
    name: 'a wire type that a field does not have',
    batch: withBytes('3001'),
    message: /^batch\.frames: wire type 0 does not belong to this field/,
  },
  {
    name: 'a wire type that a frame’s field does not have',
    batch: withBytes('3203 0a01 00'),
    message: /^batch\.frames\[1\]\.file_id: wire type 2/,
  },
  {
    name: 'a length beyond the end',
    batch: withBytes('32ff ff03'),
    message: /^batch\.frames: the bytes end in the middle/,
  },
  {
    name: 'a varint without end',
    batch: withBytes('10ff ffffffff ffffffff ffffff'),
    message: /^batch\.sequence: the bytes end in the middle/,
  },
  {
    name: 'a frame that is cut',
    batch: withBytes('3204 1901 0203'),
    message: /^batch\.frames\[1\]\.address_or_line: the bytes end in the middle/,
  },
  { name: 'text', batch: Buffer.from('GET / HTTP/1.1\r\n\r\n'), message: /^batch/ },
  {
    name: '16,385 processes',
    batch: small({ processes: repeat(16_385, () => ({})) }),
    message: /^batch\.processes: more than 16384 entries/,
  },
  // The shortest entry there is: a tag, and a length of 0. Texts have field 3.
  {
    name: '16,385 texts',
    batch: withBytes('1a00'.repeat(16_385)),
    message: /^batch\.strings: more than 16384 entries/,
  },
  {
    name: '32,769 stacks',
    batch: withBytes('3a00'.repeat(32_769)),
    message: /^batch\.stacks: more than 32768 entries/,
  },
  {
    name: 'more than 4 MiB',
    batch: withBytes('00'.repeat(4 * 1024 * 1024)),
    message: /^batch: 41\d+ bytes, more than 4194304/,
  },
]) {
  test(`decode refuses ${name}`, () => assert.match(refusal(batch), message));
}

/** The small batch with hexadecimal bytes after it. */
function withBytes(hex: string): Buffer {
  return Buffer.concat([encodeBatch(small()), Buffer.from(hex.replaceAll(' ', ''), 'hex')]);
}

for (const { name, samples, rejected, cause, ...more } of [
  {
    name: 'no stack',
    samples: [sample({ stack: 0 })],
    rejected: ['samples[0].stack', /index 0 is out of range \[1\.\.1\]/],
    cause: 'stack',
  },
  {
    name: 'a stack that is not there',
    samples: [sample(), sample({ stack: 2 })],
    rejected: ['samples[1].stack', /index 2 is out of range \[1\.\.1\]/],
    cause: 'stack',
  },
  {
    name: 'no process',
    samples: [sample({ process: 0 })],
    rejected: ['samples[0].process', /index 0/],
    cause: 'process',
  },
  {
    name: 'an unknown profile type',
    samples: [sample({ profileType: 4_294_967_295 })],
    rejected: ['samples[0].profile_type', /index 4294967295 is out of range \[1\.\.1\]/],
    cause: 'profile_type',
  },
  {
    name: 'a thread name that is not there',
    samples: [sample({ threadName: 6 })],
    rejected: ['samples[0].thread_name', /index 6 is out of range \[0\.\.5\]/],
    cause: 'thread_name',
  },
  {
    name: 'a link that is not there',
    samples: [sample({ link: 1 })],
    rejected: ['samples[0].link', /index 1 is out of range \[0\.\.0\]/],
    cause: 'link',
  },
  {
    name: 'labels that are not there',
    samples: [sample({ labelSet: 1 })],
    rejected: ['samples[0].label_set', /index 1/],
    cause: 'label_set',
  },
  {
    name: 'no timestamp',
    samples: [sample({ timestamps: [] })],
    rejected: ['samples[0].timestamps', /empty; send the time/],
    cause: 'timestamps',
  },
  {
    name: 'more values than timestamps',
    samples: [sample({ values: [1, 2] })],
    rejected: ['samples[0].values', /2 values for 1 timestamps/],
    cause: 'values',
  },
  {
    name: 'a negative value',
    samples: [sample({ values: [-1] })],
    rejected: ['samples[0].values', /negative/],
    cause: 'values',
  },
  {
    name: 'a time before max_age',
    samples: [sample({ timestamps: [now, now - 24n * hour - 1n] })],
    rejected: [
      'samples[0].timestamps[1]',
      /^1767139199999999999 is older than max_age allows, the service's time is 1767225600000000000/,
    ],
    cause: 'too_old',
  },
  {
    name: 'a time after max_future',
    samples: [sample({ timestamps: [now + hour + 1n] })],
    rejected: ['samples[0].timestamps[0]', /^1767229200000000001 lies further in the future/],
    cause: 'in_future',
  },
  {
    name: 'time 0',
    samples: [sample({ timestamps: [0n] })],
    rejected: ['samples[0].timestamps[0]', /^0 is older/],
    cause: 'too_old',
  },
  {
    name: 'the last time of 64 bits',
    samples: [sample({ timestamps: [2n ** 64n - 1n] })],
    rejected: ['samples[0].timestamps[0]', /^18446744073709551615 lies/],
    cause: 'in_future',
  },
  {
    name: 'a monotonic time that overflows',
    samples: [sample({ timestamps: [2n ** 64n - 1n] })],
    clock: { kind: 1, anchorNano: 5n, anchorUnixNano: now },
    rejected: ['samples[0].timestamps[0]', /^18446744073709551615 lies/],
    cause: 'in_future',
  },
  {
    name: 'a boot time before 1970',
    samples: [sample({ timestamps: [1n] })],
    clock: { kind: 2, anchorNano: 2n * now, anchorUnixNano: now },
    rejected: ['samples[0].timestamps[0]', /^0 is older/],
    cause: 'too_old',
  },
] as const) {
  test(`decode rejects a sample with ${name}, and takes the others`, () => {
    const good = sample({ threadId: 9 });
    const anchored = 'clock' in more ? { timestamps: [more.clock.anchorNano] } : {};
    const { batch, rejections } = decode(small({ ...more, samples: [...samples, { ...good, ...anchored }] }));
    assert.equal(rejections.listed.length, 1);
    assert.equal(rejections.listed[0]!.path, rejected[0]);
    assert.match(rejections.listed[0]!.reason, rejected[1]);
    assert.deepEqual([...rejections.samplesByCause], [[cause, 1]]);
    assert.equal(batch.samples.count, samples.length);
    assert.equal(batch.samples.threadId[batch.samples.count - 1], 9);
    assert.equal(batch.samples.timestampsUnixNano[batch.samples.momentStart[batch.samples.count - 1]!], now);
    assert.equal(batch.samples.values[batch.samples.momentStart[batch.samples.count - 1]!], 1n);
  });
}

const named = { fileId: 1, addressOrLine: 5n, locations: [{ function: 1 }] };
for (const { name, more, rejected } of [
  {
    name: 'a symbol of a file that is not there',
    more: { symbols: [{ ...named, fileId: 2 }] },
    rejected: ['symbols[0].file_id', /index 2 is out of range \[0\.\.1\]/],
  },
  {
    name: 'a symbol of no file',
    more: { symbols: [{ ...named, fileId: 0 }] },
    rejected: ['symbols[0].file_id', /is not set/],
  },
  {
    name: 'a symbol without location',
    more: { symbols: [{ ...named, locations: [] }] },
    rejected: ['symbols[0].locations', /empty/],
  },
  {
    name: 'a symbol of 65 locations',
    more: { symbols: [{ ...named, locations: repeat(65, () => ({ function: 1 })) }] },
    rejected: ['symbols[0].locations', /65 entries, at most 64/],
  },
  {
    name: 'a symbol whose function is not there',
    more: { symbols: [named, { ...named, locations: [{ function: 1 }, { function: 9 }] }] },
    rejected: ['symbols[1].locations[1].function', /index 9/],
  },
  {
    name: 'a symbol without function',
    more: { symbols: [{ ...named, locations: [{ file: 1 }] }] },
    rejected: ['symbols[0].locations[0].function', /no text/],
  },
  {
    name: 'a stub that wraps',
    more: { stubs: [{ process: 1, name: 1, start: 2n ** 64n - 16n, length: 17n }] },
    rejected: ['stubs[0].length', /0xfffffffffffffff0 \+ 17 wraps around/],
  },
  {
    name: 'a stub of no byte',
    more: { stubs: [{ process: 1, name: 1, start: 1n }] },
    rejected: ['stubs[0].length', /is 0/],
  },
  {
    name: 'a stub of nobody',
    more: { stubs: [{ name: 1, start: 1n, length: 1n }] },
    rejected: ['stubs[0]', /both 0; set exactly one/],
  },
  {
    name: 'a stub of both',
    more: { stubs: [{ process: 1, fileId: 1, name: 1, start: 1n, length: 1n }] },
    rejected: ['stubs[0]', /both set/],
  },
  {
    name: 'a stub without name',
    more: { stubs: [{ process: 1, start: 1n, length: 1n }] },
    rejected: ['stubs[0].name', /no text/],
  },
  {
    name: 'a stub of a process that is not there',
    more: { stubs: [{ process: 2, name: 1, start: 1n, length: 1n }] },
    rejected: ['stubs[0].process', /index 2/],
  },
  {
    name: 'an executable of no file',
    more: { executables: [{ fileName: 1 }] },
    rejected: ['executables[0].file_id', /is not set/],
  },
  {
    name: 'a build ID that is no number',
    more: { executables: [{ fileId: 1, gnuBuildId: 1 }] },
    rejected: ['executables[0].gnu_build_id', /not hexadecimal/],
  },
  {
    name: 'the exit of a process that is not there',
    more: { processExits: [1, 0] },
    rejected: ['process_exits[1]', /index 0 is out of range \[1\.\.1\]/],
  },
] as const) {
  test(`decode rejects ${name} alone`, () => {
    const { batch, rejections } = decode(small(more));
    assert.deepEqual(
      rejections.listed.map(({ path }) => path),
      [rejected[0]],
    );
    assert.match(rejections.listed[0]!.reason, rejected[1]);
    assert.equal(rejections.sampleCount, 0);
    assert.equal(batch.samples.count, 1);
    const taken = batch.symbols.length + batch.stubs.length + batch.executables.length + batch.processExits.length;
    const sent = Object.values(more).flat().length;
    assert.equal(taken, sent - 1);
  });
}

test('decode lists 64 rejections and counts all', () => {
  const { batch, rejections } = decode(small({ samples: repeat(100, () => sample({ stack: 0 })) }));
  assert.deepEqual([batch.samples.count, rejections.listed.length, rejections.sampleCount], [0, 64, 100]);
});

test('decode keeps 64 bits exact', () => {
  const address = 0xffff_ffff_8100_0001n;
  const { batch } = decode(
    small({
      frames: [{ fileId: 1, addressOrLine: address, kind: 2 }],
      samples: [sample({ timestamps: [now + 1n, now + 3n], values: [2n ** 63n - 1n, 2n ** 53n + 1n] })],
      mappings: [{ fileId: 1, start: address, end: 2n ** 64n - 1n, fileOffset: 2n ** 64n - 1n }],
      sequence: 2n ** 64n - 1n,
      stubs: [{ process: 1, name: 1, start: 2n ** 64n - 16n, length: 16n }],
      lostSamples: [{ reason: 1, count: 2n ** 64n - 1n }],
    }),
  );
  assert.deepEqual([batch.frames.addressHigh[1], batch.frames.addressLow[1]], [0xffffffff, 0x81000001]);
  assert.deepEqual([...batch.samples.timestampsUnixNano.slice(0, 2)], [now + 1n, now + 3n]);
  assert.deepEqual([...batch.samples.values.slice(0, 2)], [2n ** 63n - 1n, 2n ** 53n + 1n]);
  assert.deepEqual(batch.mappings[1]?.fileOffset, 2n ** 64n - 1n);
  assert.equal(batch.sequence, 2n ** 64n - 1n);
  assert.equal(batch.stubs[0]?.start, 2n ** 64n - 16n);
  assert.deepEqual(batch.lostSamples, [{ reason: 'buffer_full', count: 2n ** 64n - 1n }]);
});

test('decode converts monotonic and boot time exactly', () => {
  for (const anchorNano of [1n, 7_123_456_789n, 2n ** 53n + 1n, now, now + 4_000_000_001n]) {
    for (const kind of [1, 2]) {
      const clock = { kind, anchorNano, anchorUnixNano: now - 1n };
      const { batch, rejections } = decode(small({ clock, samples: [sample({ timestamps: [anchorNano + 10n] })] }));
      assert.deepEqual(rejections.listed, []);
      assert.equal(batch.samples.timestampsUnixNano[0], now + 9n);
    }
  }
});

test('decode takes a kind that it does not know as unspecified, and counts it', () => {
  const { batch, unknownFrameKinds } = decode(
    small({ frames: [14, 200, -1, 13].map((kind) => ({ fileId: 1, kind })) }),
  );
  assert.deepEqual([...batch.frames.kind.slice(1, 5)], [0, 0, 0, 13]);
  assert.equal(unknownFrameKinds, 3);
});

test('decode skips fields that it does not know, at every depth', () => {
  // Fields 2047 as varint, fixed64, bytes and fixed32; then a frame and a sample that have such fields.
  const unknown = ['f87f 01', 'f97f 0102030405060708', 'fa7f 02 0102', 'fd7f 01020304'].join('');
  const inFrame = '3206 0801 f87f 8101'.replaceAll(' ', '');
  const { batch } = decode(withBytes(unknown + inFrame));
  assert.deepEqual([batch.frames.count, batch.frames.fileId[2], batch.samples.count], [2, 1, 1]);
});

test('decode takes an empty batch of a collector that has nothing to say', () => {
  const { batch } = decode({ collector, sequence: 3 });
  assert.deepEqual([batch.samples.count, batch.frames.count, batch.stacks.count, batch.sequence], [0, 0, 0, 3n]);
});

test('decode takes symbols for a file that has no frame', () => {
  const { batch } = decode({ collector, fileIds: file, strings: ['f'], symbols: [named] });
  assert.equal(batch.symbols[0]?.symbol.functionName, 'f');
});

test('decode resolves tables in any order of the bytes', () => {
  const parts = Object.entries(
    small({ symbols: [named], processExits: [1], stubs: [{ process: 1, name: 5, start: 1n, length: 1n }] }),
  )
    .reverse()
    .map(([key, value]) => encodeBatch({ [key]: value }));
  const { batch, rejections } = decode(Buffer.concat(parts));
  assert.deepEqual(rejections.listed, []);
  assert.deepEqual(
    [batch.samples.count, batch.processes[1]?.comm, batch.stubs[0]?.symbol.functionName],
    [1, 'main', 'main'],
  );
  assert.equal(batch.processExits[0], batch.processes[1]);
});

test('decode takes frames with file numbers of one byte and of two, their fields in any order, and more fields behind them', () => {
  const files = 600;
  const frames = repeat(files, (i) => ({ fileId: i + 1, addressOrLine: 2n ** 63n + BigInt(i), kind: 1 + (i % 8) }));
  const bytes = encodeBatch(small({ fileIds: Buffer.alloc(16 * files, 1), frames, mappings: [{ fileId: 2 }] }));
  const others = [
    '320d 2003 19 0500000000000080 0807', // the kind first
    '320f 0807 19 0500000000000080 2003 2801', // a mapping behind
    '320f 0807 19 0500000000000080 2002 2003', // the kind twice
    '320b 0807 19 0500000000000080', // no kind
    '3210 088101 19 0500000000000080 2003 2801',
  ];
  const { frames: read } = decode(
    Buffer.concat([bytes, Buffer.from(others.join('').replaceAll(' ', ''), 'hex')]),
  ).batch;
  const told = repeat(read.count, (i) =>
    [read.fileId, read.kind, read.addressLow, read.mapping].map((column) => column[i + 1]),
  );
  assert.deepEqual(told, [
    ...frames.map(({ fileId, kind }, i) => [fileId, kind, i, 0]),
    ...[
      [7, 3, 5, 0],
      [7, 3, 5, 1],
      [7, 3, 5, 0],
      [7, 0, 5, 0],
      [129, 3, 5, 1],
    ],
  ]);
});

test('decode takes repeated numbers unpacked, and a mix of both', () => {
  // stack: frames 1 unpacked, [1, 1] packed. sample: timestamp unpacked and packed, values unpacked.
  const time = Buffer.alloc(8);
  time.writeBigUInt64LE(now);
  const hex = time.toString('hex');
  const bytes = withBytes(
    [
      '3a06 0801 0a02 0101',
      `621d 0802 1001 1801 49${hex} 4a08${hex} 5003 5004`.replace('621d', '621d'),
      '8001 01',
    ].join(''),
  );
  const { batch, rejections } = decode(bytes);
  assert.deepEqual(rejections.listed, []);
  assert.deepEqual([...batch.stacks.frames.slice(batch.stacks.start[2], batch.stacks.start[3])], [1, 1, 1]);
  assert.deepEqual(
    [...batch.samples.values.slice(batch.samples.momentStart[1], batch.samples.momentStart[2])],
    [3n, 4n],
  );
  assert.equal(batch.processExits.length, 1);
});

test('a refused batch leaves nothing for the next one', () => {
  const decoder = new BatchDecoder({ maxAgeMs: 86_400_000, maxFutureMs: 3_600_000 });
  const large = small({
    samples: repeat(3000, () => sample({ values: [7] })),
    frames: repeat(3000, () => ({ fileId: 1, mapping: 0 })),
  });
  decoder.decode(encodeBatch(large), now);
  assert.throws(() => decoder.decode(encodeBatch({ ...large, stacks: [{ frames: [3001] }] }), now), InvalidMessage);
  const { batch } = decoder.decode(encodeBatch(small()), now);
  assert.deepEqual([batch.samples.count, batch.frames.count, batch.samples.values[0]], [1, 1, 1n]);
});

test('tables of a batch are used again, but for those of a large one', () => {
  const decoder = new BatchDecoder({ maxAgeMs: 86_400_000, maxFutureMs: 3_600_000 });
  const decodeTables = (more: PlainBatch) => {
    const { strings, fileIds, processes } = decoder.decode(encodeBatch(small(more)), now).batch;
    return { strings, fileIds, processes };
  };
  const first = decodeTables({
    processes: repeat(9, (i) => ({ pid: i + 1 })),
    strings: repeat(20, (i) => `text ${i}`),
  });
  const second = decodeTables({});
  assert.deepEqual([second.strings.length, second.processes.length], [6, 2]);
  assert.ok(second.strings === first.strings && second.processes === first.processes);
  const large = decodeTables({ strings: repeat(5, () => 'x'.repeat(60_000)) });
  const third = decodeTables({});
  for (const table of ['strings', 'fileIds', 'processes'] as const) assert.notEqual(large[table], third[table]);
});

test('texts that are not UTF-8 are mended, longer ones than 65,535 bytes are cut at a character, and both are counted', () => {
  const long = `x${'ü'.repeat(40_000)}`;
  const bytes = encodeBatch(small());
  const before = decode(bytes).batch.strings.length;
  const more = [textField(Buffer.from(long)), textField(Buffer.from([0xc3, 0x28]))];
  const { batch, repairs } = decode(Buffer.concat([bytes, ...more]));
  assert.equal(batch.strings[before], long.slice(0, 32_768));
  assert.equal(batch.strings[before + 1], '\ufffd(');
  assert.deepEqual({ ...repairs }, { mendedCount: 1, cutCount: 1 });
  const meant = decode(Buffer.concat([bytes, textField(Buffer.from('\ufffd'))]));
  assert.deepEqual({ ...meant.repairs }, { mendedCount: 0, cutCount: 0 });
});

/** An entry of `strings`, field 3. */
function textField(text: Buffer): Buffer {
  const size = text.length;
  return Buffer.concat([Buffer.from([0x1a, (size & 127) | 128, ((size >>> 7) & 127) | 128, size >>> 14]), text]);
}

test('the executable of a process is the same file after it was deleted', () => {
  const process = (pid: number, executablePath: number) => ({ pid, startTimeNano: now, executablePath });
  const strings = ['/opt/app', '/opt/app (deleted)', '/opt/app (deleted).old'];
  const { batch } = decode({ collector, strings, processes: [process(1, 1), process(2, 2), process(3, 3)] });
  const paths = batch.processes.slice(1).map((each) => each!.executablePath);
  assert.deepEqual(paths, ['/opt/app', '/opt/app', '/opt/app (deleted).old']);
});
