/** One entry of a perf map: a piece of generated code. */
export interface PerfMapEntry {
  readonly start: bigint;
  /** At least 1; the entry does not wrap at 2^64. */
  readonly size: bigint;
  /** One line; at most 4,096 characters. */
  readonly name: string;
}

/** A stretch of addresses that belongs to one entry alone. */
export interface PerfMapRange {
  readonly start: bigint;
  /** The address after the last one. */
  readonly end: bigint;
  readonly name: string;
}

const maxNameLength = 4096;
// A regular expression of a hundred lines is data, and its end will not come.
const maxNameLines = 100;
/** Entries of one map that are kept: a runtime that wrote more has reused most of the addresses. */
export const maxPerfMapEntries: number = 1 << 20;

/**
 * Reads `/tmp/perf-PID.map`
 * (https://github.com/torvalds/linux/blob/master/tools/perf/Documentation/jit-interface.txt) as far as it has been
 * written: hexadecimal start and size, then the name, which may hold spaces. Half a line at the end of a chunk waits for the next.
 * Lines of another form are left out and counted.
 *
 * V8 writes names as they are in the source, and a line feed in one of them ends the line: the lines that follow such a name
 * belong to it until it is complete, whatever they look like. The line feed becomes `\n`, as JavaScript would write it.
 */
export class PerfMapReader {
  #rest = '';
  /** The lines of a name that is not complete yet. */
  readonly #open: string[] = [];
  #leftOutLines = 0;

  /** Lines that are no entry, so far. */
  get leftOutLines(): number {
    return this.#leftOutLines;
  }

