// hot
import { PairHash } from './pair-hash.ts';
import type { PlainProfiles } from './plain-profiles.ts';
import { tables } from './table-scan.ts';

/** The string table of a plain message: its texts are made one by one, when somebody asks. */
export class TextColumns {
  readonly #buffer: Buffer;
  readonly #columns: PlainProfiles['columns'];
  readonly #hash = new PairHash();
  readonly #texts = new Map<number, string>();

  constructor({ bytes, columns }: PlainProfiles) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#columns = columns;
  }

  at(index: number): string {
    if (index === 0) return '';
    let text = this.#texts.get(index);
    if (text === undefined) {
      text = this.#slice(this.#columns.stringStart[index]!, this.#columns.stringEnd[index]!);
      this.#texts.set(index, text);
    }
    return text;
  }

  /** The index of a text in the table; -1 when it is not there. */
  indexOf(text: string): number {
    if (text === '') return 0;
    const bytes = Buffer.from(text);
    this.#hash.start(tables.string);
    this.#hash.bytes(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.length);
    const index = this.#columns.strings.find(this.#hash.a, this.#hash.b);
    if (index < 0) return -1;
    const [start, end] = [this.#columns.stringStart[index]!, this.#columns.stringEnd[index]!];
    return this.#buffer.compare(bytes, 0, bytes.length, start, end) === 0 ? index : -1;
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
