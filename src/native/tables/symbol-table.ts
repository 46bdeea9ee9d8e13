// hot
import { ByteCursor } from '../elf/byte-cursor.ts';
import type { ByteSource } from '../elf/byte-source.ts';
import { ownPages, release, UnreadableBytes } from '../elf/byte-source.ts';
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

/** Parallel columns of function symbols as they come; starts count from the first section with code. */
interface Candidates {
  readonly starts: Uint32Array<ArrayBuffer>;
  readonly sizes: Uint32Array<ArrayBuffer>;
  readonly names: Uint32Array<ArrayBuffer>;
  /** Of aliases the lowest counts. */
  readonly ranks: Uint8Array<ArrayBuffer>;
  count: number;
}

/** Entries of both sizes fit into it without a rest. */
const blockBytes = 48 * 1365;

/** Places of the fields in an entry (`Elf64_Sym`, `Elf32_Sym`). */
const layouts = {
  elf64: { entry: 24, info: 4, section: 6, value: 8, size: 16 },
  elf32: { entry: 16, info: 12, section: 14, value: 4, size: 8 },
} as const;

function readCandidates(
  { is64, machine }: ElfFile,
  { entryBytes }: ElfSection,
  table: ByteSource,
  code: CodeRanges,
): Candidates {
  const layout = is64 ? layouts.elf64 : layouts.elf32;
  if (entryBytes !== layout.entry) throw new UnreadableBytes(`entries of a symbol table have ${entryBytes} bytes`);
  const entries = Math.floor(table.sizeBytes / layout.entry);
  const capacity = Math.min(entries, maxSymbols);
  const candidates = {
    ...{ starts: column(capacity), sizes: column(capacity), names: column(capacity) },
    ...{ ranks: new Uint8Array(ownPages(capacity)), count: 0 },
  };
  const block = Buffer.alloc(Math.min(blockBytes, entries * layout.entry));
  const base = code.starts[0]!;
  for (let at = 0; at < entries * layout.entry; at += block.length) {
    const part = block.subarray(0, Math.min(block.length, entries * layout.entry - at));
    table.read(part, at);
    for (let entry = 0; entry < part.length && candidates.count < capacity; entry += layout.entry) {
      const info = part[entry + layout.info]!;
      // Most symbols are data, which no rank is wanted of.
      if ((info & 15) !== 2 && (info & 15) !== 10 && (info & 15) !== 0) continue;
      const size = wordAt(part, entry + layout.size, is64);
      const rank = rankOf(info, size);
      const name = part.readUInt32LE(entry);
      if (rank === noFunction || part.readUInt16LE(entry + layout.section) === 0 || name === 0) continue;
      const value = wordAt(part, entry + layout.value, is64);
      // The lowest bit tells Thumb code.
      const start = machine === machines.arm ? value - (value % 2) : value;
      if (start - base >= maxSpan || codeEndAt(code, start) < 0) continue;
      const index = candidates.count++;
      candidates.starts[index] = start - base;
      candidates.sizes[index] = Math.min(size, maxSpan - 1);
      candidates.names[index] = name;
      candidates.ranks[index] = rank;
    }
  }
  release(block);
  return candidates;
}

/** Exact below 2^53; above, close enough to fail every check of a bound. */
function wordAt(bytes: Buffer, at: number, is64: boolean): number {
  const low = bytes.readUInt32LE(at);
  return is64 ? low + bytes.readUInt32LE(at + 4) * 2 ** 32 : low;
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
  const keys = new Float64Array(ownPages(8 * count));
  for (let i = 0; i < count; i++) keys[i] = starts[i]! * maxSymbols + i;
  keys.sort();
  const columns = { starts: column(count), ends: column(count), names: column(count) };
  let kept = 0;
  let sectionEnd = -1;
  for (let i = 0; i < count; ) {
    const start = Math.floor(keys[i]! / maxSymbols);
    const first = start * maxSymbols;
    let best = keys[i]! - first;
    let next = i + 1;
    for (; next < count && keys[next]! < first + maxSymbols; next++) {
      const other = keys[next]! - first;
      if (ranks[other]! < ranks[best]!) best = other;
    }
    i = next;
    // Most functions lie in the section of the one before.
    if (start >= sectionEnd) sectionEnd = codeEndAt(code, start + base) - base;
    const nextStart = next < count ? Math.floor(keys[next]! / maxSymbols) : sectionEnd;
    const sized = sizes[best]! > 0 ? start + sizes[best]! : isWhole ? nextStart : start;
    const end = Math.min(sized, sectionEnd, maxSpan - 1);
    if (end <= start) continue;
    columns.starts[kept] = start;
    columns.ends[kept] = end;
    columns.names[kept++] = names[best]!;
  }
  const exact = {
    starts: exactly(columns.starts, kept),
    ends: exactly(columns.ends, kept),
    names: exactly(columns.names, kept),
  };
  for (const each of [starts, sizes, names, ranks, keys, ...Object.values(columns)]) release(each);
  return exact;
}

function column(length: number): Uint32Array<ArrayBuffer> {
  return new Uint32Array(ownPages(4 * length));
}

function exactly(values: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const exact = column(length);
  exact.set(values.subarray(0, length));
  return exact;
}
