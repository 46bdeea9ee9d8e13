// hot
import type { Budget } from '../elf/budget.ts';
import type { ByteCursor } from '../elf/byte-cursor.ts';
import type { CodeRanges } from '../elf/code-ranges.ts';
import { codeEndAt, firstFrom } from '../elf/code-ranges.ts';
import type { DwarfUnit } from './dwarf-data.ts';
import type { UnitParts } from './known-units.ts';
import { UnitPartsDraft } from './known-units.ts';
import type { LineHeader } from './line-header.ts';

/** Rows of a line table at addresses, in parallel: index of the file, line and column; file -1 where there is no row. */
export interface LineRows {
  readonly files: Int32Array;
  readonly lines: Uint32Array;
  readonly columns: Uint32Array;
  /** Places of the unit's rows, for the next run; `undefined` where they were known, or where addresses do not rise. */
  readonly parts?: UnitParts | undefined;
}

/**
 * Columns of a piece of a sequence, from a row to the one that begins the next piece: addresses, positions behind both rows, and the
 * state at the first.
 */
const parts = { low: 0, high: 1, start: 2, end: 3, operation: 4, file: 5, line: 6, column: 7 } as const;
const partColumns = 8;
/** Pieces of a unit are at least so long, and no more than `mostParts` where it has few sequences. */
const leastPartBytes = 256;
const mostParts = 64;

/**
 * Runs the line number program of a unit (DWARF 5, 6.2.5) and keeps the row of each of the `addresses`, which rise: the last one at or
 * before it in its sequence. Of a unit whose `known` parts are there, those with one of the addresses are run. @throws UnreadableBytes, OverBudget
 */
export function findLineRows(
  unit: DwarfUnit,
  header: LineHeader,
  code: CodeRanges,
  addresses: Float64Array,
  known?: UnitParts,
): LineRows {
  const program = new LineProgram(unit, header, code, addresses);
  return known === undefined ? program.run() : program.runParts(known);
}

class LineProgram {
  readonly #header: LineHeader;
  readonly #code: CodeRanges;
  readonly #addresses: Float64Array;
  readonly #cursor: ByteCursor;
  readonly #budget: Budget;
  readonly #addressBytes: number;
  readonly #rows: LineRows;

  #address = 0;
  #operation = 0;
  #file = 1;
  #line = 1;
  #column = 0;

  /** The row before, as long as its sequence goes on. */
  #hasRow = false;
  #rowAddress = 0;
  #rowFile = 0;
  #rowLine = 0;
  #rowColumn = 0;
  /** The first address that the sequence may still reach. */
  #next = 0;

  readonly #parts = new UnitPartsDraft(partColumns);
  readonly #partBytes: number;
  #isInPart = false;
  #isRising = true;

