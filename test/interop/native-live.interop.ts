import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readElfFile } from '../../src/cli/replay/elf-file.ts';
import type { FrameSymbol } from '../../src/model/frame-symbol.ts';
import type { SymbolizeRequest } from '../../src/native/worker/messages.ts';
import { SymbolizerWorker } from '../../src/native/worker/symbolizer-worker.ts';
import { systemClock } from '../../src/support/clock.ts';
import { readUsage } from '../testbed/process-usage.ts';

/** Programs that use their CPU for half a minute, one in each language. */
const programs = [
  {
    name: 'C++',
    file: 'work.cc',
    build: ['g++', '-O2', '-g', '-fno-omit-frame-pointer', 'work.cc', '-o', 'cxx'],
    run: ['./cxx'],
    text: `#include <map>\n#include <string>\nint main() { std::map<std::string, int> m; for (long i = 0; i < 4000000000; i++) m[std::to_string(i % 5000)]++; }`,
  },
  {
    name: 'Rust',
    file: 'work.rs',
    build: ['rustc', '-O', '-g', '-C', 'force-frame-pointers=yes', 'work.rs', '-o', 'rust'],
    run: ['./rust'],
    text: `use std::collections::HashMap;\nfn main() { let mut m = HashMap::new(); for i in 0u64..4000000000 { *m.entry((i % 5000).to_string()).or_insert(0u64) += i; } println!("{}", m.len()); }`,
  },
  {
    name: 'Go',
    file: 'main.go',
    build: ['go', 'build', '-ldflags=-s -w', '-o', 'golang', 'main.go'],
    run: ['./golang'],
    text: `package main\nimport "strconv"\nfunc main() { m := map[string]int{}; for i := 0; i < 4000000000; i++ { m[strconv.Itoa(i%5000)]++ } }`,
  },
  {
    name: 'Node.js',
    file: 'work.js',
    build: [],
    run: [process.execPath, '--perf-basic-prof', '--interpreted-frames-native-stack', 'work.js'],
    text: 'const m = new Map(); for (let i = 0; i < 4e9; i++) { const key = String(i % 5000); m.set(key, (m.get(key) ?? 0) + 1); }',
  },
  {
    name: 'Python',
    file: 'work.py',
    build: [],
    run: ['python3', 'work.py'],
    text: 'm = {}\nfor i in range(4000000000):\n    k = str(i % 5000)\n    m[k] = m.get(k, 0) + 1\n',
  },
  {
    name: 'Java',
    file: 'Work.java',
    build: ['javac', 'Work.java'],
    run: ['java', '-XX:+PreserveFramePointer', 'Work'],
    text: `import java.util.*;\npublic class Work { public static void main(String[] a) { Map<String, Integer> m = new HashMap<>(); for (long i = 0; i < 4000000000L; i++) m.merge(String.valueOf(i % 5000), 1, Integer::sum); } }`,
  },
];

interface Share {
  addresses: number;
  named: number;
  /** Of the named ones in files with a symbol table, those that GNU addr2line names otherwise. */
  compared: number;
  different: number;
}

