import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FileId } from '../../src/model/file-id.ts';
import type { FrameBatch } from '../../src/model/frame-batch.ts';
import { frameKinds } from '../../src/model/frame-kind.ts';
import type { NativeNames } from '../../src/reporter/native-names.ts';
import type { SampleWindow } from '../../src/reporter/sample-window.ts';
import type { SymbolSource } from '../../src/reporter/symbol-source.ts';
import type { WindowLimits } from '../../src/reporter/trace-intake.ts';
import { TraceIntake } from '../../src/reporter/trace-intake.ts';
import { atOnce } from '../../src/support/steps.ts';
import type { FrameSketch, SampleSketch } from '../support/batch.ts';
import { batchOf, fileIdOf, processOf, symbolOf } from '../support/batch.ts';
import { FakeClock, PassingClock } from '../support/fake-clock.ts';
import { PlainSymbols } from '../support/plain-symbols.ts';
import { unknownExecutable } from '../support/unknown-executable.ts';

const roomy: WindowLimits = { maxEvents: 1000, maxBytes: 1e9, retryDelayMs: 5000 };
const file = fileIdOf(1);

/** Records what a collector is to be asked for. */
class NoteBook {
  readonly noted: string[] = [];
  readonly executables: FileId[] = [];

  over(symbols: SymbolSource): SymbolSource {
    return {
      at: (nowMs) => ({
        ...symbols.at(nowMs),
        needName: (instanceId, owner, high, low, kind) => {
          this.noted.push(`${instanceId.slice(0, 4)} ${owner.kind} ${high}:${low} ${kind}`);
        },
        needExecutable: (_instanceId, fileId) => this.executables.push(fileId),
        takeNeededExecutables: () => this.executables,
      }),
    };
  }
}

function intakeOf({
  limits = roomy,
  symbols = new PlainSymbols(),
  names = new NoteBook(),
  clock = new FakeClock(),
} = {}): TraceIntake {
  return new TraceIntake(names.over(symbols), limits, clock);
}

function sampleAt(address: bigint, fields: Partial<SampleSketch> = {}): SampleSketch {
  return { frames: [{ file, address }], timestamps: [1n], ...fields };
}

test('TraceIntake keeps one entry for what is equal in several batches', () => {
  const intake = intakeOf();
  for (let i = 0; i < 3; i++) intake.submit(batchOf({ samples: [sampleAt(5n), sampleAt(6n)] }));
  const window = intake.takeWindow();
  assert.deepEqual(
    [window.files.length, window.symbols.length, window.stacks.count, window.resources.length, window.events.count],
    [1, 2, 2, 1, 6],
  );
});

for (const { where, maxBytes } of [
  { where: 'a batch in one step', maxBytes: 1e9 },
  { where: 'steps of few samples of a large batch', maxBytes: 1e6 },
]) {
  test(`TraceIntake asks this node once for each frame of ${where}, in the first process that has it`, () => {
    const asked: string[] = [];
    const native: NativeNames = {
      need: (_owner, _high, low, { pid }) => asked.push(`${low} in ${pid}`),
      use: () => undefined,
      isUnderWay: () => false,
      reasonOf: () => undefined,
    };
    const limits = { ...roomy, maxBytes };
    const intake = new TraceIntake(new PlainSymbols(), limits, new FakeClock(), { native });
    const processes = [7, 8, 9].map((pid) => processOf(pid));
    const frames = Array.from({ length: 101 }, (_, i) => ({ file, address: BigInt(i), kind: frameKinds.native }));
    // Each sample has a frame of the one before.
    const samples = Array.from({ length: 100 }, (_, i) => ({
      frames: frames.slice(i, i + 2),
      timestamps: [1n],
      process: processes[i % 3]!,
    }));
    assert.equal(intake.submit(batchOf({ samples })).acceptedSamples, 100);
    const first = (address: number): number => 7 + (Math.max(0, address - 1) % 3);
    assert.deepEqual(
      asked.sort(),
      samples
        .concat(samples[0]!)
        .map((_, i) => `${i} in ${first(i)}`)
        .sort(),
    );
  });
}

