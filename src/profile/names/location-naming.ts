// hot
import type { Executable } from '../../model/executable.ts';
import type { FileId } from '../../model/file-id.ts';
import type { FrameSymbol, SymbolLookup } from '../../model/frame-symbol.ts';
import { PairHash } from '../../otlp/passable/pair-hash.ts';
import { mixWord, mixWords } from '../../support/mix-words.ts';
import type { LearnedLately } from './learned-lately.ts';
import type { MappingFile } from './mapping-file.ts';
import { isNamed } from './symbol-lines.ts';

/** The symbol store at one time: learns the names that profiles bring, and finds those that they lack. */
export interface NamingSession {
  learnExecutable(fileId: FileId, executable: Executable): void;
  learnSymbol(fileId: FileId, addressHigh: number, addressLow: number, symbol: FrameSymbol): void;
  /** Symbols of one file; marks the file as used. `undefined` when nothing is known of the file. */
  openFile(fileId: FileId): SymbolLookup | undefined;
  /** The reason why an address of a file has no name. */
  reasonUnknown(fileId: FileId, addressHigh: number, addressLow: number): string;
  /** The same for every address of a file; `undefined` where it depends on the address. */
  commonReason?(fileId: FileId): string | undefined;
  /** Asks for a name that the store lacks, for later requests; `frameType` is empty where the sender tells none. */
  needNativeName?(file: MappingFile, addressHigh: number, addressLow: number, frameType: string): void;
  /** The name of code in the memory of a process, or of the running kernel; `undefined` when nobody can tell whose memory it is. */
  openMemory?(place: MemoryAddress): OpenMemory | undefined;
}

/** A location in memory: of generated code, or of a kernel. */
export interface MemoryAddress {
  readonly location: number;
  readonly addressHigh: number;
  readonly addressLow: number;
  /** Empty where the sender tells none. */
  readonly frameType: string;
  /** `undefined` where nothing identifies a file. */
  readonly file: MappingFile | undefined;
}

/** The name of a place in memory, asked for if it is not known, or the reason why there is none. */
export interface OpenMemory {
  readonly symbol: FrameSymbol | undefined;
  readonly reason: string | undefined;
}

/** Locations and mappings of one dictionary, by their indices, which must be sound. */
export interface LocationView {
  readonly locationCount: number;
  /** 0 for a location without mapping. */
  mappingOf(location: number): number;
  addressHigh(location: number): number;
  addressLow(location: number): number;
  lineCount(location: number): number;
  /** The function of one line, without inlined ones; `undefined` when a number is none that a source file has. */
  lineSymbol(location: number, line: number): FrameSymbol | undefined;
  /** Feeds the address of a location and what its lines say into a hash, equal for equal ones in any dictionary; where the view has hashes. */
  hashText?(location: number, hash: PairHash): void;
  /** Text of the location's first `profile.frame.type`; empty without one. */
  frameTypeOf(location: number): string;
  /** `undefined` for a mapping that does not identify its file. */
  fileOf(mapping: number): MappingFile | undefined;
}

/** A mapping's file with what this naming has done with it. */
interface NamedFile {
  readonly file: MappingFile;
  /** Hash of the file ID. */
  readonly idHash: number;
  isLearned: boolean;
  /** `undefined` before the first look-up; `null` when the store knows nothing of the file. */
  symbols: SymbolLookup | null | undefined;
  /** Reason why no address has a name; `null` where it depends on the address, `undefined` before it was asked for. */
  commonReason: string | null | undefined;
  /** Step in which `symbols` and `commonReason` were looked up. */
  step: number;
}

/**
 * Joins the locations of one dictionary with the symbol store, by file ID and address. Callers learn all locations before
 * they find the first: one location may bring the name that another lacks.
 */
export class LocationNaming {
  readonly #view: LocationView;
  readonly #session: NamingSession;
  readonly #lately: LearnedLately | undefined;
  readonly #hash = new PairHash();
  #step = 0;
  /** By mapping; `null` for one that does not identify its file. */
  readonly #files: (NamedFile | null | undefined)[] = [];
  /** The location asked for last, and its file: a location is looked for, and asked why it was not found, one after the other. */
  #lastLocation = -1;
  #lastFile: NamedFile | undefined;

  /** `lately` is asked about names before they are read, if the view has hashes. */
  constructor(view: LocationView, session: NamingSession, lately?: LearnedLately) {
    this.#view = view;
    this.#session = session;
    this.#lately = view.hashText === undefined ? undefined : lately;
  }

  /** Begins a step after others had their turn: what was open in the store may have left it. To open a file is as much as tens of look-ups in it. */
  resume(): void {
    this.#step++;
  }

