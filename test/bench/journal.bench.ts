import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { metrics } from '@opentelemetry/api';
import { pino } from 'pino';
import protobuf from 'protobufjs';
import { ConfigSection } from '../../src/config/config-section.ts';
import { Journal } from '../../src/journal/journal.ts';
import { createJournalEvents } from '../../src/journal/journal-events.ts';
import { BatchIntake } from '../../src/receivers/frames/batch-intake.ts';
import { FramesMetrics } from '../../src/receivers/frames/frames-metrics.ts';
import { TraceIntake } from '../../src/reporter/trace-intake.ts';
import { systemFileSystem } from '../../src/storage/log-file-system.ts';
import { SegmentLog } from '../../src/storage/segment-log.ts';
import { SymbolStore } from '../../src/symbols/symbol-store.ts';
import { symbolStoreType } from '../../src/symbols/symbol-store-config.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { encodeBatch, smallBatch } from '../support/frames-client.ts';
import type { BenchRow, BenchSuite } from './bench.ts';
import { compareInRounds, quantile } from './bench.ts';
import { nowUnixNano, syntheticBatch } from './synthetic-batch.ts';

const proto = protobuf.loadSync(join(import.meta.dirname, '../../proto/framekeeper/frames/v1/frames.proto'));
const Batch = proto.lookupType('framekeeper.frames.v1.Batch');
const batchesInWindow = 50;
const meter = metrics.getMeter('bench');
const logger = pino({ level: 'silent' });

/**
 * What a batch costs from its bytes to those of the reply: with the window in memory alone, and with a journal; and what it
 * costs to take one again at the start. Depends on the disk under the temporary folder.
 */
export const suite: BenchSuite = {
  name: 'journal',
  async run({ rounds }) {
    const folder = mkdtempSync(join(tmpdir(), 'framekeeper-bench-'));
    try {
      // Without a sequence number no batch is one that was there before.
      const large = Buffer.from(Batch.encode(Batch.fromObject({ ...syntheticBatch(), sequence: 0 })).finish());
      const small = encodeBatch(smallBatch([nowUnixNano]));
      return [
        ...(await compareReplies(join(folder, 'large'), {
          bytes: large,
          name: '1,000 samples',
          runsPerRound: 20,
          rounds,
        })),
        ...(await compareReplies(join(folder, 'small'), { bytes: small, name: '1 sample', runsPerRound: 500, rounds })),
        await replayRow(join(folder, 'replay'), large, rounds),
      ];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

interface Replies {
  readonly bytes: Buffer;
  readonly name: string;
  readonly runsPerRound: number;
  readonly rounds: number;
}

async function compareReplies(folder: string, { bytes, name, runsPerRound, rounds }: Replies): Promise<BenchRow[]> {
  const plain = createNode(undefined);
  const journaled = createNode(openLog(`${folder}-plain`, false));
  const synced = createNode(openLog(`${folder}-synced`, true));
  for (const { journal } of [journaled, synced]) await journal!.start();
  const contenders = [
    { what: `batch of ${name}, in memory`, run: plain.takerOf(bytes) },
    { what: `batch of ${name}, with a journal`, run: journaled.takerOf(bytes) },
    { what: `batch of ${name}, with a journal and fsync`, run: synced.takerOf(bytes) },
  ];
  const convert = (nanoseconds: number): number => nanoseconds / 1_000;
  const rows = compareInRounds(contenders, { unit: 'us/batch', rounds, runsPerRound, convert });
  for (const { journal } of [journaled, synced]) await journal!.stop();
  return rows;
}

async function replayRow(directory: string, bytes: Buffer, rounds: number): Promise<BenchRow> {
  const node = createNode(openLog(directory, false));
  await node.journal!.start();
  for (let i = 0; i < batchesInWindow; i++) node.intake.take(bytes, node);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const again = createNode(openLog(directory, false));
    const start = performance.now();
    await again.journal!.start();
    times.push(((performance.now() - start) * 1e3) / batchesInWindow);
    assert.equal(again.window.stats.events, node.window.stats.events);
  }
  const spread = quantile(times, 0.75) - quantile(times, 0.25);
  return {
    what: 'batch of 1,000 samples, taken again at the start',
    unit: 'us/batch',
    median: quantile(times, 0.5),
    spread,
  };
}

function openLog(directory: string, isSynced: boolean): SegmentLog {
  return new SegmentLog({ directory, directoryMode: 0o700, maxBytes: 1 << 30, isSynced }, systemFileSystem);
}

function createNode(log: SegmentLog | undefined) {
  const clock = new FakeClock(nowUnixNano);
  const store = new SymbolStore(symbolStoreType.table.read(new ConfigSection('', {}, [])), () => 0.5);
  const limits = { maxEvents: 10_000_000, maxBytes: 2 ** 31, retryDelayMs: 1 };
  const window = new TraceIntake(store, limits, clock);
  const events = createJournalEvents('bench', { logger, meter, clock });
  const countEvents = (): number => window.window.events.count;
  const journal = log && new Journal('bench', { log, clock, events, countEvents });
  const intake = new BatchIntake(
    { maxAgeMs: 3_600_000, maxFutureMs: 0 },
    {
      sink: window,
      clock,
      metrics: new FramesMetrics(meter, 'frames'),
      connectJournal: journal && ((restore) => journal.connect('frames', 'frames', restore)),
    },
  );
  const takerOf = (bytes: Buffer): (() => unknown) => {
    let count = 0;
    return () => {
      // Windows are reported now and then, which lets go of the journal.
      if (++count % batchesInWindow === 0) {
        window.takeWindow();
        journal?.turn([])();
      }
      return intake.take(bytes, window);
    };
  };
  return { intake, window, journal, takerOf };
}
