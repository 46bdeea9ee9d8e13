import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mutate, randomOf } from './mutate.ts';
import type { FuzzTarget } from './targets.ts';
import { targets } from './targets.ts';

/*
 * Feeds mutated inputs to every reader of bytes that others wrote, and prints a row for each: CPU time, growth of the heap, and the
 * slowest input, which is kept in a file. Ends with 1 when a reader threw something that is not its refusal.
 *
 *     FUZZ_SECONDS=1800 FUZZ_TARGETS=frames,json FUZZ_SEED=7 npm run fuzz
 */

const seconds = Number(process.env.FUZZ_SECONDS ?? 20);
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000);
const names = process.env.FUZZ_TARGETS?.split(',');
const folder = join(tmpdir(), 'framekeeper-fuzz');
mkdirSync(folder, { recursive: true });

const warmUpRuns = 500;

interface FuzzResult {
  readonly runs: number;
  readonly cpuSeconds: number;
  readonly grownMib: number;
  readonly slowestMs: number;
  readonly slowest: Buffer;
  readonly fault: string | undefined;
}

async function fuzz({ seeds, read, isRefusal }: FuzzTarget): Promise<FuzzResult> {
  const random = randomOf(seed);
  const inputs = await seeds();
  const began = process.cpuUsage();
  const heapBefore = process.memoryUsage().heapUsed;
  let grown = 0;
  let slowestMs = 0;
  let slowest: Buffer = inputs[0]!;
  let fault: string | undefined;
  let runs = 0;
  for (const endMs = performance.now() + seconds * 1000; performance.now() < endMs && fault === undefined; runs++) {
    const input = mutate(inputs[random(inputs.length)]!, random);
    const started = process.cpuUsage();
    try {
      await read(input);
    } catch (error) {
      if (!isRefusal(error)) {
        fault = String((error as Error).stack ?? error);
        slowest = input;
      }
    }
    const took = process.cpuUsage(started);
    const tookMs = (took.user + took.system) / 1000;
    // The first inputs pay for the compiler.
    if (runs > warmUpRuns && tookMs > slowestMs && fault === undefined) {
      slowestMs = tookMs;
      slowest = input;
    }
    if (runs % 256 === 0) grown = Math.max(grown, process.memoryUsage().heapUsed - heapBefore);
  }
  const { user, system } = process.cpuUsage(began);
  return { runs, cpuSeconds: (user + system) / 1e6, grownMib: grown / 2 ** 20, slowestMs, slowest, fault };
}

console.log(`seed ${seed}, ${seconds} s each`);
console.log('| target | inputs | CPU | heap grew by | slowest input |');
console.log('|---|---|---|---|---|');
for (const target of targets) {
  if (names !== undefined && !names.includes(target.name)) continue;
  const { runs, cpuSeconds, grownMib, slowestMs, slowest, fault } = await fuzz(target);
  const path = join(folder, `${target.name}-${fault === undefined ? 'slowest' : 'fault'}`);
  writeFileSync(path, slowest);
  const input = `${slowestMs.toFixed(1)} ms of CPU, ${slowest.length} bytes: ${path}`;
  console.log(`| ${target.name} | ${runs} | ${cpuSeconds.toFixed(1)} s | ${grownMib.toFixed(0)} MiB | ${input} |`);
  if (fault === undefined) continue;
  console.log(`${target.name} threw, with the input in ${path}:\n${fault}`);
  process.exitCode = 1;
}
