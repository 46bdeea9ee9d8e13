import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metrics } from '@opentelemetry/api';
import pino from 'pino';
import type { FrameBatch } from '../../src/model/frame-batch.ts';
import type { FrameKind } from '../../src/model/frame-kind.ts';
import { frameKinds } from '../../src/model/frame-kind.ts';
import type { CycleReport } from '../../src/reporter/cycle-report.ts';
import type { MergedProfiles } from '../../src/reporter/merged-profiles.ts';
import { createReporterEvents } from '../../src/reporter/reporter-events.ts';
import { ReportingCycle } from '../../src/reporter/reporting-cycle.ts';
import { TraceIntake } from '../../src/reporter/trace-intake.ts';
import type { Steps } from '../../src/support/steps.ts';
import { atOnce, inSlices } from '../../src/support/steps.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { batchOf, fileIdOf, offCpu, processOf, symbolOf } from '../support/batch.ts';
import { consumer } from '../support/consumer.ts';
import { FakeClock, PassingClock } from '../support/fake-clock.ts';
import { oneStep } from '../support/one-step.ts';
import { PlainSymbols } from '../support/plain-symbols.ts';
import { plainSamples } from '../support/plain-view.ts';

const startUnixNano = 1_000_000_000_000_000_000n;
const second = 1_000_000_000n;
const file = fileIdOf(1);

function setUp({
  random = (): number => 0.5,
  intervalMs = 5000,
  jitter = 0.2,
  resolveGrace = false,
  maxEvents = 1000,
  consumeFirst = (_: CycleReport): void => {},
  consume = (_: CycleReport): void => {},
  merged = undefined as MergedProfiles | undefined,
  isHeldUp = (): boolean => false,
  clock = new FakeClock(startUnixNano),
} = {}) {
  const symbols = new PlainSymbols();
  const reports: CycleReport[] = [];
  const limits = { maxEvents: Math.max(1000, maxEvents), maxBytes: 1e9, retryDelayMs: 1 };
  const intake = new TraceIntake(symbols, limits, clock, { onHalfFull: () => cycle.endEarly() });
  const keep = (report: CycleReport): unknown => reports.push(report);
  const consumers = [consumeFirst, keep, consume].map(consumer);
  const cycle: ReportingCycle = new ReportingCycle(
    'reporting_cycle',
    { intervalMs, jitter, resolveGrace, maxEvents, maxBytes: 1e9, storage: '' },
    {
      symbols,
      intake,
      merged,
      consumers,
      isHeldUp,
      events: createReporterEvents(
        { meter: metrics.getMeter('test'), logger: pino({ level: 'silent' }), clock: clock },
        () => intake.stats,
      ),
      clock,
      random,
      createProfileId: () => new Uint8Array(16).fill(7),
    },
  );
  const sampleAt = (unixNano: bigint, address = 5n, kind: FrameKind = frameKinds.native): void => {
    intake.submit(batchOf({ samples: [{ frames: [{ file, address, kind }], timestamps: [unixNano] }] }));
  };
  const learn = (addressLow: number, name: string): void => {
    intake.submit(batchOf({ symbols: [{ fileId: file, addressHigh: 0, addressLow, symbol: symbolOf(name) }] }));
  };
  return { clock, symbols, intake, cycle, reports, sampleAt, learn };
}

for (const { chance, delayMs } of [
  { chance: 0, delayMs: 4000 },
  { chance: 0.5, delayMs: 5000 },
  { chance: 1, delayMs: 6000 },
]) {
  test(`ReportingCycle reports after ${delayMs} ms when chance gives ${chance}`, async () => {
    const { clock, cycle, reports } = setUp({ random: () => chance });
    await cycle.start();
    await clock.advance(delayMs - 1);
    assert.equal(reports.length, 0);
    await clock.advance(1);
    assert.equal(reports.length, 1);
    await cycle.stop();
  });
}

