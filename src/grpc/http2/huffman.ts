// hot
import { errorCodes, Http2Fault } from './frames.ts';

/**
 * Bits of the codes of the bytes 0 to 255, `a` for 5 and so on (RFC 7541, Appendix B). The code is canonical: codes of one length follow each
 * other in the order of their bytes, so that lengths alone tell it.
 */
const lengths =
  'isxxxxxxxtzxxzxxxxxxxxzxxxxxxxxxbffhibdgffdgdbbbaaabbbbbbbcdkbhf' +
  'ibccccccccccccccccccccccdcdioijbkabababbbaccbbbabcbaabccccckgjix' +
  'prpprrrsrssssststtrstssssqrsrsstrqprrssqsrrtqrssqqrqsrssprrrsrrs' +
  'vvporsruvvvwwvtuoqvwwvwtqqvvxwwwptpqrqqsrruuttvsvwvvwwwwwxwwwwwv';
const eosBits = 30;
/** Bits of a code that the first table tells at once. */
const firstBits = 8;

/**
 * A node has 256 places for the next eight bits: a byte and the bits of it that are the code's, as `bits << 8 | byte`, or the negative number of
 * another node. Zero is no code.
 */
const nodes: Int32Array[] = [new Int32Array(1 << firstBits)];
addCodes();

/** Text of a Huffman-coded string. @throws Http2Fault for bytes that are none */
export function decodeHuffman(coded: Buffer): string {
  // The shortest code has five bits.
  const bytes = Buffer.allocUnsafe(Math.floor((coded.length * 8) / 5));
  let written = 0;
  let node = nodes[0]!;
  let held = 0;
  let heldBits = 0;
  /** Bits since the last whole code. */
  let openBits = 0;
  for (let i = 0; ; ) {
    if (heldBits < firstBits && i < coded.length) {
      held = ((held << 8) | coded[i++]!) & 0xffff;
      heldBits += 8;
      openBits += 8;
    }
    if (heldBits === 0) break;
    // Behind the last byte the code goes on with ones, as its padding does.
    const next =
      heldBits >= firstBits ? held >>> (heldBits - firstBits) : (held << (firstBits - heldBits)) | (0xff >>> heldBits);
    const entry = node[next & 0xff]!;
    const usedBits = entry >>> 8;
    if (entry <= 0) {
      if (entry === 0) throw badCode();
      if (heldBits < firstBits) break;
      node = nodes[-entry]!;
      heldBits -= firstBits;
    } else if (usedBits > heldBits) break;
    else {
      bytes[written++] = entry & 0xff;
      node = nodes[0]!;
      heldBits -= usedBits;
      openBits = heldBits;
    }
    held &= (1 << heldBits) - 1;
  }
  // Padding is less than a byte, of ones (RFC 7541, 5.2).
  if (openBits > 7 || node !== nodes[0] || held !== (1 << heldBits) - 1) throw badCode();
  return bytes.toString('latin1', 0, written);
}

function badCode(): Http2Fault {
  return new Http2Fault(errorCodes.COMPRESSION_ERROR, 'a header is no Huffman code');
}

/** In some hundred steps: for a loop that is hot while modules are loaded V8's last compiler comes, and its code stays in memory. */
function addCodes(): void {
  const bytesByBits = Array.from({ length: eosBits + 1 }, (): number[] => []);
  for (let byte = 0; byte < lengths.length; byte++) bytesByBits[lengths.charCodeAt(byte) - 92]!.push(byte);
  let code = 0;
  for (const [bits, bytes] of bytesByBits.entries()) {
    for (const byte of bytes) addCode(code++, bits, byte);
    code <<= 1;
  }
}

function addCode(code: number, bits: number, byte: number): void {
  let node = 0;
  let leftBits = bits;
  for (; leftBits > firstBits; leftBits -= firstBits) {
    const place = (code >>> (leftBits - firstBits)) & 0xff;
    if (nodes[node]![place] === 0) {
      nodes[node]![place] = -nodes.length;
      nodes.push(new Int32Array(1 << firstBits));
    }
    node = -nodes[node]![place]!;
  }
  const first = (code << (firstBits - leftBits)) & 0xff;
  nodes[node]!.fill((leftBits << 8) | byte, first, first + (1 << (firstBits - leftBits)));
}
