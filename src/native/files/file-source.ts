import { readSync } from 'node:fs';
import type { ByteSource } from '../elf/byte-source.ts';
import { checkRange, UnreadableBytes } from '../elf/byte-source.ts';

/**
 * An open file as a source. Never mapped: a file that shrinks while it is read gives an error, where a mapping would end the process.
 * Whoever opened the descriptor closes it.
 */
export class FileSource implements ByteSource {
  readonly descriptor: number;
  readonly sizeBytes: number;
  #readBytes = 0;

  constructor(descriptor: number, sizeBytes: number) {
    this.descriptor = descriptor;
    this.sizeBytes = sizeBytes;
  }

  /** Bytes read so far. */
  get readBytes(): number {
    return this.#readBytes;
  }

  read(target: Uint8Array, position: number): void {
    checkRange(this, position, target.length);
    for (let done = 0; done < target.length; ) {
      const count = readSync(this.descriptor, target, done, target.length - done, position + done);
      if (count === 0)
        throw new UnreadableBytes(`the file ended at ${position + done}; it had ${this.sizeBytes} bytes`);
      done += count;
    }
    this.#readBytes += target.length;
  }
}