test('ReportingCycle ends a cycle as soon as the window is half full, so that no sample of a steady flood is refused, and goes on at its pace', async () => {
  const { clock, intake, cycle, reports, sampleAt } = setUp();
  await cycle.start();
  await clock.advance(1000);
  // Four times what one window of 1,000 events takes.
  for (let i = 0; i < 4000; i++) {
    sampleAt(startUnixNano + second);
    if (i % 100 === 0) await clock.advance(1);
  }
  const { window_full: full, share_exceeded: exceeded } = intake.stats.rejectedSamples;
  assert.deepEqual([full, exceeded], [0, 0]);
  assert.ok(reports.length >= 7 && reports.length <= 8, `${reports.length} reports`);
  const sentEarly = reports.length;
  await clock.advance(4990);
  assert.equal(reports.length, sentEarly);
  await clock.advance(100);
  assert.equal(reports.length, sentEarly + 1);
  await cycle.stop();
  const eventCount = reports.reduce((sum, report) => sum + report.eventCount, 0);
  assert.equal(eventCount, 4000);
  for (const [i, { range }] of reports.entries())
    if (i > 0) assert.equal(range.startUnixNano, reports[i - 1]!.range.endUnixNano);
});

test('ReportingCycle that is held up stays so when the window fills, and reports it once that ends', async () => {
  let isHeldUp = true;
  const { clock, cycle, reports, sampleAt } = setUp({ isHeldUp: () => isHeldUp });
  await cycle.start();
  for (let i = 0; i < 600; i++) sampleAt(startUnixNano);
  await clock.advance(4_000);
  assert.equal(reports.length, 0);
  isHeldUp = false;
  await clock.advance(5_000);
  assert.deepEqual(
    reports.map(({ eventCount }) => eventCount).filter((count) => count > 0),
    [600],
  );
  await cycle.stop();
});

test('ReportingCycle leaves the window while a report would find no room, and goes on keeping the store', async () => {
  let isHeldUp = true;
  const { clock, symbols, cycle, reports, sampleAt } = setUp({ isHeldUp: () => isHeldUp });
  await cycle.start();
  sampleAt(startUnixNano);
  await clock.advance(10_000);
  assert.equal(reports.length, 0);
  assert.deepEqual(symbols.calls, ['learn', 'resubmitStubs', 'purge', 'resubmitStubs', 'purge']);
  sampleAt(startUnixNano + 10_000_000_000n);
  isHeldUp = false;
  await clock.advance(5_000);
  assert.deepEqual(
    reports.map(({ eventCount, range }) => [eventCount, range.endUnixNano - range.startUnixNano]),
    [[2, 15_000_000_000n]],
  );
  isHeldUp = true;
  sampleAt(startUnixNano + 15_000_000_000n);
  await cycle.stop();
  assert.equal(reports.at(-1)?.eventCount, 1, 'the last window is reported all the same');
});

test('ReportingCycle submits stubs again before it looks for late names, and purges after the report', async () => {
  const { symbols, cycle } = setUp({ consume: () => symbols.calls.push('consume') });
  await cycle.start();
  atOnce(cycle.report());
  assert.deepEqual(symbols.calls, ['resubmitStubs', 'consume', 'purge']);
  await cycle.stop();
});

test('ReportingCycle uses a name that came after the sample and before the report', async () => {
  const { cycle, intake, sampleAt, reports } = setUp();
  await cycle.start();
  sampleAt(startUnixNano);
  intake.submit(batchOf({ symbols: [{ fileId: file, addressHigh: 0, addressLow: 5, symbol: symbolOf('late') }] }));
  atOnce(cycle.report());
  assert.deepEqual(plainSamples(reports[0]!.data)[0]!.frames, ['late']);
  assert.deepEqual(reports[0]!.unresolved, []);
  await cycle.stop();
});

