// hot
import { gatherBytes } from '../../support/gather-bytes.ts';
import type { Steps } from '../../support/steps.ts';
import { ByteWalk } from './byte-walk.ts';

/** Numbers of an entry: of `resource_profiles`, and of the resource in it, where tag, message and end of both begin. */
const stride = 6;
/** A field is passed over in some 20 ns. */
const fieldsAStep = 4096;
/** Each piece is one more to write and to hold; smaller ones are sooner copied. */
const leastPieceBytes = 16 * 1024;

/** The attributes that take the place of those of a resource, as fields 1; `dropped` without its profiles; `undefined` unchanged. */
export type NewResource =
  | { readonly fields: Uint8Array; readonly droppedAttributesCount: number }
  | 'dropped'
  | undefined;

/**
 * The entries of `resource_profiles` of a scanned message, each with its resource:
 *
 *     | 0a length | … | 0a length attributes | … |
 *     ^ start     ^ bodyStart ^ resourceBodyStart ^ end
 *                     ^ resourceStart      ^ resourceEnd
 */
export class ResourceSpans {
  readonly #bytes: Buffer;
  readonly #numbers: number[] = [];

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const walk = new ByteWalk();
    walk.start(bytes);
    while (walk.position < bytes.length) {
      const start = walk.position;
      const tag = walk.tag();
      const end = walk.fieldEnd(bytes.length);
      if (tag === 0x0a) this.#findResource(walk, start, end);
      walk.position = end;
    }
  }

  get count(): number {
    return this.#numbers.length / stride;
  }

  bodyStart(index: number): number {
    return this.#numbers[stride * index + 1]!;
  }

  end(index: number): number {
    return this.#numbers[stride * index + 2]!;
  }

  resourceBodyStart(index: number): number {
    return this.#numbers[stride * index + 4]!;
  }

  resourceEnd(index: number): number {
    return this.#numbers[stride * index + 5]!;
  }

  /** Number of the samples of an entry. */
  *countSamples(index: number): Steps<number> {
    let samples = 0;
    yield* this.eachSample(index, () => {
      samples++;
    });
    return samples;
  }

  /** Calls `tell` with a walk at the beginning of each sample of an entry, and the sample's end; `tell` may leave the walk anywhere. */
  *eachSample(index: number, tell: (walk: ByteWalk, end: number) => void): Steps<void> {
    const walk = new ByteWalk();
    walk.start(this.#bytes);
    walk.position = this.bodyStart(index);
    /** Ends of the messages around the place, the outermost first. */
    const ends = [this.end(index)];
    for (let field = 1; ends.length > 0; field++) {
      if (field % fieldsAStep === 0) yield;
      const bodyEnd = ends.at(-1)!;
      if (walk.position >= bodyEnd) {
        ends.pop();
        continue;
      }
      const tag = walk.tag();
      if ((tag & 7) === 1) walk.skip(8, bodyEnd);
      else if ((tag & 7) === 0) walk.skipVarint(bodyEnd);
      else {
        const fieldEnd = walk.fieldEnd(bodyEnd);
        if (tag === 0x12 && ends.length <= depthOfSamples) {
          ends.push(fieldEnd);
          continue;
        }
        if (tag === 0x12) tell(walk, fieldEnd);
        walk.position = fieldEnd;
      }
    }
  }

  /**
   * The message with other resources, one for each entry: spans of it that stay as they are, and heads between them. One piece where these
   * would be many.
   */
  *write(resources: readonly NewResource[]): Steps<readonly Uint8Array[]> {
    // Of a small message, heads are copied at once and need no memory of their own.
    const isSmall = this.#bytes.length < 2 * leastPieceBytes;
    const heads = isSmall ? Buffer.allocUnsafe(headRoom(resources)) : Buffer.allocUnsafeSlow(headRoom(resources));
    const pieces: Uint8Array[] = [];
    let written = 0;
    const keep = (headEnd: number, start: number, end: number): void => {
      if (headEnd > written) pieces.push(heads.subarray(written, headEnd));
      if (end > start) pieces.push(this.#bytes.subarray(start, end));
      written = headEnd;
    };
    this.#writeHeads(heads, resources, keep);
    return this.#bytes.length >= leastPieceBytes * pieces.length ? pieces : [yield* gatherBytes(pieces)];
  }

  /** Writes all but what stays as it is. Calls `keep` for each span that stays: the heads up to `headEnd` go before it. */
  #writeHeads(
    heads: Buffer,
    resources: readonly NewResource[],
    keep: (headEnd: number, start: number, end: number) => void,
  ): void {
    let position = 0;
    let copied = 0;
    for (let index = 0; index < resources.length; index++) {
      const changed = resources[index];
      if (changed === undefined) continue;
      const at = stride * index;
      keep(position, copied, this.#numbers[at]!);
      copied = this.#numbers[at + 2]!;
      if (changed === 'dropped') continue;
      const { fields, droppedAttributesCount } = changed;
      position = writeHead(heads, position, this.#bodySize(index, changed));
      keep(position, this.#numbers[at + 1]!, this.#numbers[at + 3]!);
      position = writeHead(heads, position, messageSize(changed));
      heads.set(fields, position);
      position += fields.length;
      if (droppedAttributesCount > 0) {
        heads[position] = 0x10;
        position = writeVarint(heads, position + 1, droppedAttributesCount);
      }
      copied = this.#numbers[at + 5]!;
    }
    keep(position, copied, this.#bytes.length);
  }

  /** A scanned entry has one resource, in any place. */
  #findResource(walk: ByteWalk, start: number, end: number): void {
    const bodyStart = walk.position;
    while (walk.position < end) {
      const resourceStart = walk.position;
      const tag = walk.tag();
      const resourceEnd = walk.fieldEnd(end);
      if (tag === 0x0a) this.#numbers.push(start, bodyStart, end, resourceStart, walk.position, resourceEnd);
      walk.position = resourceEnd;
    }
  }

  #bodySize(index: number, changed: Exclude<NewResource, 'dropped' | undefined>): number {
    const at = stride * index;
    const kept = this.#numbers[at + 2]! - this.#numbers[at + 1]! - (this.#numbers[at + 5]! - this.#numbers[at + 3]!);
    return kept + fieldSize(messageSize(changed));
  }
}

/** Scopes, profiles and samples have field 2 of the messages around them. */
const depthOfSamples = 2;

/** Room for what takes the place of resources: heads of an entry and of its resource, and attributes. */
function headRoom(resources: readonly NewResource[]): number {
  let sizeBytes = 0;
  for (const changed of resources) {
    if (typeof changed === 'object') sizeBytes += 2 * mostHeadBytes + messageSize(changed);
  }
  return sizeBytes;
}

/** A tag and a length of 32 bits. */
const mostHeadBytes = 6;

function messageSize({ fields, droppedAttributesCount: dropped }: Exclude<NewResource, 'dropped' | undefined>): number {
  return fields.length + (dropped > 0 ? 1 + varintSize(dropped) : 0);
}

/** Of a field with tag and length. */
function fieldSize(sizeBytes: number): number {
  return 1 + varintSize(sizeBytes) + sizeBytes;
}

function varintSize(value: number): number {
  return Math.max(1, Math.ceil((32 - Math.clz32(value)) / 7));
}

/** Tag and length of field 1. */
function writeHead(target: Buffer, position: number, sizeBytes: number): number {
  target[position] = 0x0a;
  return writeVarint(target, position + 1, sizeBytes);
}

function writeVarint(target: Buffer, start: number, value: number): number {
  let position = start;
  let rest = value >>> 0;
  for (; rest > 0x7f; rest >>>= 7) target[position++] = (rest & 0x7f) | 0x80;
  target[position] = rest;
  return position + 1;
}
