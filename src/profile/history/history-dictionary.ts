import { hash } from 'node:crypto';
import type { HistoryFrame } from './history-frame.ts';
import { pseudoFrame } from './history-frame.ts';
import { StackTrie } from './stack-trie.ts';

/** Fields of a label set, each with a text; empty when unknown. */
export const labelFields = ['service', 'process', 'thread', 'container', 'host', 'executable'] as const;

export type LabelField = (typeof labelFields)[number];

/** Attributes of samples that the history keeps. `process` is a process ID. */
export type LabelSet = Readonly<Record<LabelField, string>>;

// Estimates of V8's objects, without their texts.
const frameBytes = 250;
const labelSetBytes = 300;

/** HistoryDictionary holds the frames, stacks and label sets of all buckets of a history, each once. Only ever grows. */
export class HistoryDictionary {
  readonly stacks: StackTrie = new StackTrie();
  readonly #texts = new Map<string, number>();
  readonly #frameIndices = new Map<string, number>();
  readonly #frames: HistoryFrame[] = [];
  /** Keys of the first frames, made when somebody asks. */
  readonly #frameKeys: string[] = [];
  readonly #framesByKey = new Map<string, number>();
  readonly #labelIndices = new Map<string, number>();
  readonly #labelSets: LabelSet[] = [];
  #textBytes = 0;

  constructor() {
    this.frame(pseudoFrame('', 'root'));
  }

  get frameCount(): number {
    return this.#frames.length;
  }

  get labelSetCount(): number {
    return this.#labelSets.length;
  }

  /** An estimate. */
  get sizeBytes(): number {
    const objects = frameBytes * this.#frames.length + labelSetBytes * this.#labelSets.length;
    return this.stacks.sizeBytes + objects + this.#textBytes;
  }

  /** Finds or adds a frame. Frames are equal when all but line, address and build ID is; the lowest known line is kept. */
  frame(frame: HistoryFrame): number {
    const texts = [frame.name, frame.module, frame.file].map((text) => this.#text(text));
    const key = `${frame.class} ${frame.type} ${texts.join(' ')}`;
    const index = this.#frameIndices.get(key);
    if (index === undefined) {
      this.#frameIndices.set(key, this.#frames.length);
      return this.#frames.push(frame) - 1;
    }
    const known = this.#frames[index]!.line;
    if (frame.line > 0 && (known === 0 || frame.line < known)) this.#frames[index] = frame;
    return index;
  }

  frameAt(index: number): HistoryFrame {
    return this.#frames[index]!;
  }

  /** Name of a frame that is the same in every answer and after a restart, e.g. `Xw3kA-9q`. */
  frameKey(index: number): string {
    this.#makeKeys();
    return this.#frameKeys[index]!;
  }

  frameOfKey(key: string): number | undefined {
    this.#makeKeys();
    return this.#framesByKey.get(key);
  }

  /** Key of a function that is called so. */
  keyOfName(name: string): string | undefined {
    const index = this.#frames.findIndex((frame) => frame.name === name && frame.class !== 'root');
    return index < 0 ? undefined : this.frameKey(index);
  }

  labelSet(labels: LabelSet): number {
    const key = labelFields.map((field) => this.#text(labels[field])).join(' ');
    const known = this.#labelIndices.get(key);
    if (known !== undefined) return known;
    this.#labelIndices.set(key, this.#labelSets.length);
    return this.#labelSets.push(labels) - 1;
  }

  labelSetAt(index: number): LabelSet {
    return this.#labelSets[index]!;
  }

  #text(text: string): number {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    this.#textBytes += 80 + 2 * text.length;
    this.#texts.set(text, this.#texts.size);
    return this.#texts.size - 1;
  }

  #makeKeys(): void {
    for (let index = this.#frameKeys.length; index < this.#frames.length; index++) {
      const digest = digestOf(this.#frames[index]!);
      // 48 bits; the whole digest where they are another frame's.
      const key = this.#framesByKey.has(digest.slice(0, 8)) ? digest : digest.slice(0, 8);
      this.#frameKeys.push(key);
      this.#framesByKey.set(key, index);
    }
  }
}

function digestOf({ class: frameClass, type, name, module, file }: HistoryFrame): string {
  return hash('sha1', [frameClass, type, name, module, file].join('\0'), 'base64url');
}

/** Name of a group at the root of a tree, as `HistoryDictionary.frameKey`. */
export function groupKey(grouping: string, name: string): string {
  return hash('sha1', `group\0${grouping}\0${name}`, 'base64url').slice(0, 8);
}

/** The known number of a key, or a new one. */
export function remember<Key>(known: Map<Key, number>, key: Key, make: () => number): number {
  let index = known.get(key);
  if (index === undefined) {
    index = make();
    known.set(key, index);
  }
  return index;
}