test('ReportingCycle counts frames that stay without a name, by reason and type', async () => {
  const { cycle, sampleAt, reports, learn } = setUp();
  await cycle.start();
  learn(7, 'known');
  sampleAt(startUnixNano, 7n);
  sampleAt(startUnixNano);
  sampleAt(startUnixNano, 6n);
  atOnce(cycle.report());
  assert.deepEqual(reports[0]!.unresolved, [{ reason: 'never_submitted', frameType: 'native', count: 2 }]);
  await cycle.stop();
});

test('ReportingCycle reports adjoining ranges that hold every sample and never move back', async () => {
  const { clock, cycle, sampleAt, reports } = setUp();
  await cycle.start();
  sampleAt(startUnixNano + second);
  await clock.advance(5000);
  sampleAt(startUnixNano + 4n * second);
  sampleAt(startUnixNano + 6n * second);
  sampleAt(startUnixNano + 3600n * second);
  await clock.advance(5000);
  await cycle.stop();
  const end = startUnixNano + 5n * second;
  assert.deepEqual(
    plainSamples(reports[1]!.data).map(({ range, timestamps }) => ({ range, timestamps })),
    [
      {
        range: [startUnixNano + 4n * second, startUnixNano + 9n * second],
        timestamps: [startUnixNano + 4n * second],
      },
      { range: [end, end + 5n * second], timestamps: [startUnixNano + 6n * second] },
      {
        range: [startUnixNano + 3600n * second, startUnixNano + 3605n * second],
        timestamps: [startUnixNano + 3600n * second],
      },
    ],
  );
  assert.equal(reports[0]!.range.endUnixNano, reports[1]!.range.startUnixNano);
});

for (const { name, byMs, shortestMs, leapsMs } of [
  { name: 'set back by an hour', byMs: -3_600_000, shortestMs: 4_950, leapsMs: [0, 0, 0] },
  { name: 'set forward by 48 hours', byMs: 172_800_000, shortestMs: 5_000, leapsMs: [172_800_000, 0, 0] },
  { name: 'set back by a millisecond', byMs: -1, shortestMs: 4_999, leapsMs: [0, 0, 0] },
  { name: 'set forward by ten seconds', byMs: 10_000, shortestMs: 5_000, leapsMs: [10_000, 0, 0] },
]) {
  test(`ReportingCycle keeps the length of its cycles, and its time never goes back, when the clock is ${name}`, async () => {
    const { clock, cycle, reports, sampleAt } = setUp();
    await cycle.start();
    await clock.advance(5_000);
    clock.setUnixBy(byMs);
    for (let i = 0; i < 3; i++) {
      // Both kinds of senders: one whose clock was set as ours was, and one whose clock goes on.
      sampleAt(clock.unixNano() + second);
      sampleAt(clock.unixNano() + second - BigInt(byMs) * 1_000_000n);
      await clock.advance(5_000);
    }
    await cycle.stop();
    const ranges = reports.slice(0, 4).map(({ range }) => range);
    for (const [index, { startUnixNano: start, endUnixNano: end }] of ranges.slice(1).entries()) {
      const lengthMs = Number((end - start) / 1_000_000n);
      assert.ok(lengthMs >= shortestMs && lengthMs <= 5_000, `${lengthMs} ms`);
      assert.equal(start - ranges[index]!.endUnixNano, BigInt(leapsMs[index]!) * 1_000_000n);
    }
    const profiles = reports.slice(1, 4).flatMap(({ data }) => plainSamples(data));
    assert.equal(profiles.flatMap(({ timestamps }) => timestamps).length, 6);
    for (const { range, timestamps } of profiles) {
      const [from, to] = range as [bigint, bigint];
      assert.ok(Number((to - from) / 1_000_000n) >= shortestMs, 'no profile is shorter than its cycle');
      for (const timestamp of timestamps) assert.ok(from <= timestamp && timestamp < to);
    }
  });
}

