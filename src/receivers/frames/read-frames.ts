// hot
import { frameKinds } from '../../model/frame-kind.ts';
import { InvalidMessage } from '../../model/invalid-message.ts';
import type { Steps } from '../../support/steps.ts';
import type { FrameArrays, StackArrays } from './batch-columns.ts';
import type { EntryRange, Spans } from './batch-spans.ts';
import { inRanges } from './batch-spans.ts';
import type { BatchContext } from './read-tables.ts';
import type { FieldNames } from './wire.ts';
import { badVarint, endOfVarint, indexError, longVarint, pathOf, skipField, truncated } from './wire.ts';

/** Sizes of the tables that entries refer to. */
export interface TableSizes {
  readonly strings: number;
  readonly fileIds: number;
  readonly mappings: number;
  readonly frames: number;
  readonly stacks: number;
  readonly processes: number;
  readonly links: number;
  readonly labelSets: number;
  readonly profileTypes: number;
}

const frameFields: FieldNames = {
  list: 'frames',
  fields: ['', 'file_id', 'process', 'address_or_line', 'kind', 'mapping'],
};

const framesPerStep = 1_024;

/** Reads `Frame`s into `columns`, from element 1. Returns how many have a kind that this version does not know. */
export function* readFrames(
  { bytes, view }: BatchContext,
  spans: Spans,
  columns: FrameArrays,
  sizes: TableSizes,
): Steps<number> {
  const { count } = spans;
  columns.count = count;
  let unknownKinds = 0;
  for (let from = 0; from < count; from += framesPerStep) {
    if (from > 0) yield;
    const range = { bounds: spans.bounds, from, to: Math.min(count, from + framesPerStep) };
    unknownKinds += readFrameRange(bytes, view, range, { columns, sizes });
  }
  return unknownKinds;
}

function readFrameRange(
  bytes: Uint8Array,
  view: DataView,
  { bounds, from, to }: EntryRange,
  { columns, sizes }: { readonly columns: FrameArrays; readonly sizes: TableSizes },
): number {
  let unknownKinds = 0;
  for (let i = from; i < to; i++) {
    let p = bounds[2 * i]!;
    const end = bounds[2 * i + 1]!;
    let fileId = 0;
    let process = 0;
    let kind = 0;
    let mapping = 0;
    let low = 0;
    let high = 0;
    // Three fields in their order are nearly every frame; the loop below takes what is behind them, and any other frame.
    const isShort = bytes[p + 1]! < 128;
    const next = isShort ? p + 2 : p + 3;
    if (
      next + 11 <= end &&
      bytes[p] === fileIdTag &&
      (isShort || bytes[p + 2]! < 128) &&
      bytes[next] === addressTag &&
      bytes[next + 9] === kindTag &&
      bytes[next + 10]! < 128
    ) {
      fileId = isShort ? bytes[p + 1]! : (bytes[p + 1]! & 127) | (bytes[p + 2]! << 7);
      low = view.getUint32(next + 1, true);
      high = view.getUint32(next + 5, true);
      kind = bytes[next + 10]!;
      p = next + 11;
    }
    while (p < end) {
      const tag = bytes[p++]!;
      if (tag === addressTag) {
        if (p + 8 > end) throw truncated(pathOf(frameFields, i, 3));
        low = view.getUint32(p, true);
        high = view.getUint32(p + 4, true);
        p += 8;
        continue;
      }
      if ((tag & 7) !== 0 || tag > mappingTag || tag === 0) {
        p = skipField(bytes, p - 1, end, frameFields, i);
        continue;
      }
      let value = bytes[p++]!;
      if (!(value < 128)) {
        value = longVarint(bytes, p - 1, end);
        // A kind may be any number, also one that this version cannot hold: it is unknown then, not a fault.
        if (!(value <= 0xffffffff || (tag === kindTag && value > 0)))
          throw badVarint(pathOf(frameFields, i, tag >>> 3), value);
        p = endOfVarint(bytes, p - 1);
      }
      if (tag === fileIdTag) fileId = value;
      else if (tag === processTag) process = value;
      else if (tag === kindTag) kind = value;
      else mapping = value;
    }
    if (p > end) throw truncated(pathOf(frameFields, i, 0));
    checkReferences(sizes, i, fileId, process, mapping);
    if (!(kind <= lastKind)) {
      kind = frameKinds.unspecified;
      unknownKinds++;
    }
    columns.fileId[i + 1] = fileId;
    columns.process[i + 1] = process;
    columns.addressHigh[i + 1] = high;
    columns.addressLow[i + 1] = low;
    columns.kind[i + 1] = kind;
    columns.mapping[i + 1] = mapping;
  }
  return unknownKinds;
}

