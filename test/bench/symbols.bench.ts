import assert from 'node:assert/strict';
import type { FileId } from '../../src/model/file-id.ts';
import type { FrameBatch, SubmittedStub, SubmittedSymbol } from '../../src/model/frame-batch.ts';
import { atOnce } from '../../src/support/steps.ts';
import { SymbolStore } from '../../src/symbols/symbol-store.ts';
import { batchOf, fileIdOf, processOf, symbolOf } from '../support/batch.ts';
import { configOf, stubOf } from '../symbols/store-harness.ts';
import type { BenchRow, BenchSuite } from './bench.ts';
import { compareInRounds } from './bench.ts';
import { measureBytes } from './memory.ts';
import { zipfTrace } from './zipf.ts';

const stubCount = 100_000;
const stubsPerProcess = 5000;
const stackDepth = 34;
/** A batch of this many symbols is some 200 KB on the wire. */
const symbolsPerBatch = 2000;
const config = { max_entries: 2_000_000, max_size_mib: 2048 };

/** What the symbol store costs: a cycle's resubmission, the look-ups of a stack, and memory in two typical shapes. */
export const suite: BenchSuite = {
  name: 'symbols',
  async run({ rounds }) {
    return [
      ...resubmission(rounds),
      ...stackLookUps(rounds),
      ...memory('JVM of 200,000 methods, 1 to 8 frames each', 200_000, (i) => 1 + (i % 8)),
      ...memory('native binary with 500,000 frames', 1, () => 500_000),
    ];
  },
};

function resubmission(rounds: number): BenchRow[] {
  const store = createStore();
  for (let pid = 0; pid < stubCount / stubsPerProcess; pid++) {
    const owner = { process: processOf(pid) };
    const stubs = Array.from({ length: stubsPerProcess }, (_, i): SubmittedStub => {
      return stubOf(owner, 0x7f00_0000_0000n + BigInt(i * 64), 64n, `stub ${pid} ${i}`);
    });
    store.at(0).learn(batchOf({ stubs }));
  }
  const rows = compareInRounds(
    [{ what: `resubmission of ${stubCount / 1000}k stubs at once`, run: () => atOnce(store.at(0).resubmitStubs()) }],
    { unit: 'ms', rounds, runsPerRound: 1, convert: (nanoseconds) => nanoseconds / 1e6 },
  );
  assert.equal(store.stats().liveStubs, stubCount);
  return rows;
}

/** Stacks of native and stub frames out of 200 files with 1,000 symbols each, and a process with 5,000 stubs. */
function stackLookUps(rounds: number): BenchRow[] {
  const store = createStore();
  const process = processOf(7);
  const symbols: SubmittedSymbol[] = [];
  for (let file = 0; file < 200; file++) symbols.push(...symbolsOf(fileIdOf(file), 1000, file));
  store.at(0).learn(batchOf({ symbols }));
  const stubs = Array.from({ length: 5000 }, (_, i) => stubOf({ process }, BigInt(i * 64), 64n, `stub ${i}`));
  store.at(0).learn(batchOf({ stubs }));
  const { instanceId } = batchOf({}).collector;
  const trace = zipfTrace(200_000, stackDepth * 200);
  const files = Array.from({ length: 200 }, (_, i) => fileIdOf(i));
  const find = (): number => {
    const tables = files.map((file) => store.at(0).openFile(file)!);
    let found = 0;
    for (let i = 0; i < trace.length; i++) {
      if (tables[trace[i]! % 200]!.find(0, Math.floor(trace[i]! / 200) * 16) !== undefined) found++;
    }
    return found;
  };
  const findStubs = (): number => {
    const table = store.at(0).openProcess(instanceId, process)!;
    let found = 0;
    for (let i = 0; i < trace.length; i++) if (table.find(0, trace[i]! % 320_000) !== undefined) found++;
    return found;
  };
  assert.deepEqual([find(), findStubs()], [trace.length, trace.length]);
  const convert = (nanoseconds: number): number => nanoseconds / 200;
  return compareInRounds(
    [
      { what: `names of a stack of ${stackDepth} frames`, run: find },
      { what: `names of a stack of ${stackDepth} stubs`, run: findStubs },
    ],
    { unit: 'ns', rounds, runsPerRound: 1, convert },
  );
}

/** Memory a symbol, as the store counts it and as V8 does, the texts included. */
function memory(shape: string, fileCount: number, framesOf: (file: number) => number): BenchRow[] {
  createStore();
  const batches = batchesOf(fileCount, framesOf);
  const { made: store, bytes } = measureBytes(() => {
    const created = createStore();
    for (const batch of batches) created.at(0).learn(batch);
    return created;
  });
  const { symbols, files, bytes: counted } = store.stats();
  const rows: BenchRow[] = [
    { what: `${shape}: measured, a symbol`, unit: 'B', median: bytes / symbols, spread: 0 },
    {
      what: `${shape}: as the store counts, a symbol`,
      unit: 'B',
      median: counted / symbols,
      spread: 0,
      ratioTo: { what: 'measured', ratio: counted / bytes },
    },
  ];
  if (files > 1) rows.push({ what: `${shape}: measured, a method`, unit: 'B', median: bytes / files, spread: 0 });
  return rows;
}

/** Made anew at each use, so that no text is shared with the store but by the store. */
function* batchesOf(fileCount: number, framesOf: (file: number) => number): Generator<FrameBatch> {
  let symbols: SubmittedSymbol[] = [];
  for (let file = 0; file < fileCount; file++) {
    for (const symbol of symbolsOf(fileIdOf(file), framesOf(file), file)) {
      symbols.push(symbol);
      if (symbols.length < symbolsPerBatch) continue;
      yield batchOf({ symbols });
      symbols = [];
    }
  }
  yield batchOf({ symbols });
}

/** Functions of ten addresses each in files of fifty functions; for a method, the addresses are all its own. */
function* symbolsOf(fileId: FileId, count: number, number: number): Generator<SubmittedSymbol> {
  for (let i = 0; i < count; i++) {
    const functionName = `com.example.project.package${number % 97}.Class${number}.method${Math.floor(i / 10)}`;
    const filePath = `package${number % 97}/Class${Math.floor(number / 5)}_${Math.floor(i / 500)}.java`;
    yield { fileId, addressHigh: 0, addressLow: i * 16, symbol: symbolOf(functionName, { filePath, line: i + 1 }) };
  }
}

function createStore(): SymbolStore {
  return new SymbolStore(configOf(config), () => 0.3);
}