test('ReportingCycle catches up with a clock that was set back a little', async () => {
  const { clock, cycle, reports } = setUp();
  await cycle.start();
  clock.setUnixBy(-200);
  await clock.advance(50_000);
  const ends = reports.map(({ range }) => range.endUnixNano);
  assert.equal(ends.at(-1), clock.unixNano());
  assert.ok(ends.every((end, index) => index === 0 || end > ends[index - 1]!));
  await cycle.stop();
});

test('ReportingCycle reports the last window on stop', async () => {
  const { cycle, sampleAt, reports } = setUp();
  await cycle.start();
  sampleAt(startUnixNano);
  await cycle.stop();
  assert.deepEqual(
    reports.map(({ eventCount }) => eventCount),
    [1],
  );
});

test('ReportingCycle hands an empty window on without profiles', async () => {
  const { cycle, reports } = setUp();
  await cycle.start();
  atOnce(cycle.report());
  assert.deepEqual([reports[0]!.data, reports[0]!.sampleCount], [undefined, 0]);
  await cycle.stop();
});

test('ReportingCycle goes on after a cycle that failed', async () => {
  const { clock, cycle, reports, symbols } = setUp();
  symbols.at = () => {
    throw new Error('a fault of ours');
  };
  await cycle.start();
  await clock.advance(5000);
  Reflect.deleteProperty(symbols, 'at');
  await clock.advance(5000);
  assert.equal(reports.length, 1);
  await cycle.stop();
});

test('ReportingCycle takes merged profiles with the window where names fail', async () => {
  let takenCount = 0;
  const merged: MergedProfiles = {
    usage: { events: 0, bytes: 0 },
    take: () => {
      takenCount++;
      return {
        joinWith: () => oneStep(() => ({ data: undefined, eventCount: 0, unresolved: [] })),
      };
    },
  };
  const { clock, cycle, intake, symbols, sampleAt } = setUp({ merged });
  await cycle.start();
  sampleAt(startUnixNano);
  const fail = (): never => {
    throw new Error('a fault of ours');
  };
  const session = symbols.at();
  symbols.at = () => ({ ...session, openFile: fail, openProcess: fail });
  await clock.advance(5000);
  assert.deepEqual([takenCount, intake.stats.events], [1, 0]);
  await cycle.stop();
});

test('ReportingCycle that has stopped leaves batches that waited out of a window that nobody reports', async () => {
  const { cycle, intake } = setUp();
  await cycle.start();
  await cycle.stop();
  const begin = (): Steps<string> => oneStep(() => 'taken');
  const giveUp = (reason: string): string => reason;
  assert.equal(intake.turns.run({ sender: {}, sizeBytes: 1, begin, giveUp }), 'closed');
});

test('ReportingCycle hands a report to all others, and goes on to the purge, where one consumer fails', async () => {
  const { cycle, symbols, reports } = setUp({
    consumeFirst: () => {
      throw new Error('a fault of ours');
    },
  });
  await cycle.start();
  atOnce(cycle.report());
  assert.equal(reports.length, 1);
  assert.equal(symbols.calls.at(-1), 'purge');
  await cycle.stop();
});

test('ReportingCycle lets a sample wait for a name that only its collector can give, and reports it with that', async () => {
  const { cycle, reports, sampleAt, learn } = setUp({ resolveGrace: true });
  await cycle.start();
  sampleAt(startUnixNano, 5n, frameKinds.jvm);
  sampleAt(startUnixNano, 6n);
  atOnce(cycle.report());
  learn(5, 'late');
  atOnce(cycle.report());
  await cycle.stop();
  assert.deepEqual(
    reports.map(({ data, heldCount, unresolved }) => [
      plainSamples(data).map(({ frames }) => frames[0]),
      heldCount,
      unresolved.length,
    ]),
    [
      [['0x6'], 1, 1],
      [['late'], 0, 0],
      [[], 0, 0],
    ],
  );
});

