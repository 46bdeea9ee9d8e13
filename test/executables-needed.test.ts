import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metrics } from '@opentelemetry/api';
import pino from 'pino';
import type { FileId } from '../src/model/file-id.ts';
import type { CycleReport } from '../src/reporter/cycle-report.ts';
import { createReporterEvents } from '../src/reporter/reporter-events.ts';
import { ReportingCycle } from '../src/reporter/reporting-cycle.ts';
import { TraceIntake } from '../src/reporter/trace-intake.ts';
import { atOnce } from '../src/support/steps.ts';
import { SymbolStore } from '../src/symbols/symbol-store.ts';
import { batchOf, fileIdOf, symbolOf } from './support/batch.ts';
import { consumer } from './support/consumer.ts';
import { FakeClock } from './support/fake-clock.ts';
import { configOf, submitted } from './symbols/store-harness.ts';

const file = fileIdOf(1);
const mapping = { fileId: file, start: 0x1000n, end: 0x2000n, fileOffset: 0n };
const executable = { fileName: 'shop', gnuBuildId: 'c0ffee', goBuildId: '', hasHtlHash: false };
const cycleMs = 5000;

/** Store, intake and reporting cycle, and a collector whose one process is sampled in some cycles. */
class Node {
  readonly #clock = new FakeClock(1_767_225_600_000_000_000n);
  readonly #store = new SymbolStore(configOf({ lifetime: '60s', max_entries: 100 }), () => 0.3);
  readonly #limits = { maxEvents: 1000, maxBytes: 1e9, retryDelayMs: 1 };
  readonly #intake = new TraceIntake(this.#store, this.#limits, this.#clock);
  readonly #reports: CycleReport[] = [];
  readonly #cycle = new ReportingCycle(
    'reporting_cycle',
    { ...this.#limits, intervalMs: cycleMs, jitter: 0, resolveGrace: true, storage: '' },
    {
      symbols: this.#store,
      intake: this.#intake,
      consumers: [consumer((report) => this.#reports.push(report))],
      events: createReporterEvents(
        { meter: metrics.getMeter('test'), logger: pino({ level: 'silent' }), clock: this.#clock },
        () => this.#intake.stats,
      ),
      clock: this.#clock,
      random: () => 0.5,
      createProfileId: () => new Uint8Array(16).fill(7),
    },
  );

  /** A batch with a sample, and with what is known of its file if `isDescribed`; gives the file IDs that the reply asks for. */
  sample(isDescribed: boolean): readonly FileId[] {
    const timestamps = [this.#clock.unixNano()];
    return this.#intake.submit(
      batchOf({
        samples: [{ frames: [{ file, address: 0x1234n, mapping }], timestamps }],
        executables: isDescribed ? [{ fileId: file, executable }] : [],
      }),
    ).executablesNeeded;
  }

  /** Names of other files: far more than there is room for. */
  overflow(): void {
    const symbols = Array.from({ length: 200 }, (_, i) => submitted(fileIdOf(100 + i), 1n, symbolOf(`f${i}`)));
    this.#intake.submit(batchOf({ symbols }));
  }

  async passTime(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += cycleMs) {
      await this.#clock.advance(cycleMs);
      atOnce(this.#cycle.report());
    }
  }

  /** Ends the cycle; which files the mappings of its profiles name. */
  async report(): Promise<string[]> {
    await this.passTime(cycleMs);
    const { mappingTable, stringTable } = this.#reports.at(-1)!.data!.dictionary;
    return mappingTable.slice(1).map(({ filenameStrindex }) => stringTable.at(filenameStrindex)!);
  }
}

for (const { how, lose } of [
  { how: 'expired while its process slept', lose: (node: Node) => node.passTime(65_000) },
  { how: 'was evicted', lose: async (node: Node) => node.overflow() },
]) {
  test(`an executable that ${how} is asked for, and is in the profiles of the next cycle`, async () => {
    const node = new Node();
    assert.deepEqual(node.sample(true), []);
    assert.deepEqual(await node.report(), ['shop']);
    assert.deepEqual(node.sample(false), []);
    assert.deepEqual(await node.report(), ['shop']);
    await lose(node);
    assert.deepEqual(node.sample(false), [file]);
    assert.deepEqual(await node.report(), ['']);
    assert.deepEqual(node.sample(true), []);
    assert.deepEqual(await node.report(), ['shop']);
    assert.deepEqual(node.sample(false), []);
  });
}

test('an executable that comes before the cycle ends is in its profiles already', async () => {
  const node = new Node();
  assert.deepEqual(node.sample(false), [file]);
  assert.deepEqual(node.sample(true), []);
  assert.deepEqual(await node.report(), ['shop']);
});

test('an executable that nobody submits is asked for once in an interval', async () => {
  const node = new Node();
  const asked = [];
  for (let cycle = 0; cycle < 3; cycle++) {
    asked.push(node.sample(false).length, node.sample(false).length);
    await node.report();
  }
  assert.deepEqual(asked, [1, 0, 1, 0, 1, 0]);
});
