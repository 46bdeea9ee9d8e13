import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemFileSystem } from '../../src/storage/log-file-system.ts';
import type { LogRecord } from '../../src/storage/segment.ts';
import { SegmentLog } from '../../src/storage/segment-log.ts';
import type { BenchRow, BenchSuite } from './bench.ts';
import { quantile } from './bench.ts';

const waitingCount = 1_000;
const waitingBytes = 100_000;
const maxBytes = 1 << 30;

/**
 * What the storage of a sending queue costs the event loop: keeping a request and letting go of it again, with and without
 * fsync, and a start that finds 1,000 requests of 100 KB. Depends on the disk under the temporary folder.
 */
export const suite: BenchSuite = {
  name: 'storage',
  async run({ rounds }) {
    const folder = mkdtempSync(join(tmpdir(), 'framekeeper-bench-'));
    try {
      const rows: BenchRow[] = [];
      for (const kilobytes of [20, 100, 500]) rows.push(...keepAndFinish(folder, kilobytes, rounds));
      rows.push(...(await startAgain(folder, rounds)));
      return rows;
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

function keepAndFinish(folder: string, kilobytes: number, rounds: number): BenchRow[] {
  const payload = randomFillSync(Buffer.alloc(kilobytes * 1_000));
  const medians = [false, true].map((isSynced) => {
    const log = openLog(join(folder, `keep-${kilobytes}-${isSynced}`), isSynced).log;
    const times: number[] = [];
    for (let round = 0; round < rounds * 10; round++) {
      times.push(
        timeMs(() => {
          log.finish(log.append(payload, 1)!);
        }),
      );
    }
    log.close();
    return times;
  });
  const what = (suffix: string) => `keep and finish ${kilobytes} KB${suffix}`;
  const [plain, synced] = medians.map((times) => rowOf('', times)) as [BenchRow, BenchRow];
  const ratioTo = { what: what(''), ratio: synced.median / plain.median };
  return [
    { ...plain, what: what('') },
    { ...synced, what: what(', fsync'), ratioTo },
  ];
}

async function startAgain(folder: string, rounds: number): Promise<BenchRow[]> {
  const directory = join(folder, 'start');
  const payload = randomFillSync(Buffer.alloc(waitingBytes));
  const { log } = openLog(directory, false);
  for (let i = 0; i < waitingCount; i++) log.append(payload, 1);
  log.close();
  const opens: number[] = [];
  const reads: number[] = [];
  for (let round = 0; round < rounds; round++) {
    let opened: { log: SegmentLog; records: readonly LogRecord[] } | undefined;
    opens.push(
      timeMs(() => {
        opened = openLog(directory, false);
      }),
    );
    assert.equal(opened!.records.length, waitingCount);
    const start = performance.now();
    for (const record of opened!.records) assert.ok((await opened!.log.read(record)) !== undefined);
    reads.push(performance.now() - start);
    opened!.log.close();
  }
  return [rowOf('start with 1,000 requests of 100 KB', opens), rowOf('read all of them, one after the other', reads)];
}

function openLog(directory: string, isSynced: boolean): { log: SegmentLog; records: readonly LogRecord[] } {
  const log = new SegmentLog({ directory, directoryMode: 0o700, maxBytes, isSynced }, systemFileSystem);
  return { log, records: log.open().records };
}

function timeMs(run: () => void): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}

function rowOf(what: string, times: readonly number[]): BenchRow {
  return {
    what,
    unit: 'ms',
    median: quantile(times, 0.5),
    spread: quantile(times, 0.75) - quantile(times, 0.25),
  };
}