test('ReportingCycle never lets a sample wait for a second cycle', async () => {
  const { cycle, reports, sampleAt } = setUp({ resolveGrace: true });
  await cycle.start();
  sampleAt(startUnixNano, 5n, frameKinds.jvm);
  atOnce(cycle.report());
  sampleAt(startUnixNano, 5n, frameKinds.jvm);
  atOnce(cycle.report());
  assert.deepEqual(
    reports.map(({ eventCount, heldCount }) => [eventCount, heldCount]),
    [
      [0, 1],
      [1, 1],
    ],
  );
  assert.deepEqual(reports[1]!.unresolved, [{ reason: 'never_submitted', frameType: 'jvm', count: 1 }]);
  await cycle.stop();
});

test('ReportingCycle lets nothing wait in the last report', async () => {
  const { cycle, reports, sampleAt } = setUp({ resolveGrace: true });
  await cycle.start();
  sampleAt(startUnixNano, 5n, frameKinds.jvm);
  await cycle.stop();
  assert.equal(reports[0]!.eventCount, 1);
});

test('ReportingCycle keeps half of the next window free of what waits', async () => {
  const { cycle, reports, sampleAt } = setUp({ resolveGrace: true, maxEvents: 4 });
  await cycle.start();
  for (const address of [1n, 2n, 3n]) sampleAt(startUnixNano, address, frameKinds.jvm);
  atOnce(cycle.report());
  assert.deepEqual([reports[0]!.eventCount, reports[0]!.heldCount], [1, 2]);
  await cycle.stop();
});

test('ReportingCycle joins samples whose labels differ in their order alone', async () => {
  const { cycle, reports, intake } = setUp();
  await cycle.start();
  const labels = [
    ['a', '1'],
    ['b', '2'],
  ] as const;
  for (const order of [labels, labels.toReversed()]) {
    const process = processOf(7, { labels: new Map(order) });
    const frames = [{ file, address: 5n }];
    intake.submit(batchOf({ samples: [{ frames, process, labels: new Map(order), timestamps: [startUnixNano] }] }));
  }
  atOnce(cycle.report());
  assert.deepEqual(
    plainSamples(reports[0]!.data).map(({ timestamps }) => timestamps.length),
    [2],
  );
  await cycle.stop();
});

test('ReportingCycle keeps everything of a sample that waits', async () => {
  const { clock, cycle, reports, intake, learn, symbols } = setUp({ resolveGrace: true });
  const mapping = { fileId: fileIdOf(2), start: 0n, end: 0x100n, fileOffset: 0n };
  const process = processOf(7, { serviceName: 'shop' });
  const sample = {
    frames: [
      { file, address: 1n, kind: frameKinds.jvm },
      { process, address: 2n, kind: frameKinds.v8js },
      { file: fileIdOf(2), address: 3n, mapping },
    ],
    truncated: true,
    process,
    threadId: 9,
    threadName: 'pool-1',
    cpu: 3,
    labels: new Map([['tenant', 'a']]),
    link: { traceId: new Uint8Array(16).fill(1), spanId: new Uint8Array(8).fill(2) },
    timestamps: [startUnixNano + second],
    values: [17n],
    type: offCpu,
  };
  await cycle.start();
  learn(1, 'known');
  intake.submit(batchOf({ samples: [sample] }));
  await clock.advance(5000);
  symbols.forgetAll();
  await clock.advance(5000);
  await cycle.stop();
  const data = reports[1]!.data!;
  const link = data.dictionary.linkTable[1]!;
  assert.deepEqual(plainSamples(data), [
    {
      service: 'shop',
      type: 'off_cpu/nanoseconds',
      frames: ['known', '0x2', '0x3'],
      attributes: {
        'thread.id': 9n,
        'thread.name': 'pool-1',
        'cpu.logical_number': 3n,
        'process.context.label.tenant': 'a',
        'framekeeper.stack.truncated': true,
      },
      timestamps: [startUnixNano + second],
      values: [17n],
      range: [startUnixNano + second, startUnixNano + 6n * second],
    },
  ]);
  assert.deepEqual([link.traceId, link.spanId], [sample.link.traceId, sample.link.spanId]);
  assert.equal(data.dictionary.mappingTable[1]!.memoryLimit, 0x100n);
});

