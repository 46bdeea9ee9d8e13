import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { runChild } from '../support/child-process.ts';
import { patienceMs } from '../support/patience.ts';
import { readProtoFile } from '../support/proto-file.ts';
import { startService } from '../support/running-service.ts';
import { locatePeers } from './peers.ts';

/** Exit code of the collector where BPF or perf events are refused. */
const notAllowed = 3;

/** A program that spends its time in one function, and how that function is called. */
interface Workload {
  readonly name: string;
  readonly hot: string;
  /** How perf calls it, where it differs. */
  readonly perf?: string;
  /** Command that runs it; `undefined` where no compiler is at hand. */
  readonly make: (folder: string) => readonly [string, ...string[]] | undefined;
}

const workloads: readonly Workload[] = [
  {
    name: 'C++',
    hot: 'shop::Basket<long>::weigh(unsigned long)',
    make: (folder) =>
      compiled(folder, 'workload-cxx', cxxSource, ['g++', '-O1', '-g', '-fno-omit-frame-pointer', '-x', 'c++', '-']),
  },
  {
    name: 'Rust',
    hot: 'workload::market::haggle',
    make: (folder) => {
      const options = ['-O', '-g', '-C', 'force-frame-pointers=yes', '--crate-name', 'workload', '-'];
      return compiled(folder, 'workload-rust', rustSource, ['rustc', ...options]);
    },
  },
  { name: 'Go', hot: 'main.haul', make: (folder) => compiledGo(folder, 'workload-go', '') },
  // Perf reads no pclntab, and so has no name.
  {
    name: 'Go, stripped',
    hot: 'main.haul',
    perf: '[unknown]',
    make: (folder) => compiledGo(folder, 'go-stripped', '-s -w'),
  },
  {
    name: 'Node.js',
    hot: 'spinInJavaScript',
    make: () => [process.execPath, '--perf-basic-prof', '--no-turbo-inlining', '-e', nodeSource],
  },
];

test('stacks of C++, Rust, Go and Node.js come from the kernel by BPF and leave with the names of their functions, equal to those of perf', {
  timeout: 3 * patienceMs,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-live-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const running = workloads.flatMap(({ name, hot, make, perf: byPerf = hot }) => {
    const command = make(folder);
    if (command === undefined) t.diagnostic(`${name} is left out: no compiler for it on this machine`);
    return command === undefined ? [] : [{ name, hot, byPerf, child: startWorkload(t, command) }];
  });
  const out = join(folder, 'out.proto');
  const { service, stop } = await startService(t, configOf(out));
  const perf = startPerf(
    t,
    folder,
    running.map(({ child }) => child.pid),
  );
  const endpoint = `127.0.0.1:${service.receiverPorts.get('frames')}`;
  const collector = runChild(locatePeers().ebpfCollector, [
    '-endpoint',
    endpoint,
    '-frequency',
    '97',
    '-interval',
    '1s',
  ]);
  t.after(() => collector.kill());
  const leaves = await Promise.race([
    collector.ended(),
    // The symbolizer is asked by all that runs on this machine: names may come some reports later.
    leavesWhen(out, (found) =>
      running.every(({ hot, child }) => {
        const own = found.get(child.pid);
        return shareOf(hot, own) > 0.5 && shareOf('', own) < 0.1;
      }),
    ),
  ]);
  if (leaves === notAllowed) return t.skip(`this machine does not let us use BPF: ${collector.output()}`);
  assert.ok(leaves instanceof Map, collector.output());
  assert.equal(await collector.stop(), 0, collector.output());
  await stop();

  const perfLeaves = await perf();
  if (perfLeaves === undefined) t.diagnostic('perf is not here or not allowed: names are those of the sources alone');
  for (const { name, hot, byPerf, child } of running) {
    const own = leaves.get(child.pid) ?? new Map<string, number>();
    const unnamed = shareOf('', own);
    t.diagnostic(
      `${name}: ${sum(own)} samples in user code, ${(100 - 100 * unnamed).toFixed(1)} % named, ${own.get(hot) ?? 0} in ${hot}`,
    );
    assert.ok(shareOf(hot, own) > 0.5, `${name}: ${hot} is the hottest of ${JSON.stringify([...own])}`);
    assert.ok(unnamed < 0.1, `${name}: nine of ten samples have a name`);
    if (perfLeaves !== undefined)
      assert.equal(plainName(hottest(perfLeaves.get(child.pid)!)), plainName(byPerf), `${name} by perf`);
  }
});

function configOf(out: string): string {
  return `
receivers: {frames: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}}
processors: {symbol_store: , symbolizer: {debug_directories: []}, reporting_cycle: {interval: 1s, jitter: 0}}
exporters: {file: {path: "${out}", format: proto}}
service:
  pipelines: {profiles: {receivers: [frames], processors: [symbol_store, symbolizer, reporting_cycle], exporters: [file]}}`;
}

function startWorkload(t: TestContext, command: readonly [string, ...string[]]): { readonly pid: number } {
  const child = runChild(command[0], command.slice(1));
  t.after(() => child.kill());
  return { pid: child.pid };
}

function compiled(
  folder: string,
  name: string,
  source: string,
  command: readonly string[],
): readonly [string] | undefined {
  const path = join(folder, name);
  const { status } = spawnSync(command[0]!, [...command.slice(1), '-o', path], { input: source, cwd: folder });
  return status === 0 ? [path] : undefined;
}

