// hot
import { MemoryShortage } from '../../model/memory-shortage.ts';
import { isEngineSparing } from '../../support/engine-effort.ts';
import type { WebAssemblyMemory, WebAssemblyModule } from '../../support/web-assembly.ts';
import { compileTiered, Instance, Module } from '../../support/web-assembly.ts';
import { noBytes } from '../profiles-data.ts';
import { compiledScan } from './compiled-scan.ts';
import type { ColumnName } from './dictionary-columns.ts';
import { columnNames, DictionaryColumns, tables } from './dictionary-columns.ts';
import { notPassable, notPassableReasons } from './not-passable.ts';
import { firstSeed, secondSeed } from './pair-hash.ts';
import type { PairSet, PairSetParts } from './pair-set.ts';
import { placesFor } from './pair-set.ts';

/** Exports of `wasm/scan.ts`. */
interface Exports {
  readonly memory: WebAssemblyMemory;
  readonly begin: (seed: number, secondSeed: number, hasPrefix: boolean, prefix: bigint) => void;
  readonly prepare: (sizeBytes: number) => number;
  readonly scan: (sizeBytes: number, isVersionDeclared: boolean, mostElements: number) => number;
}

// Places of `wasm/memory.ts`.
const resultsAt = 1024;
const directoryAt = 2048;

/** Numbers that a scan tells, by their places. */
export const told = {
  sampleCount: 24,
  headBytes: 25,
  resourceCount: 26,
  referenceCount: 27,
  keptTexts: 28,
  dictionaryStart: 29,
  dictionaryBodyStart: 30,
  dictionaryEnd: 31,
  hasOrphan: 32,
  elements: 33,
} as const;
const toldNumbers = 34;

let compiled: WebAssemblyModule | undefined;
let isTiered = false;

/** The compiled scan: another one as soon as V8 no longer spares effort. */
function currentModule(): WebAssemblyModule {
  if (compiled === undefined || (!isTiered && !isEngineSparing())) {
    isTiered = !isEngineSparing();
    const bytes = Buffer.from(compiledScan, 'base64');
    compiled = isTiered ? compileTiered(bytes) : new Module(bytes);
  }
  return compiled;
}

/** The compiled scan with a memory of its own: for one message, and for its columns. The memory grows with the largest message. */
export class ScanMemory {
  readonly columns: DictionaryColumns = new DictionaryColumns();
  readonly #module = currentModule();
  readonly #exports: Exports;
  #views: MemoryViews;

  /** @throws MemoryShortage */
  constructor(ownIdPrefix?: Uint8Array) {
    this.#exports = instantiate(this.#module);
    const prefix = ownIdPrefix === undefined ? 0n : Buffer.from(ownIdPrefix).readBigUInt64LE();
    this.#exports.begin(firstSeed, secondSeed, ownIdPrefix !== undefined, prefix);
    this.#views = viewsOf(this.#exports.memory, 0);
  }

  /** False once there is faster code of the scan. */
  get isCurrent(): boolean {
    return this.#module === currentModule();
  }

  get sizeBytes(): number {
    return this.#exports.memory.buffer.byteLength;
  }

  /**
   * Fills the columns; returns the numbers that are `told`.
   * @throws NotPassable; TooManyElements beyond `mostElements`; MemoryShortage, and nothing can be scanned after that
   */
  scan(bytes: Uint8Array, isVersionDeclared: boolean, mostElements: number): Uint32Array {
    const { columns } = this;
    const { memory, prepare, scan } = this.#exports;
    columns.bytes = noBytes;
    const place = prepare(bytes.length);
    if (memory.buffer !== this.#views.all.buffer) this.#views = viewsOf(memory, 0);
    this.#views.all.set(bytes, place);
    const layout = scan(bytes.length, isVersionDeclared, Math.min(mostElements, 0xffff_ffff));
    const isMoved = layout !== this.#views.layout || memory.buffer !== this.#views.all.buffer;
    if (isMoved) this.#views = viewsOf(memory, layout);
    const views = this.#views;
    if (isMoved || columns.isGrown) Object.assign(columns, views.columns, { isGrown: false });
    hold(columns.strings, views.strings, columns.counts[tables.string]!);
    hold(columns.functions, views.functions, columns.counts[tables.function]!);
    hold(columns.locations, views.locations, columns.counts[tables.location]!);
    columns.bytes = bytes;
    return views.results;
  }
}

/** Thrown and caught within this folder. */
export class TooManyElements extends Error {}

// Made at first, for the reasons of `not-passable.ts`.
const tooManyElements = new TooManyElements();

const refusals = {
  refuse(reason: number): never {
    throw notPassable(notPassableReasons[reason]!);
  },
  refuseElements(): never {
    throw tooManyElements;
  },
  refuseMemory(): never {
    throw new MemoryShortage('scan a message of this size');
  },
};

function instantiate(module: WebAssemblyModule): Exports {
  try {
    return new Instance(module, { refuse: refusals }).exports as Exports;
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new MemoryShortage('scan a message', { cause });
  }
}

type SetColumns = Pick<PairSetParts, 'pairs' | 'places'>;

/** Views of the memory, which hold until a column moves. */
interface MemoryViews {
  readonly layout: number;
  readonly all: Uint8Array;
  readonly results: Uint32Array;
  readonly columns: Readonly<Record<string, Uint32Array>>;
  readonly strings: SetColumns;
  readonly functions: SetColumns;
  readonly locations: SetColumns;
}

function viewsOf({ buffer }: WebAssemblyMemory, layout: number): MemoryViews {
  const results = new Uint32Array(buffer, resultsAt, toldNumbers);
  const directory = new Uint32Array(buffer, directoryAt, 2 * (columnNames.length + 6));
  const columns: Partial<Record<ColumnName | 'counts' | 'starts' | 'ends', Uint32Array>> = {
    counts: results.subarray(0, 8),
    starts: results.subarray(8, 16),
    ends: results.subarray(16, 24),
  };
  for (const [index, name] of columnNames.entries()) {
    columns[name] = new Uint32Array(buffer, directory[2 * index], directory[2 * index + 1]);
  }
  const setAt = (number: number): SetColumns => {
    const at = 2 * (columnNames.length + 2 * number);
    return {
      places: new Int32Array(buffer, directory[at], directory[at + 1]),
      pairs: new Int32Array(buffer, directory[at + 2], directory[at + 3]),
    };
  };
  const sets = { strings: setAt(0), functions: setAt(1), locations: setAt(2) };
  return { layout, all: new Uint8Array(buffer), results, columns, ...sets };
}

/** All entries of a table are different. */
function hold(set: PairSet, { pairs, places }: SetColumns, count: number): void {
  set.hold({ count, mask: placesFor(count) - 1, pairs, places });
}