test('ReportingCycle hands its profiles, without an edit of resources, to the merged ones, and reports what both come to', async () => {
  const given: (string[] | undefined)[] = [];
  const unresolved = [{ reason: 'no_file_id', frameType: 'native', count: 2 }];
  const merged: MergedProfiles = {
    usage: { events: 0, bytes: 0 },
    take: () => ({
      *joinWith(frames) {
        given.push(frames && plainSamples(frames).map(({ service }) => service));
        return { data: goodProfiles(), eventCount: 3, unresolved };
      },
    }),
  };
  const { cycle, reports, sampleAt } = setUp({ merged });
  await cycle.start();
  atOnce(cycle.report());
  sampleAt(startUnixNano);
  await cycle.stop();
  assert.deepEqual(given, [undefined, ['undefined']]);
  assert.deepEqual(reports[0]?.unresolved, unresolved);
  assert.deepEqual(
    reports.map(({ data, sampleCount, eventCount }) => [data, sampleCount, eventCount]),
    [
      [goodProfiles(), 2, 3],
      [goodProfiles(), 2, 4],
    ],
  );
});

test('ReportingCycle reports the samples before its first step, and leaves those that come between two steps to the next cycle', async () => {
  const { cycle, sampleAt, reports } = setUp();
  await cycle.start();
  for (let i = 0; i < 500; i++) sampleAt(startUnixNano, BigInt(i));
  let steps = 0;
  for (const _ of cycle.report()) {
    sampleAt(startUnixNano + 1n);
    steps += 1;
  }
  assert.ok(steps > 20, `${steps} steps`);
  atOnce(cycle.report());
  assert.deepEqual(
    reports.map(({ eventCount }) => eventCount),
    [500, steps],
  );
  await cycle.stop();
});

test('ReportingCycle lets others have turns of the event loop while it makes a report', async () => {
  const { clock, cycle, sampleAt, reports } = setUp({ clock: new PassingClock(startUnixNano) });
  await cycle.start();
  for (let i = 0; i < 500; i++) sampleAt(startUnixNano, BigInt(i));
  await clock.advance(7_000);
  let turns = 0;
  for (; reports.length === 0; turns++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(turns > 10, `${turns} turns`);
  assert.equal(reports[0]!.eventCount, 500);
  await cycle.stop();
});

test('ReportingCycle takes no window between two steps of a batch, and takes it before the next batch', async () => {
  const { clock, cycle, intake, reports } = setUp({ clock: new PassingClock(startUnixNano), maxEvents: 100_000 });
  const batchFrom = (address: number, count: number): FrameBatch => {
    const frames = Array.from({ length: count }, (_, i) => ({ file, address: BigInt(address + i) }));
    return batchOf({ samples: frames.map((frame) => ({ frames: [frame], timestamps: [startUnixNano] })) });
  };
  const submit = (batch: FrameBatch): unknown =>
    intake.turns.run({
      ...{ sender: cycle, sizeBytes: 1, begin: () => intake.submitInSteps(batch) },
      giveUp: () => assert.fail('nothing is given up'),
    });
  const long = submit(batchFrom(1_000, 4_000));
  assert.ok(long instanceof Promise);
  const next = submit(batchFrom(10_000, 1));
  const [report] = await Promise.all([inSlices(cycle.report(), clock), long]);
  await next;
  assert.deepEqual([report.eventCount, reports.length, intake.stats.events], [4_000, 1, 1]);
});
