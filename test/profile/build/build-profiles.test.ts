import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FileId } from '../../../src/model/file-id.ts';
import type { FileMapping, FrameBatch } from '../../../src/model/frame-batch.ts';
import { frameKinds } from '../../../src/model/frame-kind.ts';
import type { ProfilesData } from '../../../src/otlp/profiles-data.ts';
import { buildProfiles } from '../../../src/profile/build/build-profiles.ts';
import type { WindowContents } from '../../../src/profile/build/window-contents.ts';
import { TraceIntake } from '../../../src/reporter/trace-intake.ts';
import { contentsOf, resolveLateNames } from '../../../src/reporter/window-report.ts';
import { atOnce } from '../../../src/support/steps.ts';
import type { BatchSketch } from '../../support/batch.ts';
import { batchOf, fileIdOf, offCpu, processOf, symbolOf } from '../../support/batch.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { PlainSymbols } from '../../support/plain-symbols.ts';
import { attributesOf, plainSamples } from '../../support/plain-view.ts';

const range = { startUnixNano: 100n, endUnixNano: 200n };
const file = fileIdOf(1);

function profilesOf(sketch: BatchSketch, symbols = new PlainSymbols()): ProfilesData {
  return atOnce(buildProfiles(windowOf(sketch, symbols), range, () => new Uint8Array(16).fill(1)));
}

function windowOf(sketch: BatchSketch, symbols = new PlainSymbols()): WindowContents {
  const batch: FrameBatch = batchOf(sketch);
  const limits = { maxEvents: 1e6, maxBytes: 1e9, retryDelayMs: 1 };
  const intake = new TraceIntake(symbols, limits, new FakeClock());
  intake.submit(batch);
  const window = intake.takeWindow();
  atOnce(resolveLateNames(window, symbols.at()));
  return atOnce(contentsOf(window, window.events, symbols.at()));
}

test('buildProfiles makes one sample of equal stacks, attributes and links, its moments in order', () => {
  const samples = [100n, 120n, 110n].map((unixNano) => ({
    frames: [{ file, address: 1n }],
    timestamps: [unixNano],
    threadId: 7,
    cpu: 0,
  }));
  const [sample, ...others] = plainSamples(profilesOf({ samples }));
  assert.deepEqual(others, []);
  assert.deepEqual(sample!.timestamps, [100n, 120n, 110n]);
  assert.deepEqual(sample!.attributes, { 'thread.id': 7n, 'thread.name': 'work', 'cpu.logical_number': 0n });
});

for (const { name, differing } of [
  { name: 'threads', differing: { threadId: 8 } },
  { name: 'thread names', differing: { threadName: 'other' } },
  { name: 'CPUs', differing: { cpu: 3 } },
  { name: 'labels', differing: { labels: new Map([['tenant', 'a']]) } },
  { name: 'links', differing: { link: { traceId: new Uint8Array(16).fill(1), spanId: new Uint8Array(8).fill(2) } } },
  { name: 'truncation', differing: { truncated: true } },
]) {
  test(`buildProfiles keeps samples apart that differ in ${name}`, () => {
    const sample = { frames: [{ file, address: 1n }], timestamps: [100n] };
    assert.equal(plainSamples(profilesOf({ samples: [sample, { ...sample, ...differing }] })).length, 2);
  });
}

test('buildProfiles sends timestamps alone where every value is 1, and values with them where one is not', () => {
  const frames = [{ file, address: 1n }];
  const data = profilesOf({
    samples: [
      { frames, timestamps: [100n, 101n] },
      { frames, timestamps: [100n, 101n], values: [1n, 5_000_000_000_000n], type: offCpu },
    ],
  });
  assert.deepEqual(
    plainSamples(data).map(({ type, values }) => [type, values]),
    [
      ['samples/count', []],
      ['off_cpu/nanoseconds', [1n, 5_000_000_000_000n]],
    ],
  );
});

test('buildProfiles tells equal code in two processes once', () => {
  const symbol = symbolOf('Interpreter');
  const samples = [processOf(1), processOf(2)].map((process) => ({
    frames: [{ process, address: 0x7f00_0000_0010n, kind: frameKinds.jvm }],
    timestamps: [100n],
    process,
  }));
  const stubs = samples.map(({ process }) => ({
    owner: { process },
    start: 0x7f00_0000_0000n,
    length: 0x100n,
    symbol,
    kind: 'interpreter' as const,
    tier: '',
  }));
  const { dictionary, resourceProfiles } = profilesOf({ samples, stubs });
  assert.deepEqual([resourceProfiles.length, dictionary.locationTable.length, dictionary.stackTable.length], [2, 2, 2]);
});

