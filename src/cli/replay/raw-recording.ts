import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { KernelSymbols } from '../../native/tables/kallsyms.ts';
import { PerfMap, parsePerfMap } from '../../native/tables/perf-map.ts';
import type { CollectedSample, Recording } from './collected.ts';
import { onCpuType, Remarks } from './collected.ts';
import type { Executables } from './executables.ts';
import { KernelFiles } from './kernel-files.ts';
import { PythonCode } from './python-code.ts';
import { readProcesses } from './raw-processes.ts';
import type { RawCode, RawRecords } from './raw-records.ts';
import { parseRawRecords } from './raw-records.ts';
import type { RuntimeImage } from './runtime-images.ts';
import { RuntimeImages } from './runtime-images.ts';
import { Unwinder } from './unwinder.ts';

/**
 * Reads a recording's folder: `raw.jsonl`, and where they are there `kallsyms.txt`, `modules.txt` and `perf-PID.map`.
 * @throws Error that names the file when it cannot be read or is not a recording.
 */
export function readRawRecording(folder: string, executables: Executables): Recording {
  const records = parseRawRecords(readText(join(folder, 'raw.jsonl')), join(folder, 'raw.jsonl'));
  const { header } = records;
  const processes = readProcesses(records);
  const kernelSymbols = new KernelSymbols(
    readIfThere(join(folder, 'kallsyms.txt')),
    readIfThere(join(folder, 'modules.txt')),
  );
  const kernel = new KernelFiles(executables.kernel(header.kernel));
  const unwinder = new Unwinder(executables, kernel, kernelSymbols, header.maxdepth);
  const remarks = new Remarks();
  const images = new RuntimeImages(readPerfMaps(folder));
  const imageAt = (pid: number, timeNano: bigint): RuntimeImage => {
    const process = processes.at(pid, timeNano)!;
    return images.of(process, processes.at(pid, maxNano) === process);
  };
  const { samples, emptyStacks } = collect(records, unwinder, imageAt, remarks);
  return {
    name: basename(folder),
    anchorNano: header.mono,
    anchorUnixNano: header.real,
    resourceAttributes: {
      'host.name': basename(folder),
      'host.arch': header.arch === 'x86_64' ? 'amd64' : header.arch,
      'os.type': 'linux',
    },
    samples,
    processes: processes.processes,
    lost: [
      { reason: 'REASON_BUFFER_FULL' as const, count: records.lost },
      { reason: 'REASON_UNWIND_FAILED' as const, count: emptyStacks },
    ].filter(({ count }) => count > 0n),
    remarks: remarks.counts,
  };
}

const maxNano = (1n << 64n) - 1n;

function collect(
  records: RawRecords,
  unwinder: Unwinder,
  imageAt: (pid: number, timeNano: bigint) => RuntimeImage,
  remarks: Remarks,
): { samples: CollectedSample[]; emptyStacks: bigint } {
  const codes = indexCodes(records.codes);
  const type = onCpuType(1_000_000_000n / BigInt(records.header.hz));
  const samples: CollectedSample[] = [];
  let emptyStacks = 0n;
  for (const sample of records.samples) {
    const image = imageAt(sample.pid, sample.t);
    const stack = unwinder.unwind(sample, image, (address) => codes.get(`${sample.pid} ${BigInt(`0x${address}`)}`));
    remarks.add(unmappedAddresses, stack.unmappedFrames);
    if (stack.frames.length === 0) {
      remarks.add('samples without a stack');
      emptyStacks += 1n;
      continue;
    }
    const { t: timeNano, tid: threadId, comm: threadName, cpu } = sample;
    const { frames, truncated } = stack;
    samples.push({
      ...{ timeNano, process: image.process, threadId, threadName, cpu, frames, truncated },
      type,
      value: undefined,
    });
  }
  return { samples, emptyStacks };
}

export const unmappedAddresses = 'addresses in no mapping, each with all behind it (broken frame pointers)';

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

// A string holds at most half a gigabyte, and what is read becomes several times its size.
const maxTextBytes = 256 * 1024 * 1024;

/** @throws Error that names the file when it cannot be read or has more than 256 MiB. */
export function readText(path: string): string {
  const { size } = statSync(path);
  if (size > maxTextBytes) throw new Error(`${path}: has ${size} bytes, more than 256 MiB; record for a shorter time.`);
  return readFileSync(path, 'utf8');
}

/** The first 4 KiB of a file. */
export function readHead(path: string): Buffer {
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(4096);
    return head.subarray(0, readSync(file, head, 0, head.length, 0));
  } finally {
    closeSync(file);
  }
}