  /** Entries that are complete with this chunk of the file, in its order. */
  read(chunk: string): PerfMapEntry[] {
    const entries: PerfMapEntry[] = [];
    const text = this.#rest + chunk;
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      this.#line(text.slice(from, end), entries);
      from = end + 1;
    }
    // No entry is as long; a file without line feeds is not kept.
    this.#rest = text.slice(from, from + 2 * maxNameLength);
    return entries;
  }

  /** The last entries of a file to which nothing will be added. A name that is not complete ends with `…`. */
  finish(): PerfMapEntry[] {
    const entries: PerfMapEntry[] = [];
    if (this.#rest !== '') this.#line(this.#rest, entries);
    this.#rest = '';
    while (this.#open.length > 0) this.#giveUp(entries);
    return entries;
  }

  #line(text: string, entries: PerfMapEntry[]): void {
    const line = text.endsWith('\r') ? text.slice(0, -1) : text;
    if (this.#open.length > 0) this.#continue(line, entries);
    else this.#begin(line, entries);
  }

  #begin(line: string, entries: PerfMapEntry[]): void {
    const entry = parseEntry(line);
    if (entry === undefined) {
      if (line.trim() !== '') this.#leftOutLines += 1;
    } else if (endsName(entry.name, line)) entries.push(bounded(entry));
    else this.#open.push(line);
  }

  #continue(line: string, entries: PerfMapEntry[]): void {
    this.#open.push(line);
    const { start, size, name } = parseEntry(this.#open[0]!)!;
    if (endsName(name, line)) {
      entries.push(bounded({ start, size, name: [name, ...this.#open.slice(1)].join('\\n') }));
      this.#open.length = 0;
    } else if (this.#open.length >= maxNameLines) this.#giveUp(entries);
  }

  /** The name has no end: its first line stands for it, and those behind it are read on their own. */
  #giveUp(entries: PerfMapEntry[]): void {
    const [first, ...others] = this.#open.splice(0);
    const entry = parseEntry(first!)!;
    entries.push(bounded({ ...entry, name: `${entry.name}…` }));
    for (const line of others) this.#line(line, entries);
  }
}

/** Reads a whole perf map; of more than `maxPerfMapEntries` the last ones. */
export function parsePerfMap(text: string): PerfMapEntry[] {
  const reader = new PerfMapReader();
  const entries = reader.read(text);
  entries.push(...reader.finish());
  return entries.length > maxPerfMapEntries ? entries.slice(-maxPerfMapEntries) : entries;
}

function parseEntry(line: string): PerfMapEntry | undefined {
  const afterStart = line.indexOf(' ');
  const afterSize = line.indexOf(' ', afterStart + 1);
  if (afterStart < 0 || afterSize < 0) return undefined;
  const start = hexadecimal(line.slice(0, afterStart));
  const size = hexadecimal(line.slice(afterStart + 1, afterSize));
  const name = line.slice(afterSize + 1);
  if (start === undefined || size === undefined || size === 0n || start + size > 1n << 64n) return undefined;
  return name.trim() === '' ? undefined : { start, size, name };
}

function hexadecimal(text: string): bigint | undefined {
  return /^(?:0x)?[0-9a-fA-F]{1,16}$/.test(text) ? BigInt(text.startsWith('0x') ? text : `0x${text}`) : undefined;
}

/** True if `name` is complete with its last line: V8 ends code of scripts with a position, and regular expressions with flags. */
function endsName(name: string, lastLine: string): boolean {
  if (name.startsWith("RegExp.> src: '")) return /' flags: '[a-z]*'$/.test(lastLine.slice(-32));
  if (/^(?:JS|LazyCompile|Function|Eval|Script):/.test(name)) return /:\d{1,10}$/.test(lastLine.slice(-11));
  return true;
}

function bounded({ start, size, name }: PerfMapEntry): PerfMapEntry {
  const isLong = name.length > maxNameLength;
  return { start, size, name: isLong ? `${name.slice(0, maxNameLength - 1).toWellFormed()}…` : name };
}

/**
 * A perf map without its overlaps: runtimes reuse freed memory and never take a line back, so the last line that
 * names an address is right. Ranges are apart from each other, so it does not matter in which order they are sent.
 */
export class PerfMap {
  readonly #ranges: readonly PerfMapRange[];

  constructor(entries: readonly PerfMapEntry[]) {
    this.#ranges = flatten(entries);
  }

  get ranges(): readonly PerfMapRange[] {
    return this.#ranges;
  }

  find(address: bigint): PerfMapRange | undefined {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ranges[middle]!.start <= address) low = middle + 1;
      else high = middle;
    }
    const range = this.#ranges[low - 1];
    return range !== undefined && address < range.end ? range : undefined;
  }
}

/** Sweeps over the borders of all entries; between two of them the open entry of the latest line has the addresses. */
function flatten(entries: readonly PerfMapEntry[]): PerfMapRange[] {
  const borders = entries.flatMap(({ start, size }, line) => [
    { address: start, line },
    { address: start + size, line },
  ]);
  borders.sort((a, b) => (a.address === b.address ? a.line - b.line : a.address < b.address ? -1 : 1));
  const ranges: PerfMapRange[] = [];
  const open = new OpenLines(entries.length);
  let from = 0n;
  let previous = -1;
  for (const { address, line } of borders) {
    if (address > from) {
      const latest = open.latest();
      const last = ranges.at(-1);
      if (latest >= 0 && latest === previous && last?.end === from) {
        ranges[ranges.length - 1] = { ...last, end: address };
      } else if (latest >= 0) ranges.push({ start: from, end: address, name: entries[latest]!.name });
      previous = latest;
    }
    from = address;
    open.toggle(line);
  }
  return ranges;
}

/** Lines whose entry covers the address that a sweep has come to. O(log n) a call: a map may be all overlaps. */
class OpenLines {
  readonly #isOpen: Uint8Array;
  /** A binary heap of lines, the latest on top. Lines that were closed stay until they are on top. */
  readonly #heap: number[] = [];

  constructor(lineCount: number) {
    this.#isOpen = new Uint8Array(lineCount);
  }

  /** The first border of a line opens it, the second one closes it. */
  toggle(line: number): void {
    this.#isOpen[line]! ^= 1;
    if (this.#isOpen[line] === 1) this.#push(line);
  }

  /** -1 when no line is open. */
  latest(): number {
    while (this.#heap.length > 0 && this.#isOpen[this.#heap[0]!] === 0) this.#pop();
    return this.#heap[0] ?? -1;
  }

  #push(line: number): void {
    const heap = this.#heap;
    let at = heap.push(line) - 1;
    for (let parent = (at - 1) >> 1; at > 0 && heap[parent]! < line; parent = (at - 1) >> 1) {
      heap[at] = heap[parent]!;
      heap[parent] = line;
      at = parent;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const line = heap.pop()!;
    if (heap.length === 0) return;
    heap[0] = line;
    for (let at = 0; ; ) {
      let child = 2 * at + 1;
      if (child >= heap.length) return;
      if (child + 1 < heap.length && heap[child + 1]! > heap[child]!) child += 1;
      if (heap[child]! <= line) return;
      heap[at] = heap[child]!;
      heap[child] = line;
      at = child;
    }
  }
}
