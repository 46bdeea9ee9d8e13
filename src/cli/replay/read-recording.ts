import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { programFolder } from '../../support/program-files.ts';
import type { Recording } from './collected.ts';
import { countedStackFormat } from './counted-stacks.ts';
import { Executables, readExecutableTable } from './executables.ts';
import { readPerfScript } from './perf-recording.ts';
import { readHead, readRawRecording, readText } from './raw-recording.ts';
import { readNativeNames } from './recorded-names.ts';
import type { RecordingFormat } from './replay-options.ts';
import { readCountedStacks } from './stack-recording.ts';

/** Recordings that come with Framekeeper, by name. */
export const bundledRecordings: readonly string[] = ['c', 'java', 'kern', 'node', 'python'];

export function bundledRecordingPath(name: string): string {
  return join(programFolder(recordingsFolder), name);
}

/**
 * Reads a folder with `raw.jsonl`, a file of `perf script` text, folded stacks or output of bpftrace, or a bundled recording by
 * its name. `countedType` is the `TYPE/UNIT` of counts without times.
 * @throws Error that names the file when it is not there, too large or not a recording.
 */
export function readRecording(path: string, format: RecordingFormat = 'auto', countedType?: string): Recording {
  const found = existsSync(path) || !bundledRecordings.includes(path) ? path : bundledRecordingPath(path);
  if (!existsSync(found)) {
    throw new Error(`${path}: there is no such file or folder; name one, or one of ${bundledRecordings.join(', ')}.`);
  }
  const isFolder = statSync(found).isDirectory();
  const isRaw = format === 'auto' ? isFolder || found.endsWith('.jsonl') : format === 'raw';
  if (isRaw) return readRawRecording(isFolder ? found : dirname(found), knownExecutables(found));
  const file = isFolder ? join(found, 'perf.script.txt') : found;
  const foreign = foreignFormat(readHead(file));
  if (foreign !== undefined) throw new Error(`${file}: ${foreign}`);
  const text = readText(file);
  const counted = format === 'auto' ? countedStackFormat(text) : format === 'perf-script' ? undefined : format;
  if (counted === 'folded' || counted === 'bpftrace') return readCountedStacks(file, text, counted, countedType);
  return readPerfScript(file, text, knownExecutables(found));
}

const recordingsFolder = '../recordings/';

/** An installation may lack the bundled recordings; those of the user need nothing of them. */
function knownExecutables(scope: string): Executables {
  const folder = programFolder(recordingsFolder);
  const table = join(folder, 'executables.json');
  const names = join(folder, 'native-names.json');
  return new Executables(
    existsSync(table) ? readExecutableTable(table) : { kernels: {}, executables: {} },
    scope,
    existsSync(names) ? readNativeNames(names) : undefined,
  );
}

/** The format of a file that is none of frame samples, and the way to one that is; `undefined` for text. */
function foreignFormat(head: Buffer): string | undefined {
  const begins = (magic: string): boolean => head.toString('latin1', 0, magic.length) === magic;
  if (begins('PERFILE2') || begins('2ELIFREP')) {
    return 'is data of perf record; make text of it: perf script -F pid,tid,cpu,time,comm,event,ip,sym,dso,symoff --show-mmap-events --show-task-events -i FILE.';
  }
  if (begins('FLR\0')) return 'is a Java flight recording; make folded stacks of it, e.g. with jfrconv -o collapsed.';
  if (begins('\x1f\x8b')) return 'is compressed; unpack it (a pprof file is for framekeeper convert).';
  if (/^\s*[{[]/.test(head.toString('latin1', 0, 16))) {
    return 'is JSON; replay reads perf script text, folded stacks and output of bpftrace (framekeeper inspect reads OTLP profiles).';
  }
  if (head.includes(0)) {
    return 'is binary; replay reads perf script text, folded stacks and output of bpftrace (framekeeper inspect reads OTLP profiles).';
  }
  return undefined;
}
