// hot
import { grown } from '../../support/grown-column.ts';
import type { Steps } from '../../support/steps.ts';
import type { ProtobufWriter } from '../protobuf/protobuf-writer.ts';
import type { ByteWalk } from './byte-walk.ts';
import type { DictionaryColumns } from './dictionary-columns.ts';

/** Messages on the way from a request to the references in its attributes: what a field holds, by its tag. */
const grammar: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  resourceProfiles: { 10: 'resource', 18: 'scopeProfiles' },
  scopeProfiles: { 10: 'scope' },
  resource: { 10: 'keyValue' },
  scope: { 26: 'keyValue' },
  keyValue: { 18: 'value', 24: 'reference' },
  value: { 42: 'array', 50: 'keyValueList', 64: 'reference' },
  array: { 10: 'value' },
  keyValueList: { 10: 'keyValue' },
};

/** Words of a mark, and the third of one that is no head: of a reference the text, of an end nothing. */
const markWords = 4;
const isReference = -1;
const isEnd = -2;

/** Bytes that are copied, and marks that are written, in one step. */
const bytesAStep = 256 * 1024;
const marksAStep = 512;

/**
 * References to the string table in scanned entries of `resource_profiles`, as marks in their order, without an object a reference:
 *
 *     head       start of a message's tag, its own start, number of its field
 *     reference  start and end of the field, index of the text
 *     end        end of the message
 *
 * Messages without references have no marks.
 */
export class InlinedReferences {
  readonly #columns: DictionaryColumns;
  readonly #source: Buffer;
  #marks = new Int32Array(0);
  #length = 0;

  constructor(columns: DictionaryColumns) {
    const { bytes } = columns;
    this.#columns = columns;
    this.#source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Number of marks so far: what `writeEntry` begins and ends with. */
  get count(): number {
    return this.#length / markWords;
  }

  /** Marks an entry of `resource_profiles`, which ends at `end`; true where there are references in it. The walk is behind its head. */
  markEntry(walk: ByteWalk, start: number, tag: number, end: number): boolean {
    return this.#markMessage(walk, start, tag, end, 'resourceProfiles');
  }

  #markMessage(walk: ByteWalk, start: number, tag: number, end: number, message: string): boolean {
    const length = this.#length;
    this.#push(start, walk.position, tag >>> 3, 0);
    if (this.#markFields(walk, end, grammar[message]!)) this.#push(end, end, isEnd, 0);
    else this.#length = length;
    return this.#length > length;
  }

  /** Samples are passed over. */
  #markFields(walk: ByteWalk, end: number, contents: Readonly<Record<number, string>>): boolean {
    let isMarked = false;
    while (walk.position < end) {
      const start = walk.position;
      const tag = walk.tag();
      const content = contents[tag];
      if (content === 'reference') {
        const index = walk.index(end);
        this.#push(start, walk.position, isReference, index);
        isMarked = true;
      } else if ((tag & 7) === 2) {
        const fieldEnd = walk.fieldEnd(end);
        if (content !== undefined && this.#markMessage(walk, start, tag, fieldEnd, content)) isMarked = true;
        walk.position = fieldEnd;
      } else if ((tag & 7) === 1) walk.skip(8, end);
      else walk.skipVarint(end);
    }
    return isMarked;
  }

  #push(start: number, end: number, kind: number, text: number): void {
    const at = this.#length;
    if (at + markWords > this.#marks.length) this.#marks = grown(this.#marks, at + markWords);
    const marks = this.#marks;
    marks[at] = start;
    marks[at + 1] = end;
    marks[at + 2] = kind;
    marks[at + 3] = text;
    this.#length = at + markWords;
  }

  /** Writes an entry, whose marks are `first` to `last`, with texts in place of references. Key and text value have field 1 where they are inline. */
  *writeEntry(writer: ProtobufWriter, first: number, last: number): Steps<void> {
    const marks = this.#marks;
    const source = this.#source;
    const { stringStart, stringEnd } = this.#columns;
    const open: number[] = [];
    let copied = marks[markWords * (last - 1)]!;
    for (let i = last - 1; i >= first; i--) {
      if (i % marksAStep === marksAStep - 1) yield;
      const at = markWords * i;
      const end = marks[at + 1]!;
      if (copied - end > bytesAStep) yield* writer.copyInSteps(source.subarray(end, copied));
      else writer.copyOf(source, end, copied);
      const kind = marks[at + 2]!;
      if (kind === isEnd) open.push(writer.length);
      else if (kind === isReference) {
        const text = marks[at + 3]!;
        writer.explicitBytesOf(1, source, stringStart[text]!, stringEnd[text]!);
      } else writer.message(kind, open.pop()!);
      copied = marks[at]!;
    }
  }
}
