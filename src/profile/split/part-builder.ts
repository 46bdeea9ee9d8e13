// hot

import type { ColumnTables, LargeTables, SmallTable } from '../../otlp/column-tables.ts';
import { emptyColumns } from '../../otlp/column-tables.ts';
import type {
  EntryOf,
  Profile,
  ProfilesData,
  ProfilesDictionary,
  ResourceProfiles,
  Table,
} from '../../otlp/profiles-data.ts';
import { encodeFunction, encodeLocation, encodeStack } from '../../otlp/protobuf/encode-dictionary.ts';
import { encodeProfile } from '../../otlp/protobuf/encode-profiles-data.ts';
import { SampleColumns, SampleRange } from '../../otlp/sample-columns.ts';
import type { StringColumns } from '../../otlp/string-columns.ts';
import { halvesOf, isBefore } from '../../support/halves.ts';
import type { DictionaryTarget } from '../dictionary/dictionary-copy.ts';
import { DictionaryCopy } from '../dictionary/dictionary-copy.ts';
import type { DividedProfile } from './divided-profile.ts';
import { fieldSizeBytes, SizeMeter } from './message-size.ts';

/** Part of a request, a request of its own. */
export interface RequestPart {
  readonly data: ProfilesData;
  readonly sampleCount: number;
  /** Bytes that `encodeProfilesData` makes of the data. */
  readonly sizeBytes: number;
}

export interface PartLimits {
  readonly maxBytes: number;
  readonly maxItems: number;
  /** Each function is in the table twice, as `withFunctionsTwice` writes it. */
  readonly functionsTwice: boolean;
}

/** Bytes written so far at each level, without the heads of the open messages. */
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
 * Fills part after part with samples of one request. The size of a part is exact at any time: indices are given in the
 * order of first use and never change, so an entry is measured once, when it is added.
 */
export class PartBuilder implements DictionaryTarget {
  readonly #limits: PartLimits;
  readonly #meter = new SizeMeter();
  readonly #copy: DictionaryCopy;
  #tables: ColumnTables = emptyColumns();
  #dictionaryBytes = emptyDictionaryBytes;
  /** Tables of the added entries, in order. */
  #order: Table[] = [];
  #resourceProfiles: Draft<ResourceProfiles>[] = [];
  #extent: Extent = { request: 0, resource: 0, scope: 0, profile: 0 };
  #openedProfile: DividedProfile | undefined;
  #openedStartUnixNano = 0n;
  /** All samples of the part. */
  #samples = new SampleColumns();
  #openProfileDraft: { -readonly [Key in keyof Profile]: Profile[Key] } | undefined;
  /** First sample of the open profile. */
  #firstSample = 0;

  constructor(source: ProfilesDictionary, limits: PartLimits) {
    this.#limits = limits;
    this.#copy = new DictionaryCopy(source, this, { canForget: true });
  }

  get tables(): LargeTables {
    return this.#tables;
  }

  get isEmpty(): boolean {
    return this.#openedProfile === undefined;
  }

