// hot
import type { FileId } from '../../model/file-id.ts';
import { readFileId } from '../../model/file-id.ts';

// A host has hundreds of executables, and a JVM thousands of methods in use.
const slotBits = 13;

/**
 * Gives the same object for a file ID that comes again, as almost all do in the next batch: 120 bytes of garbage each
 * otherwise. One object a slot, and a newer one takes it; so 8,192 objects, or 1 MiB, at most.
 */
export class FileIdCache {
  readonly #slots: (FileId | undefined)[] = new Array(2 ** slotBits).fill(undefined);

  /** The file ID of the 16 bytes at `offset`. */
  read(bytes: Buffer, view: DataView, offset: number): FileId {
    const word3 = view.getUint32(offset + 12);
    const word0 = view.getUint32(offset);
    const slot = Math.imul(word0 ^ word3, 0x9e3779b1) >>> (32 - slotBits);
    const known = this.#slots[slot];
    if (
      known !== undefined &&
      known.word3 === word3 &&
      known.word0 === word0 &&
      known.word1 === view.getUint32(offset + 4) &&
      known.word2 === view.getUint32(offset + 8)
    ) {
      return known;
    }
    const fileId = readFileId(bytes, offset);
    this.#slots[slot] = fileId;
    return fileId;
  }
}
