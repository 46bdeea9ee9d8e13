// hot

import type { LocationColumns } from '../../otlp/location-columns.ts';
import { lineWords } from '../../otlp/location-columns.ts';
import { HashSlots } from '../../support/hash-slots.ts';
import { mixWord, mixWords } from '../../support/mix-words.ts';
import { Uint32List } from '../../support/uint32-list.ts';

/**
 * Keeps the locations of columns distinct: whole locations are compared, their lines in order, their attributes as a set.
 * 16 to 24 bytes a location beside the columns.
 */
export class LocationIndex {
  readonly #locations: LocationColumns;
  /** Number of each location's set of attributes. */
  readonly #sets = new Uint32List();
  readonly #slots = new HashSlots();

  /** `locations` is empty, and changes by this index alone. */
  constructor(locations: LocationColumns) {
    this.#locations = locations;
  }

  get sizeBytes(): number {
    return 8 * this.#sets.length + this.#slots.sizeBytes + this.#locations.sizeBytes;
  }

  /** Makes room for as many locations and lines in all. */
  reserve(locations: number, lines: number): void {
    this.#locations.reserve(locations, lines);
    this.#sets.reserve(locations);
    this.#slots.reserve(locations);
  }

  /** Makes a location of the lines and attributes that were appended, or finds it; `set` is the number of the attributes. */
  close(mapping: number, low: number, high: number, set: number): number {
    const locations = this.#locations;
    const { lines } = locations;
    const start = lineWords * locations.linesStart(locations.length);
    const end = lineWords * locations.lineCount;
    let hash = mixWords(mapping, low, high, set);
    for (let i = start; i < end; i++) hash = mixWord(hash, lines[i]!);
    for (let location = this.#slots.first(hash); location >= 0; location = this.#slots.next()) {
      const isEqual =
        locations.low(location) === (low | 0) &&
        locations.high(location) === (high | 0) &&
        locations.mapping(location) === mapping &&
        this.#sets.at(location) === set &&
        hasOpenLines(locations, location);
      if (!isEqual) continue;
      locations.dropOpen();
      return location;
    }
    locations.close(mapping, low, high);
    this.#sets.push(set);
    return this.#slots.add();
  }
}

/** True when a location has the same lines as the one that is still open. */
function hasOpenLines(locations: LocationColumns, location: number): boolean {
  const { lines } = locations;
  const start = lineWords * locations.linesStart(location);
  const openStart = lineWords * locations.linesStart(locations.length);
  const words = lineWords * locations.linesEnd(location) - start;
  if (words !== lineWords * locations.lineCount - openStart) return false;
  for (let i = 0; i < words; i++) if (lines[start + i] !== lines[openStart + i]) return false;
  return true;
}