test('TraceIntake keeps the symbol that a waiting sample found, whatever the store forgets', () => {
  const symbols = new PlainSymbols();
  const intake = intakeOf({ symbols });
  const symbol = symbolOf('main');
  intake.submit(
    batchOf({ samples: [sampleAt(5n)], symbols: [{ fileId: file, addressHigh: 0, addressLow: 5, symbol }] }),
  );
  symbols.forgetAll();
  intake.submit(batchOf({ samples: [sampleAt(5n)] }));
  assert.equal(intake.takeWindow().symbols[0], symbol);
});

test('TraceIntake names waiting samples at once, though the store has no room for the name', () => {
  const symbols = new PlainSymbols();
  const intake = intakeOf({ symbols });
  const mapping = { fileId: file, start: 0n, end: 9n, fileOffset: 0n };
  intake.submit(batchOf({ samples: [sampleAt(5n), { frames: [{ file, address: 5n, mapping }], timestamps: [1n] }] }));
  const symbol = symbolOf('late');
  intake.submit(
    batchOf({
      symbols: [
        { fileId: file, addressHigh: 0, addressLow: 5, symbol },
        { fileId: file, addressHigh: 0, addressLow: 6, symbol },
        { fileId: fileIdOf(9), addressHigh: 0, addressLow: 5, symbol },
      ],
    }),
  );
  symbols.forgetAll();
  assert.deepEqual(intake.takeWindow().symbols, [symbol, symbol]);
});

test('TraceIntake finds a name that came after the first sample and before the second', () => {
  const intake = intakeOf();
  intake.submit(batchOf({ samples: [sampleAt(5n)] }));
  const symbol = symbolOf('late');
  intake.submit(
    batchOf({ samples: [sampleAt(5n)], symbols: [{ fileId: file, addressHigh: 0, addressLow: 5, symbol }] }),
  );
  assert.equal(intake.takeWindow().symbols[0], symbol);
});

test('TraceIntake asks for names of collector-named kinds only', () => {
  const names = new NoteBook();
  const process = processOf(9);
  intakeOf({ names }).submit(
    batchOf({
      samples: [
        sampleAt(1n),
        { frames: [{ file, address: (7n << 32n) | 8n, kind: frameKinds.kernel }], timestamps: [1n] },
        { frames: [{ process, address: 3n, kind: frameKinds.jvm }], timestamps: [1n], process },
      ],
    }),
  );
  assert.deepEqual(names.noted, ['0011 file 7:8 2', '0011 process 0:3 3']);
});

test('TraceIntake keeps what waiting samples were told of their files, whatever the store forgets', () => {
  const symbols = new PlainSymbols();
  const names = new NoteBook();
  const intake = intakeOf({ symbols, names });
  const other = fileIdOf(2);
  const mapping = { fileId: other, start: 0n, end: 9n, fileOffset: 0n };
  const samples = [{ frames: [{ file, address: 5n, mapping }], timestamps: [1n] }];
  const executable = { ...unknownExecutable, fileName: 'shop' };
  // Known before the first sample, and told after it.
  intake.submit(batchOf({ samples: [sampleAt(5n)], executables: [{ fileId: file, executable }] }));
  intake.submit(batchOf({ samples }));
  symbols.forgetAll();
  intake.submit(batchOf({ executables: [{ fileId: other, executable }] }));
  symbols.forgetAll();
  intake.submit(batchOf({ samples: [sampleAt(5n), ...samples] }));
  const kept = intake.takeWindow().files.map((known) => known.executable?.fileName);
  assert.deepEqual([kept, names.executables], [['shop', 'shop'], [other]]);
});

test('TraceIntake asks for executables of mappings, and of native and kernel frames without one', () => {
  const names = new NoteBook();
  const [mapped, native, kernel, method, known] = [11, 12, 13, 14, 15].map(fileIdOf) as FileId[];
  const mappingOf = (fileId: FileId) => ({ fileId, start: 0n, end: 9n, fileOffset: 0n });
  const process = processOf(9);
  const frames: FrameSketch[] = [
    { file: method!, address: 1n, kind: frameKinds.jvm },
    { file: method!, address: 2n, kind: frameKinds.jvm, mapping: mappingOf(mapped!) },
    { file: native!, address: 1n },
    { file: native!, address: 2n },
    { file: kernel!, address: 1n, kind: frameKinds.kernel },
    { process, address: 1n },
    { file: known!, address: 1n, mapping: mappingOf(known!) },
    { file: known!, address: 2n },
  ];
  const executable = { ...unknownExecutable, fileName: 'known' };
  const { executablesNeeded } = intakeOf({ names }).submit(
    batchOf({ samples: [{ frames, timestamps: [1n], process }], executables: [{ fileId: known!, executable }] }),
  );
  assert.deepEqual(executablesNeeded, [mapped, native, kernel]);
});

