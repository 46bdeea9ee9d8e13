// hot
import { noBytes } from '../profiles-data.ts';
import { PairSet } from './pair-set.ts';

// Columns without room: what another thread scanned brings columns of its own.
const noWords = new Uint32Array(0);
const noHashes = new Int32Array(0);

/**
 * The tables of one message as columns of numbers, over its bytes. Columns are used again for the next message.
 *
 *     locationMapping       3   3   7        one number for each location
 *     locationLineStart     0   1   1   3    lines of location i: from number i to number i + 1
 *     lineFunction         12   4   5        one number for each line
 */
export class DictionaryColumns {
  /** The message that the columns belong to. */
  bytes: Uint8Array = noBytes;
  /** Tables by the number of their field: mapping 1, location 2, function 3, link 4, string 5, attribute 6, stack 7. */
  readonly counts: Uint32Array = new Uint32Array(8);
  /** Places at which the entries of a table, which follow one another, begin and end, with the tags before them. */
  readonly starts: Uint32Array = new Uint32Array(8);
  readonly ends: Uint32Array = new Uint32Array(8);
  /** Bits of an entry's use: see `table-scan.ts`. */
  readonly used: Uint8Array[] = Array.from({ length: 8 }, () => noBytes);

  readonly strings: PairSet = new PairSet();
  readonly functions: PairSet = new PairSet();
  readonly locations: PairSet = new PairSet();
  /** Of the table at hand among those that are not looked up afterwards. */
  readonly others: PairSet = new PairSet();

  stringStart: Uint32Array = noWords;
  stringEnd: Uint32Array = noWords;

  functionName: Uint32Array = noWords;
  functionSystemName: Uint32Array = noWords;
  functionFile: Uint32Array = noWords;
  functionLineLow: Uint32Array = noWords;
  functionLineHigh: Uint32Array = noWords;

  /** Hashes of what functions say, the same in every dictionary; filled by `hashFunctionTexts`. */
  functionTextA: Int32Array = noHashes;
  functionTextB: Int32Array = noHashes;

  attributeKey: Uint32Array = noWords;
  /** Of the value's text, without tag and length; both 0 where the value is no text. */
  attributeTextStart: Uint32Array = noWords;
  attributeTextEnd: Uint32Array = noWords;

  mappingFile: Uint32Array = noWords;
  /** 1 where `memory_limit` is not 0. */
  mappingIsLoaded: Uint8Array = noBytes;
  /** Places of an entry's first attribute in `mappingAttributes`; the last attribute stands before the next entry's first. */
  mappingAttributeStart: Uint32Array = noWords;
  mappingAttributes: Uint32Array = noWords;

  /** Of the entry without tag and length. */
  locationStart: Uint32Array = noWords;
  locationEnd: Uint32Array = noWords;
  locationMapping: Uint32Array = noWords;
  locationLow: Uint32Array = noWords;
  locationHigh: Uint32Array = noWords;
  /** As for mappings. */
  locationAttributeStart: Uint32Array = noWords;
  locationAttributes: Uint32Array = noWords;
  /** Places of a location's first line in the columns of lines, as for attributes. */
  locationLineStart: Uint32Array = noWords;
  lineFunction: Uint32Array = noWords;
  lineLow: Uint32Array = noWords;
  lineHigh: Uint32Array = noWords;
  columnLow: Uint32Array = noWords;
  columnHigh: Uint32Array = noWords;

  get sizeBytes(): number {
    let sizeBytes = -this.bytes.byteLength;
    for (const column of [...Object.values(this), ...this.used]) {
      if (ArrayBuffer.isView(column)) sizeBytes += column.byteLength;
      else if (column instanceof PairSet) sizeBytes += column.sizeBytes;
    }
    return sizeBytes;
  }

  /** Makes room for tables of `counts`. */
  prepare(): void {
    const [, mappings = 0, locations = 0, functions = 0, , strings = 0, attributes = 0] = this.counts;
    for (let table = 1; table < 8; table++) {
      const count = this.counts[table]!;
      if (this.used[table]!.length < count) this.used[table] = new Uint8Array(roomFor(count));
      else this.used[table]!.fill(0, 0, count);
    }
    this.functionName = withRoom(this.functionName, functions);
    this.functionSystemName = withRoom(this.functionSystemName, functions);
    this.functionFile = withRoom(this.functionFile, functions);
    this.functionLineLow = withRoom(this.functionLineLow, functions);
    this.functionLineHigh = withRoom(this.functionLineHigh, functions);
    this.attributeKey = withRoom(this.attributeKey, attributes);
    this.attributeTextStart = withRoom(this.attributeTextStart, attributes);
    this.attributeTextEnd = withRoom(this.attributeTextEnd, attributes);
    this.mappingFile = withRoom(this.mappingFile, mappings);
    if (this.mappingIsLoaded.length < mappings) this.mappingIsLoaded = new Uint8Array(roomFor(mappings));
    this.mappingAttributeStart = withRoom(this.mappingAttributeStart, mappings + 1);
    this.locationStart = withRoom(this.locationStart, locations);
    this.locationEnd = withRoom(this.locationEnd, locations);
    this.locationMapping = withRoom(this.locationMapping, locations);
    this.locationLow = withRoom(this.locationLow, locations);
    this.locationHigh = withRoom(this.locationHigh, locations);
    this.locationAttributeStart = withRoom(this.locationAttributeStart, locations + 1);
    this.locationLineStart = withRoom(this.locationLineStart, locations + 1);
    this.functions.clear(functions);
    this.locations.clear(locations);
    this.strings.clear(strings);
  }

  /** Makes room for more texts. */
  growTexts(): this {
    this.stringStart = grown(this.stringStart, this.stringStart.length + 1);
    this.stringEnd = grown(this.stringEnd, this.stringEnd.length + 1);
    return this;
  }

  /** Makes room for one more line after `count`. */
  growLines(count: number): void {
    if (count < this.lineFunction.length) return;
    this.lineFunction = grown(this.lineFunction, count + 1);
    this.lineLow = grown(this.lineLow, count + 1);
    this.lineHigh = grown(this.lineHigh, count + 1);
    this.columnLow = grown(this.columnLow, count + 1);
    this.columnHigh = grown(this.columnHigh, count + 1);
  }
}

function roomFor(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(count, 64)));
}

/** A column of at least `count` numbers, which may be any. */
function withRoom(column: Uint32Array, count: number): Uint32Array {
  return count <= column.length ? column : new Uint32Array(roomFor(count));
}

/** A column of at least `count` numbers that begins with those of `column`. */
export function grown(column: Uint32Array, count: number): Uint32Array {
  if (count <= column.length) return column;
  const longer = new Uint32Array(roomFor(count));
  longer.set(column);
  return longer;
}
