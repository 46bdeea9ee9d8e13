import type { ElfFile } from './elf-file.ts';
import { sectionFlags } from './elf-file.ts';

/** Ranges of addresses, sorted. */
export interface CodeRanges {
  readonly starts: Float64Array;
  readonly ends: Float64Array;
}

/** The ranges of all sections with code; nothing else is a function. */
export function codeRanges({ sections }: ElfFile): CodeRanges {
  const wanted = sectionFlags.allocated | sectionFlags.executable;
  const code = sections
    .filter(({ flags, sizeBytes }) => (flags & wanted) === wanted && sizeBytes > 0)
    .sort((a, b) => a.address - b.address);
  return {
    starts: Float64Array.from(code, ({ address }) => address),
    ends: Float64Array.from(code, ({ address, sizeBytes }) => address + sizeBytes),
  };
}

/** The end of the range with code that holds an address; -1 where there is none. */
export function codeEndAt({ starts, ends }: CodeRanges, address: number): number {
  for (let i = 0; i < starts.length; i++) if (address >= starts[i]! && address < ends[i]!) return ends[i]!;
  return -1;
}

/** Index of the first of `sorted` numbers that is not below `least`; their count where all are. */
export function firstFrom(sorted: ArrayLike<number>, least: number): number {
  let first = 0;
  let end = sorted.length;
  while (first < end) {
    const middle = (first + end) >>> 1;
    if (sorted[middle]! < least) first = middle + 1;
    else end = middle;
  }
  return first;
}
