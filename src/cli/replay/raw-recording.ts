import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { KernelSymbols } from '../../native/tables/kallsyms.ts';
import { PerfMap, parsePerfMap } from '../../native/tables/perf-map.ts';
import type { CollectedSample, Recording } from './collected.ts';
import type { Executables } from './executables.ts';
import { findImages, imageAt } from './process-images.ts';
import { PythonCode } from './python-code.ts';
import type { RawCode, RawRecords } from './raw-records.ts';
import { parseRawRecords } from './raw-records.ts';
import { readText } from './read-text.ts';
import { Unwinder } from './unwinder.ts';

/**
 * Reads a recording's folder: `raw.jsonl`, and where they are there `kallsyms.txt` and `perf-PID.map`.
 * @throws Error that names the file when it cannot be read or is not a recording.
 */
export function readRawRecording(folder: string, executables: Executables): Recording {
  const records = parseRawRecords(readText(join(folder, 'raw.jsonl')), join(folder, 'raw.jsonl'));
  const { header } = records;
  const images = findImages(records, readPerfMaps(folder));
  const kernelSymbols = new KernelSymbols(readIfThere(join(folder, 'kallsyms.txt')));
  const unwinder = new Unwinder(executables, executables.kernel(header.kernel), kernelSymbols, header.maxdepth);
  const { samples, unmappedFrames, emptyStacks } = collect(records, unwinder, (pid, t) => imageAt(images, pid, t));
  return {
    name: basename(folder),
    periodNano: 1_000_000_000n / BigInt(header.hz),
    anchorNano: header.mono,
    anchorUnixNano: header.real,
    resourceAttributes: {
      'host.name': basename(folder),
      'host.arch': header.arch === 'x86_64' ? 'amd64' : header.arch,
      'os.type': 'linux',
    },
    samples,
    processes: [...images.values()].flat(),
    lost: [
      { reason: 'REASON_BUFFER_FULL' as const, count: records.lost },
      { reason: 'REASON_UNWIND_FAILED' as const, count: emptyStacks },
    ].filter(({ count }) => count > 0n),
    unmappedFrames,
  };
}

function collect(
  records: RawRecords,
  unwinder: Unwinder,
  imageOf: (pid: number, t: bigint) => ReturnType<typeof imageAt>,
): {
  samples: CollectedSample[];
  unmappedFrames: number;
  emptyStacks: bigint;
} {
  const codes = indexCodes(records.codes);
  const samples: CollectedSample[] = [];
  let unmappedFrames = 0;
  let emptyStacks = 0n;
  for (const sample of records.samples) {
    const process = imageOf(sample.pid, sample.t);
    const stack = unwinder.unwind(sample, process, (address) => codes.get(`${sample.pid} ${BigInt(`0x${address}`)}`));
    unmappedFrames += stack.unmappedFrames;
    if (stack.frames.length === 0) {
      emptyStacks += 1n;
      continue;
    }
    const { t: timeNano, tid: threadId, comm: threadName, cpu } = sample;
    samples.push({ timeNano, process, threadId, threadName, cpu, frames: stack.frames, truncated: stack.truncated });
  }
  return { samples, unmappedFrames, emptyStacks };
}

function indexCodes(codes: readonly RawCode[]): Map<string, PythonCode> {
  return new Map(codes.map((code) => [`${code.pid} ${BigInt(code.code)}`, new PythonCode(code)]));
}

function readPerfMaps(folder: string): Map<number, PerfMap> {
  const maps = new Map<number, PerfMap>();
  for (const file of readdirSync(folder)) {
    const pid = /^perf-(\d+)\.map$/.exec(file)?.[1];
    if (pid !== undefined) maps.set(Number(pid), new PerfMap(parsePerfMap(readText(join(folder, file)))));
  }
  return maps;
}

function readIfThere(path: string): string {
  return existsSync(path) ? readText(path) : '';
}
