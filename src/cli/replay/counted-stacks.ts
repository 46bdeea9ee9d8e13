import type { Remarks } from './collected.ts';
import { kernelModuleOf } from './kernel-files.ts';
import { scanHead } from './perf-script-line.ts';

/** A stack of names with the number of its samples: all that folded stacks and bpftrace's output tell. */
export interface CountedStack {
  /** Empty when the text does not tell the process. */
  readonly comm: string;
  /** 0 when the text does not tell. */
  readonly pid: number;
  /** Leaf first. */
  readonly frames: readonly NamedFrame[];
  readonly count: bigint;
}

export interface NamedFrame {
  /** As written, without the mark of its kind. */
  readonly name: string;
  readonly isKernel: boolean;
}

export type CountedStackFormat = 'folded' | 'bpftrace';

/** The format that a text has, judged by its first lines; `undefined` when it is none of these. */
export function countedStackFormat(text: string): CountedStackFormat | undefined {
  const lines = text.slice(0, 65_536).split('\n', 100);
  if (lines.some((line) => /^@\w*\[/.test(line))) return 'bpftrace';
  const first = lines.find((line) => line.trim() !== '' && !line.startsWith('#')) ?? '';
  return /^\S/.test(first) && scanHead(first) === undefined && splitCount(first) !== undefined ? 'folded' : undefined;
}

export function* parseCountedStacks(
  text: string,
  format: CountedStackFormat,
  remarks: Remarks,
): Generator<CountedStack> {
  for (const stack of format === 'folded' ? parseFolded(text, remarks) : parseBpftrace(text, remarks)) {
    if (stack.count === 0n) remarks.add('stacks with a count of 0');
    else if (stack.frames.length === 0) remarks.add('samples without a stack', Number(stack.count));
    else yield stack;
  }
}

const unknownLines = 'lines of unknown form';

/**
 * Folded stacks, one a line: `process;caller;…;leaf count`
 * (https://github.com/brendangregg/FlameGraph, bcc's `-f`, async-profiler's `collapsed`, py-spy's `raw`). The first
 * element is the process where it can be the name of one: profilers of one process leave it out.
 */
function* parseFolded(text: string, remarks: Remarks): Generator<CountedStack> {
  for (const line of text.split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const parts = splitCount(line);
    if (parts === undefined) {
      remarks.add(unknownLines);
      continue;
    }
    const elements = parts.stack.split(';').filter((element) => element !== '');
    const hasComm = elements.length > 1 && isComm(elements[0]!);
    const comm = hasComm ? elements.shift()! : '';
    // bcc's -d puts a dash between the program's frames and the kernel's.
    const dash = elements.findIndex((element) => /^--?$/.test(element));
    const frames = elements.flatMap((element, index) => {
      return index === dash ? [] : [namedFrame(element, dash >= 0 && index > dash)];
    });
    yield { comm, pid: 0, frames: frames.reverse(), count: parts.count };
  }
}

/** The last blank separates the count. */
function splitCount(line: string): { stack: string; count: bigint } | undefined {
  const end = line.trimEnd();
  const space = end.lastIndexOf(' ');
  const count = end.slice(space + 1);
  return space > 0 && /^\d{1,18}$/.test(count)
    ? { stack: end.slice(0, space).trimEnd(), count: BigInt(count) }
    : undefined;
}

/** Names of threads have up to 15 bytes; where a program's own frames begin is no process. */
function isComm(element: string): boolean {
  if (Buffer.byteLength(element) > 15 || /[()[\]]|^0x|::|^\w+\/[\w/]+\.\w/.test(element)) return false;
  return !/^(_start|main|start_thread|thread_start|clone3?|__clone3?|all|root)$/.test(element);
}

/** Marks behind a name tell its kind (https://github.com/brendangregg/FlameGraph: `_[k]` kernel, `_[j]` compiled, …). */
function namedFrame(text: string, isKernel: boolean): NamedFrame {
  const mark = /_\[([a-z0-9])\]$/.exec(text)?.[1];
  return { name: mark === undefined ? text : text.slice(0, -4), isKernel: isKernel || mark === 'k' };
}

/**
 * Maps of bpftrace with stacks as keys: `@[`, one frame a line, leaf first, `, ` between stacks and other keys, `]: count`. Of
 * several stacks the first is the kernel's, as in `@[kstack, ustack, comm] = count()`.
 */
function* parseBpftrace(text: string, remarks: Remarks): Generator<CountedStack> {
  let stacks: string[][] | undefined;
  let keys: string[] = [];
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (stacks === undefined) {
      const opened = /^@\w*\[(.*)$/.exec(line)?.[1];
      if (opened === undefined) {
        if (line !== '' && !/^Attaching \d+ probes?|^#/.test(line)) remarks.add(unknownLines);
        continue;
      }
      stacks = [[]];
      keys = [];
      const rest = opened.trim();
      // An empty stack is nothing but the comma behind it.
      if (rest === '') continue;
      stacks.push([]);
      if (rest.replace(/^,\s*/, '') === '') continue;
      const ended = endOfKeys(rest);
      if (ended === undefined) keys.push(...keysOf(rest));
      else {
        yield* bpftraceStack(stacks, ended, remarks);
        stacks = undefined;
      }
      continue;
    }
    const ended = endOfKeys(line);
    if (ended !== undefined) {
      yield* bpftraceStack(stacks, { ...ended, keys: [...keys, ...ended.keys] }, remarks);
      stacks = undefined;
    } else if (line === ',' || line === '') stacks.push([]);
    else if (line.startsWith(',')) keys.push(...keysOf(line));
    else stacks.at(-1)!.push(line);
  }
  if (stacks !== undefined) remarks.add('stacks without a count, where the text ends');
}

/** `, comm, 123]: 5` at the end of an entry. */
function endOfKeys(line: string): { keys: string[]; value: string } | undefined {
  const bracket = line.lastIndexOf(']:');
  return bracket < 0 ? undefined : { keys: keysOf(line.slice(0, bracket)), value: line.slice(bracket + 2).trim() };
}

function keysOf(text: string): string[] {
  return text.split(',').flatMap((key) => (key.trim() === '' ? [] : [key.trim()]));
}

function* bpftraceStack(
  stacks: readonly (readonly string[])[],
  { keys, value }: { readonly keys: readonly string[]; readonly value: string },
  remarks: Remarks,
): Generator<CountedStack> {
  if (!/^\d{1,18}$/.test(value)) {
    remarks.add('entries of bpftrace whose value is no count');
    return;
  }
  const frames = stacks.flatMap((lines, index) => {
    const isKernelStack = index === 0 && stacks.length > 1;
    return lines.map((line) => bpftraceFrame(line, isKernelStack));
  });
  const pid = keys.find((key) => /^\d{1,10}$/.test(key));
  const comm = keys.find((key) => !/^\d+$/.test(key));
  yield { comm: comm ?? '', pid: Number(pid ?? 0), frames, count: BigInt(value) };
}

/** `symbol+12`, or in perf's mode `ffffffff81000010 symbol+12 (path)`. A number alone stays: it is all that is known. */
function bpftraceFrame(line: string, isKernelStack: boolean): NamedFrame {
  const [, address, text = line] = /^([0-9a-f]{5,16}) (.*)$/.exec(line) ?? [];
  const bracket = text.endsWith(')') ? text.lastIndexOf(' (') : -1;
  const path = bracket < 0 ? '' : text.slice(bracket + 2, -1);
  const symbol = (bracket < 0 ? text : text.slice(0, bracket)).replace(/\+(?:0x[0-9a-f]{1,16}|\d{1,10})$/, '');
  const name = symbol === '[unknown]' && address !== undefined ? `0x${address}` : symbol;
  return { name, isKernel: isKernelStack || (path !== '' && kernelModuleOf(path) !== undefined) };
}
