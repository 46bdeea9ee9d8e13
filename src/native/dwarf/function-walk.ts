// hot

import type { ByteCursor } from '../elf/byte-cursor.ts';
import { firstFrom } from '../elf/code-ranges.ts';
import type { Abbreviation } from './abbreviations.ts';
import type { DwarfUnit } from './dwarf-data.ts';
import { addressOf, endOf } from './dwarf-data.ts';
import type { FormValue } from './forms.ts';
import { attributes, readValue, skipValue } from './forms.ts';
import type { UnitParts } from './known-units.ts';
import { UnitPartsDraft } from './known-units.ts';
import { RangeList, readRanges } from './ranges.ts';

const tags = { inlinedSubroutine: 0x1d, subprogram: 0x2e } as const;
// The deepest of real programs are some hundred.
const maxDepth = 16_384;

/** An entry of a function that has code at one of the addresses, or of a call that was inlined there. */
export interface CodeEntry {
  /** In `.debug_info`. */
  readonly offset: number;
  /** Of the code entry around it; -1 for none. */
  readonly parent: number;
  readonly isInlined: boolean;
  /** Index in the unit's line table; of inlined entries alone, as are line and column. */
  readonly callFile: number;
  readonly callLine: number;
  readonly callColumn: number;
}

/** Code entries of one unit, and for each address the innermost that holds it; -1 for none. */
export interface CodeEntries {
  readonly entries: readonly CodeEntry[];
  readonly innermost: Int32Array;
  /** Places of the unit's functions, for the next walk; `undefined` where they were known. */
  readonly functions?: UnitParts | undefined;
}

/** Columns of a function, an entry that lies in no other one: a range of its addresses, its entry, and the end of all entries within. */
const parts = { low: 0, high: 1, start: 2, end: 3 } as const;
const partColumns = 4;
/** Of a function; more would make one with many ranges take long. */
const comparedParts = 16;

/**
 * Walks all entries of a unit and finds the functions and inlined calls at `addresses`, which rise. Every entry is read: siblings are
 * not skipped, for compilers also put code into entries that lie in one without. Of a unit whose `functions` are known, those with
 * one of the addresses are walked. @throws UnreadableBytes, OverBudget
 */
export function findCodeEntries(unit: DwarfUnit, addresses: Float64Array, functions?: UnitParts): CodeEntries {
  const walk = new FunctionWalk(unit, addresses);
  return functions === undefined ? walk.run() : walk.runParts(functions);
}

interface OpenEntry extends Omit<CodeEntry, 'parent'> {
  readonly depth: number;
  /** Index among the kept entries; -1 for any other entry. */
  index: number;
}

class FunctionWalk {
  readonly #unit: DwarfUnit;
  readonly #addresses: Float64Array;
  readonly #cursor: ByteCursor;
  readonly #innermost: Int32Array;
  readonly #entries: CodeEntry[] = [];
  /** The code entry at hand and those around it. */
  readonly #open: OpenEntry[] = [];
  #deepestOpen = -1;
  /** Functions, and the first row of the one at hand. */
  readonly #parts = new UnitPartsDraft(partColumns);
  #partRow = 0;
  #isWhole = false;
  readonly #ranges = new RangeList();
  readonly #low: FormValue = { form: 0, value: 0 };
  readonly #high: FormValue = { form: 0, value: 0 };
  readonly #list: FormValue = { form: 0, value: 0 };
  readonly #other: FormValue = { form: 0, value: 0 };
  #callFile = 0;
  #callLine = 0;
  #callColumn = 0;

  constructor(unit: DwarfUnit, addresses: Float64Array) {
    this.#unit = unit;
    this.#addresses = addresses;
    this.#cursor = unit.data.scan('info');
    this.#innermost = new Int32Array(addresses.length).fill(-1);
  }

