import { ByteCursor } from '../elf/byte-cursor.ts';
import { UnreadableBytes } from '../elf/byte-source.ts';
import type { CodeRanges } from '../elf/code-ranges.ts';
import { codeEndAt } from '../elf/code-ranges.ts';
import type { DwarfData, DwarfUnit } from './dwarf-data.ts';
import { RangeList, readRanges } from './ranges.ts';
import { readInitialLength, readUnitHeader, unitTypes } from './unit-header.ts';

/** Beyond, the units of a file are not looked at: Chromium has some thirty thousand. */
const maxUnits = 1_048_576;
const maxIndexedRanges = 2_097_152;
/** How many ranges that overlap are looked through for an address. */
const maxOverlaps = 256;

/**
 * Which unit describes the code at an address. By `.debug_aranges`, and for units that it leaves out by their own ranges.
 * 20 bytes a range; the units themselves are not kept.
 */
export class UnitIndex {
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  /** The furthest end so far: nothing before reaches an address beyond. */
  readonly #reach: Float64Array;
  readonly #owners: Float64Array;
  /** Offsets of all units of `.debug_info`, rising. */
  readonly #offsets: Float64Array;

  constructor(offsets: readonly number[], ranges: readonly UnitRange[]) {
    const sorted = [...ranges].sort((a, b) => a.start - b.start);
    this.#offsets = Float64Array.from(offsets);
    this.#starts = Float64Array.from(sorted, ({ start }) => start);
    this.#ends = Float64Array.from(sorted, ({ end }) => end);
    this.#owners = Float64Array.from(sorted, ({ offset }) => offset);
    this.#reach = new Float64Array(sorted.length);
    let reach = 0;
    for (let i = 0; i < sorted.length; i++) {
      reach = Math.max(reach, this.#ends[i]!);
      this.#reach[i] = reach;
    }
  }

  get sizeBytes(): number {
    return 32 * this.#starts.length + 8 * this.#offsets.length;
  }

  /**
   * The offset of the unit that has the code at an address; -1 where there is none. Linkers keep one copy of a function that several units
   * have, and leave its ranges in all of them: then the first unit counts, as LLVM has it.
   */
  unitOf(address: number): number {
    let first = -1;
    let index = lastAtMost(this.#starts, address);
    for (let left = maxOverlaps; index >= 0 && left > 0 && this.#reach[index]! > address; index--, left--) {
      const owner = this.#owners[index]!;
      if (address < this.#ends[index]! && (first < 0 || owner < first)) first = owner;
    }
    return first;
  }

  /** The offset of the unit in which an entry lies; -1 when it lies before all. */
  unitAround(entry: number): number {
    const index = lastAtMost(this.#offsets, entry);
    return index < 0 ? -1 : this.#offsets[index]!;
  }
}

interface UnitRange {
  readonly start: number;
  readonly end: number;
  readonly offset: number;
}

/** Reads the headers of all units, and the ranges of each. @throws UnreadableBytes, OverBudget */
export function readUnitIndex(data: DwarfData, code: CodeRanges): UnitIndex {
  const ranges = readAddressRanges(data, code);
  const covered = new Set(ranges.map(({ offset }) => offset));
  const offsets: number[] = [];
  const info = data.section('info')!;
  const cursor = new ByteCursor(info, 64);
  for (let next = 0; next < info.sizeBytes; ) {
    data.budget.spend(1, 'units');
    cursor.seek(next);
    const { offset, end, type } = readUnitHeader(cursor);
    if (offsets.push(offset) > maxUnits) throw new UnreadableBytes(`there are more than ${maxUnits} units`);
    const hasCode = type === unitTypes.compile || type === unitTypes.skeleton;
    if (hasCode && !covered.has(offset)) addOwnRanges(data.unitAt(offset), code, ranges);
    next = end;
  }
  return new UnitIndex(offsets, ranges);
}

/** Linkers leave the code that they threw away at 0, or where no code is. */
function addRange(ranges: UnitRange[], code: CodeRanges, range: UnitRange): void {
  if (range.start >= range.end || codeEndAt(code, range.start) < 0) return;
  if (ranges.push(range) > maxIndexedRanges)
    throw new UnreadableBytes(`units have more than ${maxIndexedRanges} ranges`);
}

/** `.debug_aranges` (DWARF 5, 6.1.2): sets of addresses with lengths, each for one unit. */
function readAddressRanges(data: DwarfData, code: CodeRanges): UnitRange[] {
  const ranges: UnitRange[] = [];
  const source = data.section('addressRanges');
  if (source === undefined) return ranges;
  const cursor = new ByteCursor(source);
  while (source.sizeBytes - cursor.position >= 12) {
    const start = cursor.position;
    const { length, offsetBytes } = readInitialLength(cursor);
    const end = cursor.position + length;
    cursor.seek(cursor.position, end);
    const version = cursor.u16();
    const offset = cursor.unsigned(offsetBytes);
    const addressBytes = cursor.u8();
    const segmentBytes = cursor.u8();
    if (version === 2 && segmentBytes === 0 && (addressBytes === 4 || addressBytes === 8)) {
      const pairBytes = 2 * addressBytes;
      cursor.skip((pairBytes - ((cursor.position - start) % pairBytes)) % pairBytes);
      while (cursor.position + pairBytes <= end) {
        data.budget.spend(1, 'address ranges');
        const low = cursor.unsigned(addressBytes);
        addRange(ranges, code, { start: low, end: low + cursor.unsigned(addressBytes), offset });
      }
    }
    cursor.seek(end);
  }
  return ranges;
}

function addOwnRanges(unit: DwarfUnit, code: CodeRanges, ranges: UnitRange[]): void {
  const { lowPc, highPc, ranges: list } = unit.root;
  const { offset } = unit;
  if (list === undefined) {
    if (lowPc !== undefined && highPc !== undefined) addRange(ranges, code, { start: lowPc, end: highPc, offset });
    return;
  }
  const found = new RangeList();
  readRanges(unit, list.form, list.value, lowPc ?? 0, found);
  for (let i = 0; i < found.count; i++) addRange(ranges, code, { start: found.low(i), end: found.high(i), offset });
}

/** The last index with a value of at most `wanted`; -1 for none. */
function lastAtMost(values: Float64Array, wanted: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! <= wanted) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
