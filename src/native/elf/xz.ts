// hot
import { UnreadableBytes } from './byte-source.ts';

/**
 * Decompresses an xz file (https://tukaani.org/xz/xz-file-format.txt) with LZMA2 as its only filter, as `.gnu_debugdata` has it.
 * Checksums are not looked at: what comes out is read as an ELF file that is not trusted.
 * @throws UnreadableBytes for damaged input, another filter, or an output of more than `maxBytes`
 */
export function decompressXz(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const header = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
  if (header.some((byte, index) => bytes[index] !== byte)) throw new UnreadableBytes('an xz file begins otherwise');
  const checkBytes = checkSizes[(bytes[7] ?? 0) & 15]!;
  const decoder = new Lzma2Decoder(bytes, maxBytes);
  // A block begins with its size; the index, which ends the blocks, with 0.
  for (let at = 12; bytes[at] !== 0; ) {
    const headerBytes = readBlockHeader(bytes, at);
    const end = decoder.decode(at + headerBytes);
    at += headerBytes + Math.ceil((end - at - headerBytes) / 4) * 4 + checkBytes;
    if (at >= bytes.length) throw new UnreadableBytes('an xz file ends within its blocks');
  }
  return decoder.output;
}

/** Sizes of checks by their type. */
const checkSizes = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];
const lzma2 = 0x21;

/** The size of a block's header, which must name LZMA2 as the only filter. */
function readBlockHeader(bytes: Uint8Array, start: number): number {
  const size = (bytes[start]! + 1) * 4;
  const flags = bytes[start + 1] ?? 0;
  let at = start + 2;
  for (let sizes = ((flags >> 6) & 1) + ((flags >> 7) & 1); sizes > 0; sizes--) {
    for (let left = 9; left > 0 && (bytes[at++] ?? 0) >= 0x80; ) left--;
  }
  if ((flags & 3) !== 0 || bytes[at] !== lzma2) throw new UnreadableBytes('an xz file has other filters than LZMA2');
  return size;
}

const probabilityBits = 11;
const initialProbability = 1 << (probabilityBits - 1);
const moveBits = 5;
const maxContextBits = 4;

/** Layout of all probabilities in one array (7-Zip's LzmaSpec.txt). */
const isMatch = 0;
const isRep = isMatch + (12 << 4);
const isRepG0 = isRep + 12;
const isRepG1 = isRepG0 + 12;
const isRepG2 = isRepG1 + 12;
const isRep0Long = isRepG2 + 12;
const positionSlots = isRep0Long + (12 << 4);
const positionSpecial = positionSlots + (4 << 6);
const positionAlign = positionSpecial + 115;
const matchLength = positionAlign + 16;
/** Two bits of choice, sixteen low and sixteen middle trees of eight, and a high tree of 256. */
const lengthSize = 2 + (16 << 3) + (16 << 3) + 256;
const repeatLength = matchLength + lengthSize;
const literals = repeatLength + lengthSize;
const literalSize = 0x300;

/** Decodes chunks of LZMA2 into one output, which is also the dictionary. */
class Lzma2Decoder {
  readonly #input: Uint8Array;
  readonly #maxBytes: number;
  readonly #probabilities = new Uint16Array(literals + (literalSize << maxContextBits));
  #out = new Uint8Array(65_536);
  #size = 0;
  /** Start of the dictionary in the output: no match may reach before it. */
  #dictionaryStart = 0;
  #at = 0;
  #inputEnd = 0;
  #range = 0;
  #code = 0;
  #state = 0;
  #rep0 = 0;
  #rep1 = 0;
  #rep2 = 0;
  #rep3 = 0;
  #literalContextBits = 0;
  #literalPositionMask = 0;
  #positionMask = 0;
  #hasProperties = false;

  constructor(input: Uint8Array, maxBytes: number) {
    this.#input = input;
    this.#maxBytes = maxBytes;
  }

  get output(): Uint8Array {
    return this.#out.subarray(0, this.#size);
  }

  /** Decodes the chunks from a position on; returns the one after them. */
  decode(start: number): number {
    this.#at = start;
    this.#inputEnd = this.#input.length;
    this.#dictionaryStart = this.#size;
    for (;;) {
      const control = this.#byte();
      if (control === 0) return this.#at;
      if (control === 1) this.#dictionaryStart = this.#size;
      if (control < 3) this.#copyChunk();
      else if (control < 0x80) throw new UnreadableBytes(`a chunk of LZMA2 has control ${control}`);
      else this.#decodeChunk(control);
    }
  }

