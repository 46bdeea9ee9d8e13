// hot
import { PairHash } from '../../otlp/passable/pair-hash.ts';
import { mixWord } from '../../support/mix-words.ts';
import type { MappingFile } from './mapping-file.ts';

/** Words of an entry: key, two of the name's hash, and the time. */
const stride = 4;
/** Entries at which a key may be. */
const ways = 4;
/** One line of the processor's cache. */
const setWords = ways * stride;
/** Below a quarter of the entries in use, few sets are full. */
const fullSets = 4;
const firstEntries = 1024;
/** 1 MiB of them. */
const mostEntries = 65_536;

/** Share of the store's lifetime, and time, within which a name that comes again is not learned again. */
const lifetimeShare = 1 / 64;
const mostWindowMs = 60_000;

/** A power of two: nodes run hundreds of executables. */
const mostFiles = 2048;
/** Longer texts are no paths, and are not kept. */
const longestText = 1024;

/**
 * Names that the store learned lately from requests that pass, by hashes of what they say: senders repeat most of them every few
 * seconds, and a repeated name need not be read again. Its age counts from when it was learned, so that the store may forget a
 * name by up to 1/64 of a lifetime early. Any eviction in the store empties the memory, for it may have been one of these.
 * The files of mappings are kept in the same way, for ever, since they are what a mapping says.
 */
export class LearnedLately {
  readonly #window: number;
  #entries = new Int32Array(firstEntries * stride);
  #count = 0;
  #evictions = 0;
  /** Fed into all hashes: a change makes all entries differ. */
  #epoch = 0;
  #now = 0;
  readonly #files: (KnownFile | undefined)[] = [];
  /** Numbers of files as objects, which are those of their mappings. */
  readonly #numbers = new WeakMap<MappingFile, number>();
  #fileCount = 0;
  readonly #fileHash = new PairHash();

  constructor(lifetimeMs: number) {
    this.#window = tickAt(Math.min(mostWindowMs, lifetimeMs * lifetimeShare));
  }

  /** Begins a request. `evictions` is the number of names that left the store before their lifetime ended. */
  begin(nowMs: number, evictions: number): void {
    this.#now = tickAt(nowMs);
    if (evictions === this.#evictions) return;
    this.#evictions = evictions;
    this.forget();
  }

  /** Forgets the names: the store may have learned others in another way. */
  forget(): void {
    this.#epoch = mixWord(this.#epoch, 1);
  }

  /** True if the last name noted under `key`, a hash of file and address, has this hash, and was noted within the window. */
  knows(key: number, { a, b }: PairHash): boolean {
    const entries = this.#entries;
    const at = this.#placeOf(key);
    return (
      entries[at] === (key | 0) &&
      entries[at + 1] === (a | 0) &&
      entries[at + 2] === ((b ^ this.#epoch) | 0) &&
      this.#now - entries[at + 3]! < this.#window
    );
  }

  /** Notes the name that the store has just learned, in place of the key's last one, or of the oldest of its set. */
  note(key: number, { a, b }: PairHash): void {
    if (fullSets * this.#count > this.#entries.length / stride) this.#grow();
    const entries = this.#entries;
    const at = this.#placeOf(key);
    if (entries[at] === 0) this.#count++;
    entries[at] = key;
    entries[at + 1] = a;
    entries[at + 2] = b ^ this.#epoch;
    entries[at + 3] = this.#now;
  }

  /** The entry of a key, or the one that is to make room for it: a free one, or the oldest of the set. */
  #placeOf(key: number): number {
    const entries = this.#entries;
    const set = (key & (entries.length / setWords - 1)) * setWords;
    let oldest = set;
    for (let at = set; at < set + setWords; at += stride) {
      if (entries[at] === (key | 0)) return at;
      if (entries[at] === 0) oldest = at;
      else if (entries[oldest] !== 0 && entries[at + 3]! < entries[oldest + 3]!) oldest = at;
    }
    return oldest;
  }

  /**
   * True where the file has to be told to the store: it was not told lately, or another one of the same ID was told after it. It
   * counts as told.
   */
  mustTell(file: MappingFile, idHash: number): boolean {
    let number = this.#numbers.get(file);
    if (number === undefined) {
      number = ++this.#fileCount;
      this.#numbers.set(file, number);
    }
    const key = mixWord(idHash, fileKey);
    const hash = this.#fileHash;
    hash.start(number);
    if (this.knows(key, hash)) return false;
    this.note(key, hash);
    return true;
  }

  /** The file that `read` gives for a mapping of this hash, which covers all that the file is made of. */
  fileOf({ a, b }: PairHash, read: () => MappingFile | undefined): MappingFile | undefined {
    const place = a & (mostFiles - 1);
    const known = this.#files[place];
    if (known !== undefined && known.a === a && known.b === b) return known.file;
    const file = read();
    if (file === undefined || hasShortTexts(file)) this.#files[place] = { a, b, file };
    return file;
  }

  /** Twice the room, with nothing in it: what was there comes again. A table of the largest size loses its oldest instead. */
  #grow(): void {
    if (this.#entries.length / stride >= mostEntries) return;
    this.#entries = new Int32Array(2 * this.#entries.length);
    this.#count = 0;
  }
}

/** Keeps keys of files apart from those of names. */
const fileKey = 0x5bd1e995;

interface KnownFile {
  readonly a: number;
  readonly b: number;
  readonly file: MappingFile | undefined;
}

function hasShortTexts({ executable: { fileName, gnuBuildId, goBuildId } }: MappingFile): boolean {
  return fileName.length + gnuBuildId.length + goBuildId.length <= longestText;
}

/** Tenths of a second. */
function tickAt(ms: number): number {
  return Math.floor(ms / 100);
}