test('TraceIntake keeps address spaces of two processes and of two collectors apart', () => {
  const intake = intakeOf();
  const inProcess = (pid: number): SampleSketch => {
    const process = processOf(pid);
    return { frames: [{ process, address: 3n, kind: frameKinds.jvm }], timestamps: [1n], process };
  };
  intake.submit(batchOf({ samples: [inProcess(1), inProcess(2)] }));
  intake.submit(batchOf({ samples: [inProcess(1)], collector: { instanceId: 'f'.repeat(32) } }));
  assert.equal(intake.takeWindow().symbols.length, 3);
});

test('TraceIntake rejects what is beyond the bound on events, says so and takes the rest', () => {
  const intake = intakeOf({ limits: { ...roomy, maxEvents: 3 } });
  const outcome = intake.submit(
    batchOf({ samples: [sampleAt(1n), sampleAt(2n, { timestamps: [1n, 2n] }), sampleAt(3n)] }),
  );
  assert.deepEqual(
    [outcome.acceptedSamples, outcome.retryDelayMs, intake.stats.rejectedSamples.window_full],
    [2, 5000, 1],
  );
  assert.deepEqual(
    outcome.rejections.map(({ path }) => path),
    ['samples[2]'],
  );
  assert.match(outcome.rejections[0]!.reason, /max_events 3/);
});

test('TraceIntake rejects what is beyond the bound on bytes and takes samples again in the next window', () => {
  const intake = intakeOf({ limits: { ...roomy, maxBytes: 20_000 } });
  const samples = Array.from({ length: 300 }, (_, i) => sampleAt(BigInt(i)));
  const outcome = intake.submit(batchOf({ samples }));
  assert.ok(outcome.acceptedSamples > 0 && outcome.acceptedSamples < 300);
  assert.ok(intake.stats.bytes < 30_000);
  intake.takeWindow();
  assert.equal(intake.submit(batchOf({ samples: [sampleAt(1n)] })).acceptedSamples, 1);
});

test('TraceIntake makes no room for a batch that its window has none for', () => {
  const intake = intakeOf({ limits: { ...roomy, maxEvents: 1e6, maxBytes: 1e6 } });
  const samples = Array.from({ length: 40_000 }, (_, i) => sampleAt(BigInt(i)));
  assert.ok(intake.submit(batchOf({ samples })).acceptedSamples > 4_096);
  const stepsOf = (batch: FrameBatch): number => [...intake.submitInSteps(batch)].length;
  assert.equal(stepsOf(batchOf({ samples })), stepsOf(batchOf({ samples: [sampleAt(1n)] })));
});

test('TraceIntake lists at most 64 rejections', () => {
  const intake = intakeOf({ limits: { ...roomy, maxEvents: 1 } });
  const outcome = intake.submit(batchOf({ samples: Array.from({ length: 200 }, () => sampleAt(1n)) }));
  assert.deepEqual([outcome.acceptedSamples, outcome.rejections.length], [1, 64]);
});

test('TraceIntake counts long texts into the bytes of the window', () => {
  const intake = intakeOf();
  intake.submit(batchOf({ samples: [sampleAt(1n, { threadName: 'x'.repeat(50_000) })] }));
  assert.ok(intake.stats.bytes > 50_000);
});

test('TraceIntake counts the names that a window holds on to, and gives a full one no more of them', () => {
  const symbols = new PlainSymbols();
  const intake = intakeOf({ symbols, limits: { ...roomy, maxBytes: 100_000 } });
  const addresses = Array.from({ length: 20 }, (_, address) => address);
  intake.submit(batchOf({ samples: addresses.map((address) => sampleAt(BigInt(address))) }));
  for (const addressLow of addresses) {
    const symbol = symbolOf(`${addressLow}`.repeat(10_000));
    intake.submit(batchOf({ symbols: [{ fileId: file, addressHigh: 0, addressLow, symbol }] }));
  }
  const { bytes } = intake.stats;
  assert.ok(bytes > 100_000 && bytes < 150_000, `${bytes} bytes`);
  const { rejections } = intake.submit(batchOf({ samples: [sampleAt(99n)] }));
  assert.match(rejections[0]!.reason, /the window of this reporting cycle is full/);
});

