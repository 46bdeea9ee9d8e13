// hot
import { tables } from './dictionary-columns.ts';
import { PairHash } from './pair-hash.ts';
import type { PassableProfiles } from './passable-scanner.ts';

/** Texts that are made again are those of files and of classes, soon after one another. A larger Map would grow for milliseconds. */
const mostTexts = 8192;

/** The string table of a passable message: its texts are made one by one, when somebody asks. */
export class TextColumns {
  readonly #buffer: Buffer;
  readonly #columns: PassableProfiles['columns'];
  readonly #hash = new PairHash();
  readonly #texts = new Map<number, string>();

  constructor({ bytes, columns }: PassableProfiles) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#columns = columns;
  }

  at(index: number): string {
    if (index === 0) return '';
    let text = this.#texts.get(index);
    if (text === undefined) {
      text = this.#slice(this.#columns.stringStart[index]!, this.#columns.stringEnd[index]!);
      if (this.#texts.size === mostTexts) this.#texts.clear();
      this.#texts.set(index, text);
    }
    return text;
  }

  /** The index of a text in the table; -1 when it is not there. */
  indexOf(text: string): number {
    if (text === '') return 0;
    const isShort = 3 * text.length <= scratch.length;
    const bytes = isShort ? scratch : Buffer.from(text);
    const view = isShort ? scratchView : new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const sizeBytes = isShort ? scratch.write(text) : bytes.length;
    this.#hash.start(tables.string);
    this.#hash.bytes(bytes, view, 0, sizeBytes);
    const index = this.#columns.strings.find(this.#hash.a, this.#hash.b);
    if (index < 0) return -1;
    const start = this.#columns.stringStart[index]!;
    return this.#buffer.compare(bytes, 0, sizeBytes, start, this.#columns.stringEnd[index]!) === 0 ? index : -1;
  }

  /** The value of an attribute; `undefined` when it is no text. */
  ofAttribute(index: number): string | undefined {
    const start = this.#columns.attributeTextStart[index]!;
    // No text begins at the message's first byte.
    return start === 0 ? undefined : this.#slice(start, this.#columns.attributeTextEnd[index]!);
  }

  #slice(start: number, end: number): string {
    return this.#buffer.toString('utf8', start, end);
  }
}

// Names are short, and there are many: one buffer for all of them.
const scratch = Buffer.alloc(1024);
const scratchView = new DataView(scratch.buffer, scratch.byteOffset, scratch.byteLength);
