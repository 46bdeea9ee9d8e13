// hot

import type {
  DictionaryTables,
  Profile,
  ProfilesData,
  ProfilesDictionary,
  ResourceProfiles,
  Sample,
} from '../../otlp/profiles-data.ts';
import { emptyDictionary } from '../../otlp/profiles-data.ts';
import { encodeProfile, encodeSample } from '../../otlp/protobuf/encode-profiles-data.ts';
import type { DictionaryTarget, Table } from '../dictionary/dictionary-copy.ts';
import { DictionaryCopy } from '../dictionary/dictionary-copy.ts';
import { fieldSizeBytes, SizeMeter } from './message-size.ts';
import type { ProfilePart } from './profile-part.ts';

/** A part of a request that is a request of its own. */
export interface ProfilesPiece {
  readonly data: ProfilesData;
  readonly sampleCount: number;
  /** What `encodeProfilesData` makes of it. */
  readonly sizeBytes: number;
}

export interface PieceLimits {
  readonly maxBytes: number;
  readonly maxItems: number;
}

/** Bytes written so far at each level, without the heads of the messages that are still open. */
interface Extent {
  request: number;
  resource: number;
  scope: number;
  profile: number;
}

type Draft<T> = { -readonly [Key in keyof T]: T[Key] extends readonly (infer Item)[] ? Item[] : T[Key] };

/** Seven zero values, two bytes each. */
const emptyDictionaryBytes = 14;

/**
 * Fills piece after piece with samples of one request. The size of a piece is exact at every moment: indices are given in
 * the order of first use and never change, so an entry is measured once, when it comes in.
 */
export class PieceBuilder implements DictionaryTarget {
  readonly #limits: PieceLimits;
  readonly #meter = new SizeMeter();
  readonly #copy: DictionaryCopy;
  #tables: DictionaryTables = emptyDictionary();
  #dictionaryBytes = emptyDictionaryBytes;
  /** Tables of the entries that were added, in order. */
  #order: Table[] = [];
  #resourceProfiles: Draft<ResourceProfiles>[] = [];
  #extent: Extent = { request: 0, resource: 0, scope: 0, profile: 0 };
  #openPart: ProfilePart | undefined;
  #openSamples: Sample[] = [];
  #sampleCount = 0;

  constructor(source: ProfilesDictionary, limits: PieceLimits) {
    this.#limits = limits;
    this.#copy = new DictionaryCopy(source, this);
  }

  get isEmpty(): boolean {
    return this.#openPart === undefined;
  }

  /** Adds the sample, or the profile alone when it has none; changes nothing and says `false` when there is no room. */
  tryAdd(part: ProfilePart, sample: Sample | undefined): boolean {
    if (sample !== undefined && this.#sampleCount >= this.#limits.maxItems) return false;
    const mark = this.#copy.count;
    const bytesBefore = this.#dictionaryBytes;
    const head = part === this.#openPart ? undefined : this.#copy.profileHead(part.head());
    const extent = head === undefined ? { ...this.#extent } : this.#extentAt(part, head);
    const copy = sample && this.#copy.sample(sample);
    if (copy !== undefined) extent.profile += fieldSizeBytes(this.#meter.bodyBytes(encodeSample, copy));
    if (sizeOf(extent, this.#dictionaryBytes) > this.#limits.maxBytes) {
      this.#copy.forget(mark);
      this.#truncate(mark);
      this.#dictionaryBytes = bytesBefore;
      return false;
    }
    if (head !== undefined) this.#open(part, head);
    this.#extent = extent;
    if (copy === undefined) return true;
    this.#openSamples.push(copy);
    this.#sampleCount += 1;
    return true;
  }

  /** Returns what was added and begins the next piece. */
  take(): ProfilesPiece {
    const piece = {
      data: { resourceProfiles: this.#resourceProfiles, dictionary: this.#tables },
      sampleCount: this.#sampleCount,
      sizeBytes: sizeOf(this.#extent, this.#dictionaryBytes),
    };
    this.#copy.forget(0);
    this.#tables = emptyDictionary();
    this.#dictionaryBytes = emptyDictionaryBytes;
    this.#order = [];
    this.#resourceProfiles = [];
    this.#openPart = undefined;
    this.#sampleCount = 0;
    return piece;
  }

  /** For `DictionaryCopy`. */
  add<T extends Table>(table: T, entry: ProfilesDictionary[T][number]): number {
    this.#dictionaryBytes += this.#meter.entryBytes(table, entry);
    this.#order.push(table);
    return (this.#tables[table] as (typeof entry)[]).push(entry) - 1;
  }

  #truncate(mark: number): void {
    while (this.#order.length > mark) this.#tables[this.#order.pop()!].pop();
  }

  /** What the extent is once the part is open, and so what was open before is closed. */
  #extentAt(part: ProfilePart, head: Profile): Extent {
    const extent = { ...this.#extent };
    const open = this.#openPart;
    if (open?.scope === part.scope) {
      extent.scope += fieldSizeBytes(extent.profile);
    } else {
      if (open === undefined) {
        extent.request = 0;
        extent.resource = part.resource.headBytes;
      } else {
        extent.resource += fieldSizeBytes(extent.scope + fieldSizeBytes(extent.profile));
        if (open.resource !== part.resource) {
          extent.request += fieldSizeBytes(extent.resource);
          extent.resource = part.resource.headBytes;
        }
      }
      extent.scope = part.scope.headBytes;
    }
    extent.profile = this.#meter.bodyBytes(encodeProfile, head);
    return extent;
  }

  #open(part: ProfilePart, head: Profile): void {
    const open = this.#openPart;
    if (open?.resource !== part.resource) {
      this.#resourceProfiles.push({ ...part.resource.entry, scopeProfiles: [] });
    }
    const { scopeProfiles } = this.#resourceProfiles.at(-1)!;
    if (open?.scope !== part.scope) scopeProfiles.push({ ...part.scope.entry, profiles: [] });
    this.#openSamples = [];
    (scopeProfiles.at(-1)!.profiles as Profile[]).push({ ...head, samples: this.#openSamples });
    this.#openPart = part;
    part.wasOpened();
  }
}

function sizeOf({ request, resource, scope, profile }: Extent, dictionaryBytes: number): number {
  const open = fieldSizeBytes(resource + fieldSizeBytes(scope + fieldSizeBytes(profile)));
  return request + open + fieldSizeBytes(dictionaryBytes);
}
