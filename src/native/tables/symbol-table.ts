// hot
import { ByteCursor } from '../elf/byte-cursor.ts';
import type { ByteSource } from '../elf/byte-source.ts';
import { UnreadableBytes } from '../elf/byte-source.ts';
import type { CodeRanges } from '../elf/code-ranges.ts';
import { codeEndAt } from '../elf/code-ranges.ts';
import type { ElfFile, ElfSection } from '../elf/elf-file.ts';
import { machines, sectionSource, sectionTypes } from '../elf/elf-file.ts';

/** Beyond, symbols are left out: an index has 21 bits of a sorting key of 53. The largest browsers have half of that. */
const maxSymbols = 2 ** 21;
const maxSpan = 2 ** 32;
/** Bound on the ranges that a look-up tries, backwards from the last start at or before the address; outer ranges further back are not found. */
const maxNested = 32;

/**
 * The functions of one symbol table: 12 bytes each. Names stay in the file and are read when they are asked for.
 * Invariant: starts rise strictly.
 */
export class SymbolTable {
  readonly #base: number;
  readonly #starts: Uint32Array;
  readonly #ends: Uint32Array;
  readonly #names: Uint32Array;
  readonly #texts: ByteSource;
  #cursor: ByteCursor | undefined;

  constructor(base: number, columns: Pick<SymbolColumns, 'starts' | 'ends' | 'names'>, texts: ByteSource) {
    this.#base = base;
    this.#starts = columns.starts;
    this.#ends = columns.ends;
    this.#names = columns.names;
    this.#texts = texts;
  }

  get count(): number {
    return this.#starts.length;
  }

  get sizeBytes(): number {
    return 12 * this.#starts.length;
  }

  /** The name of the function at an address; `undefined` where there is none. @throws UnreadableBytes */
  nameAt(address: number): string | undefined {
    const offset = address - this.#base;
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#starts[middle]! <= offset) low = middle + 1;
      else high = middle;
    }
    for (let index = low - 1; index >= 0 && index >= low - maxNested; index--) {
      if (offset < this.#ends[index]!) return this.#textAt(this.#names[index]!);
    }
    return undefined;
  }

  #textAt(offset: number): string | undefined {
    // Names lie all over their section: a large window would be read anew for most of them.
    this.#cursor ??= new ByteCursor(this.#texts, 256);
    this.#cursor.seek(offset);
    const text = this.#cursor.text();
    return text === '' ? undefined : text;
  }
}

interface SymbolColumns {
  starts: Uint32Array;
  ends: Uint32Array;
  names: Uint32Array;
}

/**
 * The functions of `.symtab` or `.dynsym`; `undefined` without such a section. A symbol without a size ends at the next one, or with
 * its section, if the table is whole; one of a table that lacks symbols has no end that could be known, and is left out.
 * @throws UnreadableBytes
 */
export function readSymbolTable(
  elf: ElfFile,
  code: CodeRanges,
  kind: 'symbols' | 'dynamicSymbols',
): SymbolTable | undefined {
  const section = elf.sections.find(({ type }) => type === sectionTypes[kind]);
  const strings = section && elf.sections[section.link];
  if (section === undefined || strings === undefined || code.starts.length === 0) return undefined;
  const table = sectionSource(elf, section);
  const texts = sectionSource(elf, strings);
  if (table === undefined || texts === undefined) return undefined;
  const base = code.starts[0]!;
  const candidates = readCandidates(elf, section, table, code);
  return new SymbolTable(base, sortCandidates(candidates, base, code, kind === 'symbols'), texts);
}

/** Parallel columns of function symbols as they come. */
class Candidates {
  starts: Float64Array = new Float64Array(256);
  sizes: Float64Array = new Float64Array(256);
  names: Uint32Array = new Uint32Array(256);
  /** Of aliases the lowest counts. */
  ranks: Uint8Array = new Uint8Array(256);
  count = 0;

  add(start: number, size: number, name: number, rank: number): void {
    if (this.count === this.starts.length) this.#grow();
    const index = this.count++;
    this.starts[index] = start;
    this.sizes[index] = size;
    this.names[index] = name;
    this.ranks[index] = rank;
  }

