// hot
import { isReusable, reusedLength } from '../../support/reused-length.ts';

/** Columns of frames 1..count; element 0 of each stays zero. */
export interface FrameArrays {
  /** Set by the reader, as those of stacks and samples are. */
  count: number;
  readonly fileId: Uint32Array;
  readonly process: Uint32Array;
  readonly addressHigh: Uint32Array;
  readonly addressLow: Uint32Array;
  readonly kind: Uint8Array;
  readonly mapping: Uint32Array;
}

export interface StackArrays {
  count: number;
  readonly start: Uint32Array;
  /** Indices of frames, of all stacks. */
  frames: Uint32Array;
  readonly truncated: Uint8Array;
}

export interface SampleArrays {
  count: number;
  readonly stack: Uint32Array;
  readonly process: Uint32Array;
  readonly profileType: Uint32Array;
  readonly threadId: Uint32Array;
  readonly threadName: Uint32Array;
  readonly cpuPlusOne: Uint32Array;
  readonly link: Uint32Array;
  readonly labelSet: Uint32Array;
  readonly momentStart: Uint32Array;
  /** Position of the sample in the message, before those at fault were left out. */
  readonly position: Uint32Array;
  timestampsUnixNano: BigUint64Array;
  values: BigInt64Array;
}

export interface MomentArrays {
  readonly timestampsUnixNano: BigUint64Array;
  readonly values: BigInt64Array;
  /** The same memory as two words each, in the order of the machine. */
  readonly timestampWords: Uint32Array;
  readonly valueWords: Uint32Array;
}

/**
 * The arrays that a batch is decoded into, used again for the next one: at 20 Hz on 128 CPUs, new ones for each batch
 * would be garbage faster than anything else in the service. They grow to what a batch needs, in powers of two, and
 * what one outsized batch needed is given back by the next.
 */
export class BatchColumns {
  #frames = allocateFrames(leastLength);
  #stacks = allocateStacks(leastLength);
  #moments = allocateMoments(leastLength);
  #samples = allocateSamples(leastLength, this.#moments);

  frames(length: number): FrameArrays {
    if (!isReusable(this.#frames.kind.length, length)) this.#frames = allocateFrames(reusedLength(length, leastLength));
    return this.#frames;
  }

  /** `frames` is how many frames the stacks may have together. */
  stacks(length: number, frames: number): StackArrays {
    if (!isReusable(this.#stacks.truncated.length, length))
      this.#stacks = { ...allocateStacks(reusedLength(length, leastLength)), frames: this.#stacks.frames };
    if (!isReusable(this.#stacks.frames.length, frames))
      this.#stacks.frames = new Uint32Array(reusedLength(frames, leastLength));
    return this.#stacks;
  }

  /** Timestamps and values of the samples are those of `moments`. */
  samples(length: number, moments: MomentArrays): SampleArrays {
    if (!isReusable(this.#samples.stack.length, length))
      this.#samples = allocateSamples(reusedLength(length, leastLength), moments);
    this.#samples.timestampsUnixNano = moments.timestampsUnixNano;
    this.#samples.values = moments.values;
    return this.#samples;
  }

  moments(length: number): MomentArrays {
    if (!isReusable(this.#moments.values.length, length))
      this.#moments = allocateMoments(reusedLength(length, leastLength));
    return this.#moments;
  }
}

const leastLength = 1_024;

function allocateFrames(length: number): FrameArrays {
  return {
    count: 0,
    fileId: new Uint32Array(length),
    process: new Uint32Array(length),
    addressHigh: new Uint32Array(length),
    addressLow: new Uint32Array(length),
    kind: new Uint8Array(length),
    mapping: new Uint32Array(length),
  };
}

const noFrames = new Uint32Array();

function allocateStacks(length: number): StackArrays {
  return { count: 0, start: new Uint32Array(length), frames: noFrames, truncated: new Uint8Array(length) };
}

function allocateSamples(length: number, { timestampsUnixNano, values }: MomentArrays): SampleArrays {
  return {
    count: 0,
    stack: new Uint32Array(length),
    process: new Uint32Array(length),
    profileType: new Uint32Array(length),
    threadId: new Uint32Array(length),
    threadName: new Uint32Array(length),
    cpuPlusOne: new Uint32Array(length),
    link: new Uint32Array(length),
    labelSet: new Uint32Array(length),
    momentStart: new Uint32Array(length),
    position: new Uint32Array(length),
    timestampsUnixNano,
    values,
  };
}

function allocateMoments(length: number): MomentArrays {
  const timestampsUnixNano = new BigUint64Array(length);
  const values = new BigInt64Array(length);
  return {
    timestampsUnixNano,
    values,
    timestampWords: new Uint32Array(timestampsUnixNano.buffer),
    valueWords: new Uint32Array(values.buffer),
  };
}
