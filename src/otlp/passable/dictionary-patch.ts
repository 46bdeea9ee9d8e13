// hot
import type { Steps } from '../../support/steps.ts';
import { ProtobufWriter } from '../protobuf/protobuf-writer.ts';
import { ByteWalk } from './byte-walk.ts';
import { tables } from './dictionary-columns.ts';
import type { Edit } from './edits.ts';
import { writeEdited } from './edits.ts';
import { InlinedReferences } from './inline-references.ts';
import { internFunction, internLocation } from './intern-entries.ts';
import type { PassableProfiles } from './passable-scanner.ts';
import type { TextColumns } from './text-columns.ts';

/** A line for a location. */
export interface NewLine {
  readonly functionIndex: number;
  /** Below 2^32, like `column`. */
  readonly line: number;
  readonly column: number;
}

/**
 * Names for locations of a passable message, around its bytes: every entry keeps its index, functions and texts come at the end
 * of their tables, and only locations that get lines are written anew. Where attributes refer to the string table,
 * the texts take the references' places, and those in no other use leave the table.
 *
 *     | resource_profiles … | stacks | attributes | strings + new | functions + new | locations, some anew | mappings |
 */
export class DictionaryPatch {
  readonly #profiles: PassableProfiles;
  readonly #texts: TextColumns;
  readonly #newTexts = new Map<string, number>();
  readonly #locationEdits: Edit[] = [];

  constructor(profiles: PassableProfiles, texts: TextColumns) {
    this.#profiles = profiles;
    this.#texts = texts;
  }

  /** Adds a text or finds it; returns its index. */
  text(text: string): number {
    if (text === '') return 0;
    const added = this.#newTexts.get(text);
    if (added !== undefined) return added;
    const { keptTexts } = this.#profiles;
    const known = this.#texts.indexOf(text);
    if (known >= 0 && known < keptTexts) return known;
    const index = keptTexts + this.#newTexts.size;
    this.#newTexts.set(text, index);
    return index;
  }

  /** Adds a function or finds it; returns its index. `startLine` is below 2^32. */
  functionNamed(name: number, systemName: number, file: number, startLine: number): number {
    const { columns } = this.#profiles;
    const index = columns.functions.count;
    columns.growFunctions(index);
    columns.functionName[index] = name;
    columns.functionSystemName[index] = systemName;
    columns.functionFile[index] = file;
    columns.functionLineLow[index] = startLine;
    columns.functionLineHigh[index] = 0;
    return internFunction(columns, index);
  }

  /**
   * Gives lines to a location that has none; `false` when another location would be its equal then. Locations are named in
   * ascending order, and never entry 0.
   */
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
    const { count } = columns.locations;
    if (internLocation(columns, index, lineStart, lineEnd) !== count) return false;
    this.#locationEdits.push({
      start: columns.locationEnd[index - 1]!,
      end: columns.locationEnd[index]!,
      write: (writer) => this.#writeLocation(writer, index, lines),
    });
    return true;
  }

  /** The message with these names and without references; the message itself where neither changes it. */
  *finish(): Steps<Uint8Array> {
    const { bytes, hasReferences } = this.#profiles;
    if (this.#locationEdits.length === 0 && !hasReferences) return bytes;
    const room = 64 * (this.#locationEdits.length + this.#newTexts.size);
    const writer = new ProtobufWriter(bytes.length + room + (hasReferences ? bytes.length >> 2 : 0));
    yield* writeEdited(writer, bytes, [0, bytes.length], this.#topEdits());
    return yield* writer.finishInSteps();
  }

  #topEdits(): Edit[] {
    const { bytes, columns, dictionary, hasReferences } = this.#profiles;
    const edited: Edit = { ...dictionary, field: 2, edits: this.#dictionaryEdits() };
    if (!hasReferences) return [edited];
    const edits: Edit[] = [];
    const references = new InlinedReferences(columns);
    const walk = new ByteWalk();
    walk.start(bytes);
    while (walk.position < bytes.length) {
      const start = walk.position;
      const first = references.count;
      const tag = walk.tag();
      const end = walk.fieldEnd(bytes.length);
      if (tag === 0x12) edits.push(edited);
      else if (references.markEntry(walk, start, tag, end)) {
        const last = references.count;
        edits.push({ start, end, write: (writer) => references.writeEntry(writer, first, last) });
      }
      walk.position = end;
    }
    return edits;
  }

  #dictionaryEdits(): Edit[] {
    const { columns, keptTexts } = this.#profiles;
    const { ends, functions, counts } = columns;
    const functionEnd = ends[tables.function]!;
    const writeFunctions = (writer: ProtobufWriter): void => {
      for (let i = functions.count - 1; i >= counts[tables.function]!; i--) this.#writeFunction(writer, i);
    };
    const writeTexts = (writer: ProtobufWriter): void => {
      for (const text of [...this.#newTexts.keys()].reverse()) writer.explicitText(tables.string, text);
    };
    // The last text that stays, or the first one, which is empty.
    const textStart = columns.stringEnd[keptTexts - 1]!;
    return [
      ...this.#locationEdits,
      { start: functionEnd, end: functionEnd, write: writeFunctions },
      { start: textStart, end: ends[tables.string]!, write: writeTexts },
    ].sort((one, other) => one.start - other.start);
  }

  /** A location as it was, and its lines. */
  #writeLocation(writer: ProtobufWriter, index: number, lines: readonly NewLine[]): void {
    const { bytes, columns } = this.#profiles;
    const mark = writer.length;
    for (let i = lines.length - 1; i >= 0; i--) {
      const { functionIndex, line, column } = lines[i]!;
      const lineMark = writer.length;
      writer.uint32(3, column);
      writer.uint32(2, line);
      writer.uint32(1, functionIndex);
      writer.message(3, lineMark);
    }
    writer.copy(bytes.subarray(columns.locationStart[index], columns.locationEnd[index]));
    writer.message(tables.location, mark);
  }

  #writeFunction(writer: ProtobufWriter, index: number): void {
    const { columns } = this.#profiles;
    const mark = writer.length;
    writer.uint32(4, columns.functionLineLow[index]!);
    writer.uint32(3, columns.functionFile[index]!);
    writer.uint32(2, columns.functionSystemName[index]!);
    writer.uint32(1, columns.functionName[index]!);
    writer.message(tables.function, mark);
  }
}
