import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import type { SplitFiles } from '../../src/native/dwarf/split-units.ts';
import { OverBudget } from '../../src/native/elf/budget.ts';
import { MemorySource } from '../../src/native/elf/byte-source.ts';
import { codeRanges } from '../../src/native/elf/code-ranges.ts';
import type { ElfFile } from '../../src/native/elf/elf-file.ts';
import { inflateInMemory } from '../../src/native/elf/section-reader.ts';
import { identify } from '../../src/native/files/file-identity.ts';
import { ObjectFile } from '../../src/native/object-file.ts';
import { seededRandom } from '../soak/seeded-random.ts';
import { fixtureBytes, splitFilesOf } from './open-fixture.ts';

/** Mutated files; as many more with FRAMEKEEPER_FUZZ_RUNS. */
const runs = Number(process.env.FRAMEKEEPER_FUZZ_RUNS ?? 3000);
const seed = Number(process.env.FRAMEKEEPER_FUZZ_SEED ?? 1);
/** CPU time that the file of some kilobytes that takes longest may take. */
const maxMs = 2_000;
/** Growth of the process, thread and mutated files included. */
const maxGrownMb = 200;

const names = [
  'gcc-dwarf2.elf',
  'gcc-dwarf4.elf',
  'gcc-dwarf5.elf',
  'clang-dwarf4.elf',
  'clang-dwarf5.elf',
  'cxx-gcc.elf',
];
const others = [
  'rust-v0.elf',
  'elf32.elf',
  'arm64.elf',
  'zlib.elf',
  'zstd.elf',
  'zdebug.elf',
  'shared.elf',
  'split.elf',
  'ibt.elf',
  'minidebug.elf',
  'split/clang-dwarf4.elf',
  'split/gcc-dwarf5.elf',
  'split/packed-dwarf4.elf',
  'split/packed-dwarf5.elf',
];
const files = [...names, ...others].map((name) => ({
  name,
  bytes: fixtureBytes(name),
  places: interestingPlaces(fixtureBytes(name)),
}));
const interesting = [0, 1, 0x7f, 0x80, 0xff, 0xfe, 0x0b, 0x17, 0x2e, 0x1d];

/** Ranges of the sections that are read, and of the headers: changes elsewhere are of code. */
function interestingPlaces(bytes: Buffer): { start: number; size: number }[] {
  const { elf } = identify(new MemorySource(bytes))!;
  const sections = elf.sections
    .filter(
      ({ name, sizeBytes, type }) =>
        /^\.(?:z?debug|symtab|dynsym|plt|rela?|str|dynstr|note|gnu_debug)/.test(name) && sizeBytes > 0 && type !== 8,
    )
    .map(({ offset, sizeBytes }) => ({ start: offset, size: sizeBytes }));
  const is64 = bytes[4] === 2;
  const headers = is64 ? Number(bytes.readBigUInt64LE(40)) : bytes.readUInt32LE(32);
  return [...sections, { start: 0, size: 64 }, { start: headers, size: elf.sections.length * (is64 ? 64 : 40) }];
}

function mutate({ bytes, places }: (typeof files)[number], random: () => number): Buffer {
  const below = (limit: number): number => Math.floor(random() * limit);
  const mutated = Buffer.from(bytes);
  for (let left = 1 + below(6); left > 0; left--) {
    const { start, size } = places[below(places.length)]!;
    const at = start + below(size);
    if (at >= mutated.length) continue;
    switch (below(5)) {
      case 0:
        mutated[at] = interesting[below(interesting.length)]!;
        break;
      case 1:
        mutated[at]! ^= 1 << below(8);
        break;
      case 2:
        mutated.fill(random() < 0.5 ? 0xff : 0, at, Math.min(at + 1 + below(8), mutated.length));
        break;
      case 3:
        mutated.copy(mutated, at, start + below(size), Math.min(start + size, mutated.length));
        break;
      default:
        if (random() < 0.1) return mutated.subarray(0, at);
        mutated[at] = below(256);
    }
  }
  return mutated;
}

/** All that is read of a file. @throws what nobody catches */
async function readAll(bytes: Buffer, debug: Buffer | undefined, splitFiles: SplitFiles | undefined): Promise<void> {
  const elf = identify(new MemorySource(bytes))?.elf;
  if (elf === undefined) return;
  const parts = {
    elf,
    debug: debug && identify(new MemorySource(debug))?.elf,
    ...{ alternate: undefined, splitFiles },
  };
  const object = new ObjectFile(parts, (section) => Promise.resolve().then(() => inflateInMemory(section)));
  try {
    await object.answer(addressesIn(elf), 'inlines');
  } catch (error) {
    if (!(error instanceof OverBudget)) throw error;
  }
}

/** Split units in files of which half are mutated. */
function mutatedSplits(name: string, random: () => number): SplitFiles {
  return splitFilesOf(name, (bytes) =>
    random() < 0.5 ? bytes : mutate({ name, bytes, places: interestingPlaces(bytes) }, random),
  );
}

function addressesIn(elf: ElfFile): Float64Array {
  const { starts, ends } = codeRanges(elf);
  const addresses = new Set<number>();
  for (let i = 0; i < Math.min(starts.length, 16); i++) {
    for (let step = 0; step < 40; step++) addresses.add(Math.floor(starts[i]! + ((ends[i]! - starts[i]!) * step) / 40));
  }
  return Float64Array.from(addresses).sort();
}

interface Longest {
  readonly ms: number;
  readonly run: number;
  readonly name: string;
}

/** Reads mutated files one after the other; the one that took most CPU time. */
async function readMutated(): Promise<Longest> {
  const random = seededRandom(seed);
  let longest: Longest = { ms: 0, run: -1, name: '' };
  for (let run = 0; run < runs; run++) {
    // As between two requests: Node.js frees the native part of decompressors in turns of the event loop.
    if (run % 20 === 0) await nextTurn();
    const file = files[Math.floor(random() * files.length)]!;
    const bytes = mutate(file, random);
    const debug =
      file.name === 'split.elf' ? mutate(files.find(({ name }) => name === 'shared.elf')!, random) : undefined;
    const began = process.cpuUsage();
    try {
      await readAll(bytes, debug, file.name.startsWith('split/') ? mutatedSplits(file.name, random) : undefined);
    } catch (error) {
      throw new Error(`run ${run} of seed ${seed}, ${file.name}: ${(error as Error).stack}`);
    }
    const { user, system } = process.cpuUsage(began);
    const ms = (user + system) / 1000;
    if (ms > longest.ms) longest = { ms, run, name: file.name };
  }
  return longest;
}

// Files are read in a thread with the limits of the symbolizer's, so that its memory is what the service would need.
if (isMainThread) {
  test(`${runs} mutated files neither fail, nor take long, nor much memory`, async () => {
    const startBytes = process.memoryUsage().rss;
    const resourceLimits = { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 4 };
    const worker = new Worker(new URL(import.meta.url), { resourceLimits });
    const [longest] = (await once(worker, 'message')) as [Longest];
    const grownMb = Math.round((process.resourceUsage().maxRSS * 1024 - startBytes) / 1e6);
    console.log(`# longest: ${JSON.stringify(longest)}, CPU time; memory at most ${grownMb} MB`);
    assert.ok(grownMb < maxGrownMb, `${grownMb} MB`);
    assert.ok(longest.ms < maxMs, JSON.stringify(longest));
  });
} else parentPort!.postMessage(await readMutated());