test('TraceIntake keeps no more of a process than its identity for frames that belong to it', () => {
  const intake = intakeOf();
  const process = processOf(9, { labels: new Map([['note', 'x'.repeat(1_000_000)]]) });
  intake.submit(batchOf({ samples: [{ frames: [{ process, address: 1n }], timestamps: [1n] }] }));
  const { owner } = intake.takeWindow().files[0]!;
  assert.deepEqual('process' in owner && owner.process, { pid: 9, startTimeNano: 1n });
});

for (const { name, usage, accepted } of [
  { name: 'events', usage: { events: 998, bytes: 0 }, accepted: 2 },
  { name: 'bytes', usage: { events: 0, bytes: 1e9 }, accepted: 0 },
]) {
  test(`TraceIntake counts the ${name} of others in its window against the bounds`, () => {
    const intake = intakeOf({ limits: { ...roomy, merged: { usage } } });
    const outcome = intake.submit(batchOf({ samples: [sampleAt(5n), sampleAt(6n), sampleAt(7n)] }));
    assert.equal(outcome.acceptedSamples, accepted);
    assert.match(outcome.rejections[0]!.reason, /max_events 1000, max_bytes 1000000000/);
  });
}

test('TraceIntake ends a step of a batch after some frames of its stacks', () => {
  const depth = 100;
  const samples = Array.from({ length: 300 }, (_, stack) => ({
    ...sampleAt(0n),
    frames: Array.from({ length: depth }, (_, i) => ({ file, address: BigInt(stack + i) })),
  }));
  const intake = intakeOf();
  const steps = intake.submitInSteps(batchOf({ samples }));
  let most = 0;
  for (let isDone = false; !isDone; ) {
    const before = intake.window.stacks.count;
    isDone = steps.next().done === true;
    most = Math.max(most, intake.window.stacks.count - before);
  }
  assert.equal(intake.window.stacks.count, samples.length);
  assert.ok(most * depth <= 8_192, `${most} stacks of ${depth} frames in one step`);
});

test('TraceIntake counts a stack that samples share once for the frames of a step', () => {
  const samples = Array.from({ length: 1_000 }, (_, i) => ({
    ...sampleAt(0n),
    frames: Array.from({ length: 100 }, (_, frame) => ({ file, address: BigInt(i + frame) })),
  }));
  const batch = batchOf({ samples });
  const stepsOf = (stack: Uint32Array): number =>
    [...intakeOf().submitInSteps({ ...batch, samples: { ...batch.samples, stack } })].length;
  const own = stepsOf(batch.samples.stack);
  const shared = stepsOf(batch.samples.stack.map((_, i) => 1 + (i % 10)));
  assert.ok(own > 3 * shared, `${own} and ${shared} steps`);
});

test('TraceIntake makes the steps of a batch short where they take long, in a new window at first', () => {
  const samples = Array.from({ length: 300 }, (_, stack) => ({
    ...sampleAt(0n),
    frames: Array.from({ length: 10 }, (_, i) => ({ file, address: BigInt(10 * stack + i) })),
  }));
  const stepsOf = (intake: TraceIntake): number => [...intake.submitInSteps(batchOf({ samples }))].length;
  const fast = intakeOf();
  const first = stepsOf(fast);
  const second = stepsOf(fast);
  fast.takeWindow();
  const ofNewWindow = stepsOf(fast);
  assert.ok(second < first && ofNewWindow === first, `${first}, ${second}, ${ofNewWindow} steps`);
  const slow = stepsOf(intakeOf({ clock: new PassingClock() }));
  assert.ok(slow > 2 * first, `${slow} steps, ${first} of a clock that stands still`);
});

test('TraceIntake stays within its bounds where merged profiles take room between two steps of a batch', () => {
  const merged = { usage: { events: 0, bytes: 0 } };
  const maxEvents = 10_000;
  const intake = intakeOf({ limits: { ...roomy, maxEvents, merged } });
  const samples = Array.from({ length: 9_000 }, (_, i) => sampleAt(BigInt(i % 50), { timestamps: [BigInt(i + 1)] }));
  const steps = intake.submitInSteps(batchOf({ samples }));
  while (intake.stats.events === 0) assert.equal(steps.next().done, false);
  const free = maxEvents - intake.claimed.events;
  assert.ok(free > 0);
  merged.usage = { events: free, bytes: 0 };
  const { acceptedSamples, rejections } = atOnce(steps);
  assert.equal(intake.stats.events, acceptedSamples);
  assert.ok(acceptedSamples + free <= maxEvents, `${acceptedSamples} samples and ${free} events`);
  assert.ok(rejections.length > 0);
});

