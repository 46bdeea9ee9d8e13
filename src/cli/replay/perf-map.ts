/** One line of a perf map: a piece of generated code. */
export interface PerfMapEntry {
  readonly start: bigint;
  readonly size: bigint;
  readonly name: string;
}

/** A stretch of addresses that belongs to one entry alone. */
export interface PerfMapRange {
  readonly start: bigint;
  /** The address after the last one. */
  readonly end: bigint;
  readonly name: string;
}

/**
 * Reads `/tmp/perf-PID.map`
 * (https://github.com/torvalds/linux/blob/master/tools/perf/Documentation/jit-interface.txt): hexadecimal start and
 * size, then the name, which may hold spaces. Lines of another form are left out, e.g. one that the runtime was
 * still writing.
 */
export function parsePerfMap(text: string): PerfMapEntry[] {
  const entries: PerfMapEntry[] = [];
  for (const [, start, size, name] of text.matchAll(
    /^(?:0x)?([0-9a-fA-F]{1,16}) (?:0x)?([0-9a-fA-F]{1,16}) (\S.*)$/gm,
  )) {
    entries.push({ start: BigInt(`0x${start}`), size: BigInt(`0x${size}`), name: name! });
  }
  return entries;
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

/** Sweeps over the borders of all entries; between two of them the entry of the latest line has the addresses. */
function flatten(entries: readonly PerfMapEntry[]): PerfMapRange[] {
  const borders = entries.flatMap(({ start, size }, line) =>
    size === 0n ? [] : [start, start + size].map((address) => ({ address, line })),
  );
  borders.sort((a, b) => (a.address === b.address ? a.line - b.line : a.address < b.address ? -1 : 1));
  const ranges: PerfMapRange[] = [];
  const open = new Set<number>();
  let from = 0n;
  let previous = -1;
  for (const { address, line } of borders) {
    const latest = address > from ? Math.max(-1, ...open) : -1;
    if (latest >= 0) {
      const isContinued = latest === previous && ranges.at(-1)!.end === from;
      const start = isContinued ? ranges.pop()!.start : from;
      ranges.push({ start, end: address, name: entries[latest]!.name });
    }
    if (address > from) previous = latest;
    from = address;
    // The first border of a line opens it, the second one closes it.
    if (!open.delete(line)) open.add(line);
  }
  return ranges;
}
