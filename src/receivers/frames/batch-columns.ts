// hot
import { isReusable, reusedLength } from '../../support/reused-length.ts';

/** Columns of frames 1..n; element 0 of each stays zero. */
export interface FrameArrays {
  readonly fileId: Uint32Array;
  readonly process: Uint32Array;
  readonly addressHigh: Uint32Array;
  readonly addressLow: Uint32Array;
  readonly kind: Uint8Array;
  readonly mapping: Uint32Array;
}

export interface StackArrays {
  readonly start: Uint32Array;
  readonly truncated: Uint8Array;
}

export interface SampleArrays {
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
  #stackFrames = new Uint32Array(leastLength);
  #samples = allocateSamples(leastLength);
  #moments = allocateMoments(leastLength);

  frames(length: number): FrameArrays {
    if (!isReusable(this.#frames.kind.length, length)) this.#frames = allocateFrames(reusedLength(length, leastLength));
    return this.#frames;
  }

  stacks(length: number): StackArrays {
    if (!isReusable(this.#stacks.truncated.length, length))
      this.#stacks = allocateStacks(reusedLength(length, leastLength));
    return this.#stacks;
  }

  stackFrames(length: number): Uint32Array {
    if (!isReusable(this.#stackFrames.length, length))
      this.#stackFrames = new Uint32Array(reusedLength(length, leastLength));
    return this.#stackFrames;
  }

  samples(length: number): SampleArrays {
    if (!isReusable(this.#samples.stack.length, length))
      this.#samples = allocateSamples(reusedLength(length, leastLength));
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
    fileId: new Uint32Array(length),
    process: new Uint32Array(length),
    addressHigh: new Uint32Array(length),
    addressLow: new Uint32Array(length),
    kind: new Uint8Array(length),
    mapping: new Uint32Array(length),
  };
}

function allocateStacks(length: number): StackArrays {
  return { start: new Uint32Array(length), truncated: new Uint8Array(length) };
}

function allocateSamples(length: number): SampleArrays {
  return {
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