test('code of a C++, Rust, Go, Node.js, Python and Java process that runs here is named', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-live-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const probe = spawnSync('perf', ['record', '-e', 'cpu-clock', '-o', join(folder, 'probe'), 'true'], {
    encoding: 'utf8',
  });
  if (probe.status !== 0) {
    const reason = probe.error?.message ?? probe.stderr.trim().split('\n').at(-1);
    return t.skip(`SKIPPED: this machine lets nobody sample: ${reason}`);
  }
  t.diagnostic(
    'the eBPF profiler itself does not run here: it raises RLIMIT_MEMLOCK, which needs CAP_SYS_RESOURCE; perf samples with the same clock instead',
  );
  const worker = createWorker(t);
  for (const program of programs) {
    const child = await start(t, folder, program);
    if (child === undefined) {
      t.diagnostic(`${program.name}: skipped, nothing to build or run it with`);
      continue;
    }
    await compiled(child.pid!);
    // HotSpot writes its perf map when asked.
    if (program.name === 'Java') spawnSync('jcmd', [`${child.pid}`, 'Compiler.perfmap']);
    const places = sample(join(folder, 'perf.data'), child.pid!);
    const shares = await nameAll(worker, child.pid!, places);
    child.kill('SIGKILL');
    const sampled = [...shares.values()].reduce((sum, one) => sum + one.addresses, 0);
    // Of a stripped file without a debug file nobody knows more than the names that it exports.
    const known = [...shares].filter(([file, one]) => one.named === one.addresses || !isStripped(file));
    const all = known.reduce((sum, [, one]) => sum + one.addresses, 0);
    const named = known.reduce((sum, [, one]) => sum + one.named, 0);
    const different = [...shares.values()].reduce((sum, one) => sum + one.different, 0);
    const compared = [...shares.values()].reduce((sum, one) => sum + one.compared, 0);
    t.diagnostic(
      `${program.name}: ${named} of ${all} addresses named; ${compared - different} of ${compared} as addr2line names them`,
    );
    for (const [file, one] of shares) t.diagnostic(`  ${file}: ${one.named} of ${one.addresses}`);
    assert.ok(sampled > 5, `${program.name}: ${sampled} addresses`);
    assert.ok(named / Math.max(1, all) >= 0.9, `${program.name}: ${named} of ${all}`);
    // Functions that the linker folded into one have several names. Of few addresses three are more than a twentieth.
    assert.ok(different <= Math.max(3, compared / 20), `${program.name}: ${different} of ${compared}`);
  }
});

/** Waits until a virtual machine has compiled what runs: by its own CPU time, which takes longer on a busy machine. */
async function compiled(pid: number): Promise<void> {
  for (let left = 600; left > 0 && readUsage(pid).cpuMs < 2_000; left--) await sleep(50);
}

function createWorker(t: TestContext): SymbolizerWorker {
  const search = { procRoot: '/proc', debugDirectories: ['/usr/lib/debug'], maxFileBytes: 2 ** 40 };
  const options = {
    ...{ search, debugInfo: 'inlines' as const, demangle: false, directory: tmpdir(), maxTableBytes: 2 ** 25 },
    ...{ maxInflatedBytes: 2 ** 30, idleMs: 30_000 },
  };
  const worker = new SymbolizerWorker(options, { timeoutMs: 60_000, maxHeapMib: 96 }, systemClock);
  t.after(() => worker.stop());
  return worker;
}

async function start(
  t: TestContext,
  folder: string,
  program: (typeof programs)[number],
): Promise<ChildProcess | undefined> {
  const cwd = join(folder, program.file.replace('.', '-'));
  mkdirSync(cwd);
  writeFileSync(join(cwd, program.file), program.text);
  const [compiler, ...args] = program.build;
  if (compiler !== undefined && spawnSync(compiler, args, { cwd }).status !== 0) return undefined;
  const child = spawn(program.run[0]!, program.run.slice(1), { cwd, stdio: 'ignore' });
  const hasStarted = await new Promise<boolean>((resolve) => {
    child.once('spawn', () => resolve(true));
    child.once('error', () => resolve(false));
  });
  t.after(() => {
    child.kill('SIGKILL');
    rmSync(`/tmp/perf-${child.pid}.map`, { force: true });
  });
  return hasStarted ? child : undefined;
}

function isStripped(path: string): boolean {
  if (!path.startsWith('/')) return false;
  const sections = spawnSync('readelf', ['-SW', path], { encoding: 'utf8' }).stdout ?? '';
  return sections !== '' && !/ \.(?:symtab|gopclntab) /.test(sections);
}

/** An address as perf prints it: of code in a file, the offset in it, else in memory. */
interface Place {
  readonly path: string;
  readonly address: number;
}

