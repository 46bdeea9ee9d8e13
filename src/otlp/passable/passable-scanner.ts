// hot
import { ByteWalk, once } from './byte-walk.ts';
import { DictionaryColumns } from './dictionary-columns.ts';
import type { NotPassableReason } from './not-passable.ts';
import { NotPassable, notPassable } from './not-passable.ts';
import { PairHash } from './pair-hash.ts';
import { PairSet } from './pair-set.ts';
import { scanDictionary } from './scan-dictionary.ts';
import type { ProfilesScan } from './scan-profiles.ts';
import { scanResourceProfiles } from './scan-profiles.ts';
import { referred, tables } from './table-scan.ts';
import { VersionEvidence } from './version-evidence.ts';

/**
 * A message that we may send as it is, but for names that are missing and references that not every receiver resolves: of
 * the current wire, in any order of fields, with sound references, a dictionary without orphans and duplicates, no two
 * equal resources, no two profiles of a resource that begin together, and no unknown field.
 */
export interface PassableProfiles {
  readonly bytes: Uint8Array;
  readonly sampleCount: number;
  readonly resourceCount: number;
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
  | { readonly kind: 'not_passable'; readonly reason: NotPassableReason };

/** Bound of what is kept for the next message: those of 4 MiB, which is what a gRPC receiver takes, need less. */
const keptSizeBytes = 16 * 1024 * 1024;
/** No smaller message makes the columns larger than that. */
const largeSizeBytes = 64 * 1024;

/**
 * Finds the messages that need not be decoded, in one pass over their bytes and without objects for samples. A message that
 * is not passable is not wrong by that, and never misread.
 */
export class PassableScanner {
  readonly #walk = new ByteWalk();
  readonly #hash = new PairHash();
  readonly #evidence = new VersionEvidence();
  readonly #ownIdPrefix: Uint8Array | undefined;
  #resources = new PairSet();
  #scopes = new PairSet();
  #profiles = new PairSet();
  #columns = new DictionaryColumns();

  /** `ownIdPrefix` begins the IDs of profiles that this process made: a message with one of them is not passable. */
  constructor(ownIdPrefix?: Uint8Array) {
    this.#ownIdPrefix = ownIdPrefix;
  }

  /** `isVersionDeclared` says that the sender declared the current version of the protocol. */
  scan(bytes: Uint8Array, isVersionDeclared: boolean): ScanResult {
    try {
      return { kind: 'passable', profiles: this.#scan(bytes, isVersionDeclared) };
    } catch (error) {
      if (error instanceof NotPassable) return { kind: 'not_passable', reason: error.reason };
      throw error;
    } finally {
      if (bytes.length > largeSizeBytes) this.#letGo();
    }
  }

  /** Frees the columns after one large message. Holders of its profiles still have them. */
  #letGo(): void {
    const sets = this.#resources.sizeBytes + this.#scopes.sizeBytes + this.#profiles.sizeBytes;
    const sizeBytes = this.#columns.sizeBytes + sets;
    if (sizeBytes <= keptSizeBytes) return;
    this.#columns = new DictionaryColumns();
    this.#resources = new PairSet();
    this.#scopes = new PairSet();
    this.#profiles = new PairSet();
  }

  #scan(bytes: Uint8Array, isVersionDeclared: boolean): PassableProfiles {
    const columns = this.#columns;
    const scan: ProfilesScan = {
      ...{ walk: this.#walk, columns, hash: this.#hash, evidence: this.#evidence },
      ...{ resources: this.#resources, scopes: this.#scopes, profiles: this.#profiles },
      ...{ sampleCount: 0, headBytes: 0, referenceCount: 0, ownIdPrefix: this.#ownIdPrefix },
    };
    const { walk, evidence } = scan;
    walk.start(bytes);
    columns.bytes = bytes;
    const dictionary = findDictionary(walk);
    walk.position = dictionary.bodyStart;
    scanDictionary(scan, dictionary.end);
    evidence.start(isVersionDeclared);
    this.#resources.clear();
    this.#scopes.clear();
    this.#profiles.clear();
    walk.position = 0;
    while (walk.position < bytes.length) {
      if (walk.position === dictionary.start) walk.position = dictionary.end;
      else {
        walk.tag();
        scanResourceProfiles(scan, walk.fieldEnd(bytes.length));
      }
    }
    if (!evidence.isSure(scan)) throw notPassable('version');
    refuseOrphans(columns);
    const hasReferences = scan.referenceCount > 0;
    const keptTexts = hasReferences ? findKeptTexts(columns) : columns.counts[tables.string]!;
    const { sampleCount, headBytes } = scan;
    const resourceCount = this.#resources.count;
    return { bytes, sampleCount, resourceCount, headBytes, dictionary, columns, hasReferences, keptTexts };
  }
}

/** The place of the dictionary in a message that holds nothing else but `resource_profiles`. */
function findDictionary(walk: ByteWalk): PassableProfiles['dictionary'] {
  const { length } = walk.bytes;
  let found: PassableProfiles['dictionary'] | undefined;
  let seen = 0;
  while (walk.position < length) {
    const start = walk.position;
    const tag = walk.tag();
    if (tag !== 0x0a && tag !== 0x12) throw notPassable('encoding');
    const end = walk.fieldEnd(length);
    if (tag === 0x12) {
      seen = once(seen, tag);
      found = { start, bodyStart: walk.position, end };
    }
    walk.position = end;
  }
  if (found === undefined) throw notPassable('incomplete');
  return found;
}

function refuseOrphans({ used, counts }: DictionaryColumns): void {
  for (let table = 1; table < 8; table++) {
    const unused = used[table]!.indexOf(0, 1);
    if (unused >= 0 && unused < counts[table]!) throw notPassable('orphan');
  }
}

/** Encoders that write references add their texts at the end of the table: from there on no text may be in other use. */
function findKeptTexts({ used, counts }: DictionaryColumns): number {
  const textUse = used[tables.string]!;
  const count = counts[tables.string]!;
  let kept = count;
  while (kept > 1 && textUse[kept - 1] === referred) kept--;
  for (let i = 1; i < kept; i++) if (textUse[i] === referred) throw notPassable('string_reference');
  return kept;
}
