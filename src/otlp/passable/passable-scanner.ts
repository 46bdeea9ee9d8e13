import type { DictionaryColumns } from './dictionary-columns.ts';
import type { NotPassableReason } from './not-passable.ts';
import { NotPassable } from './not-passable.ts';
import { ScanMemory, TooManyElements, told } from './scan-memory.ts';

/**
 * A message that we may send as it is, but for names that are missing and references that not every receiver resolves: of
 * the current wire, in any order of fields, with sound references, a dictionary without orphans and duplicates, no two
 * equal resources, no two profiles of a resource that begin together, and no unknown field.
 */
export interface PassableProfiles {
  readonly bytes: Uint8Array;
  readonly sampleCount: number;
  readonly resourceCount: number;
  /** Resources, scopes, profiles, samples, lines, and entries of the dictionary. */
  readonly elements: number;
  /** Of all resources and scopes. */
  readonly headBytes: number;
  /** Places of the dictionary's field, with its tag, and of the message in it. */
  readonly dictionary: { readonly start: number; readonly bodyStart: number; readonly end: number };
  /** Tables of the dictionary, until the scanner's next message. */
  readonly columns: DictionaryColumns;
  /** True if attributes of resources or scopes refer to the string table. */
  readonly hasReferences: boolean;
  /** Texts in use by more than such references; those behind them are in no other use. */
  readonly keptTexts: number;
}

export type ScanResult =
  | { readonly kind: 'passable'; readonly profiles: PassableProfiles }
  | {
      readonly kind: 'not_passable';
      readonly reason: NotPassableReason;
      /** Given where orphans are the only reason: all else is sound, but `keptTexts` is not known. */
      readonly profiles?: PassableProfiles;
    };

/** Bound of the memory that is kept for the next message: those of 4 MiB, which is what a gRPC receiver takes, need less. */
const keptSizeBytes = 16 * 1024 * 1024;

/**
 * Finds the messages that need not be decoded, in one pass over their bytes and without objects for samples. A message that
 * is not passable is not wrong by that, and never misread. The pass is WebAssembly: `wasm/scan.ts`.
 */
export class PassableScanner {
  readonly #ownIdPrefix: Uint8Array | undefined;
  #memory: ScanMemory | undefined;

  /** `ownIdPrefix` begins the IDs of profiles that this process made: a message with one of them is not passable. */
  constructor(ownIdPrefix?: Uint8Array) {
    this.#ownIdPrefix = ownIdPrefix;
  }

  /**
   * `isVersionDeclared` says that the sender declared the current version of the protocol.
   * @throws MemoryShortage
   */
  scan(bytes: Uint8Array, isVersionDeclared: boolean): ScanResult {
    return this.scanWithin(bytes, isVersionDeclared, Number.POSITIVE_INFINITY)!;
  }

  /** The same; ends with `undefined` as soon as the message has more than `mostElements`. */
  scanWithin(bytes: Uint8Array, isVersionDeclared: boolean, mostElements: number): ScanResult | undefined {
    const memory = this.#memory?.isCurrent === true ? this.#memory : new ScanMemory(this.#ownIdPrefix);
    this.#memory = memory;
    try {
      const numbers = memory.scan(bytes, isVersionDeclared, mostElements);
      const profiles = profilesOf(bytes, memory.columns, numbers);
      if (numbers[told.hasOrphan] === 0) return { kind: 'passable', profiles };
      return { kind: 'not_passable', reason: 'orphan', profiles };
    } catch (error) {
      if (error instanceof NotPassable) return { kind: 'not_passable', reason: error.reason };
      if (error instanceof TooManyElements) return undefined;
      // Columns may be in disorder: memory was too short for them.
      this.#memory = undefined;
      throw error;
    } finally {
      // Holders of its profiles still have the columns.
      if (memory.sizeBytes > keptSizeBytes) this.#memory = undefined;
    }
  }
}

function profilesOf(bytes: Uint8Array, columns: DictionaryColumns, numbers: Uint32Array): PassableProfiles {
  return {
    bytes,
    sampleCount: numbers[told.sampleCount]!,
    resourceCount: numbers[told.resourceCount]!,
    elements: numbers[told.elements]!,
    headBytes: numbers[told.headBytes]!,
    dictionary: {
      start: numbers[told.dictionaryStart]!,
      bodyStart: numbers[told.dictionaryBodyStart]!,
      end: numbers[told.dictionaryEnd]!,
    },
    columns,
    hasReferences: numbers[told.referenceCount]! > 0,
    keptTexts: numbers[told.keptTexts]!,
  };
}