  #copyChunk(): void {
    const count = this.#byte() * 256 + this.#byte() + 1;
    if (this.#at + count > this.#input.length) throw new UnreadableBytes('a chunk of LZMA2 is not whole');
    this.#reserve(count);
    this.#out.set(this.#input.subarray(this.#at, this.#at + count), this.#size);
    this.#size += count;
    this.#at += count;
  }

  #decodeChunk(control: number): void {
    const count = (control & 0x1f) * 65_536 + this.#byte() * 256 + this.#byte() + 1;
    const inputBytes = this.#byte() * 256 + this.#byte() + 1;
    const reset = (control >> 5) & 3;
    if (reset === 3) this.#dictionaryStart = this.#size;
    if (reset >= 2) this.#readProperties();
    if (!this.#hasProperties) throw new UnreadableBytes('a chunk of LZMA2 comes before its properties');
    if (reset >= 1) this.#resetState();
    const end = this.#at + inputBytes;
    if (end > this.#input.length) throw new UnreadableBytes('a chunk of LZMA2 is not whole');
    this.#inputEnd = end;
    this.#reserve(count);
    this.#startRange();
    this.#decodeSymbols(this.#size + count);
    this.#inputEnd = this.#input.length;
    this.#at = end;
  }

  #readProperties(): void {
    const properties = this.#byte();
    if (properties >= 9 * 5 * 5) throw new UnreadableBytes(`LZMA properties ${properties}`);
    this.#literalContextBits = properties % 9;
    const literalPositionBits = Math.floor(properties / 9) % 5;
    if (this.#literalContextBits + literalPositionBits > maxContextBits)
      throw new UnreadableBytes('LZMA2 has too many context bits');
    this.#literalPositionMask = (1 << literalPositionBits) - 1;
    this.#positionMask = (1 << Math.floor(properties / 45)) - 1;
    this.#hasProperties = true;
  }

  #resetState(): void {
    this.#probabilities.fill(initialProbability);
    this.#state = 0;
    this.#rep0 = 0;
    this.#rep1 = 0;
    this.#rep2 = 0;
    this.#rep3 = 0;
  }

