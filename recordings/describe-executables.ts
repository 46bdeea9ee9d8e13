// Writes executables.json: what a collector would have read from the files that the recordings have mapped.
//
//   node recordings/describe-executables.ts [FROM=TO …]
//
// Files are looked for at their recorded path, then with the prefix FROM replaced by TO, and taken only when the
// build ID is the recorded one. The segments of a file that is nowhere are derived from the recorded memory maps. An
// entry that was read from its file before is kept when the file is not there now.
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readElfFile } from '../src/cli/replay/elf-file.ts';
import type { LoadSegment } from '../src/cli/replay/elf-file.ts';
import type { ExecutableEntry, ExecutableTable } from '../src/cli/replay/executables.ts';
import { fnv128a } from '../src/model/file-id.ts';

const folder = import.meta.dirname;
const target = join(folder, 'executables.json');
const replacements = process.argv.slice(2).map((argument) => argument.split('=') as [string, string]);

const before: ExecutableTable | undefined = existsSync(target) ? JSON.parse(readFileSync(target, 'utf8')) : undefined;
const executables: Record<string, ExecutableEntry> = {};
for (const file of globSync('*/buildids.txt', { cwd: folder }).sort()) {
  for (const line of readFileSync(join(folder, file), 'utf8').trim().split('\n')) {
    const [path, buildId] = line.split(' ') as [string, string];
    const kept = before?.executables[buildId];
    executables[buildId] ??=
      fromDisk(path, buildId) ?? (kept?.fileIdIsHtlhash ? kept : fromMaps(path, buildId, join(folder, file, '..')));
  }
}
const sorted = Object.fromEntries(Object.entries(executables).sort(([, a], [, b]) => (a.fileName < b.fileName ? -1 : 1)));
writeFileSync(target, `${JSON.stringify({ kernels: kernels(), executables: sorted }, undefined, 1)}\n`);

function fromDisk(path: string, buildId: string): ExecutableEntry | undefined {
  const moved = replacements.filter(([from]) => path.startsWith(from)).map(([from, to]) => to + path.slice(from.length));
  for (const candidate of [path, ...moved]) {
    const elf = readElfFile(candidate);
    if (elf?.gnuBuildId !== buildId) continue;
    const { htlhash: fileId, sizeBytes } = elf;
    return { fileName: basename(path), fileId, fileIdIsHtlhash: true, sizeBytes, loads: elf.loads.map(asText) };
  }
  return undefined;
}

/** The first mapping of a position-independent file lies at its address 0; others lie at the addresses that they say. */
function fromMaps(path: string, buildId: string, recording: string): ExecutableEntry {
  const mappings = readFileSync(join(recording, 'maps.txt'), 'utf8')
    .split('\n')
    .filter((line) => line.endsWith(` ${path}`))
    .map((line) => /^([0-9a-f]+)-([0-9a-f]+) (...)\S ([0-9a-f]+)/.exec(line)!)
    .map(([, start, end, flags, offset]) => ({
      start: BigInt(`0x${start}`),
      end: BigInt(`0x${end}`),
      fileOffset: BigInt(`0x${offset}`),
      flags: flags!,
    }));
  const base = mappings.find(({ fileOffset }) => fileOffset === 0n)?.start ?? 0n;
  // Below 4 GiB lies only what was linked to lie there (ET_EXEC).
  const bias = base < 0x1_0000_0000n ? 0n : base;
  const loads = mappings.map(({ start, end, fileOffset, flags }) =>
    asText({ fileOffset, address: start - bias, fileSize: end - start, memorySize: end - start, flags }),
  );
  return { fileName: basename(path), fileId: fnv128a(buildId), fileIdIsHtlhash: false, sizeBytes: 0, loads };
}

function asText({ fileOffset, address, fileSize, memorySize, flags }: LoadSegment): string {
  return [...[fileOffset, address, fileSize, memorySize].map((value) => `0x${value.toString(16)}`), flags].join(' ');
}

/** Build ID and text range of each kernel: that of the recording `c` as perf saw them, the others as they were. */
function kernels(): ExecutableTable['kernels'] {
  const [header] = readFileSync(join(folder, 'c/raw.jsonl'), 'utf8').split('\n', 1);
  const [mapping] = readFileSync(join(folder, 'c/perf.script.txt'), 'utf8').split('\n', 1);
  const [, textStart, textSize, buildId] = /\[(0x[0-9a-f]+)\((0x[0-9a-f]+)\) @ \S+ <([0-9a-f]+)>\]/.exec(mapping!)!;
  const recorded = { buildId: buildId!, textStart: textStart!, textSize: textSize! };
  return { ...before?.kernels, [JSON.parse(header!).kernel]: recorded };
}