  constructor(unit: DwarfUnit, header: LineHeader, code: CodeRanges, addresses: Float64Array) {
    this.#header = header;
    this.#partBytes = Math.max(leastPartBytes, (header.end - header.programStart) / mostParts);
    this.#code = code;
    this.#addresses = addresses;
    this.#budget = unit.data.budget;
    this.#addressBytes = unit.addressBytes;
    this.#cursor = unit.data.scan('line');
    this.#rows = {
      files: new Int32Array(addresses.length).fill(-1),
      lines: new Uint32Array(addresses.length),
      columns: new Uint32Array(addresses.length),
    };
  }

  run(): LineRows {
    const { programStart, end } = this.#header;
    this.#run(programStart, end);
    const found = this.#parts.finish();
    return { ...this.#rows, parts: this.#isRising && !this.#isInPart ? found : undefined };
  }

  runParts(known: UnitParts): LineRows {
    for (let row = known.next(0, this.#addresses); row >= 0; row = known.next(row + 1, this.#addresses)) {
      this.#address = known.value(row, parts.low);
      this.#operation = known.value(row, parts.operation);
      this.#file = known.value(row, parts.file);
      this.#line = known.value(row, parts.line);
      this.#column = known.value(row, parts.column);
      this.#hasRow = true;
      this.#next = firstFrom(this.#addresses, this.#address);
      this.#noteRow();
      this.#run(known.value(row, parts.start), known.value(row, parts.end));
    }
    return this.#rows;
  }

  #run(start: number, end: number): void {
    const { opcodeBase, lineBase, lineRange, minInstructionBytes } = this.#header;
    const cursor = this.#cursor;
    cursor.seek(start, end);
    let steps = 0;
    while (cursor.position < end) {
      if (++steps === 1024) {
        this.#budget.spend(steps, 'rows of line tables');
        steps = 0;
      }
      const opcode = cursor.u8();
      if (opcode >= opcodeBase) {
        const adjusted = opcode - opcodeBase;
        this.#advance(Math.floor(adjusted / lineRange), minInstructionBytes);
        this.#line += lineBase + (adjusted % lineRange);
        this.#emit();
      } else if (opcode === 0) this.#extended();
      else this.#standard(opcode, minInstructionBytes);
    }
  }

  #standard(opcode: number, minInstructionBytes: number): void {
    const cursor = this.#cursor;
    switch (opcode) {
      case 1: // copy
        this.#emit();
        break;
      case 2: // advance_pc
        this.#advance(cursor.uleb(), minInstructionBytes);
        break;
      case 3: // advance_line
        this.#line += cursor.sleb();
        break;
      case 4: // set_file
        this.#file = cursor.uleb();
        break;
      case 5: // set_column
        this.#column = cursor.uleb();
        break;
      case 6: // negate_stmt
      case 7: // set_basic_block
      case 10: // set_prologue_end
      case 11: // set_epilogue_begin
        break;
      case 8: // const_add_pc
        this.#advance(Math.floor((255 - this.#header.opcodeBase) / this.#header.lineRange), minInstructionBytes);
        break;
      case 9: // fixed_advance_pc
        this.#address += cursor.u16();
        this.#operation = 0;
        break;
      default:
        for (let left = this.#header.operandCounts[opcode - 1] ?? 0; left > 0; left--) cursor.skipLeb();
    }
  }

  #extended(): void {
    const cursor = this.#cursor;
    const length = cursor.uleb();
    const end = cursor.position + length;
    if (length === 0) return;
    const opcode = cursor.u8();
    if (opcode === 1) {
      // end_sequence
      this.#emit();
      if (this.#isInPart) this.#endPart(end);
      this.#hasRow = false;
      this.#address = 0;
      this.#operation = 0;
      this.#file = 1;
      this.#line = 1;
      this.#column = 0;
    } else if (opcode === 2) {
      // set_address; its size is that of addresses, whatever the header says.
      this.#address = cursor.unsigned(length - 1 === 4 ? 4 : length - 1 === 8 ? 8 : this.#addressBytes);
      this.#operation = 0;
    }
    // define_file is history; discriminators say nothing of a line.
    cursor.seek(end, cursor.end);
  }

  /** Machines with several operations in an instruction move by whole instructions. */
  #advance(operations: number, minInstructionBytes: number): void {
    const { maxOperations } = this.#header;
    if (maxOperations === 1) {
      this.#address += operations * minInstructionBytes;
      return;
    }
    const advanced = this.#operation + operations;
    this.#address += minInstructionBytes * Math.floor(advanced / maxOperations);
    this.#operation = advanced % maxOperations;
  }

  #emit(): void {
    const address = this.#address;
    if (!this.#hasRow) {
      this.#hasRow = true;
      // A sequence that the linker discarded begins at 0, or outside of code.
      const isCode = codeEndAt(this.#code, address) >= 0;
      this.#next = isCode ? firstFrom(this.#addresses, address) : this.#addresses.length;
      if (isCode) this.#beginPart();
    } else {
      this.#fill(address);
      if (address < this.#rowAddress) this.#isRising = false;
      if (this.#isInPart && this.#cursor.position - this.#partStart >= this.#partBytes) {
        this.#endPart(this.#cursor.position);
        this.#beginPart();
      }
    }
    this.#noteRow();
  }

  #noteRow(): void {
    this.#rowAddress = this.#address;
    this.#rowFile = this.#file;
    this.#rowLine = this.#line;
    this.#rowColumn = this.#column;
  }

  get #partStart(): number {
    return this.#parts.value(this.#parts.count - 1, parts.start);
  }

  /** Begins a piece with the row at hand. */
  #beginPart(): void {
    const start = this.#cursor.position;
    this.#parts.add(this.#address, 0, start, 0, this.#operation, this.#file, this.#line, this.#column);
    this.#isInPart = true;
  }

  /** Ends the piece with the row at hand. */
  #endPart(end: number): void {
    const row = this.#parts.count - 1;
    this.#parts.set(row, parts.high, this.#address);
    this.#parts.set(row, parts.end, end);
    this.#isInPart = false;
  }

  /** Gives the addresses from the row before up to `end` that row. */
  #fill(end: number): void {
    const addresses = this.#addresses;
    while (this.#next < addresses.length && addresses[this.#next]! < end) {
      const index = this.#next++;
      if (addresses[index]! < this.#rowAddress || this.#rows.files[index] !== -1) continue;
      this.#rows.files[index] = asIndex(this.#rowFile);
      this.#rows.lines[index] = asNumber(this.#rowLine);
      this.#rows.columns[index] = asNumber(this.#rowColumn);
    }
  }
}

function asIndex(value: number): number {
  return value >= 0 && value < 2 ** 31 ? value : 2 ** 31 - 1;
}

/** Lines and columns are numbers of 32 bits; 0 means unknown. */
function asNumber(value: number): number {
  return value >= 0 && value < 2 ** 32 ? value : 0;
}
