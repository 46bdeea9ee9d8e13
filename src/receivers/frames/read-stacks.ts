// hot
import { InvalidMessage } from '../../model/invalid-message.ts';
import type { StackArrays } from './batch-columns.ts';
import type { Spans } from './batch-spans.ts';
import type { Place } from './wire.ts';
import { badVarint, endOfVarint, indexError, longVarint, pathOf, skipField, truncated } from './wire.ts';

/** A deeper stack is cut by its collector: the kernel's own limit is 127, unwinders' are below 1,024. */
export const mostFramesInStack = 1_024;

const place: Place = { list: 'stacks', fields: ['', 'frames', 'truncated'] };

/** Where `readStacks` writes to. `frames` holds an element for each byte of the stacks. */
export interface StackTarget {
  readonly columns: StackArrays;
  readonly frames: Uint32Array;
  /** Highest index of a frame. */
  readonly frameCount: number;
}

/** Reads `Stack`s, from element 1; stack `i` is `frames[start[i] .. start[i + 1])`. */
export function readStacks(bytes: Uint8Array, spans: Spans, { columns, frames, frameCount }: StackTarget): void {
  const { bounds, count } = spans;
  let length = 0;
  columns.start[0] = 0;
  for (let i = 0; i < count; i++) {
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
        if (Number.isNaN(value)) throw truncated(pathOf(place, i, tag >>> 3));
        p = endOfVarint(bytes, p);
        if (tag === truncatedTag) {
          isTruncated = value === 0 ? 0 : 1;
          continue;
        }
        stop = p + value;
        if (stop > end) throw truncated(pathOf(place, i, framesField));
      } else if (tag !== framesTag) {
        p = skipField(bytes, p - 1, end, place, i);
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
            if (!(value <= 0xffffffff)) throw badVarint(pathOf(place, i, framesField), value);
            p = endOfVarint(bytes, p - 1);
          }
        }
        if (value === 0 || value > frameCount) throw badFrame(i, length - first, value, frameCount);
        frames[length++] = value;
      }
      if (p > stop && tag === packedFramesTag) throw truncated(pathOf(place, i, framesField));
    }
    if (p > end) throw truncated(pathOf(place, i, 0));
    const depth = length - first;
    if (depth === 0 || depth > mostFramesInStack) throw badDepth(i, depth);
    columns.truncated[i + 1] = isTruncated;
  }
  columns.start[count + 1] = length;
}

const framesField = 1;
const framesTag = framesField << 3;
const packedFramesTag = (framesField << 3) | 2;
const truncatedTag = 2 << 3;

function badFrame(stack: number, position: number, value: number, frameCount: number): InvalidMessage {
  return indexError(`${pathOf(place, stack, framesField)}[${position}]`, value, 1, frameCount);
}

function badDepth(stack: number, depth: number): InvalidMessage {
  const path = pathOf(place, stack, framesField);
  if (depth === 0) return new InvalidMessage(path, 'the stack is empty', 'send at least one frame');
  const remedy = 'send the frames nearest to the leaf and set truncated';
  return new InvalidMessage(path, `${depth} frames, at most ${mostFramesInStack} are taken`, remedy);
}
