// hot

import { InvalidMessage } from '../../model/invalid-message.ts';
import { uint64Of } from '../../support/halves.ts';
import type { Steps } from '../../support/steps.ts';
import type { FieldNames } from './wire.ts';
import { badVarint, endOfVarint, longVarint, pathOf, readVarint64, skipField, truncated, wireTypes } from './wire.ts';

/** Field numbers of `Batch`. */
export const batchFields = {
  collector: 1,
  sequence: 2,
  strings: 3,
  fileIds: 4,
  mappings: 5,
  frames: 6,
  stacks: 7,
  processes: 8,
  links: 9,
  labelSets: 10,
  profileTypes: 11,
  samples: 12,
  symbols: 13,
  stubs: 14,
  executables: 15,
  processExits: 16,
  lostSamples: 17,
  clock: 18,
} as const;

const batchFieldNames: FieldNames = {
  list: '',
  fields: [
    '',
    'collector',
    'sequence',
    'strings',
    'file_ids',
    'mappings',
    'frames',
    'stacks',
    'processes',
    'links',
    'label_sets',
    'profile_types',
    'samples',
    'symbols',
    'stubs',
    'executables',
    'process_exits',
    'lost_samples',
    'clock',
  ],
};

/** Positions of the entries of one field, until the next survey: entry `i` is bytes `bounds[2 * i] .. bounds[2 * i + 1]`. */
export interface Spans {
  readonly bounds: Uint32Array;
  readonly count: number;
}

/** Entries `from .. to` of one field. */
export interface EntryRange {
  readonly bounds: Uint32Array;
  readonly from: number;
  readonly to: number;
}

/** Calls `read` with ranges of entries that have about `stepBytes` together, one a step; an entry that has more is a range of its own. */
export function* inRanges(spans: Spans, stepBytes: number, read: (range: EntryRange) => void): Steps<void> {
  const { bounds, count } = spans;
  for (let from = 0, to = 0; from < count; from = to) {
    if (from > 0) yield;
    to = endOfRange(spans, from, stepBytes);
    read({ bounds, from, to });
  }
}

/** The entry behind the range that begins with `from`. */
export function endOfRange({ bounds, count }: Spans, from: number, stepBytes: number): number {
  const stop = bounds[2 * from]! + stepBytes;
  // Entries are in the order of the bytes; what is between them costs nothing.
  if (bounds[2 * count - 1]! <= stop) return count;
  let to = from + 1;
  while (to < count && bounds[2 * to + 1]! <= stop) to++;
  return to;
}

/** Larger batches are refused: stacks and times of a batch are bounded by its bytes. */
const mostBatchBytes = 4 * 1024 * 1024;
/** Most entries a batch may have of each field: bounds the memory of one message beyond its own bytes. */
export const mostTableEntries = 16_384;
export const mostHotEntries = 32_768;
const hotFields: readonly number[] = [batchFields.frames, batchFields.stacks, batchFields.samples];
const mostEntries = batchFieldNames.fields.map((_, field) =>
  hotFields.includes(field) ? mostHotEntries : mostTableEntries,
);
const nameFields: readonly number[] = [
  batchFields.symbols,
  batchFields.stubs,
  batchFields.executables,
  batchFields.processExits,
];
/** Lists whose entries are read in parts, or are texts. */
const unboundedFields: readonly number[] = [
  batchFields.strings,
  batchFields.fileIds,
  batchFields.samples,
  batchFields.processExits,
];
/** An entry of any other list is read in one step; a longer one has the same fields again and again. */
const mostEntryBytes = batchFieldNames.fields.map((_, field) => {
  if (unboundedFields.includes(field)) return Infinity;
  return field === batchFields.collector ? 262_144 : 65_535;
});
/** Bytes surveyed in one step: some half a millisecond where every field is a byte of nothing. */
const bytesPerStep = 32_768;

// A batch of ordinary size fits; what a larger one needed is given back.
const keptEntries = 16_384;

/**
 * The first pass over a batch: finds every entry of every field, so that each table can be read in one loop, in the
 * order in which tables depend on each other, whatever the order of the bytes. Memory of 8 bytes an entry is
 * kept for the next batch.
 */
export class BatchSpans {
  readonly #bounds: Uint32Array[] = batchFieldNames.fields.map(() => new Uint32Array(16));
  readonly #counts = new Uint32Array(batchFieldNames.fields.length);
  readonly #spans = this.#bounds.map((bounds) => ({ bounds, count: 0 }));
  readonly #sequence = new Uint32Array(2);
  /** The field that the survey is at. */
  #field = 0;

