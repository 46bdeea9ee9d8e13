// hot
import { SnapshotFault } from './snapshot-format.ts';

/** Reads what a ByteWriter wrote; each read checks that the bytes are there. @throws SnapshotFault */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    if (this.#at >= this.#bytes.length) throw new SnapshotFault('damaged', 'an entry is cut off');
    return this.#bytes[this.#at++]!;
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte();
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
    const last = this.byte();
    if (last > 15) throw new SnapshotFault('damaged', 'a number has more than 32 bits');
    return (value | (last << 28)) >>> 0;
  }

  word(): number {
    this.#need(4);
    this.#at += 4;
    return this.#bytes.readUInt32LE(this.#at - 4);
  }

  uint64(): bigint {
    this.#need(8);
    this.#at += 8;
    return this.#bytes.readBigUInt64LE(this.#at - 8);
  }

  text(): string {
    const length = this.varint();
    this.#need(length);
    this.#at += length;
    return this.#bytes.toString('utf8', this.#at - length, this.#at);
  }

  #need(bytes: number): void {
    if (bytes > this.left)
      throw new SnapshotFault('damaged', `an entry needs ${bytes} bytes, and ${this.left} are left`);
  }
}