  /** Tells the store the location's file and its name; `false` when there is no name, or none that holds in other profiles. */
  learn(location: number): boolean {
    const view = this.#view;
    const isNameless = view.lineCount(location) === 0;
    // Most nameless locations are of a file that another location has told.
    if (isNameless && this.#files[view.mappingOf(location)]?.isLearned === true) return false;
    const named = this.#fileOf(location);
    if (named === undefined) return false;
    if (!named.isLearned) {
      named.isLearned = true;
      this.#learnFile(named);
    }
    if (isNameless) return false;
    const high = view.addressHigh(location);
    const low = view.addressLow(location);
    const lately = this.#lately;
    if (lately === undefined) return this.#learnSymbol(named.file, high, low, location);
    const key = mixWord(mixWord(named.idHash, high), low);
    const hash = this.#hash;
    hash.start(named.idHash);
    view.hashText!(location, hash);
    if (lately.knows(key, hash)) return true;
    if (!this.#learnSymbol(named.file, high, low, location)) return false;
    lately.note(key, hash);
    return true;
  }

  #learnFile({ file, idHash }: NamedFile): void {
    if (this.#lately?.mustTell(file, idHash) === false) return;
    this.#session.learnExecutable(file.fileId, file.executable);
  }

  #learnSymbol({ fileId }: MappingFile, high: number, low: number, location: number): boolean {
    const symbol = this.#symbolOf(location);
    if (symbol === undefined) return false;
    this.#session.learnSymbol(fileId, high, low, symbol);
    return true;
  }

  /** The store's name for a location; marks the name as used. A location without lines that has none is asked for. */
  find(location: number): FrameSymbol | undefined {
    const named = this.#fileOf(location);
    if (named === undefined) return this.#openMemory(location)?.symbol;
    const { file } = named;
    if (named.symbols === undefined || named.step !== this.#step) {
      named.symbols = this.#session.openFile(file.fileId) ?? null;
      named.commonReason = undefined;
      named.step = this.#step;
    }
    const view = this.#view;
    const symbol = named.symbols?.find(view.addressHigh(location), view.addressLow(location));
    if (symbol === undefined && this.#session.needNativeName !== undefined) {
      const frameType = view.frameTypeOf(location);
      this.#session.needNativeName(file, view.addressHigh(location), view.addressLow(location), frameType);
    }
    return symbol;
  }

  /** The reason why a location has no name, after `find` found none; `no_file_id` where nothing identifies its file. */
  reasonUnnamed(location: number): string {
    const named = this.#fileOf(location);
    if (named === undefined) return this.#openMemory(location)?.reason ?? 'no_file_id';
    const { fileId } = named.file;
    if (named.commonReason === undefined) {
      named.commonReason = this.#session.commonReason?.(fileId) ?? null;
    }
    if (named.commonReason !== null) return named.commonReason;
    return this.#session.reasonUnknown(fileId, this.#view.addressHigh(location), this.#view.addressLow(location));
  }

  #openMemory(location: number): OpenMemory | undefined {
    if (this.#session.openMemory === undefined) return undefined;
    const view = this.#view;
    const mapping = view.mappingOf(location);
    return this.#session.openMemory({
      location,
      addressHigh: view.addressHigh(location),
      addressLow: view.addressLow(location),
      frameType: view.frameTypeOf(location),
      file: mapping === 0 ? undefined : this.#fileOfMapping(mapping)?.file,
    });
  }

  /** The file within which the location's address means the same in every process and on every host. */
  #fileOf(location: number): NamedFile | undefined {
    if (location !== this.#lastLocation) {
      this.#lastFile = this.#findFile(location);
      this.#lastLocation = location;
    }
    return this.#lastFile;
  }

  #findFile(location: number): NamedFile | undefined {
    const view = this.#view;
    const mapping = view.mappingOf(location);
    if (mapping === 0) return undefined;
    const high = view.addressHigh(location);
    if (high >= firstMemoryAddressHigh || (high === 0 && view.addressLow(location) === 0)) return undefined;
    const named = this.#fileOfMapping(mapping);
    if (named === undefined) return undefined;
    return named.file.isLoaded && !typesWithAddresses.has(view.frameTypeOf(location)) ? undefined : named;
  }

  #fileOfMapping(mapping: number): NamedFile | undefined {
    const known = this.#files[mapping];
    if (known !== undefined) return known ?? undefined;
    const file = this.#view.fileOf(mapping);
    const idle = { isLearned: false, symbols: undefined, commonReason: undefined, step: 0 };
    const named = file === undefined ? null : { file, idHash: hashOf(file), ...idle };
    this.#files[mapping] = named;
    return named ?? undefined;
  }

  /** The last line is the function itself; those before it were inlined into it. */
  #symbolOf(location: number): FrameSymbol | undefined {
    const view = this.#view;
    const last = view.lineCount(location) - 1;
    const symbol = last < 0 ? undefined : view.lineSymbol(location, last);
    if (symbol === undefined || !isNamed(symbol)) return undefined;
    if (last === 0) return symbol;
    const inlined: FrameSymbol[] = [];
    for (let line = 0; line < last; line++) {
      const callee = view.lineSymbol(location, line);
      if (callee === undefined) return undefined;
      inlined.push(callee);
    }
    return { ...symbol, inlined };
  }
}

function hashOf({ fileId }: MappingFile): number {
  return mixWords(fileId.word0, fileId.word1, fileId.word2, fileId.word3);
}

/**
 * Upper word of 2^44. Addresses of a file lie far below; those above belong to a process's memory, which pprof has in place
 * of a file's address, or to a running kernel: both begin elsewhere in the next process, or on the next host.
 */
const firstMemoryAddressHigh = 0x1000;

/** Interpreted frames count lines or bytecode: only a file ID of their own makes that an address, never a loaded file's. */
const typesWithAddresses: ReadonlySet<string> = new Set(['', 'native', 'kernel', 'go', 'rust']);
