/**
 * Measured in V8: bytes of a text beside its letters, which are its header, its entry in a Map and its counter.
 */
const bytesPerText = 112;
// A Map that grows stops the thread for as long as it has entries; 256 small ones grow one at a time.
const shardCount = 256;

interface Interned {
  readonly text: string;
  references: number;
}

/**
 * Each text once, however many symbols have it, for as long as one of them does. `retain` and `release` come in pairs.
 * The empty text is free.
 */
export class StringPool {
  readonly #shards: Map<string, Interned>[] = Array.from({ length: shardCount }, () => new Map());
  #count = 0;
  #bytes = 0;

  /** Number of different texts. */
  get count(): number {
    return this.#count;
  }

  /** An estimate of the memory that the texts take, tables included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The one instance of this text; counts a reference to it. */
  retain(text: string): string {
    if (text === '') return text;
    const shard = this.#shards[shardOf(text)]!;
    const known = shard.get(text);
    if (known !== undefined) {
      known.references++;
      return known.text;
    }
    shard.set(text, { text, references: 1 });
    this.#count++;
    this.#bytes += textBytes(text);
    return text;
  }

  /** Gives a reference back; the last one takes the text out. */
  release(text: string): void {
    if (text === '') return;
    const shard = this.#shards[shardOf(text)]!;
    const known = shard.get(text)!;
    known.references--;
    if (known.references > 0) return;
    shard.delete(text);
    this.#count--;
    this.#bytes -= textBytes(text);
  }
}

/** Bytes that V8 needs for a text and the pool beside it: one a letter in Latin-1, two otherwise. */
export function textBytes(text: string): number {
  const isWide = /[\u0100-\uffff]/.test(text);
  return bytesPerText + (isWide ? 2 * text.length : text.length);
}

// The end and the length tell names apart better than the beginning, which is a package or a namespace.
function shardOf(text: string): number {
  const end = text.length - 1;
  let mixed = text.length * 31 + text.charCodeAt(end);
  mixed = mixed * 31 + text.charCodeAt(Math.max(0, end - 2));
  mixed = mixed * 31 + text.charCodeAt(Math.max(0, end - 5));
  return (mixed * 31 + text.charCodeAt(end >>> 1)) % shardCount;
}
