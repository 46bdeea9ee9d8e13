// Writes native-names.json: the names of the recordings' native addresses, as the symbolizer finds them in the recorded files.
//
//   node recordings/name-addresses.ts [FROM=TO …]
//   node recordings/name-addresses.ts --shares
//
// Files are looked for at their recorded path, then with the prefix FROM replaced by TO, and must have the recorded build ID; their debug
// files below /usr/lib/debug. Names of files that are not there are kept. Prints the share of named frames without and with them.
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readElfFile } from '../src/cli/replay/elf-file.ts';
import { Executables, readExecutableTable } from '../src/cli/replay/executables.ts';
import type { Recording } from '../src/cli/replay/collected.ts';
import type { NativeFunction, NativeNameTable } from '../src/cli/replay/recorded-names.ts';
import { RecordedNames } from '../src/cli/replay/recorded-names.ts';
import { readRawRecording } from '../src/cli/replay/raw-recording.ts';
import { bundledRecordings } from '../src/cli/replay/read-recording.ts';
import { frameKinds } from '../src/model/frame-kind.ts';
import type { FrameSymbol } from '../src/model/frame-symbol.ts';
import { SymbolizerWorker } from '../src/native/worker/symbolizer-worker.ts';
import { systemClock } from '../src/support/clock.ts';

const folder = import.meta.dirname;
const target = join(folder, 'native-names.json');
const table = readExecutableTable(join(folder, 'executables.json'));
const before: NativeNameTable = existsSync(target) ? JSON.parse(readFileSync(target, 'utf8')) : {};
const [first, ...others] = process.argv.slice(2);
const names = first === '--shares' ? before : await nameAll([first ?? '', ...others].filter((text) => text.includes('=')));
if (names !== before) writeFileSync(target, textOf(names));
printShares(names);

async function nameAll(replacements: readonly string[]): Promise<NativeNameTable> {
  const paths = recordedPaths(replacements.map((text) => text.split('=') as [string, string]));
  const search = { procRoot: '/proc', debugDirectories: ['/usr/lib/debug'], maxFileBytes: 2 ** 42, hasOwnPaths: true };
  const options = { search, debugInfo: 'inlines', demangle: true, directory: tmpdir(), maxTableBytes: 2 ** 26 } as const;
  const worker = new SymbolizerWorker(
    { ...options, maxInflatedBytes: 2 ** 32, idleMs: 60_000 },
    { timeoutMs: 600_000, maxHeapMib: 512 },
    systemClock,
  );
  const named: Record<string, { fileName: string; names: Record<string, NativeFunction[]> }> = {};
  for (const [gnuBuildId, addresses] of nativeAddresses()) {
    const { fileName } = table.executables[gnuBuildId]!;
    const path = paths.get(gnuBuildId);
    if (path === undefined) {
      console.error(`${fileName} with build ID ${gnuBuildId} is not on this machine`);
      if (before[gnuBuildId] !== undefined) named[gnuBuildId] = before[gnuBuildId] as (typeof named)[string];
      continue;
    }
    const file = { fileId: '0'.repeat(32), gnuBuildId, fileName: path };
    const reply = await worker.ask({ id: 0, file, pids: [], addresses });
    if (reply.kind !== 'answered') throw new Error(`${path}: ${JSON.stringify(reply)}`);
    const own: Record<string, NativeFunction[]> = {};
    for (const [index, symbol] of reply.symbols.entries()) {
      if (symbol !== undefined && symbol.functionName !== '') own[`0x${addresses[index]!.toString(16)}`] = functionsOf(symbol);
    }
    named[gnuBuildId] = { fileName, names: own };
  }
  await worker.stop();
  return Object.fromEntries(Object.entries(named).sort(([, a], [, b]) => (a.fileName < b.fileName ? -1 : 1)));
}

function functionsOf({ inlined, ...symbol }: FrameSymbol): NativeFunction[] {
  const plain = (one: Omit<FrameSymbol, 'inlined'>): NativeFunction => {
    return [one.functionName, one.systemName, one.filePath, one.line, one.column, one.startLine];
  };
  return [...inlined.map(plain), plain(symbol)];
}

/** One address a line. */
function textOf(all: NativeNameTable): string {
  const files = Object.entries(all).map(([buildId, { fileName, names: own }]) => {
    const lines = Object.entries(own).map(([address, functions]) => `${JSON.stringify(address)}: ${JSON.stringify(functions)}`);
    return `${JSON.stringify(buildId)}: { "fileName": ${JSON.stringify(fileName)}, "names": {\n${lines.join(',\n')}\n} }`;
  });
  return `{\n${files.join(',\n')}\n}\n`;
}

/** Distinct addresses of native frames, rising, by build ID. */
function nativeAddresses(): Map<string, Float64Array> {
  const found = new Map<string, Set<number>>();
  for (const { samples } of bundledRecordings.map((name) => read(name, {}))) {
    for (const { kind, mapping, address } of samples.flatMap(({ frames }) => frames)) {
      const gnuBuildId = mapping?.executable.gnuBuildId ?? '';
      if (kind !== frameKinds.native || gnuBuildId === '') continue;
      found.set(gnuBuildId, (found.get(gnuBuildId) ?? new Set()).add(Number(address)));
    }
  }
  return new Map(Array.from(found, ([gnuBuildId, addresses]) => [gnuBuildId, Float64Array.from(addresses).sort()]));
}

/** Files of this machine with the recorded build IDs. */
function recordedPaths(replacements: readonly [string, string][]): Map<string, string> {
  const paths = new Map<string, string>();
  for (const file of globSync('*/buildids.txt', { cwd: folder })) {
    for (const line of readFileSync(join(folder, file), 'utf8').trim().split('\n')) {
      const [path, buildId] = line.split(' ') as [string, string];
      const moved = replacements.filter(([from]) => path.startsWith(from)).map(([from, to]) => to + path.slice(from.length));
      const candidates = [path, ...moved, join(folder, file, '..', path.split('/').at(-1)!)];
      const found = candidates.find((candidate) => readElfFile(candidate)?.gnuBuildId === buildId);
      if (found !== undefined) paths.set(buildId, found);
    }
  }
  return paths;
}

function read(name: string, own: NativeNameTable): Recording {
  return readRawRecording(join(folder, name), new Executables(table, name, new RecordedNames(own)));
}

function printShares(own: NativeNameTable): void {
  console.log('recording  native frames  named  with line  inlined   all frames  named without and with names from files');
  for (const name of bundledRecordings) {
    const all = read(name, own).samples.flatMap(({ frames }) => frames);
    const plain = read(name, {}).samples.flatMap(({ frames }) => frames);
    const native = all.filter(({ kind }) => kind === frameKinds.native);
    const symbols = native.flatMap(({ name: found }) => (found?.kind === 'symbol' ? [found.symbol] : []));
    const share = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`.padStart(8);
    const count = (frames: typeof all): number => frames.filter((frame) => frame.name !== undefined).length;
    const inlined = symbols.reduce((sum, symbol) => sum + symbol.inlined.length, 0);
    console.log(
      `${name.padEnd(9)}${String(native.length).padStart(15)}${share(symbols.length, native.length)}` +
        `${share(symbols.filter(({ line }) => line > 0).length, native.length).padStart(10)}${String(inlined).padStart(9)}` +
        `${String(all.length).padStart(13)}${share(count(plain), all.length)} ${share(count(all), all.length)}`,
    );
  }
}
