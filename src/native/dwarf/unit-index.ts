import { ByteCursor } from '../elf/byte-cursor.ts';
import { UnreadableBytes } from '../elf/byte-source.ts';
import type { CodeRanges } from '../elf/code-ranges.ts';
import { codeEndAt } from '../elf/code-ranges.ts';
import type { DwarfData, DwarfUnit } from './dwarf-data.ts';
import { RangeList, readRanges } from './ranges.ts';
import { readInitialLength, readUnitHeader, unitTypes } from './unit-header.ts';

/** Beyond, the units of a file are not looked at: Chromium has some thirty thousand. */
const maxUnits = 1_048_576;
const maxIndexedRanges = 1_048_576;
/** Bound on the overlapping ranges that a look-up tries for an address. */
const maxOverlaps = 256;

/**
 * Finds the unit that describes the code at an address: by `.debug_aranges`, and for units missing there by their own ranges.
 * 32 bytes a range; the units themselves are not kept.
 */
export class UnitIndex {
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  /** The furthest end so far: nothing before reaches an address beyond. */
  readonly #reach: Float64Array;
  readonly #owners: Float64Array;
  /** Offsets of all units of `.debug_info`, rising. */
  readonly #offsets: Float64Array;

  constructor(offsets: Float64Array, ranges: UnitRanges) {
    const { count, starts, ends, owners } = ranges;
    const order = new Uint32Array(count);
    for (let i = 0; i < count; i++) order[i] = i;
    order.sort((a, b) => starts[a]! - starts[b]!);
    this.#offsets = offsets;
    this.#starts = inOrder(starts, order);
    this.#ends = inOrder(ends, order);
    this.#owners = inOrder(owners, order);
    this.#reach = new Float64Array(count);
    let reach = 0;
    for (let i = 0; i < count; i++) {
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

/** The index of a split unit, which refers to nothing but itself. */
export function indexOfUnit({ offset }: DwarfUnit): UnitIndex {
  return new UnitIndex(
    Float64Array.of(offset),
    new UnitRanges({ starts: new Float64Array(), ends: new Float64Array() }, 0),
  );
}

/** Ranges of code and their units, in columns: a million objects would be most of the thread's memory. */
class UnitRanges {
  readonly #code: CodeRanges;
  starts: Float64Array;
  ends: Float64Array;
  owners: Float64Array;
  count = 0;

  constructor(code: CodeRanges, capacity = 1024) {
    this.#code = code;
    this.starts = new Float64Array(capacity);
    this.ends = new Float64Array(capacity);
    this.owners = new Float64Array(capacity);
  }

  /** Linkers leave the code that they threw away at 0, or where no code is. @throws UnreadableBytes beyond `maxIndexedRanges` */
  add(start: number, end: number, owner: number): void {
    if (!(start < end) || codeEndAt(this.#code, start) < 0) return;
    if (this.count === maxIndexedRanges) throw new UnreadableBytes(`units have more than ${maxIndexedRanges} ranges`);
    if (this.count === this.starts.length) this.#grow();
    this.starts[this.count] = start;
    this.ends[this.count] = end;
    this.owners[this.count++] = owner;
  }

  #grow(): void {
    const grow = (old: Float64Array): Float64Array<ArrayBuffer> => {
      const grown = new Float64Array(2 * old.length);
      grown.set(old);
      return grown;
    };
    this.starts = grow(this.starts);
    this.ends = grow(this.ends);
    this.owners = grow(this.owners);
  }
}

/** Reads the headers of all units, and the ranges of each. @throws UnreadableBytes, OverBudget */
export function readUnitIndex(data: DwarfData, code: CodeRanges): UnitIndex {
  const ranges = new UnitRanges(code);
  readAddressRanges(data, ranges);
  const covered = new Set(ranges.owners.subarray(0, ranges.count));
  const offsets: number[] = [];
  const info = data.section('info')!;
  const cursor = new ByteCursor(info, 64);
  for (let next = 0; next < info.sizeBytes; ) {
    data.budget.spend(1, 'units');
    cursor.seek(next);
    const { offset, end, type } = readUnitHeader(cursor);
    if (offsets.push(offset) > maxUnits) throw new UnreadableBytes(`there are more than ${maxUnits} units`);
    const hasCode = type === unitTypes.compile || type === unitTypes.skeleton;
    if (hasCode && !covered.has(offset)) addOwnRanges(data.unitAt(offset), ranges);
    next = end;
  }
  return new UnitIndex(Float64Array.from(offsets), ranges);
}

/** `.debug_aranges` (DWARF 5, 6.1.2): sets of addresses with lengths, each for one unit. */
function readAddressRanges(data: DwarfData, ranges: UnitRanges): void {
  const source = data.section('addressRanges');
  if (source === undefined) return;
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
        ranges.add(low, low + cursor.unsigned(addressBytes), offset);
      }
    }
    cursor.seek(end);
  }
  cursor.close();
}

function addOwnRanges(unit: DwarfUnit, ranges: UnitRanges): void {
  const { lowPc, highPc, ranges: list } = unit.root;
  if (list === undefined) {
    if (lowPc !== undefined && highPc !== undefined) ranges.add(lowPc, highPc, unit.offset);
    return;
  }
  const found = new RangeList();
  readRanges(unit, list.form, list.value, lowPc ?? 0, found);
  for (let i = 0; i < found.count; i++) ranges.add(found.low(i), found.high(i), unit.offset);
}

function inOrder(values: Float64Array, order: Uint32Array): Float64Array {
  const sorted = new Float64Array(order.length);
  for (let i = 0; i < order.length; i++) sorted[i] = values[order[i]!]!;
  return sorted;
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
