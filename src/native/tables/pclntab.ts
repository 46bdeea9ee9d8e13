import { ByteCursor } from '../elf/byte-cursor.ts';
import type { ByteSource } from '../elf/byte-source.ts';
import { UnreadableBytes } from '../elf/byte-source.ts';
import type { ElfFile } from '../elf/elf-file.ts';
import { findSection, sectionSource } from '../elf/elf-file.ts';
import { findGoModule } from './go-module.ts';

/** A function of Go at an address. */
export interface GoFrame {
  readonly name: string;
  readonly filePath: string;
  readonly line: number;
  /** Line on which the function starts; 0 before Go 1.20. */
  readonly startLine: number;
}

// Go 1.16, 1.18 and 1.20 (https://go.dev/src/internal/abi/symtab.go); older ones are seven years old.
const magics = { go116: 0xfffffffa, go118: 0xfffffff0, go120: 0xfffffff1 } as const;
const maxFunctions = 16_777_216;
/** Steps of one table of values; the longest functions have some ten thousand. */
const maxSteps = 1_048_576;
const maxInlineDepth = 64;
/** `PCDATA_InlTreeIndex` and `FUNCDATA_InlTree`. */
const inlineTreeIndex = 2;
const inlineTree = 3;
const inlinedCallBytes = 16;

interface Layout {
  readonly magic: number;
  readonly quantum: number;
  readonly pointerBytes: number;
  readonly functionCount: number;
  /** Address that offsets of functions count from; 0 before Go 1.18. */
  readonly textStart: number;
  /** Positions in the table. */
  readonly names: number;
  readonly units: number;
  readonly files: number;
  readonly values: number;
  readonly functions: number;
  /** Position of the data of functions; -1 when it is not known, and then inlined functions are not found. */
  readonly functionData: number;
}

interface GoFunction {
  readonly entry: number;
  readonly name: string;
  readonly startLine: number;
  readonly unitOffset: number;
  readonly filesAt: number;
  readonly linesAt: number;
  /** Positions of values and of data by number; 0 for none. */
  readonly inlineValuesAt: number;
  readonly inlineTreeAt: number;
}

/** The table of functions that Go programs carry for their own stack traces, also when they are stripped. */
export class GoTable {
  readonly #cursor: ByteCursor;
  readonly #layout: Layout;

  private constructor(source: ByteSource, layout: Layout) {
    this.#cursor = new ByteCursor(source, 512);
    this.#layout = layout;
  }

  /** `undefined` when the file has no such table, or one of another Go. @throws UnreadableBytes */
  static open(elf: ElfFile): GoTable | undefined {
    const section = findSection(elf, '.gopclntab') ?? findSection(elf, '.data.rel.ro.gopclntab');
    const source = section && sectionSource(elf, section);
    if (section === undefined || source === undefined || source.sizeBytes < 80) return undefined;
    const layout = readLayout(elf, source, section.address);
    return layout && new GoTable(source, layout);
  }

