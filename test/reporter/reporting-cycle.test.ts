import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metrics } from '@opentelemetry/api';
import pino from 'pino';
import type { CycleReport } from '../../src/reporter/cycle-report.ts';
import { createReporterMetrics } from '../../src/reporter/reporter-metrics.ts';
import { ReportingCycle } from '../../src/reporter/reporting-cycle.ts';
import { TraceIntake } from '../../src/reporter/trace-intake.ts';
import { batchOf, fileIdOf, symbolOf } from '../support/batch.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { PlainSymbols } from '../support/plain-symbols.ts';
import { plainSamples } from '../support/plain-view.ts';

const startUnixNano = 1_000_000_000_000_000_000n;
const second = 1_000_000_000n;
const file = fileIdOf(1);
const noNames = { note: () => {}, take: () => [] };

function setUp({
  random = (): number => 0.5,
  intervalMs = 5000,
  jitter = 0.2,
  consume = (_: CycleReport): void => {},
} = {}) {
  const clock = new FakeClock(startUnixNano);
  const symbols = new PlainSymbols();
  const reports: CycleReport[] = [];
  const limits = { maxEvents: 1000, maxBytes: 1e9, retryDelayMs: 1 };
  const intake = new TraceIntake(symbols, noNames, limits, clock);
  const consumers = [{ consume: (report: CycleReport) => reports.push(report) }, { consume }];
  const cycle = new ReportingCycle(
    'reporting_cycle',
    { intervalMs, jitter, maxEvents: 1000, maxBytes: 1e9 },
    {
      symbols,
      intake,
      consumers,
      metrics: createReporterMetrics(metrics.getMeter('test'), () => intake.figures),
      logger: pino({ level: 'silent' }),
      clock,
      random,
      createProfileId: () => new Uint8Array(16).fill(7),
    },
  );
  const sampleAt = (unixNano: bigint, address = 5n): void => {
    intake.submit(batchOf({ samples: [{ frames: [{ file, address }], timestamps: [unixNano] }] }));
  };
  return { clock, symbols, intake, cycle, reports, sampleAt };
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

test('ReportingCycle submits stubs again before it looks for late names, and purges after the report', async () => {
  const { symbols, cycle } = setUp({ consume: () => symbols.calls.push('consume') });
  await cycle.start();
  cycle.report();
  assert.deepEqual(symbols.calls, ['resubmitStubs', 'consume', 'purge']);
  await cycle.stop();
});

test('ReportingCycle uses a name that came after the sample and before the report', async () => {
  const { cycle, intake, sampleAt, reports } = setUp();
  await cycle.start();
  sampleAt(startUnixNano);
  intake.submit(batchOf({ symbols: [{ fileId: file, addressHigh: 0, addressLow: 5, symbol: symbolOf('late') }] }));
  cycle.report();
  assert.deepEqual(plainSamples(reports[0]!.data)[0]!.frames, ['late']);
  assert.deepEqual(reports[0]!.unresolved, []);
  await cycle.stop();
});

test('ReportingCycle counts frames that stay without a name, by reason and type', async () => {
  const { cycle, sampleAt, reports } = setUp();
  await cycle.start();
  sampleAt(startUnixNano);
  sampleAt(startUnixNano, 6n);
  cycle.report();
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
        range: [startUnixNano + 4n * second, startUnixNano + 4n * second + 1n],
        timestamps: [startUnixNano + 4n * second],
      },
      { range: [end, end + 5n * second], timestamps: [startUnixNano + 6n * second] },
      {
        range: [startUnixNano + 3600n * second, startUnixNano + 3600n * second + 1n],
        timestamps: [startUnixNano + 3600n * second],
      },
    ],
  );
  assert.equal(reports[0]!.range.endUnixNano, reports[1]!.range.startUnixNano);
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
  cycle.report();
  assert.deepEqual([reports[0]!.data, reports[0]!.sampleCount], [undefined, 0]);
  await cycle.stop();
});

test('ReportingCycle goes on after a cycle that failed', async () => {
  let isFaulty = true;
  const { clock, cycle, reports } = setUp({
    consume: () => {
      if (isFaulty) throw new Error('a fault of ours');
    },
  });
  await cycle.start();
  await clock.advance(5000);
  isFaulty = false;
  await clock.advance(5000);
  assert.equal(reports.length, 2);
  await cycle.stop();
});
