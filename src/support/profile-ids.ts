/** Bytes that all profile IDs of one process begin with. */
export const ownPrefixBytes = 8;

/**
 * ProfileIds creates the IDs of profiles, and knows them again: IDs of one process begin with the same 8 random bytes, and end in
 * 8 others. An ID of another process passes for an own one once in 2^64.
 */
export class ProfileIds {
  readonly prefix: Uint8Array;
  readonly #randomBytes: (length: number) => Uint8Array;

  constructor(randomBytes: (length: number) => Uint8Array) {
    this.#randomBytes = randomBytes;
    this.prefix = randomBytes(ownPrefixBytes);
  }

  create(): Uint8Array {
    const id = new Uint8Array(2 * ownPrefixBytes);
    id.set(this.prefix);
    id.set(this.#randomBytes(ownPrefixBytes), ownPrefixBytes);
    return id;
  }
}

/** True when the bytes at `start` are those of `prefix`; false without a prefix. */
export function hasPrefix(bytes: Uint8Array, start: number, prefix: Uint8Array | undefined): boolean {
  if (prefix === undefined || bytes.length - start < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[start + i] !== prefix[i]) return false;
  return true;
}