  get sequence(): bigint {
    return uint64Of(this.#sequence[1]!, this.#sequence[0]!);
  }

  has(field: number): boolean {
    return this.#counts[field] !== 0;
  }

  /** True if there are symbols, stubs, executables or process exits. */
  get hasNames(): boolean {
    return nameFields.some((field) => this.has(field));
  }

  of(field: number): Spans {
    const spans = this.#spans[field]!;
    spans.bounds = this.#bounds[field]!;
    spans.count = this.#counts[field]!;
    return spans;
  }

  /** Replaces what it knows with the entries of `bytes`. @throws InvalidMessage when the bytes are no message. */
  *survey(bytes: Uint8Array): Steps<void> {
    this.#forget();
    const end = bytes.length;
    if (end > mostBatchBytes) {
      throw new InvalidMessage('batch', `${end} bytes, more than ${mostBatchBytes}`, 'split the batch');
    }
    for (let p = this.#surveyPart(bytes, 0); p < end; p = this.#surveyPart(bytes, p)) yield;
  }

  /** Surveys the fields that begin at `from` or in the bytes of one step behind it; returns the position after them. */
  #surveyPart(bytes: Uint8Array, from: number): number {
    const end = bytes.length;
    const stop = Math.min(end, from + bytesPerStep);
    // Entries of one field come in runs: what belongs to the field at hand is kept in variables.
    let field = this.#field;
    let bounds = this.#bounds[field]!;
    let count = this.#counts[field]!;
    let p = from;
    while (p < stop) {
      const start = p;
      let tag = bytes[p++]!;
      if (tag >= 128) {
        tag = longVarint(bytes, start, end);
        if (!(tag < lastTag)) {
          p = skipField(bytes, start, end, batchFieldNames, -1);
          continue;
        }
        p = endOfVarint(bytes, start);
      }
      if (tag >>> 3 !== field) {
        this.#counts[field] = count;
        field = tag >>> 3;
        bounds = this.#bounds[field]!;
        count = this.#counts[field]!;
      }
      if (2 * count === bounds.length) bounds = this.#grow(field, count);
      let size = 0;
      if ((tag & 7) === wireTypes.bytes && field !== 0) {
        size = bytes[p++]!;
        if (!(size < 128)) {
          size = longVarint(bytes, p - 1, end);
          if (!(size <= end)) throw truncated(pathOf(batchFieldNames, -1, field));
          p = endOfVarint(bytes, p - 1);
        }
      } else {
        const next = this.#readScalar(bytes, start, p, tag);
        if (field !== batchFields.processExits) {
          p = next;
          continue;
        }
        size = next - p;
      }
      if (p + size > end) throw truncated(pathOf(batchFieldNames, -1, field));
      if (size > mostEntryBytes[field]!) throw tooLong(field, count, size);
      bounds[2 * count] = p;
      p += size;
      bounds[2 * count + 1] = p;
      count++;
      // Most bytes of a batch are short entries of one field, one behind the other: a byte of tag, one of size.
      const isShort = tag < 128 && (tag & 7) === wireTypes.bytes;
      while (isShort && p < stop && bytes[p] === tag && 2 * count < bounds.length) {
        const next = p + 2 + bytes[p + 1]!;
        if (!(bytes[p + 1]! < 128 && next <= end)) break;
        bounds[2 * count] = p + 2;
        bounds[2 * count + 1] = next;
        p = next;
        count++;
      }
    }
    this.#counts[field] = count;
    this.#field = field;
    return p;
  }

  #forget(): void {
    for (let field = 0; field < this.#counts.length; field++) {
      this.#counts[field] = 0;
      if (this.#bounds[field]!.length > 2 * keptEntries) this.#bounds[field] = new Uint32Array(2 * keptEntries);
    }
    this.#sequence.fill(0);
    this.#field = 0;
  }

  #grow(field: number, count: number): Uint32Array {
    if (count >= mostEntries[field]!) throw tooMany(pathOf(batchFieldNames, -1, field), mostEntries[field]!);
    const bounds = new Uint32Array(4 * count);
    bounds.set(this.#bounds[field]!);
    this.#bounds[field] = bounds;
    return bounds;
  }

  /** Reads a field that is a number, and returns the position after it. */
  #readScalar(bytes: Uint8Array, start: number, valueStart: number, tag: number): number {
    const end = bytes.length;
    const field = tag >>> 3;
    const isVarint = (tag & 7) === wireTypes.varint;
    if (isVarint && field === batchFields.sequence) {
      const next = readVarint64(bytes, valueStart, end, this.#sequence);
      if (Number.isNaN(next)) throw truncated(pathOf(batchFieldNames, -1, field));
      return next;
    }
    if (isVarint && field === batchFields.processExits) {
      const value = longVarint(bytes, valueStart, end);
      if (!(value <= 0xffffffff)) throw badVarint(pathOf(batchFieldNames, -1, field), value);
      return endOfVarint(bytes, valueStart);
    }
    return skipField(bytes, start, end, batchFieldNames, -1);
  }
}

const lastTag = batchFieldNames.fields.length * 8;

function tooLong(field: number, index: number, size: number): InvalidMessage {
  const path = `${pathOf(batchFieldNames, -1, field)}[${index}]`;
  return new InvalidMessage(
    path,
    `${size} bytes, more than ${mostEntryBytes[field]}`,
    'send each field of the entry once',
  );
}

export function tooMany(path: string, most: number): InvalidMessage {
  return new InvalidMessage(path, `more than ${most} entries`, 'split the batch');
}