test('buildProfiles makes one resource of processes whose attributes are equal, and one profile of their samples', () => {
  const before = processOf(7);
  const restarted = { ...before, startTimeNano: before.startTimeNano + 1n };
  const frames = [{ file, address: 1n }];
  const data = profilesOf({
    samples: [
      { frames, timestamps: [100n], process: before },
      { frames, timestamps: [110n], process: restarted },
      { frames, timestamps: [120n], process: processOf(8) },
    ],
  });
  const profiles = data.resourceProfiles.map(({ scopeProfiles }) => scopeProfiles.map(({ profiles }) => profiles));
  assert.deepEqual(
    profiles.map((of) =>
      of.flat().map(({ samples }) => [...samples].map(({ timestampsUnixNano }) => timestampsUnixNano)),
    ),
    [[[[100n, 110n]]], [[[120n]]]],
  );
});

test('buildProfiles gives samples from before the cycle a profile that begins at no other time of their labels', () => {
  const late = [98n, 99n, 98n].map((unixNano, index) => ({
    frames: [{ file, address: BigInt(index + 1) }],
    timestamps: [unixNano],
  }));
  const current = Array.from({ length: 5 }, (_, index) => ({
    frames: [{ file, address: BigInt(index + 1) }],
    timestamps: [150n],
  }));
  const { resourceProfiles } = profilesOf({ samples: [...current, ...late] });
  const times = resourceProfiles[0]!.scopeProfiles[0]!.profiles.map(({ timeUnixNano }) => timeUnixNano);
  // Each owns as many nanoseconds as it has samples, so that its parts may differ too.
  assert.deepEqual(times, [101n, 98n]);
});

test('buildProfiles keeps address, mapping and build IDs of a frame that nobody named', () => {
  const mapping: FileMapping = { fileId: file, start: 0x1000n, end: 0x2000n, fileOffset: 0x1000n };
  const executable = { fileName: 'libc.so.6', gnuBuildId: 'abcd', goBuildId: '', hasHtlHash: true };
  const address = 0xffff_ffff_8100_0001n;
  const data = profilesOf({
    samples: [{ frames: [{ file, address, mapping }], timestamps: [100n] }],
    executables: [{ fileId: file, executable }],
  });
  const location = data.dictionary.locationTable.at(1)!;
  const written = data.dictionary.mappingTable[location.mappingIndex]!;
  assert.deepEqual([location.address, location.lines], [address, []]);
  assert.deepEqual(attributesOf(data, location.attributeIndices), { 'profile.frame.type': 'native' });
  assert.deepEqual([written.memoryStart, written.memoryLimit, written.fileOffset], [0x1000n, 0x2000n, 0x1000n]);
  assert.equal(data.dictionary.stringTable.at(written.filenameStrindex), 'libc.so.6');
  assert.deepEqual(attributesOf(data, written.attributeIndices), {
    'process.executable.build_id.gnu': 'abcd',
    'process.executable.build_id.htlhash': '5eed0000000000000000000000000001',
  });
});

test('buildProfiles keeps nameless frames of different files apart of which nothing else is known', () => {
  const sampleOf = (owner: FileId) => ({ frames: [{ file: owner, address: 1n }], timestamps: [100n] });
  const data = profilesOf({ samples: [sampleOf(fileIdOf(1)), sampleOf(fileIdOf(2))] });
  assert.equal(plainSamples(data).length, 2);
  assert.deepEqual(attributesOf(data, data.dictionary.locationTable.at(2)!.attributeIndices), {
    'profile.frame.type': 'native',
    'framekeeper.file_id': '5eed0000000000000000000000000002',
  });
});

test('buildProfiles does not pass a file ID off as an htlhash', () => {
  const executable = { fileName: 'a', gnuBuildId: '', goBuildId: 'go1', hasHtlHash: false };
  const data = profilesOf({
    samples: [{ frames: [{ file, address: 1n }], timestamps: [100n] }],
    executables: [{ fileId: file, executable }],
  });
  assert.deepEqual(attributesOf(data, data.dictionary.mappingTable[1]!.attributeIndices), {
    'process.executable.build_id.go': 'go1',
  });
});

