import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import protobuf from 'protobufjs';
import { BatchDecoder } from '../../src/receivers/frames/batch-decoder.ts';
import type { BenchOptions, BenchRow, BenchSuite } from './bench.ts';
import { compareInRounds, quantile } from './bench.ts';
import { compareTransports } from './frames-transport.ts';
import { nowUnixNano, sampleCount, syntheticBatch } from './synthetic-batch.ts';

const proto = protobuf.loadSync(join(import.meta.dirname, '../../proto/framekeeper/frames/v1/frames.proto'));
const Batch = proto.lookupType('framekeeper.frames.v1.Batch');
const runsPerRound = 20;

/** Decoding of a batch of 1,000 samples, and what a gRPC server pays for such a message. */
export const suite: BenchSuite = {
  name: 'frames',
  async run(options: BenchOptions): Promise<BenchRow[]> {
    const bytes = Buffer.from(Batch.encode(Batch.fromObject(syntheticBatch())).finish());
    return [...compareDecoders(bytes, options), heapRow(bytes), ...(await compareTransports(bytes, options))];
  },
};

function compareDecoders(bytes: Buffer, { rounds }: BenchOptions): BenchRow[] {
  const decoder = new BatchDecoder({ maxAgeMs: 3_600_000, maxFutureMs: 0 });
  return compareInRounds(
    [
      { what: 'sum of the bytes', run: () => sumOfBytes(bytes) },
      { what: 'decode', run: () => decoder.decode(bytes, nowUnixNano) },
      { what: 'decode with protobufjs', run: () => Batch.decode(bytes) },
    ],
    { unit: 'ns/sample', rounds, runsPerRound, convert: (nanoseconds) => nanoseconds / sampleCount },
  );
}

/** The floor: nothing that looks at every byte is faster. */
function sumOfBytes(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) sum = (sum + bytes[i]!) | 0;
  return sum;
}

/** What decoding leaves for the garbage collector, in the heap: the columns are used again. */
function heapRow(bytes: Buffer): BenchRow {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const decoder = new BatchDecoder({ maxAgeMs: 3_600_000, maxFutureMs: 0 });
  const runs = 20;
  for (let run = 0; run < 500; run++) decoder.decode(bytes, nowUnixNano);
  const measured: number[] = [];
  for (let round = 0; round < 12; round++) {
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    for (let run = 0; run < runs; run++) decoder.decode(bytes, nowUnixNano);
    measured.push((process.memoryUsage().heapUsed - before) / runs / sampleCount);
  }
  const spread = quantile(measured, 0.75) - quantile(measured, 0.25);
  return { what: 'heap allocated by decode', unit: 'bytes/sample', median: quantile(measured, 0.5), spread };
}
