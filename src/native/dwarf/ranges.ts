// hot
import type { ByteCursor } from '../elf/byte-cursor.ts';
import { UnreadableBytes } from '../elf/byte-source.ts';
import type { UnitBases } from './dwarf-data.ts';
import { forms } from './forms.ts';

/** Ranges of addresses of one entry; written to again and again. */
export class RangeList {
  #lows = new Float64Array(64);
  #highs = new Float64Array(64);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  low(index: number): number {
    return this.#lows[index]!;
  }

  high(index: number): number {
    return this.#highs[index]!;
  }

  clear(): void {
    this.#count = 0;
  }

  /** Leaves out what is empty, and what no address could be. */
  add(low: number, high: number): void {
    if (!(low >= 0 && low < high)) return;
    if (this.#count === this.#lows.length) this.#grow();
    this.#lows[this.#count] = low;
    this.#highs[this.#count++] = high;
  }

  #grow(): void {
    const lows = new Float64Array(2 * this.#count);
    const highs = new Float64Array(2 * this.#count);
    lows.set(this.#lows);
    highs.set(this.#highs);
    this.#lows = lows;
    this.#highs = highs;
  }
}

// A function has a dozen ranges, a unit of C++ with a section for each function some ten thousand.
const maxRanges = 1_048_576;

/**
 * Reads the list that `DW_AT_ranges` refers to into `target`. `base` is the unit's low_pc, 0 where it has none.
 * @throws UnreadableBytes, OverBudget
 */
export function readRanges(unit: UnitBases, form: number, value: number, base: number, target: RangeList): void {
  if (unit.version >= 5) {
    const offset = form === forms.rnglistx ? offsetOfList(unit, value) : value;
    const cursor = unit.data.cursor('rangeLists');
    cursor.seek(offset);
    readRangeList5(unit, cursor, base, target);
  } else {
    const cursor = unit.data.cursor('ranges');
    cursor.seek(unit.root.rangesStart + value);
    readRangeList2(unit, cursor, base, target);
  }
}

function offsetOfList(unit: UnitBases, index: number): number {
  const { rangeListsBase } = unit.root;
  const cursor = unit.data.cursor('rangeLists');
  cursor.seek(rangeListsBase + index * unit.offsetBytes);
  return rangeListsBase + cursor.unsigned(unit.offsetBytes);
}

/** DWARF 2 to 4: pairs of offsets from a base, ended by zeros. */
function readRangeList2(unit: UnitBases, cursor: ByteCursor, unitBase: number, target: RangeList): void {
  const { addressBytes } = unit;
  let base = unitBase;
  for (let left = maxRanges; left > 0; left--) {
    unit.data.budget.spend(1, 'ranges');
    const isBase = addressBytes === 4 ? cursor.u32() === 0xffff_ffff : isHighest64(cursor);
    const low = isBase ? 0 : cursorBack(cursor, addressBytes);
    const high = cursor.unsigned(addressBytes);
    if (isBase) base = high;
    else if (low === 0 && high === 0) return;
    else target.add(base + low, base + high);
  }
  throw new UnreadableBytes(`a list has more than ${maxRanges} ranges`);
}

/** Reads eight bytes and tells whether all their bits are set. */
function isHighest64(cursor: ByteCursor): boolean {
  const low = cursor.u32();
  return cursor.u32() === 0xffff_ffff && low === 0xffff_ffff;
}

/** The number before the position. */
function cursorBack(cursor: ByteCursor, sizeBytes: number): number {
  cursor.seek(cursor.position - sizeBytes, cursor.end);
  return cursor.unsigned(sizeBytes);
}

/** DWARF 5, 2.17.3. */
function readRangeList5(unit: UnitBases, cursor: ByteCursor, unitBase: number, target: RangeList): void {
  const { addressBytes } = unit;
  let base = unitBase;
  for (let left = maxRanges; left > 0; left--) {
    unit.data.budget.spend(1, 'ranges');
    const kind = cursor.u8();
    switch (kind) {
      case 0: // end_of_list
        return;
      case 1: // base_addressx
        base = addressAt(unit, cursor.uleb());
        break;
      case 2: {
        // startx_endx
        const low = addressAt(unit, cursor.uleb());
        target.add(low, addressAt(unit, cursor.uleb()));
        break;
      }
      case 3: {
        // startx_length
        const low = addressAt(unit, cursor.uleb());
        target.add(low, low + cursor.uleb());
        break;
      }
      case 4: {
        // offset_pair; Go 1.26 writes offsets that wrap, which `uleb` gives as negative numbers.
        const low = cursor.uleb();
        target.add(base + low, base + cursor.uleb());
        break;
      }
      case 5: // base_address
        base = cursor.unsigned(addressBytes);
        break;
      case 6: {
        // start_end
        const low = cursor.unsigned(addressBytes);
        target.add(low, cursor.unsigned(addressBytes));
        break;
      }
      case 7: {
        // start_length
        const low = cursor.unsigned(addressBytes);
        target.add(low, low + cursor.uleb());
        break;
      }
      default:
        throw new UnreadableBytes(`entry ${kind} of a range list is unknown`);
    }
  }
  throw new UnreadableBytes(`a list has more than ${maxRanges} ranges`);
}

function addressAt({ data, root, addressBytes }: UnitBases, index: number): number {
  const cursor = data.cursor('addresses');
  cursor.seek(root.addressBase + index * addressBytes);
  return cursor.unsigned(addressBytes);
}