test('TraceIntake keeps every part of every sample, whatever the batches before were', () => {
  const kinds = fc.constantFrom(frameKinds.native, frameKinds.kernel, frameKinds.jvm, frameKinds.v8js);
  const frame = fc.record({
    file: fc.nat(2),
    isOfProcess: fc.boolean(),
    address: fc.nat(5),
    kind: kinds,
    isMapped: fc.boolean(),
  });
  const sample = fc.record({
    frames: fc.array(frame, { minLength: 1, maxLength: 6 }),
    pid: fc.integer({ min: 1, max: 3 }),
    threadId: fc.nat(2),
    threadName: fc.constantFrom('', 'main', 'gc'),
    cpu: fc.integer({ min: -1, max: 1 }),
    truncated: fc.boolean(),
    timestamps: fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 1, maxLength: 3 }),
  });
  fc.assert(
    fc.property(fc.array(fc.array(sample, { maxLength: 12 }), { maxLength: 6 }), (batches) => {
      const intake = intakeOf();
      const processes = [1, 2, 3, 4].map((pid) => processOf(pid, { comm: `comm ${pid}` }));
      const files = [0, 1, 2].map(fileIdOf);
      const mappings = files.map((fileId) => ({ fileId, start: 0n, end: 9n, fileOffset: 0n }));
      const sent: string[] = [];
      for (const samples of batches) {
        const sketches = samples.map(
          ({ frames, pid, ...rest }): SampleSketch => ({
            ...rest,
            process: processes[pid]!,
            frames: frames.map(({ file: number, isOfProcess, address, kind, isMapped }) => ({
              ...(isOfProcess ? { process: processes[pid]! } : { file: files[number]! }),
              ...(isMapped && { mapping: mappings[number]! }),
              address: BigInt(address),
              kind,
            })),
          }),
        );
        assert.equal(intake.submit(batchOf({ samples: sketches })).acceptedSamples, samples.length);
        for (const sketch of sketches) for (const time of sketch.timestamps) sent.push(tellSketch(sketch, time));
      }
      assert.deepEqual(tellEvents(intake.takeWindow()), sent);
    }),
    { endOnFailure: true },
  );
});

function tellSketch(sample: SampleSketch, time: bigint): string {
  const frames = sample.frames.map(({ file, process, address, kind, mapping }) => {
    return `${process?.pid ?? file!.word3}:${address}:${kind}:${mapping?.fileId.word3}`;
  });
  const { pid, comm } = sample.process!;
  return [pid, sample.threadId, sample.threadName || comm, sample.cpu, sample.truncated, time, ...frames].join(' ');
}

function tellEvents(window: SampleWindow): string[] {
  const { events, samples, resources, threadNames, stacks, frames, files, mappings } = window;
  return Array.from({ length: events.count }, (_, event) => {
    const sample = events.sample(event);
    const stack = samples.stack(sample);
    const told: string[] = [];
    for (let at = stacks.startOf(stack); at < stacks.startOf(stack + 1); at++) {
      const frame = stacks.frameAt(at);
      const { owner } = files[frames.file(frame)]!;
      const mapping = frames.mapping(frame);
      const mapped = mapping < 0 ? undefined : files[mappings[mapping]!.file]!.owner;
      const told1 = owner.kind === 'file' ? owner.fileId.word3 : owner.process.pid;
      const told4 = mapped?.kind === 'file' ? mapped.fileId.word3 : undefined;
      told.push(`${told1}:${frames.addressLow(frame)}:${frames.kind(frame)}:${told4}`);
    }
    const { pid } = resources[samples.resource(sample)]!.process;
    const threadName = threadNames[samples.threadName(sample)];
    return [
      pid,
      samples.threadId(sample),
      threadName,
      samples.cpu(sample),
      stacks.isTruncated(stack),
      events.unixNano(event),
      ...told,
    ].join(' ');
  });
}
