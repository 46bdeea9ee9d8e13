// hot
import { ProtobufWriter } from '../protobuf/protobuf-writer.ts';
import { grown } from './dictionary-columns.ts';
import { PairHash } from './pair-hash.ts';
import type { PassableProfiles } from './passable-scanner.ts';
import { hashFunction, hashLocation } from './scan-frame-tables.ts';
import { tables } from './table-scan.ts';
import type { TextColumns } from './text-columns.ts';

/** A line that a location gets. */
export interface NewLine {
  readonly functionIndex: number;
  /** Below 2^32, like `column`. */
  readonly line: number;
  readonly column: number;
}

interface NamedLocation {
  readonly index: number;
  readonly lines: readonly NewLine[];
}

/**
 * Names for locations of a passable message. All that it holds keeps its index, so nothing but these locations is written
 * anew; functions and texts come at the end of their tables.
 */
export class DictionaryPatch {
  readonly #profiles: PassableProfiles;
  readonly #texts: TextColumns;
  readonly #hash = new PairHash();
  readonly #newTexts = new Map<string, number>();
  readonly #named: NamedLocation[] = [];

  constructor(profiles: PassableProfiles, texts: TextColumns) {
    this.#profiles = profiles;
    this.#texts = texts;
  }

  /** Adds a text or finds it; returns its index. */
  text(text: string): number {
    if (text === '') return 0;
    const added = this.#newTexts.get(text);
    if (added !== undefined) return added;
    const known = this.#texts.indexOf(text);
    if (known >= 0) return known;
    const index = this.#profiles.columns.counts[tables.string]! + this.#newTexts.size;
    this.#newTexts.set(text, index);
    return index;
  }

  /** Adds a function or finds it; returns its index. `startLine` is below 2^32. */
  functionNamed(name: number, systemName: number, file: number, startLine: number): number {
    const { columns } = this.#profiles;
    const index = columns.functions.count;
    columns.functionName = grown(columns.functionName, index + 1);
    columns.functionSystemName = grown(columns.functionSystemName, index + 1);
    columns.functionFile = grown(columns.functionFile, index + 1);
    columns.functionLineLow = grown(columns.functionLineLow, index + 1);
    columns.functionLineHigh = grown(columns.functionLineHigh, index + 1);
    columns.functionName[index] = name;
    columns.functionSystemName[index] = systemName;
    columns.functionFile[index] = file;
    columns.functionLineLow[index] = startLine;
    columns.functionLineHigh[index] = 0;
    hashFunction(this.#hash, columns, index);
    return columns.functions.intern(this.#hash.a, this.#hash.b);
  }

  /** Gives lines to a location that has none; `false` when another location would be its equal then. */
  nameLocation(index: number, lines: readonly NewLine[]): boolean {
    const { columns } = this.#profiles;
    const lineStart = columns.locationLineStart[columns.counts[tables.location]!]!;
    let lineEnd = lineStart;
    for (const { functionIndex, line, column } of lines) {
      columns.growLines(lineEnd);
      columns.lineFunction[lineEnd] = functionIndex;
      columns.lineLow[lineEnd] = line;
      columns.lineHigh[lineEnd] = 0;
      columns.columnLow[lineEnd] = column;
      columns.columnHigh[lineEnd] = 0;
      lineEnd++;
    }
    hashLocation(this.#hash, columns, index, lineStart, lineEnd);
    const { count } = columns.locations;
    if (columns.locations.intern(this.#hash.a, this.#hash.b) !== count) return false;
    this.#named.push({ index, lines });
    return true;
  }

  /** The message with these names; the message itself when there are none. Locations were named in ascending order. */
  finish(): Uint8Array {
    const { bytes, columns, dictionaryStart } = this.#profiles;
    if (this.#named.length === 0) return bytes;
    const writer = new ProtobufWriter(bytes.length + 64 * (this.#named.length + this.#newTexts.size));
    const { ends } = columns;
    writer.copy(bytes.subarray(ends[tables.string], bytes.length));
    for (const text of [...this.#newTexts.keys()].reverse()) writer.explicitText(5, text);
    writer.copy(bytes.subarray(ends[tables.function], ends[tables.string]));
    const functionCount = columns.counts[tables.function]!;
    for (let index = columns.functions.count - 1; index >= functionCount; index--) this.#writeFunction(writer, index);
    let copied = ends[tables.function]!;
    for (let i = this.#named.length - 1; i >= 0; i--) {
      const named = this.#named[i]!;
      writer.copy(bytes.subarray(columns.locationEnd[named.index]!, copied));
      this.#writeLocation(writer, named);
      // Entry 0 is never named: there is one before.
      copied = columns.locationEnd[named.index - 1]!;
    }
    writer.copy(bytes.subarray(columns.starts[tables.mapping], copied));
    writer.message(2, 0);
    writer.copy(bytes.subarray(0, dictionaryStart));
    return writer.finish();
  }

  /** A location as it was, with its lines before its attributes. */
  #writeLocation(writer: ProtobufWriter, { index, lines }: NamedLocation): void {
    const { bytes, columns } = this.#profiles;
    const mark = writer.length;
    const listStart = columns.locationListStart[index]!;
    writer.copy(bytes.subarray(listStart, columns.locationEnd[index]));
    for (let i = lines.length - 1; i >= 0; i--) {
      const { functionIndex, line, column } = lines[i]!;
      const lineMark = writer.length;
      writer.uint32(3, column);
      writer.uint32(2, line);
      writer.uint32(1, functionIndex);
      writer.message(3, lineMark);
    }
    writer.copy(bytes.subarray(columns.locationStart[index], listStart));
    writer.message(2, mark);
  }

  #writeFunction(writer: ProtobufWriter, index: number): void {
    const { columns } = this.#profiles;
    const mark = writer.length;
    writer.uint32(4, columns.functionLineLow[index]!);
    writer.uint32(3, columns.functionFile[index]!);
    writer.uint32(2, columns.functionSystemName[index]!);
    writer.uint32(1, columns.functionName[index]!);
    writer.message(3, mark);
  }
}