  run(): CodeEntries {
    const { firstEntry, end } = this.#unit;
    this.#isWhole = true;
    this.#walk(firstEntry, end);
    this.#endPart(this.#cursor.position);
    return { entries: this.#entries, innermost: this.#innermost, functions: this.#parts.finish() };
  }

  runParts(functions: UnitParts): CodeEntries {
    let walkedTo = -1;
    for (let row = functions.next(0, this.#addresses); row >= 0; row = functions.next(row + 1, this.#addresses)) {
      const start = functions.value(row, parts.start);
      // One with several ranges has been walked for the first.
      if (start < walkedTo) continue;
      walkedTo = functions.value(row, parts.end);
      this.#walk(start, walkedTo);
      this.#close(0);
    }
    return { entries: this.#entries, innermost: this.#innermost };
  }

  #walk(start: number, end: number): void {
    const { abbreviations, data } = this.#unit;
    const cursor = this.#cursor;
    cursor.seek(start, end);
    let depth = 0;
    let steps = 0;
    while (cursor.position < end) {
      const offset = cursor.position;
      const code = cursor.uleb();
      if (code === 0) {
        depth--;
        if (depth <= 0) break;
        continue;
      }
      if (depth <= this.#deepestOpen) {
        this.#close(depth);
        if (this.#deepestOpen < 0) this.#endPart(offset);
      }
      const abbreviation = abbreviations.get(code);
      const { tag, hasChildren } = abbreviation;
      if (tag === tags.subprogram || tag === tags.inlinedSubroutine) {
        this.#visit(offset, depth, abbreviation);
      } else {
        const { skips } = abbreviation;
        for (let i = 0; i < skips.length; i++) skipValue(cursor, skips[i]!, this.#unit);
      }
      if (hasChildren && ++depth > maxDepth) break;
      if (!hasChildren && depth === 0) break;
      if (++steps === 1024) {
        data.budget.spend(steps, 'entries');
        steps = 0;
      }
    }
  }

  /** Keeps an entry if it has code at one of the addresses. */
  #visit(offset: number, depth: number, abbreviation: Abbreviation): void {
    this.#readCode(abbreviation);
    this.#findRanges();
    const ranges = this.#ranges;
    let index = -1;
    // An entry without children has none to be around, and is open for its own ranges alone.
    this.#push(offset, depth, abbreviation.tag === tags.inlinedSubroutine);
    for (let i = 0; i < ranges.count; i++) {
      const low = ranges.low(i);
      const high = ranges.high(i);
      if (this.#isWhole) this.#notePart(low, high);
      for (let at = firstFrom(this.#addresses, low); at < this.#addresses.length; at++) {
        if (this.#addresses[at]! >= high) break;
        if (index < 0) index = this.#keepOpen();
        this.#innermost[at] = index;
      }
    }
  }

  /** Ends the code entries that an entry at a depth does not lie in. */
  #close(depth: number): void {
    const open = this.#open;
    while (open.length > 0 && open[open.length - 1]!.depth >= depth) open.pop();
    this.#deepestOpen = open.length === 0 ? -1 : open[open.length - 1]!.depth;
  }

  /** Notes a range of the function at hand. What is inlined lies within one of the function's own, mostly: these come first. */
  #notePart(low: number, high: number): void {
    const last = Math.min(this.#parts.count, this.#partRow + comparedParts);
    for (let row = this.#partRow; row < last; row++) {
      if (low >= this.#parts.value(row, parts.low) && high <= this.#parts.value(row, parts.high)) return;
    }
    this.#parts.add(low, high, this.#open[0]!.offset, 0);
  }

  #endPart(offset: number): void {
    for (let row = this.#partRow; row < this.#parts.count; row++) this.#parts.set(row, parts.end, offset);
    this.#partRow = this.#parts.count;
  }

  #push(offset: number, depth: number, isInlined: boolean): void {
    this.#open.push({
      offset,
      depth,
      isInlined,
      callFile: this.#callFile,
      callLine: this.#callLine,
      callColumn: this.#callColumn,
      index: -1,
    });
    this.#deepestOpen = depth;
  }

  /** Keeps the entry at hand and those around it, whatever their own ranges say: compilers leave some out. */
  #keepOpen(): number {
    let parent = -1;
    for (const entry of this.#open) {
      if (entry.index < 0) {
        const { offset, isInlined, callFile, callLine, callColumn } = entry;
        entry.index = this.#entries.length;
        this.#entries.push({ offset, isInlined, callFile, callLine, callColumn, parent: isInlined ? parent : -1 });
      }
      parent = entry.index;
    }
    return parent;
  }

  #readCode({ attributes: names, forms, implicit }: Abbreviation): void {
    this.#low.form = 0;
    this.#high.form = 0;
    this.#list.form = 0;
    this.#callFile = 0;
    this.#callLine = 0;
    this.#callColumn = 0;
    const cursor = this.#cursor;
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      const target = this.#targetOf(name);
      readValue(cursor, forms[i]!, implicit[i]!, this.#unit, target);
      if (name === attributes.callFile) this.#callFile = target.value;
      else if (name === attributes.callLine) this.#callLine = target.value;
      else if (name === attributes.callColumn) this.#callColumn = target.value;
    }
  }

  #targetOf(name: number): FormValue {
    switch (name) {
      case attributes.lowPc:
        return this.#low;
      case attributes.highPc:
        return this.#high;
      case attributes.ranges:
        return this.#list;
      default:
        return this.#other;
    }
  }

  #findRanges(): void {
    this.#ranges.clear();
    if (this.#list.form !== 0) {
      const { form, value } = this.#list;
      readRanges(this.#unit, form, value, this.#unit.root.lowPc ?? 0, this.#ranges);
    } else if (this.#low.form !== 0 && this.#high.form !== 0) {
      const low = addressOf(this.#unit, this.#low);
      if (low !== undefined) this.#ranges.add(low, endOf(this.#unit, low, this.#high));
    }
  }
}