/** Places that two seconds of samples have, each once: leaves as they are, callers moved to the call. */
function sample(file: string, pid: number): Place[] {
  spawnSync('perf', ['record', '-e', 'cpu-clock', '-F', '499', '-g', '-p', `${pid}`, '-o', file, '--', 'sleep', '2']);
  const { stdout } = spawnSync('perf', ['script', '-i', file, '-F', 'comm,ip,dso'], {
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  const places = new Map<string, Place>();
  let isLeaf = true;
  for (const line of stdout.split('\n')) {
    const [, text, path = ''] = /^\s+([0-9a-f]+) \((.+)\)$/.exec(line) ?? [];
    if (text === undefined) isLeaf = true;
    const printed = text === undefined ? Number.NaN : Number.parseInt(text, 16);
    // The kernel's addresses are another test's; without frame pointers a stack goes on with words that are no addresses of code.
    if (!(printed < 2 ** 47) || path.startsWith('[') || path === 'inlined') continue;
    const address = isLeaf ? printed : printed - 1;
    const place = { path: /^\/(?!\/|tmp\/perf-|memfd:)/.test(path) ? path : 'generated code', address };
    places.set(`${place.path} ${address}`, place);
    isLeaf = false;
  }
  return [...places.values()];
}

async function nameAll(worker: SymbolizerWorker, pid: number, places: readonly Place[]): Promise<Map<string, Share>> {
  const shares = new Map<string, Share>();
  for (const path of new Set(places.map((place) => place.path))) {
    const own = places.filter((place) => place.path === path).map(({ address }) => addressIn(path, address));
    const addresses = Float64Array.from(own).sort();
    const symbols = await ask(worker, pid, path, addresses);
    const named = symbols.filter((symbol) => symbol !== undefined && symbol.functionName !== '').length;
    const { compared, different } = path.startsWith('/')
      ? compareNames(path, addresses, symbols)
      : { compared: 0, different: 0 };
    shares.set(path, { addresses: addresses.length, named, compared, different });
  }
  return shares;
}

async function ask(
  worker: SymbolizerWorker,
  pid: number,
  path: string,
  addresses: Float64Array,
): Promise<readonly (FrameSymbol | undefined)[]> {
  const elf = path.startsWith('/') ? readElfFile(`/proc/${pid}/root${path}`) : undefined;
  const request: SymbolizeRequest =
    elf === undefined
      ? { id: 1, process: { pid, startTimeNano: 0n }, knownVersion: '', addresses }
      : { id: 1, file: { fileId: elf.htlhash, gnuBuildId: '', fileName: path }, pids: [pid], addresses };
  const reply = await worker.ask(request);
  return reply.kind === 'answered' ? reply.symbols : Array.from(addresses, () => undefined);
}

/** The file's own address of an offset in it; memory stays as it is. */
function addressIn(path: string, offset: number): number {
  const loads = path.startsWith('/') ? (readElfFile(path)?.loads ?? []) : [];
  const load = loads.find(({ fileOffset, fileSize }) => {
    return BigInt(offset) >= fileOffset && BigInt(offset) < fileOffset + fileSize;
  });
  return load === undefined ? offset : Number(BigInt(offset) - load.fileOffset + load.address);
}

/** Outermost functions beside those of GNU addr2line, which says nothing of Go's own table and of stubs. */
function compareNames(
  path: string,
  addresses: Float64Array,
  symbols: readonly (FrameSymbol | undefined)[],
): { compared: number; different: number } {
  const { stdout } = spawnSync('addr2line', ['-afi', '-e', path], {
    input: Array.from(addresses, (address) => `0x${address.toString(16)}\n`).join(''),
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  const theirs = stdout
    .split(/^0x[0-9a-f]+\n/m)
    .slice(1)
    .map((text) => text.trimEnd().split('\n').at(-2)!);
  let compared = 0;
  let different = 0;
  for (const [index, symbol] of symbols.entries()) {
    const name = theirs[index];
    if (symbol === undefined || name === undefined || name === '??' || symbol.functionName.endsWith('@plt')) continue;
    compared++;
    const own = [symbol.functionName, symbol.systemName].map((one) => one.replace(/@.*$/, ''));
    if (!own.includes(name.replace(/@.*$/, ''))) different++;
  }
  return { compared, different };
}