function compiledGo(folder: string, name: string, linkerFlags: string): readonly [string] | undefined {
  writeFileSync(join(folder, 'main.go'), goSource);
  const path = join(folder, name);
  const { status } = spawnSync('go', ['build', `-ldflags=${linkerFlags}`, '-o', path, 'main.go'], { cwd: folder });
  return status === 0 ? [path] : undefined;
}

/** The leaves of the last reports, as soon as they are as wanted, or as they are when the time is over. */
async function leavesWhen(path: string, isWanted: (leaves: Leaves) => boolean): Promise<Leaves> {
  for (const deadline = Date.now() + patienceMs; ; await sleep(500)) {
    const leaves = leavesByProcess(existsSync(path) ? readProtoFile(path).slice(-3) : []);
    if (isWanted(leaves) || Date.now() > deadline) return leaves;
  }
}

function shareOf(name: string, counts: ReadonlyMap<string, number> = new Map()): number {
  return (counts.get(name) ?? 0) / Math.max(1, sum(counts));
}

type Leaves = Map<number, Map<string, number>>;

/** Leaf functions of user code with their samples, by process; '' for one without a name. */
function leavesByProcess(messages: readonly Uint8Array[]): Leaves {
  const counts: Leaves = new Map();
  for (const { resourceProfiles, dictionary } of messages.map(decodeProfilesData)) {
    const text = (index: number): string => dictionary.stringTable.at(index)!;
    for (const { resource, scopeProfiles } of resourceProfiles) {
      const pid = Number(resource.attributes.find(({ key }) => key === 'process.pid')?.value);
      for (const { sampleType, samples } of scopeProfiles.flatMap(({ profiles }) => profiles)) {
        if (text(sampleType.typeStrindex) !== 'samples') continue;
        for (const { stackIndex, timestampsUnixNano } of samples) {
          const leaf = dictionary.locationTable.at(dictionary.stackTable.at(stackIndex)!.locationIndices[0]!)!;
          const isKernel = leaf.attributeIndices.some((index) => {
            const { keyStrindex, value } = dictionary.attributeTable[index]!;
            return text(keyStrindex) === 'profile.frame.type' && value === 'kernel';
          });
          if (isKernel) continue;
          const name = leaf.lines.at(-1);
          const leafName =
            name === undefined ? '' : text(dictionary.functionTable.at(name.functionIndex)!.nameStrindex);
          const own = counts.get(pid) ?? new Map<string, number>();
          counts.set(pid, own.set(leafName, (own.get(leafName) ?? 0) + timestampsUnixNano.length));
        }
      }
    }
  }
  return counts;
}

/** Records the processes by perf meanwhile; the result gives leaf symbols by process, `undefined` where perf cannot run. */
function startPerf(
  t: TestContext,
  folder: string,
  pids: readonly number[],
): () => Promise<Map<number, Map<string, number>> | undefined> {
  const data = join(folder, 'perf.data');
  if (spawnSync('perf', ['--version']).status !== 0) return async () => undefined;
  const args = ['record', '-q', '-e', 'cpu-clock', '-F', '97', '-o', data, '-p', pids.join(','), '--', 'sleep', '8'];
  const perf = runChild('perf', args);
  t.after(() => perf.kill());
  return async () => {
    if ((await perf.ended()) !== 0) return undefined;
    const { stdout, status } = spawnSync('perf', ['script', '-i', data, '-F', 'pid,ip,sym'], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    if (status !== 0) return undefined;
    const counts = new Map<number, Map<string, number>>();
    for (const [, pid, address, symbol] of stdout.matchAll(/^\s*(\d+)\s+([0-9a-f]+) (.*)$/gm)) {
      if (address!.startsWith('ffff')) continue;
      const own = counts.get(Number(pid)) ?? new Map<string, number>();
      counts.set(Number(pid), own.set(symbol!, (own.get(symbol!) ?? 0) + 1));
    }
    return counts;
  };
}

/** A name without what one of both leaves out: parameters, Rust's hash, V8's mark of the tier and its place behind the name. */
function plainName(name: string): string {
  return name
    .replace(/^JS:[*+^~']*/, '')
    .replace(/ \S+:\d+:\d+$/, '')
    .replace(/::h[0-9a-f]{16}$/, '')
    .replace(/\(.*\)$/, '');
}

function hottest(counts: ReadonlyMap<string, number>): string {
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? '';
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}

const cxxSource = `
namespace shop {
template <class T> struct Basket {
  T sum = 1;
  __attribute__((noinline)) void weigh(unsigned long n) {
    for (unsigned long i = 0; i < n; i++) sum = sum * 31 + i;
  }
};
}
int main() {
  shop::Basket<long> basket;
  for (;;) { basket.weigh(10000000); asm volatile("" : : "r"(basket.sum)); }
}
`;

const rustSource = `
mod market {
    #[inline(never)]
    pub fn haggle(mut price: u64) -> u64 {
        for i in 0..10_000_000u64 { price = std::hint::black_box(price.wrapping_mul(31).wrapping_add(i)); }
        price
    }
}
fn main() { let mut price = 1; loop { price = std::hint::black_box(market::haggle(price)); } }
`;

const goSource = `
package main

var load uint64

//go:noinline
func haul(n uint64) {
	for i := uint64(0); i < n; i++ {
		load = load*31 + i
	}
}

func main() {
	for {
		haul(10000000)
	}
}
`;

const nodeSource = `
let sum = 1;
function spinInJavaScript(n) { for (let i = 0; i < n; i++) sum = (sum * 31 + i) % 1000003; }
for (;;) spinInJavaScript(1e7);
`;
