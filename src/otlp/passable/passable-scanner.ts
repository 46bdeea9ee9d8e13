// hot
import { ByteWalk } from './byte-walk.ts';
import { DictionaryColumns } from './dictionary-columns.ts';
import type { NotPassableReason } from './not-passable.ts';
import { NotPassable, notPassable } from './not-passable.ts';
import { PairHash } from './pair-hash.ts';
import { PairSet } from './pair-set.ts';
import { scanDictionary } from './scan-dictionary.ts';
import { scanResourceProfiles } from './scan-profiles.ts';

/**
 * A message that is what we would send, but for names that are missing: of the current wire, with references that are sound,
 * a dictionary without orphans and duplicates, no two equal resources, and nothing that we do not know.
 */
export interface PassableProfiles {
  readonly bytes: Uint8Array;
  readonly sampleCount: number;
  /** Where the dictionary's field begins, with its tag, and ends: it is the last one. */
  readonly dictionaryStart: number;
  /** Its tables; until the scanner's next message. */
  readonly columns: DictionaryColumns;
}

export type ScanResult =
  | { readonly kind: 'passable'; readonly profiles: PassableProfiles }
  | { readonly kind: 'not_passable'; readonly reason: NotPassableReason };

/** What is kept for the next message: those of 4 MiB, which is what a gRPC receiver takes, need less. */
const keptSizeBytes = 16 * 1024 * 1024;
/** No smaller message makes them larger than that. */
const largeSizeBytes = 64 * 1024;

/**
 * Tells which messages need not be decoded. One pass over the bytes, no objects for samples; what it does not like is not
 * wrong by that, and never read otherwise.
 */
export class PassableScanner {
  readonly #walk = new ByteWalk();
  readonly #hash = new PairHash();
  #resources = new PairSet();
  #scopes = new PairSet();
  #columns = new DictionaryColumns();

  scan(bytes: Uint8Array): ScanResult {
    try {
      return { kind: 'passable', profiles: this.#scan(bytes) };
    } catch (error) {
      if (error instanceof NotPassable) return { kind: 'not_passable', reason: error.reason };
      throw error;
    } finally {
      if (bytes.length > largeSizeBytes) this.#letGo();
    }
  }

  /** One large message must not be remembered for good. Whoever looks at its columns still has them. */
  #letGo(): void {
    const sizeBytes = this.#columns.sizeBytes + this.#resources.sizeBytes + this.#scopes.sizeBytes;
    if (sizeBytes <= keptSizeBytes) return;
    this.#columns = new DictionaryColumns();
    this.#resources = new PairSet();
    this.#scopes = new PairSet();
  }

  #scan(bytes: Uint8Array): PassableProfiles {
    const walk = this.#walk;
    const columns = this.#columns;
    walk.start(bytes);
    const scan = { walk, columns, hash: this.#hash, resources: this.#resources, scopes: this.#scopes };
    while (walk.has(0x0a, bytes.length)) walk.position = walk.fieldEnd(bytes.length);
    const resourcesEnd = walk.position;
    if (resourcesEnd === bytes.length) throw notPassable('incomplete');
    const dictionaryEnd = walk.has(0x12, bytes.length) ? walk.fieldEnd(bytes.length) : 0;
    if (dictionaryEnd !== bytes.length) throw notPassable('encoding');
    scanDictionary(scan, dictionaryEnd);
    walk.position = 0;
    this.#resources.clear();
    this.#scopes.clear();
    let sampleCount = 0;
    while (walk.has(0x0a, resourcesEnd)) sampleCount += scanResourceProfiles(scan, walk.fieldEnd(resourcesEnd));
    for (let table = 1; table < 8; table++) {
      const unused = columns.used[table]!.indexOf(0, 1);
      if (unused >= 0 && unused < columns.counts[table]!) throw notPassable('orphan');
    }
    return { bytes, sampleCount, dictionaryStart: resourcesEnd, columns };
  }
}