function checkReferences(sizes: TableSizes, index: number, fileId: number, process: number, mapping: number): void {
  if (fileId > sizes.fileIds) throw indexError(pathOf(frameFields, index, 1), fileId, 0, sizes.fileIds);
  if (process > sizes.processes) throw indexError(pathOf(frameFields, index, 2), process, 0, sizes.processes);
  if (mapping > sizes.mappings) throw indexError(pathOf(frameFields, index, 5), mapping, 0, sizes.mappings);
  if ((fileId === 0) === (process === 0)) throw notOneOwner(index, fileId, process);
}

const fileIdTag = 1 << 3;
const processTag = 2 << 3;
const addressTag = (3 << 3) | 1;
const kindTag = 4 << 3;
const mappingTag = 5 << 3;
const lastKind = Object.keys(frameKinds).length - 1;

function notOneOwner(index: number, fileId: number, process: number): InvalidMessage {
  const problem = `file_id is ${fileId} and process is ${process}`;
  return new InvalidMessage(pathOf(frameFields, index, 0), problem, 'set exactly one of them');
}

/** A deeper stack is cut by its collector: the kernel's own limit is 127, unwinders' are below 1,024. */
const mostFramesInStack = 1_024;

const stackFields: FieldNames = { list: 'stacks', fields: ['', 'frames', 'truncated'] };

const stackBytesPerStep = 16_384;

/**
 * Reads `Stack`s, from element 1; stack `i` is `frames[start[i] .. start[i + 1])`, and `frames` has an element for each byte of the stacks.
 * `frameCount` is the highest index of a frame.
 */
export function* readStacks(bytes: Uint8Array, spans: Spans, columns: StackArrays, frameCount: number): Steps<void> {
  columns.count = spans.count;
  columns.start[0] = 0;
  columns.start[1] = 0;
  yield* inRanges(spans, stackBytesPerStep, (range) => readStackRange(bytes, range, columns, frameCount));
}

/** `columns.start[from + 1]` is set, and is set for `to`. */
function readStackRange(
  bytes: Uint8Array,
  { bounds, from, to }: EntryRange,
  columns: StackArrays,
  frameCount: number,
): void {
  const { frames } = columns;
  let length = columns.start[from + 1]!;
  for (let i = from; i < to; i++) {
    let p = bounds[2 * i]!;
    const end = bounds[2 * i + 1]!;
    const first = length;
    let isTruncated = 0;
    columns.start[i + 1] = first;
    while (p < end) {
      const tag = bytes[p++]!;
      let stop = p + 1; // one index, unless they are packed
      if (tag === packedFramesTag || tag === truncatedTag) {
        const value = longVarint(bytes, p, end);
        if (Number.isNaN(value)) throw truncated(pathOf(stackFields, i, tag >>> 3));
        p = endOfVarint(bytes, p);
        if (tag === truncatedTag) {
          isTruncated = value === 0 ? 0 : 1;
          continue;
        }
        stop = p + value;
        if (stop > end) throw truncated(pathOf(stackFields, i, framesField));
      } else if (tag !== framesTag) {
        p = skipField(bytes, p - 1, end, stackFields, i);
        continue;
      }
      while (p < stop) {
        let value = bytes[p++]!;
        if (!(value < 128)) {
          const second = bytes[p]!;
          if (second < 128) {
            value = (value & 127) | (second << 7);
            p++;
          } else {
            value = longVarint(bytes, p - 1, end);
            if (!(value <= 0xffffffff)) throw badVarint(pathOf(stackFields, i, framesField), value);
            p = endOfVarint(bytes, p - 1);
          }
        }
        if (value === 0 || value > frameCount) throw badFrame(i, length - first, value, frameCount);
        frames[length++] = value;
      }
      if (p > stop && tag === packedFramesTag) throw truncated(pathOf(stackFields, i, framesField));
    }
    if (p > end) throw truncated(pathOf(stackFields, i, 0));
    const depth = length - first;
    if (depth === 0 || depth > mostFramesInStack) throw badDepth(i, depth);
    columns.truncated[i + 1] = isTruncated;
  }
  columns.start[to + 1] = length;
}

const framesField = 1;
const framesTag = framesField << 3;
const packedFramesTag = (framesField << 3) | 2;
const truncatedTag = 2 << 3;

function badFrame(stack: number, position: number, value: number, frameCount: number): InvalidMessage {
  return indexError(`${pathOf(stackFields, stack, framesField)}[${position}]`, value, 1, frameCount);
}

function badDepth(stack: number, depth: number): InvalidMessage {
  const path = pathOf(stackFields, stack, framesField);
  if (depth === 0) return new InvalidMessage(path, 'the stack is empty', 'send at least one frame');
  const remedy = 'send the frames nearest to the leaf and set truncated';
  return new InvalidMessage(path, `${depth} frames, at most ${mostFramesInStack} are taken`, remedy);
}
