/**
 * 128 bits that say which executable, method, code object or stub space a frame belongs to, as four
 * 32-bit words, most significant first. Immutable; two of them are the same file when all words are.
 */
export interface FileId {
  readonly word0: number;
  readonly word1: number;
  readonly word2: number;
  readonly word3: number;
}

export const fileIdSizeBytes = 16;

/** Reads 16 big-endian bytes at `offset`. @throws RangeError when fewer are left. */
export function readFileId(bytes: Uint8Array, offset = 0): FileId {
  if (offset < 0 || offset + fileIdSizeBytes > bytes.length) {
    throw new RangeError(`file ID: needs 16 bytes at offset ${offset}, the buffer has ${bytes.length}`);
  }
  return {
    word0: readWord(bytes, offset),
    word1: readWord(bytes, offset + 4),
    word2: readWord(bytes, offset + 8),
    word3: readWord(bytes, offset + 12),
  };
}

/** Writes 16 big-endian bytes at `offset`. */
export function writeFileId(id: FileId, bytes: Uint8Array, offset = 0): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setUint32(offset, id.word0);
  view.setUint32(offset + 4, id.word1);
  view.setUint32(offset + 8, id.word2);
  view.setUint32(offset + 12, id.word3);
}

/** 32 lower-case hexadecimal digits: the form of `process.executable.build_id.htlhash`. */
export function formatFileId(id: FileId): string {
  return hexWord(id.word0) + hexWord(id.word1) + hexWord(id.word2) + hexWord(id.word3);
}

/** Parses exactly 32 hexadecimal digits; `undefined` for anything else. */
export function parseFileId(text: string): FileId | undefined {
  if (!/^[0-9a-fA-F]{32}$/.test(text)) return undefined;
  return readFileId(Buffer.from(text, 'hex'));
}

export function fileIdsEqual(a: FileId, b: FileId): boolean {
  return a.word0 === b.word0 && a.word1 === b.word1 && a.word2 === b.word2 && a.word3 === b.word3;
}

function readWord(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!) >>> 0;
}

function hexWord(word: number): string {
  return word.toString(16).padStart(8, '0');
}

const offsetBasis = 0x6c62272e07bb014262b821756295c58dn;
const prime = 0x0000000001000000000000000000013bn;

/**
 * FNV-1a over all parts, one after the other, as 32 hexadecimal digits: how the OpenTelemetry eBPF profiler derives a
 * file ID where there is no file to hash (http://www.isthe.com/chongo/tech/comp/fnv/). Text counts as UTF-8.
 */
export function fnv128a(...parts: readonly (string | Uint8Array)[]): string {
  let hash = offsetBasis;
  for (const part of parts) {
    for (const byte of typeof part === 'string' ? Buffer.from(part) : part) {
      hash = BigInt.asUintN(128, (hash ^ BigInt(byte)) * prime);
    }
  }
  return hash.toString(16).padStart(32, '0');
}