  #grow(): void {
    const capacity = 2 * this.count;
    const grow = <T extends Float64Array | Uint32Array | Uint8Array>(grown: T, old: T): T => {
      grown.set(old);
      return grown;
    };
    this.starts = grow(new Float64Array(capacity), this.starts);
    this.sizes = grow(new Float64Array(capacity), this.sizes);
    this.names = grow(new Uint32Array(capacity), this.names);
    this.ranks = grow(new Uint8Array(capacity), this.ranks);
  }
}

function readCandidates(
  { is64, machine }: ElfFile,
  { entryBytes }: ElfSection,
  table: ByteSource,
  code: CodeRanges,
): Candidates {
  const entrySize = is64 ? 24 : 16;
  if (entryBytes !== entrySize) throw new UnreadableBytes(`entries of a symbol table have ${entryBytes} bytes`);
  const candidates = new Candidates();
  const cursor = new ByteCursor(table);
  const base = code.starts[0]!;
  for (let left = Math.floor(table.sizeBytes / entrySize); left > 0 && candidates.count < maxSymbols; left--) {
    const name = cursor.u32();
    const early = is64 ? 0 : cursor.u32();
    const earlySize = is64 ? 0 : cursor.u32();
    const info = cursor.u8();
    cursor.skip(1);
    const sectionIndex = cursor.u16();
    const value = is64 ? cursor.u64() : early;
    const size = is64 ? cursor.u64() : earlySize;
    const rank = rankOf(info, size);
    if (rank === noFunction || sectionIndex === 0 || name === 0) continue;
    // The lowest bit tells Thumb code.
    const start = machine === machines.arm ? value - (value % 2) : value;
    if (start - base >= maxSpan || codeEndAt(code, start) < 0) continue;
    candidates.add(start, size, name, rank);
  }
  return candidates;
}

const noFunction = 255;

/** Of aliases: with a size, a function by type, global before weak before local. */
function rankOf(info: number, size: number): number {
  const type = info & 15;
  const binding = info >> 4;
  // STT_FUNC and STT_GNU_IFUNC; STT_NOTYPE is what assemblers leave where nobody said more, labels among it.
  const isFunction = type === 2 || type === 10;
  if (!isFunction && !(type === 0 && size > 0)) return noFunction;
  const order = binding === 1 ? 0 : binding === 2 ? 1 : 2;
  return (size > 0 ? 0 : 8) + (isFunction ? 0 : 4) + order;
}

function sortCandidates(candidates: Candidates, base: number, code: CodeRanges, isWhole: boolean): SymbolColumns {
  const { count, starts, sizes, names, ranks } = candidates;
  // Address and index in one number of 53 bits: the native sort of a Float64Array is ten times as fast as a comparator.
  const keys = new Float64Array(count);
  for (let i = 0; i < count; i++) keys[i] = (starts[i]! - base) * maxSymbols + i;
  keys.sort();
  const columns = { starts: new Uint32Array(count), ends: new Uint32Array(count), names: new Uint32Array(count) };
  let kept = 0;
  for (let i = 0; i < count; ) {
    const start = Math.floor(keys[i]! / maxSymbols);
    let best = keys[i]! % maxSymbols;
    let next = i + 1;
    for (; next < count && Math.floor(keys[next]! / maxSymbols) === start; next++) {
      const other = keys[next]! % maxSymbols;
      if (ranks[other]! < ranks[best]!) best = other;
    }
    i = next;
    const sectionEnd = codeEndAt(code, start + base) - base;
    const nextStart = next < count ? Math.floor(keys[next]! / maxSymbols) : sectionEnd;
    const sized = sizes[best]! > 0 ? start + sizes[best]! : isWhole ? nextStart : start;
    const end = Math.min(sized, sectionEnd, maxSpan - 1);
    if (end <= start) continue;
    columns.starts[kept] = start;
    columns.ends[kept] = end;
    columns.names[kept++] = names[best]!;
  }
  return {
    starts: columns.starts.slice(0, kept),
    ends: columns.ends.slice(0, kept),
    names: columns.names.slice(0, kept),
  };
}
