import { closeSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import type { Steps } from '../../support/steps.ts';
import type { CodeRanges } from '../elf/code-ranges.ts';

/** A part of a file that a process has mapped to run code from it. */
export interface CodeMapping {
  /** As in `/proc/PID/maps`, without leading zeros: the name in `map_files`. */
  readonly range: string;
  /** Device and inode as the line tells them. */
  readonly device: string;
  readonly inode: string;
  /** As the process sees it; of the kernel's own, `[vdso]`. */
  readonly path: string;
}

/** A process may have 65,530 mappings by default, each a line of about a hundred bytes. */
const maxTextBytes = 16 * 1024 * 1024;

/** Memory of a process that it runs code from. */
export interface ProcessMemory {
  /** Each file once. */
  readonly files: readonly CodeMapping[];
  /** Memory of no file on disk, where runtimes put the code that they generate. */
  readonly anonymous: CodeRanges;
}

/** The mappings with code of a process, each file once. @throws what `open` of Node.js throws */
export function readCodeMappings(procRoot: string, pid: number): readonly CodeMapping[] {
  return readProcessMemory(procRoot, pid).files;
}

/** @throws what `open` of Node.js throws */
export function readProcessMemory(procRoot: string, pid: number): ProcessMemory {
  const files = new Map<string, CodeMapping>();
  const starts: number[] = [];
  const ends: number[] = [];
  for (const line of readText(`${procRoot}/${pid}/maps`).split('\n')) {
    const mapping = parseLine(line);
    if (mapping === undefined) continue;
    const { device, inode, path, range } = mapping;
    if (isFile(mapping)) files.set(`${device} ${inode} ${path}`, mapping);
    if (!mayBeGenerated(mapping)) continue;
    const [start, end] = range.split('-') as [string, string];
    starts.push(Number.parseInt(start, 16));
    ends.push(Number.parseInt(end, 16));
  }
  return {
    files: [...files.values()],
    anonymous: { starts: Float64Array.from(starts), ends: Float64Array.from(ends) },
  };
}

/** `start-end perms offset device inode path`, the path behind as many spaces as there are; `undefined` for memory without code. */
function parseLine(line: string): CodeMapping | undefined {
  const match = /^0*([0-9a-f]+)-0*([0-9a-f]+) ..x. [0-9a-f]+ ([0-9a-f]+:[0-9a-f]+) (\d+) *(.*)$/.exec(line);
  if (match === null) return undefined;
  const [, start, end, device, inode, path] = match as unknown as [string, string, string, string, string, string];
  return { range: `${start}-${end}`, device, inode, path: path.replaceAll('\\012', '\n') };
}

function isFile({ inode, path }: CodeMapping): boolean {
  return inode !== '0' || path === '[vdso]';
}

/** Runtimes also map a file that only memory holds, to have their code writable at one place and executable at another. */
function mayBeGenerated({ inode, path }: CodeMapping): boolean {
  if (inode === '0') return path === '' || path.startsWith('[anon');
  return /^\/(?:memfd:|dev\/zero\b|anon_hugepage\b|SYSV)/.test(path);
}

/**
 * Base names of the files with code that a process has mapped, in steps of the page that the kernel tells at once: also a process with as
 * many mappings as may be stops nobody for long. None of a process that is gone or not to be looked into. Memory for that is `bytes`, longer
 * than a page and a path.
 */
export function* mappedNames(procRoot: string, pid: number, bytes: Buffer): Steps<Set<string>> {
  const names = new Set<string>();
  let descriptor: number;
  try {
    descriptor = openSync(`${procRoot}/${pid}/maps`, 'r');
  } catch {
    return names;
  }
  try {
    for (let keptBytes = 0, readBytes = 0; readBytes < maxTextBytes; yield) {
      const count = readSync(descriptor, bytes, keptBytes, bytes.length - keptBytes, null);
      if (count === 0) break;
      readBytes += count;
      const end = keptBytes + count;
      // A line that is longer than the buffer is none of the kernel's.
      const whole = bytes.lastIndexOf(0x0a, end - 1) + 1 || end;
      for (const line of bytes.toString('utf8', 0, whole).split('\n')) {
        const mapping = parseLine(line);
        if (mapping !== undefined && isFile(mapping)) names.add(baseNameOf(mapping));
      }
      keptBytes = bytes.copy(bytes, 0, whole, end);
    }
  } catch {
    // The process ended meanwhile.
  } finally {
    closeSync(descriptor);
  }
  return names;
}

/** The base name of a mapped file, also of one that is deleted. */
export function baseNameOf({ path }: CodeMapping): string {
  return basename(path.replace(/ \(deleted\)$/, ''));
}

const readBytesAtOnce = 65_536;
/** The kernel tells a page at a time: a buffer for each would be megabytes of garbage for the processes of a node. */
let scratch: Buffer | undefined;

/** Files of `/proc` have no size: they are read until they end, or a bound of `maxBytes` is passed. @throws what `open` of Node.js throws */
export function readText(path: string, maxBytes: number = maxTextBytes): string {
  const descriptor = openSync(path, 'r');
  try {
    scratch ??= Buffer.allocUnsafeSlow(readBytesAtOnce);
    let bytes = scratch;
    let sizeBytes = 0;
    while (sizeBytes < maxBytes) {
      if (sizeBytes === bytes.length) bytes = Buffer.concat([bytes], 2 * bytes.length);
      const count = readSync(descriptor, bytes, sizeBytes, Math.min(readBytesAtOnce, bytes.length - sizeBytes), null);
      if (count === 0) break;
      sizeBytes += count;
    }
    return bytes.toString('utf8', 0, sizeBytes);
  } finally {
    closeSync(descriptor);
  }
}
