// hot
import type { Budget } from '../elf/budget.ts';
import type { ByteCursor } from '../elf/byte-cursor.ts';
import type { CodeRanges } from '../elf/code-ranges.ts';
import { codeEndAt, firstFrom } from '../elf/code-ranges.ts';
import type { DwarfUnit } from './dwarf-data.ts';
import type { LineHeader } from './line-header.ts';

/** Rows of a line table at addresses, in parallel: index of the file, line and column; file -1 where there is no row. */
export interface LineRows {
  readonly files: Int32Array;
  readonly lines: Uint32Array;
  readonly columns: Uint32Array;
}

/**
 * Runs the line number program of a unit (DWARF 5, 6.2.5) and keeps the row of each of the `addresses`, which rise: the last one at or
 * before it in its sequence. @throws UnreadableBytes, OverBudget
 */
export function findLineRows(unit: DwarfUnit, header: LineHeader, code: CodeRanges, addresses: Float64Array): LineRows {
  return new LineProgram(unit, header, code, addresses).run();
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

  constructor(unit: DwarfUnit, header: LineHeader, code: CodeRanges, addresses: Float64Array) {
    this.#header = header;
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
    const { programStart, end, opcodeBase, lineBase, lineRange, minInstructionBytes } = this.#header;
    const cursor = this.#cursor;
    cursor.seek(programStart, end);
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
    return this.#rows;
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
    cursor.seek(end, this.#header.end);
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
      this.#next = codeEndAt(this.#code, address) < 0 ? this.#addresses.length : firstFrom(this.#addresses, address);
    } else this.#fill(address);
    this.#rowAddress = address;
    this.#rowFile = this.#file;
    this.#rowLine = this.#line;
    this.#rowColumn = this.#column;
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
