// hot
import { grown, withRoom } from '../support/grown-column.ts';
import { highHalf, lowHalf, uint64Of } from '../support/halves.ts';
import { IndexLists } from '../support/index-lists.ts';
import type { Entries, Line, Location } from './profiles-data.ts';
import { eachEntry, noElements, placeOf } from './profiles-data.ts';

/** Words of a location, and what they are: halves of the address, and the number of lines up to its last. */
const headWords = 4;
const lowAt = 1;
const highAt = 2;
const linesEndAt = 3;

/** Words of a line: its function, and the halves of line and column. */
export const lineWords = 5;
export const lineLowAt = 1;
export const lineHighAt = 2;
export const columnLowAt = 3;
export const columnHighAt = 4;

const firstHead = new Int32Array(headWords);
const noWords = new Int32Array(0);

/**
 * Locations as columns, without an object a location or a line and without `bigint`. Lines and attributes of a location are
 * appended, then `close` makes a location of all that were since the one before. Halves of 64-bit numbers are signed.
 */
export class LocationColumns implements Entries<Location> {
  /** Five words a line. */
  lines: Int32Array = noWords;
  readonly attributes: IndexLists = new IndexLists();
  /** The first head stands for the location before the first. */
  #heads: Int32Array = firstHead;
  #length = 0;
  #lineCount = 0;

  get length(): number {
    return this.#length;
  }

  get sizeBytes(): number {
    return this.#heads.byteLength + this.lines.byteLength + this.attributes.sizeBytes;
  }

  /** Makes room for as many locations and lines in all, with an attribute each. */
  reserve(locations: number, lines: number): void {
    this.#heads = withRoom(this.#heads, headWords * (locations + 1));
    this.lines = withRoom(this.lines, lineWords * lines);
    this.attributes.reserve(locations, locations);
  }

  /** Appends a line whose numbers have these halves. */
  pushLine(called: number, lineLow: number, lineHigh: number, columnLow: number, columnHigh: number): void {
    const at = lineWords * this.#lineCount++;
    if (at === this.lines.length) this.lines = grown(this.lines, at + lineWords);
    const { lines } = this;
    lines[at] = called;
    lines[at + lineLowAt] = lineLow;
    lines[at + lineHighAt] = lineHigh;
    lines[at + columnLowAt] = columnLow;
    lines[at + columnHighAt] = columnHigh;
  }

  addLine({ functionIndex, line, column }: Line): void {
    this.pushLine(functionIndex, lowHalf(line), highHalf(line), lowHalf(column), highHalf(column));
  }

  /** Closes a location of the lines and attributes that were appended since the one before. */
  close(mapping: number, low: number, high: number): void {
    const at = headWords * ++this.#length;
    if (at + headWords > this.#heads.length) this.#heads = grown(this.#heads, at + headWords);
    const heads = this.#heads;
    heads[at] = mapping;
    heads[at + lowAt] = low;
    heads[at + highAt] = high;
    heads[at + linesEndAt] = this.#lineCount;
    this.attributes.close();
  }

  add({ mappingIndex, address, lines, attributeIndices }: Location): void {
    for (const line of lines) this.addLine(line);
    this.attributes.pushAll(attributeIndices);
    this.close(mappingIndex, lowHalf(address), highHalf(address));
  }

  /** Forgets the lines and attributes that belong to no location yet. */
  dropOpen(): void {
    this.#lineCount = this.linesStart(this.#length);
    this.attributes.dropOpen();
  }

  removeLast(): void {
    this.#length--;
    this.#lineCount = this.linesStart(this.#length);
    this.attributes.removeLast();
  }

  mapping(index: number): number {
    return this.#heads[headWords * (index + 1)]!;
  }

  /** Halves of the address. */
  low(index: number): number {
    return this.#heads[headWords * (index + 1) + lowAt]!;
  }

  high(index: number): number {
    return this.#heads[headWords * (index + 1) + highAt]!;
  }

  /** Numbers of the location's first line, and of the first one after its last. For the open location give `length`. */
  linesStart(index: number): number {
    return this.#heads[headWords * index + linesEndAt]!;
  }

  linesEnd(index: number): number {
    return this.#heads[headWords * (index + 1) + linesEndAt]!;
  }

  /** Number of lines, with those of the open location. */
  get lineCount(): number {
    return this.#lineCount;
  }

  at(index: number): Location | undefined {
    const place = placeOf(this, index);
    return place < 0 ? undefined : this.#location(place);
  }

  #location(index: number): Location {
    const { attributes } = this;
    const [start, end] = [attributes.start(index), attributes.end(index)];
    return {
      mappingIndex: this.mapping(index),
      address: uint64Of(this.high(index) >>> 0, this.low(index) >>> 0),
      lines: this.#linesOf(this.linesStart(index), this.linesEnd(index)),
      attributeIndices: start === end ? noElements : Array.from(attributes.indices.subarray(start, end)),
    };
  }

  #linesOf(start: number, end: number): readonly Line[] {
    if (start === end) return noElements;
    const lines: Line[] = [];
    for (let at = lineWords * start; at < lineWords * end; at += lineWords) {
      const [functionIndex, lineLow, lineHigh, columnLow, columnHigh] = this.lines.subarray(at, at + lineWords);
      lines.push({
        functionIndex: functionIndex!,
        line: BigInt.asIntN(64, uint64Of(lineHigh! >>> 0, lineLow! >>> 0)),
        column: BigInt.asIntN(64, uint64Of(columnHigh! >>> 0, columnLow! >>> 0)),
      });
    }
    return lines;
  }

  [Symbol.iterator](): Generator<Location, void, undefined> {
    return eachEntry(this.length, (index) => this.#location(index));
  }

  entries(): Generator<[number, Location], void, undefined> {
    return eachEntry(this.length, (index) => [index, this.#location(index)]);
  }
}

/** The locations as columns; a list of objects is copied. */
export function locationColumnsOf(table: Entries<Location>): LocationColumns {
  if (table instanceof LocationColumns) return table;
  const columns = new LocationColumns();
  for (const location of table) columns.add(location);
  return columns;
}