  /** Size of the part so far, with its open messages closed. */
  get sizeBytes(): number {
    return sizeOf(this.#extent, this.#dictionaryBytes);
  }

  /** Adds a sample of the profile by its position, or a profile without samples; `false`, without change, when there is no room. */
  tryAdd(divided: DividedProfile, sample: number | undefined): boolean {
    if (sample !== undefined && this.#samples.count >= this.#limits.maxItems) return false;
    const mark = this.#copy.count;
    const bytesBefore = this.#dictionaryBytes;
    const head = divided === this.#openedProfile ? undefined : this.#copy.profileHead(divided.head());
    const extent = head === undefined ? { ...this.#extent } : this.#extentAt(divided, head);
    const startUnixNano = head?.timeUnixNano ?? this.#openedStartUnixNano;
    if (sample !== undefined) {
      this.#copySample(divided.samples, sample, startUnixNano === divided.profile.timeUnixNano ? 0n : startUnixNano);
      extent.profile += fieldSizeBytes(this.#meter.sampleBytes(this.#samples, this.#samples.count - 1));
    }
    if (sizeOf(extent, this.#dictionaryBytes) > this.#limits.maxBytes) {
      if (sample !== undefined) this.#samples.removeLast();
      this.#copy.forget(mark);
      this.#truncate(mark);
      this.#dictionaryBytes = bytesBefore;
      return false;
    }
    if (head !== undefined) this.#openProfile(divided, head, sample === undefined ? 0 : 1);
    this.#extent = extent;
    return true;
  }

  /** Appends the sample with no timestamp before `startUnixNano`. */
  #copySample({ columns, first }: SampleRange, sample: number, startUnixNano: bigint): void {
    const samples = this.#samples;
    this.#copy.sample(columns, first + sample, samples);
    if (startUnixNano === 0n) return;
    const [low, high] = halvesOf(startUnixNano);
    const { times } = samples;
    for (let at = 2 * samples.timesStart(samples.count - 1); at < 2 * samples.timeCount; at += 2) {
      if (isBefore(times[at]!, times[at + 1]!, low, high)) times.set([low, high], at);
    }
  }

  /** Returns the part and begins the next. */
  take(): RequestPart {
    this.#closeProfile(this.#samples.count);
    const part = {
      data: { resourceProfiles: this.#resourceProfiles, dictionary: this.#tables },
      sampleCount: this.#samples.count,
      sizeBytes: this.sizeBytes,
    };
    this.#copy.forget(0);
    this.#tables = emptyColumns();
    this.#dictionaryBytes = emptyDictionaryBytes;
    this.#order = [];
    this.#resourceProfiles = [];
    this.#openedProfile = undefined;
    this.#samples = new SampleColumns();
    return part;
  }

  /** For `DictionaryCopy`, as the next four. */
  addSmall<T extends SmallTable>(table: T, entry: EntryOf<T>): number {
    this.#dictionaryBytes += this.#meter.smallBytes(table, entry);
    this.#order.push(table);
    return (this.#tables[table] as EntryOf<T>[]).push(entry) - 1;
  }

  addText(source: StringColumns, index: number): number {
    const { stringTable } = this.#tables;
    stringTable.addFrom(source, index);
    this.#dictionaryBytes += fieldSizeBytes(source.end(index) - source.start(index));
    this.#order.push('stringTable');
    return stringTable.length - 1;
  }

  addFunction(name: number, systemName: number, filename: number, startLow: number, startHigh: number): number {
    const { functionTable } = this.#tables;
    const times = this.#limits.functionsTwice ? 2 : 1;
    for (let i = 0; i < times; i++) functionTable.push(name, systemName, filename, startLow, startHigh);
    const index = functionTable.length - 1;
    this.#dictionaryBytes += times * this.#meter.entryBytes(encodeFunction, functionTable, index);
    this.#order.push('functionTable');
    return index;
  }

  closeLocation(mapping: number, low: number, high: number): number {
    const { locationTable } = this.#tables;
    locationTable.close(mapping, low, high);
    const index = locationTable.length - 1;
    this.#dictionaryBytes += this.#meter.entryBytes(encodeLocation, locationTable, index);
    this.#order.push('locationTable');
    return index;
  }

  closeStack(): number {
    const { stackTable } = this.#tables;
    const index = stackTable.lists.close();
    this.#dictionaryBytes += this.#meter.entryBytes(encodeStack, stackTable, index);
    this.#order.push('stackTable');
    return index;
  }

  #truncate(mark: number): void {
    while (this.#order.length > mark) {
      const table = this.#order.pop()!;
      if (table === 'stackTable') this.#tables[table].lists.removeLast();
      else if (table === 'locationTable' || table === 'stringTable') this.#tables[table].removeLast();
      else if (table === 'functionTable') {
        this.#tables[table].removeLast();
        if (this.#limits.functionsTwice) this.#tables[table].removeLast();
      } else this.#tables[table].pop();
    }
  }

  /** Extent with the profile opened, and so with the profile before it closed. */
  #extentAt(divided: DividedProfile, head: Profile): Extent {
    const extent = { ...this.#extent };
    const open = this.#openedProfile;
    if (open?.scope === divided.scope) {
      extent.scope += fieldSizeBytes(extent.profile);
    } else {
      if (open === undefined) {
        extent.request = 0;
        extent.resource = divided.resource.headBytes;
      } else {
        extent.resource += fieldSizeBytes(extent.scope + fieldSizeBytes(extent.profile));
        if (open.resource !== divided.resource) {
          extent.request += fieldSizeBytes(extent.resource);
          extent.resource = divided.resource.headBytes;
        }
      }
      extent.scope = divided.scope.headBytes;
    }
    extent.profile = this.#meter.bodyBytes(encodeProfile, head);
    return extent;
  }

  #openProfile(divided: DividedProfile, head: Profile, ownSamples: number): void {
    this.#closeProfile(this.#samples.count - ownSamples);
    const open = this.#openedProfile;
    if (open?.resource !== divided.resource) {
      this.#resourceProfiles.push({ ...divided.resource.entry, scopeProfiles: [] });
    }
    const { scopeProfiles } = this.#resourceProfiles.at(-1)!;
    if (open?.scope !== divided.scope) scopeProfiles.push({ ...divided.scope.entry, profiles: [] });
    this.#openProfileDraft = { ...head };
    this.#firstSample = this.#samples.count - ownSamples;
    (scopeProfiles.at(-1)!.profiles as Profile[]).push(this.#openProfileDraft);
    this.#openedProfile = divided;
    this.#openedStartUnixNano = head.timeUnixNano;
    divided.wasOpened();
  }

  /** Gives the open profile its samples, which end before `end`. */
  #closeProfile(end: number): void {
    const draft = this.#openProfileDraft;
    if (draft !== undefined) draft.samples = new SampleRange(this.#samples, this.#firstSample, end - this.#firstSample);
    this.#openProfileDraft = undefined;
  }
}

function sizeOf({ request, resource, scope, profile }: Extent, dictionaryBytes: number): number {
  const open = fieldSizeBytes(resource + fieldSizeBytes(scope + fieldSizeBytes(profile)));
  return request + open + fieldSizeBytes(dictionaryBytes);
}