  /** The functions at an address, innermost first; none where there is no function. @throws UnreadableBytes */
  framesAt(address: number): GoFrame[] {
    const found = this.#findFunction(address);
    if (found === undefined) return [];
    const chain: GoFrame[] = [];
    let at = address;
    // The tree names what was inlined, and where its caller goes on.
    for (let depth = 0; depth < maxInlineDepth; depth++) {
      const call = this.#inlinedAt(found, at);
      if (call === undefined) break;
      chain.push({ name: call.name, ...this.#placeAt(found, at), startLine: call.startLine });
      at = found.entry + call.parentOffset;
    }
    chain.push({ name: found.name, ...this.#placeAt(found, at), startLine: found.startLine });
    return chain;
  }

  #findFunction(address: number): GoFunction | undefined {
    const { functionCount } = this.#layout;
    let low = 0;
    let high = functionCount;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#entryAt(middle).address <= address) low = middle + 1;
      else high = middle;
    }
    // The entry after the last function tells where that one ends.
    if (low === 0 || address >= this.#entryAt(functionCount).address) return undefined;
    return this.#readFunction(this.#entryAt(low - 1).position);
  }

  #entryAt(index: number): { address: number; position: number } {
    const { magic, functions, pointerBytes, textStart, functionCount } = this.#layout;
    const isOld = magic === magics.go116;
    const width = isOld ? pointerBytes : 4;
    this.#cursor.seek(functions + index * 2 * width);
    const entry = this.#cursor.unsigned(width);
    const position = index < functionCount ? this.#cursor.unsigned(width) : 0;
    return { address: isOld ? entry : textStart + entry, position: functions + position };
  }

  #readFunction(position: number): GoFunction {
    const { magic, pointerBytes, textStart, functionData } = this.#layout;
    const cursor = this.#cursor;
    cursor.seek(position);
    const entry = magic === magics.go116 ? cursor.unsigned(pointerBytes) : textStart + cursor.u32();
    const nameOffset = cursor.u32();
    cursor.skip(12);
    const filesAt = cursor.u32();
    const linesAt = cursor.u32();
    const valueCount = cursor.u32();
    const unitOffset = cursor.u32();
    const startLine = magic === magics.go120 ? cursor.u32() : 0;
    cursor.skip(3);
    const dataCount = cursor.u8();
    const valuesStart = cursor.position;
    const hasTree = magic === magics.go120 && functionData >= 0;
    const inlineValuesAt = hasTree && valueCount > inlineTreeIndex ? this.#u32At(valuesStart + 4 * inlineTreeIndex) : 0;
    const treeOffset =
      inlineValuesAt > 0 && dataCount > inlineTree
        ? this.#u32At(valuesStart + 4 * (valueCount + inlineTree))
        : 0xffff_ffff;
    return {
      ...{ entry, startLine, unitOffset, filesAt, linesAt, inlineValuesAt },
      name: this.#textAt(this.#layout.names + nameOffset),
      inlineTreeAt: treeOffset === 0xffff_ffff ? 0 : functionData + treeOffset,
    };
  }

  #inlinedAt(
    found: GoFunction,
    address: number,
  ): { name: string; startLine: number; parentOffset: number } | undefined {
    if (found.inlineTreeAt === 0) return undefined;
    const index = this.#valueAt(found.inlineValuesAt, found.entry, address);
    if (index < 0) return undefined;
    const cursor = this.#cursor;
    cursor.seek(found.inlineTreeAt + index * inlinedCallBytes + 4);
    const nameOffset = cursor.u32();
    const parentOffset = cursor.u32();
    const startLine = cursor.u32();
    return { name: this.#textAt(this.#layout.names + nameOffset), parentOffset, startLine };
  }

  #placeAt(found: GoFunction, address: number): Pick<GoFrame, 'filePath' | 'line'> {
    const line = this.#valueAt(found.linesAt, found.entry, address);
    const file = this.#valueAt(found.filesAt, found.entry, address);
    if (file < 0) return { filePath: '', line: Math.max(0, line) };
    const offset = this.#u32At(this.#layout.units + 4 * (found.unitOffset + file));
    const filePath = offset === 0xffff_ffff ? '' : this.#textAt(this.#layout.files + offset);
    return { filePath, line: Math.max(0, line) };
  }

  /** The value at an address of a table of steps: differences of value and of address, until an address lies beyond. */
  #valueAt(offset: number, entry: number, address: number): number {
    if (offset === 0) return -1;
    const { values, quantum } = this.#layout;
    const cursor = this.#cursor;
    cursor.seek(values + offset);
    let value = -1;
    let at = entry;
    for (let step = 0; step < maxSteps; step++) {
      const difference = cursor.uleb();
      if (difference === 0 && step > 0) return -1;
      value += difference % 2 === 1 ? -(difference + 1) / 2 : difference / 2;
      at += cursor.uleb() * quantum;
      if (address < at) return value;
    }
    throw new UnreadableBytes(`a table of values has more than ${maxSteps} steps`);
  }

  #u32At(position: number): number {
    this.#cursor.seek(position);
    return this.#cursor.u32();
  }

  #textAt(position: number): string {
    this.#cursor.seek(position);
    return this.#cursor.text();
  }
}

function readLayout(elf: ElfFile, source: ByteSource, address: number): Layout | undefined {
  const cursor = new ByteCursor(source, 128);
  const magic = cursor.u32();
  if (magic !== magics.go116 && magic !== magics.go118 && magic !== magics.go120) return undefined;
  cursor.skip(2);
  const quantum = cursor.u8();
  const pointerBytes = cursor.u8();
  if (pointerBytes !== 4 && pointerBytes !== 8) return undefined;
  const word = (): number => cursor.unsigned(pointerBytes);
  const functionCount = word();
  if (functionCount > maxFunctions) throw new UnreadableBytes(`there are ${functionCount} functions of Go`);
  word();
  const written = magic === magics.go116 ? 0 : word();
  const [names, units, files, values, functions] = [word(), word(), word(), word(), word()] as const;
  const module = findGoModule(elf, address, pointerBytes);
  const textStart = written || (module?.textStart ?? 0);
  // Without a start every name would be that of another function.
  if (magic !== magics.go116 && textStart === 0) return undefined;
  const data = module === undefined ? -1 : module.functionData - address;
  const functionData = data >= 0 && data < source.sizeBytes ? data : -1;
  return {
    ...{ magic, quantum, pointerBytes, functionCount, textStart },
    ...{ names, units, files, values, functions, functionData },
  };
}
