/** Bytes that are read at a position: a file, a section of it, or memory. */
export interface ByteSource {
  readonly sizeBytes: number;
  /** Fills `target` with the bytes from `position` on. @throws UnreadableBytes when fewer are there */
  read(target: Uint8Array, position: number): void;
}

/** Bytes that contradict their format, or lead out of their file. The message says which and how. */
export class UnreadableBytes extends Error {
  constructor(problem: string) {
    super(problem);
    this.name = 'UnreadableBytes';
  }
}

/** A `ByteSource` over bytes in memory. */
export class MemorySource implements ByteSource {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get sizeBytes(): number {
    return this.#bytes.length;
  }

  read(target: Uint8Array, position: number): void {
    checkRange(this, position, target.length);
    target.set(this.#bytes.subarray(position, position + target.length));
  }
}

/** The bytes `[offset, offset + sizeBytes)` of a source, as a source. @throws UnreadableBytes unless all of them are there */
export function sliceSource(source: ByteSource, offset: number, sizeBytes: number): ByteSource {
  checkRange(source, offset, sizeBytes);
  return {
    sizeBytes,
    read: (target, position) => {
      if (!(position >= 0 && position + target.length <= sizeBytes)) throw outside(position, target.length, sizeBytes);
      source.read(target, offset + position);
    },
  };
}

/** A copy of `sizeBytes` bytes from `position` on. The caller has a bound for `sizeBytes`. @throws UnreadableBytes */
export function readBytes(source: ByteSource, position: number, sizeBytes: number): Uint8Array {
  checkRange(source, position, sizeBytes);
  const bytes = new Uint8Array(sizeBytes);
  source.read(bytes, position);
  return bytes;
}

/**
 * Zeros for a large array, in pages of their own, which go back to the system with it. Once glibc has freed a block of some size, it takes
 * all smaller ones from the thread's memory for the life of the process, and leaves holes of their size there.
 */
export function ownPages(sizeBytes: number): ArrayBuffer {
  // An array that may be resized is mapped, not allocated.
  return sizeBytes < leastOwnBytes
    ? new ArrayBuffer(sizeBytes)
    : new ArrayBuffer(sizeBytes, { maxByteLength: sizeBytes });
}

/** From there on glibc maps a block as well, at first. */
const leastOwnBytes = 131_072;

/**
 * Gives memory back at once: nobody may read the array from then on. As garbage, the windows of a batch would wait for a collection, which
 * comes after megabytes of them, and what is allocated between them keeps the thread's memory from going back to the system.
 */
export function release({ buffer }: ArrayBufferView<ArrayBuffer>): void {
  buffer.transferToFixedLength(0);
}

/** @throws UnreadableBytes unless a source has all of the bytes `[position, position + sizeBytes)` */
export function checkRange(source: ByteSource, position: number, sizeBytes: number): void {
  // Written so that NaN fails.
  if (!(position >= 0 && sizeBytes >= 0 && position + sizeBytes <= source.sizeBytes)) {
    throw outside(position, sizeBytes, source.sizeBytes);
  }
}

function outside(position: number, sizeBytes: number, limit: number): UnreadableBytes {
  return new UnreadableBytes(`${sizeBytes} bytes at ${position} are outside of the ${limit} that there are`);
}