test('buildProfiles writes inlined functions innermost first', () => {
  const inner = symbolOf('inner', { filePath: 'a.c', line: 3 });
  const symbol = symbolOf('outer', { filePath: 'a.c', line: 9, column: 2, startLine: 8, inlined: [inner] });
  const data = profilesOf({
    samples: [{ frames: [{ file, address: 1n }], timestamps: [100n] }],
    symbols: [{ fileId: file, addressHigh: 0, addressLow: 1, symbol }],
  });
  assert.deepEqual(plainSamples(data)[0]!.frames, ['inner', 'outer']);
  assert.deepEqual(
    data.dictionary.locationTable.at(1)!.lines.map(({ line, column }) => [line, column]),
    [
      [3n, 0n],
      [9n, 2n],
    ],
  );
});

for (const { name, process, expected } of [
  { name: 'the name it was given', process: { serviceName: 'shop' }, expected: 'shop' },
  {
    name: 'the executable when it has no name',
    process: { executablePath: '/a/b/dd' },
    expected: 'unknown_service:dd',
  },
  {
    name: 'the comm when it has no path',
    process: { executablePath: '', comm: 'kworker' },
    expected: 'unknown_service:kworker',
  },
  { name: 'nothing at all', process: { executablePath: '', comm: '' }, expected: 'unknown_service' },
]) {
  test(`buildProfiles calls a service by ${name}`, () => {
    const sample = { frames: [{ file, address: 1n }], timestamps: [100n], process: processOf(1, process) };
    assert.equal(plainSamples(profilesOf({ samples: [sample] }))[0]!.service, expected);
  });
}

test('buildProfiles prefers what a process says of itself to what its collector says', () => {
  const process = processOf(1, { labels: new Map([['host.name', 'inner']]), serviceName: 'shop' });
  const { resourceProfiles } = profilesOf({
    samples: [{ frames: [{ file, address: 1n }], timestamps: [100n], process }],
    collector: {
      resourceAttributes: new Map([
        ['host.name', 'outer'],
        ['service.name', 'agent'],
      ]),
    },
  });
  const attributes = Object.fromEntries(resourceProfiles[0]!.resource.attributes.map(({ key, value }) => [key, value]));
  assert.deepEqual([attributes['host.name'], attributes['service.name']], ['inner', 'shop']);
});

test('buildProfiles writes lines of any number, innermost first, without functions that have no name', () => {
  const inner = symbolOf('inner', { line: 2 ** 31, column: 2 ** 32 - 1, startLine: 2 ** 40 + 5 });
  const symbol = symbolOf('outer', { line: 2 ** 52 + 1, column: 3, inlined: [inner, symbolOf('', { line: 9 })] });
  const samples = [{ frames: [{ file, address: 2n ** 64n - 1n }], timestamps: [100n] }];
  const { dictionary } = profilesOf({
    samples,
    symbols: [{ fileId: file, addressHigh: 0xffff_ffff, addressLow: 0xffff_ffff, symbol }],
  });
  const { address, lines } = dictionary.locationTable.at(1)!;
  assert.equal(address, 2n ** 64n - 1n);
  assert.deepEqual(
    lines.map(({ functionIndex, line, column }) => {
      const { nameStrindex, startLine } = dictionary.functionTable.at(functionIndex)!;
      return [dictionary.stringTable.at(nameStrindex), line, column, startLine];
    }),
    [
      ['inner', 2n ** 31n, 2n ** 32n - 1n, 2n ** 40n + 5n],
      ['outer', 2n ** 52n + 1n, 3n, 0n],
    ],
  );
});

test('buildProfiles ends a step after some new frames, however many stacks have them', () => {
  const depth = 40;
  const samples = Array.from({ length: 30 }, (_, stack) => ({
    frames: Array.from({ length: depth }, (_, i) => ({ file, address: BigInt(stack * depth + i) })),
    timestamps: [100n],
  }));
  const contents = windowOf({ samples });
  let written = 0;
  const table = contents.frames;
  const frames: typeof table = {
    count: table.count,
    file: (frame) => {
      written++;
      return table.file(frame);
    },
    addressHigh: (frame) => table.addressHigh(frame),
    addressLow: (frame) => table.addressLow(frame),
    kind: (frame) => table.kind(frame),
    mapping: (frame) => table.mapping(frame),
  };
  const steps = buildProfiles({ ...contents, frames }, range, () => new Uint8Array(16));
  let most = 0;
  for (let before = 0; steps.next().done !== true; before = written) most = Math.max(most, written - before);
  assert.equal(written, samples.length * depth);
  assert.ok(most <= 128, `${most} frames in one step`);
});