  #startRange(): void {
    this.#range = 0xffff_ffff;
    this.#byte();
    this.#code = 0;
    for (let i = 0; i < 4; i++) this.#code = ((this.#code << 8) | this.#byte()) >>> 0;
  }

  #decodeSymbols(end: number): void {
    while (this.#size < end) {
      const positionState = (this.#size - this.#dictionaryStart) & this.#positionMask;
      const state = this.#state;
      if (this.#bit(isMatch + (state << 4) + positionState) === 0) {
        this.#literal();
        continue;
      }
      let length: number;
      if (this.#bit(isRep + state) === 0) length = this.#match(positionState);
      else {
        length = this.#repeat(state, positionState);
        if (length === 1) {
          this.#copy(1, end);
          continue;
        }
      }
      this.#copy(length, end);
    }
  }

  #match(positionState: number): number {
    this.#rep3 = this.#rep2;
    this.#rep2 = this.#rep1;
    this.#rep1 = this.#rep0;
    const length = this.#length(matchLength, positionState);
    this.#state = this.#state < 7 ? 7 : 10;
    this.#rep0 = this.#distance(Math.min(length - 2, 3));
    return length;
  }

  /** A match at one of the last four distances; of length 1 for a single byte. */
  #repeat(state: number, positionState: number): number {
    if (this.#bit(isRepG0 + state) === 0) {
      if (this.#bit(isRep0Long + (state << 4) + positionState) === 0) {
        this.#state = state < 7 ? 9 : 11;
        return 1;
      }
    } else {
      const distance = this.#olderDistance(state);
      this.#rep1 = this.#rep0;
      this.#rep0 = distance;
    }
    this.#state = state < 7 ? 8 : 11;
    return this.#length(repeatLength, positionState);
  }

  #olderDistance(state: number): number {
    if (this.#bit(isRepG1 + state) === 0) return this.#rep1;
    let distance = this.#rep2;
    if (this.#bit(isRepG2 + state) === 1) {
      distance = this.#rep3;
      this.#rep3 = this.#rep2;
    }
    this.#rep2 = this.#rep1;
    return distance;
  }

  #literal(): void {
    const position = this.#size - this.#dictionaryStart;
    const previous = position > 0 ? this.#out[this.#size - 1]! : 0;
    const contextBits = this.#literalContextBits;
    const context = ((position & this.#literalPositionMask) << contextBits) + (previous >> (8 - contextBits));
    const base = literals + literalSize * context;
    let symbol = 1;
    if (this.#state >= 7) {
      let matched = this.#byteBack(this.#rep0);
      while (symbol < 0x100) {
        const matchBit = (matched >> 7) & 1;
        matched <<= 1;
        const bit = this.#bit(base + ((1 + matchBit) << 8) + symbol);
        symbol = (symbol << 1) | bit;
        if (matchBit !== bit) break;
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.#bit(base + symbol);
    this.#out[this.#size++] = symbol & 0xff;
    const state = this.#state;
    this.#state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
  }

  #length(base: number, positionState: number): number {
    if (this.#bit(base) === 0) return 2 + this.#tree(base + 2 + (positionState << 3), 3);
    if (this.#bit(base + 1) === 0) return 10 + this.#tree(base + 2 + (16 << 3) + (positionState << 3), 3);
    return 18 + this.#tree(base + 2 + (32 << 3), 8);
  }

  #distance(lengthState: number): number {
    const slot = this.#tree(positionSlots + (lengthState << 6), 6);
    if (slot < 4) return slot;
    const directBits = (slot >> 1) - 1;
    const distance = ((2 | (slot & 1)) << directBits) >>> 0;
    if (slot < 14) return distance + this.#reverseTree(positionSpecial + distance - slot, directBits);
    return distance + this.#direct(directBits - 4) * 16 + this.#reverseTree(positionAlign, 4);
  }

  #copy(length: number, end: number): void {
    const distance = this.#rep0 + 1;
    if (distance > this.#size - this.#dictionaryStart || this.#size + length > end) {
      throw new UnreadableBytes('a match of LZMA lies outside of what was decoded');
    }
    const out = this.#out;
    for (let left = length; left > 0; left--, this.#size++) out[this.#size] = out[this.#size - distance]!;
  }

  #byteBack(distance: number): number {
    if (distance >= this.#size - this.#dictionaryStart)
      throw new UnreadableBytes('a match of LZMA lies before its dictionary');
    return this.#out[this.#size - distance - 1]!;
  }

  #tree(base: number, bits: number): number {
    let symbol = 1;
    for (let i = 0; i < bits; i++) symbol = (symbol << 1) | this.#bit(base + symbol);
    return symbol - (1 << bits);
  }

  #reverseTree(base: number, bits: number): number {
    let symbol = 1;
    let value = 0;
    for (let i = 0; i < bits; i++) {
      const bit = this.#bit(base + symbol);
      symbol = (symbol << 1) | bit;
      value |= bit << i;
    }
    return value;
  }

  #direct(bits: number): number {
    let value = 0;
    for (let i = 0; i < bits; i++) {
      this.#range >>>= 1;
      const isOne = this.#code >= this.#range;
      if (isOne) this.#code -= this.#range;
      value = value * 2 + (isOne ? 1 : 0);
      this.#normalize();
    }
    return value;
  }

  #bit(index: number): number {
    const probability = this.#probabilities[index]!;
    const bound = (this.#range >>> probabilityBits) * probability;
    let bit = 0;
    if (this.#code < bound) {
      this.#range = bound;
      this.#probabilities[index] = probability + (((1 << probabilityBits) - probability) >> moveBits);
    } else {
      this.#range -= bound;
      this.#code -= bound;
      this.#probabilities[index] = probability - (probability >> moveBits);
      bit = 1;
    }
    this.#normalize();
    return bit;
  }

  #normalize(): void {
    if (this.#range >= 0x100_0000) return;
    this.#range = (this.#range << 8) >>> 0;
    this.#code = ((this.#code << 8) | this.#byte()) >>> 0;
  }

  #byte(): number {
    if (this.#at >= this.#inputEnd) throw new UnreadableBytes('an xz file ends too early');
    return this.#input[this.#at++]!;
  }

  #reserve(count: number): void {
    const needed = this.#size + count;
    if (needed > this.#maxBytes) throw new UnreadableBytes(`an xz file has more than ${this.#maxBytes} bytes`);
    if (needed <= this.#out.length) return;
    const grown = new Uint8Array(Math.min(this.#maxBytes, Math.max(needed, 2 * this.#out.length)));
    grown.set(this.#out.subarray(0, this.#size));
    this.#out = grown;
  }
}
