import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { readBuildIds } from '../../src/native/elf/build-id.ts';
import { codeRanges } from '../../src/native/elf/code-ranges.ts';
import { readElfFile } from '../../src/native/elf/elf-file.ts';
import { openRegularFile } from '../../src/native/files/open-file.ts';
import { readSymbolTable } from '../../src/native/tables/symbol-table.ts';
import { findBinaries } from '../interop/native-programs.ts';
import { FramesClient, smallBatch } from '../support/frames-client.ts';
import type { BenchRow, BenchSuite } from './bench.ts';
import { compareInRounds, quantile } from './bench.ts';
import type { SymbolizerRun } from './symbolizer-run.ts';
import { addressesOf } from './symbolizer-run.ts';

/** The Rust crate's program, by `cargo install addr2line --features bin`; GNU's has the same name. */
const crate = process.env.FRAMEKEEPER_ADDR2LINE_CRATE ?? join(homedir(), '.cargo/bin/addr2line');
const counts = [100, 10_000];
/** Time for all files together; a file whose share of it is used up has no further round. The rest of the suite takes half a minute. */
const budgetMs = 50_000;
/** A run of a rival that takes longer is ended, and this file has no row for it. */
const rivalTimeoutSeconds = 10;
/** Ends the rival itself: an end of `time` alone would let it go on beside the next one. */
const limit = ['timeout', '-s', 'KILL', String(rivalTimeoutSeconds)];
/** A rival that needs longer for a hundred addresses is not asked for ten thousand. */
const rivalPatienceMs = 2_000;

/**
 * The symbolizer beside the Rust crate, llvm-symbolizer and GNU addr2line, each a process of its own that reads the same random addresses of
 * the same file; a row for each that is installed. Ours is a thread that has had the file open for a hundred addresses.
 * `FRAMEKEEPER_LIBJVM_DEBUG=FILE` adds a large file.
 */
export const suite: BenchSuite = {
  name: 'symbolizer',
  async run({ rounds }) {
    const folder = mkdtempSync(join(tmpdir(), 'framekeeper-bench-'));
    try {
      const files = findBinaries(folder).filter(({ name, path }) => path !== undefined && !/LTO|^libjvm$/.test(name));
      const largest = files.toSorted((a, b) => statSync(b.path!).size - statSync(a.path!).size)[0];
      const perFile = files.flatMap(({ name, path }) => {
        const shareMs = budgetMs / files.length;
        return fileRows({ name, path: path!, rounds: Math.min(rounds, 3), shareMs, hasRest: path === largest?.path });
      });
      return [...perFile, ...tableRows(rounds), ...(await serviceRows(folder, files))];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

type NativeFile = ReturnType<typeof findBinaries>[number];

interface Measured {
  readonly ms: number;
  readonly bytes: number;
}

interface MeasuredFile {
  readonly name: string;
  readonly path: string;
  readonly rounds: number;
  readonly shareMs: number;
  readonly hasRest: boolean;
}

function fileRows({ name, path, rounds, shareMs, hasRest }: MeasuredFile): BenchRow[] {
  const script = join(import.meta.dirname, 'symbolizer-run.ts');
  const endMs = performance.now() + shareMs;
  const own: SymbolizerRun[] = [];
  while (own.length === 0 || (own.length < rounds && performance.now() < endMs - shareMs / 2)) {
    // Memory at rest takes twelve seconds, so it is measured once and for one file.
    const rest = hasRest && own.length === 0 ? ['--rest'] : [];
    const args = [script, path, '100', ...counts.map(String), ...rest];
    own.push(JSON.parse(spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 2 ** 30 }).stdout));
  }
  const slow = new Set<string>();
  const rows: BenchRow[] = [
    rowOf(
      `${name}: first 100 addresses, thread and file opened`,
      'ms',
      own.map(({ times }) => times[0]!.ms),
    ),
  ];
  for (const [index, count] of counts.entries()) {
    const rivals = rivalsOf(path, count, { rounds, endMs, slow });
    const first = rivals[0];
    const base = first && {
      what: first.what,
      value: quantile(
        first.runs.map(({ ms }) => ms),
        0.5,
      ),
    };
    const what = `${name}, ${count.toLocaleString('en')} addresses`;
    rows.push(
      rowOf(
        what,
        'ms',
        own.map(({ times }) => times[index + 1]!.ms),
        base,
      ),
    );
    for (const { what: rival, runs } of rivals) {
      rows.push(
        rowOf(
          `  ${rival}`,
          'ms',
          runs.map(({ ms }) => ms),
          rival === first?.what ? undefined : base,
        ),
      );
    }
    if (count !== counts.at(-1)) continue;
    rows.push(
      rowOf(
        `${name}: memory at most`,
        'MB',
        own.map(({ peakBytes }) => peakBytes / 1e6),
      ),
    );
    const { restBytes } = own[0]!;
    if (restBytes !== undefined) rows.push(rowOf('  12 s after the thread has ended', 'MB', [restBytes / 1e6]));
    for (const { what: rival, runs } of rivals)
      rows.push(
        rowOf(
          `  ${rival}`,
          'MB',
          runs.map(({ bytes }) => bytes / 1e6),
        ),
      );
    rows.push(
      rowOf(
        `${name}: event loop beside it, p99`,
        'ms',
        own.map(({ delayMs }) => delayMs.p99),
      ),
    );
  }
  return rows;
}

function rowOf(
  what: string,
  unit: string,
  values: readonly number[],
  base?: { what: string; value: number },
): BenchRow {
  const median = quantile(values, 0.5);
  const row = { what, unit, median, spread: quantile(values, 0.75) - quantile(values, 0.25) };
  return base === undefined ? row : { ...row, ratioTo: { what: base.what, ratio: median / base.value } };
}

/** Rivals that answer in time; those that are too slow for more addresses are added to `slow`, and left out when they are in it. */
function rivalsOf(
  path: string,
  count: number,
  { rounds, endMs, slow }: { readonly rounds: number; readonly endMs: number; readonly slow: Set<string> },
): { what: string; runs: Measured[] }[] {
  const input = Array.from(addressesOf(path, count), (address) => `0x${address.toString(16)}\n`).join('');
  const commands = [
    { what: 'addr2line, the crate', command: crate, args: ['-fi', '-e', path] },
    { what: 'llvm-symbolizer', command: 'llvm-symbolizer', args: ['-e', path] },
    { what: 'GNU addr2line', command: 'addr2line', args: ['-fi', '-e', path] },
  ];
  return commands.flatMap(({ what, command, args }) => {
    const runs: Measured[] = [];
    if (slow.has(what)) return [];
    while (runs.length === 0 || (runs.length < rounds && performance.now() < endMs)) {
      const began = performance.now();
      const { status, stderr, error } = spawnSync('/usr/bin/time', ['-f', '%M', ...limit, command, ...args], {
        input,
        encoding: 'utf8',
        maxBuffer: 2 ** 30,
      });
      if (performance.now() - began > rivalPatienceMs) slow.add(what);
      if (error !== undefined || status !== 0) return [];
      const bytes = Number(stderr.trim().split('\n').at(-1)) * 1024;
      runs.push({ ms: performance.now() - began, bytes });
    }
    return [{ what, runs }];
  });
}

/** The symbol table of this Node.js, beside reading its bytes alone. */
function tableRows(rounds: number): BenchRow[] {
  const opened = openRegularFile(process.execPath, 2 ** 40)!;
  const elf = readElfFile(opened.source)!;
  const code = codeRanges(elf);
  const section = elf.sections.find(({ type }) => type === 2)!;
  const bytes = new Uint8Array(section.sizeBytes);
  const table = readSymbolTable(elf, code, 'symbols')!;
  const addresses = addressesOf(process.execPath, 10_000);
  const built = compareInRounds(
    [
      { what: 'symbol table of node: its bytes read', run: () => opened.source.read(bytes, section.offset) },
      {
        what: `  the table of ${table.count.toLocaleString('en')} functions`,
        run: () => readSymbolTable(elf, code, 'symbols'),
      },
    ],
    { unit: 'ms', rounds, runsPerRound: 1, convert: (nanoseconds) => nanoseconds / 1e6 },
  );
  const asked = compareInRounds(
    [{ what: '  10,000 names of it', run: () => addresses.map((address) => table.nameAt(address)?.length ?? 0) }],
    { unit: 'ms', rounds, runsPerRound: 1, convert: (nanoseconds) => nanoseconds / 1e6 },
  );
  opened.close();
  return [...built, ...asked, rowOf('  bytes a function', 'B', [table.sizeBytes / table.count])];
}

/** Resident memory of the whole service while names of this Node.js and of libpython are asked for, and without a symbolizer. */
async function serviceRows(folder: string, files: readonly NativeFile[]): Promise<BenchRow[]> {
  const without = await serviceBytes(folder, files, false);
  const at = await serviceBytes(folder, files, true);
  return [
    rowOf('service: resident memory at most, no symbolizer', 'MB', [without / 1e6]),
    rowOf('  symbolizer at work, 20,000 addresses', 'MB', [at / 1e6], {
      what: 'no symbolizer',
      value: without / 1e6,
    }),
  ];
}

async function serviceBytes(folder: string, files: readonly NativeFile[], hasSymbolizer: boolean): Promise<number> {
  const processors = ['symbol_store', ...(hasSymbolizer ? ['symbolizer'] : []), 'reporting_cycle'];
  const config = join(folder, 'config.yaml');
  writeFileSync(
    config,
    `
receivers: {frames: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}}
processors: {symbol_store: , ${hasSymbolizer ? 'symbolizer: ,' : ''} reporting_cycle: {interval: 1s}}
exporters: {file: {path: "${join(folder, 'out')}", format: proto}}
service: {telemetry: {metrics: {level: none}}, pipelines: {profiles: {receivers: [frames], processors: [${processors}], exporters: [file]}}}`,
  );
  const main = join(import.meta.dirname, '../../src/main.ts');
  const service = spawn(process.execPath, [main, '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    const port = await listeningPort(service.stdout, service.stderr);
    const client = new FramesClient(port);
    let sequence = 0;
    for (const path of files.filter(({ name }) => /^(?:node|libpython)$/.test(name)).flatMap((one) => one.path ?? [])) {
      const opened = openRegularFile(path, 2 ** 40)!;
      const gnuBuildId = readBuildIds(readElfFile(opened.source)!).gnu;
      opened.close();
      // A process that has the file mapped: this one has node, and python3 its library.
      const child = spawn(
        path === process.execPath ? path : 'python3',
        path === process.execPath ? ['-e', 'setInterval(() => {}, 1e6)'] : ['-c', 'input()'],
        { stdio: ['pipe', 'ignore', 'ignore'] },
      );
      for (let at = 0; at < 10_000; at += 500) {
        const addresses = addressesOf(path, 10_000).subarray(at, at + 500);
        await client.submit({
          ...smallBatch([BigInt(Date.now()) * 1_000_000n], {
            strings: ['samples', 'count', 'cpu', 'nanoseconds', 'main', path, gnuBuildId],
            executables: [{ fileId: 1, fileName: 6, gnuBuildId: 7 }],
            frames: Array.from(addresses, (address) => ({ fileId: 1, addressOrLine: BigInt(address), kind: 1 })),
            stacks: [{ frames: Array.from(addresses, (_, index) => index + 1) }],
            processes: [{ pid: child.pid, comm: 5 }],
          }),
          sequence: ++sequence,
        });
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      child.kill('SIGKILL');
    }
    client.close();
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${service.pid}/status`, 'utf8'))![1]) * 1024;
  } finally {
    service.kill('SIGTERM');
    await once(service, 'exit');
  }
}

async function listeningPort(...outputs: readonly NodeJS.ReadableStream[]): Promise<number> {
  return await new Promise((resolve, reject) => {
    for (const output of outputs) {
      createInterface({ input: output }).on('line', (line) => {
        const port = /"port":(\d+),"services":\["framekeeper\.frames/.exec(line)?.[1];
        if (port !== undefined) resolve(Number(port));
      });
    }
    setTimeout(() => reject(new Error('the service does not listen')), 30_000).unref();
  });
}
