import { largeTablesOf } from '../../otlp/column-tables.ts';
import type { ProfilesData, ProfilesDictionary, Table } from '../../otlp/profiles-data.ts';
import { noElements } from '../../otlp/profiles-data.ts';
import { encodeFunction, encodeLocation, encodeStack } from '../../otlp/protobuf/encode-dictionary.ts';
import { encodeResourceProfiles, encodeScopeProfiles } from '../../otlp/protobuf/encode-profiles-data.ts';
import type { Steps } from '../../support/steps.ts';
import { atOnce } from '../../support/steps.ts';
import type { ResourceSource } from './divided-profile.ts';
import { DividedProfile } from './divided-profile.ts';
import { fieldSizeBytes, SizeMeter } from './message-size.ts';
import type { RequestPart } from './part-builder.ts';
import { PartBuilder } from './part-builder.ts';

/** Limits of each part; an absent limit is none. */
export interface SplitLimits {
  /** Encoded, dictionary included. */
  readonly maxBytes?: number;
  /** Samples; at least 1. */
  readonly maxItems?: number;
  /** A part holds one resource at most. */
  readonly isByResource?: boolean;
  /** Bytes of all parts together; asked once, and not for a single part. */
  readonly maxTotalBytes?: () => number;
  /** Each function is in the table twice, as `withFunctionsTwice` writes it; so it may be in the data. */
  readonly functionsTwice?: boolean;
}

export interface SplitResult {
  readonly parts: readonly RequestPart[];
  /** Samples in no part, because a single sample is larger than `maxBytes`. */
  readonly tooLargeSampleCount: number;
  /** Samples in no part, because they share large entries, and the parts would exceed `maxTotalBytes` with them. */
  readonly overBudgetSampleCount: number;
  /** Largest entry of the dictionary, in words; empty when no sample was over the budget. */
  readonly largestEntry: string;
  /** Original payloads in no part, because payload and one sample are larger than `maxBytes`. */
  readonly droppedPayloadCount: number;
}

/**
 * Splits a request: between resources, between profiles, and within a profile between samples. Parts hold the samples of the
 * whole in their order, each part as full as possible, with a dictionary of the entries that it uses. Duplicate entries stay:
 * `mergeProfiles([data])` would join them. Resources and scopes without profiles are left out. The same data and limits give the
 * same parts; time grows with the size of the data and of the parts, a sample is tried at most twice (three times beside an
 * original payload).
 *
 * Each part repeats the entries that its samples share with samples of other parts, so parts can be larger together than the whole.
 * Beyond half of `maxTotalBytes`, a resource with a sample that alone takes a large share of the whole is left out from that sample on:
 * the excess costs its own resource. Beyond all of it, every sample that does not fit into the last part is left out.
 */
export function splitProfiles(data: ProfilesData, limits: SplitLimits): SplitResult {
  return atOnce(splitInSteps(data, limits));
}

/** The same in steps. The data must not change before the last one. */
export function* splitInSteps(data: ProfilesData, limits: SplitLimits): Steps<SplitResult> {
  const splitter = new Splitter(data, limits);
  const meter = new SizeMeter();
  for (const entry of data.resourceProfiles) {
    const headBytes = meter.bodyBytes(encodeResourceProfiles, { ...entry, scopeProfiles: noElements });
    const resource = { entry, headBytes };
    if (limits.isByResource) splitter.endPart();
    for (const entry of resource.entry.scopeProfiles) {
      const headBytes = meter.bodyBytes(encodeScopeProfiles, { ...entry, profiles: noElements });
      const scope = { entry, headBytes };
      for (const profile of entry.profiles) yield* splitter.add(new DividedProfile(resource, scope, profile));
    }
  }
  return splitter.finish();
}

class Splitter {
  readonly #builder: PartBuilder;
  readonly #parts: RequestPart[] = [];
  readonly #dictionary: ProfilesDictionary;
  readonly #maxTotalBytes: () => number;
  #budgetBytes: number | undefined;
  #totalBytes = 0;
  #isSpent = false;
  #leftOut: ResourceSource | undefined;
  #tooLargeSampleCount = 0;
  #overBudgetSampleCount = 0;
  #droppedPayloadCount = 0;
  /** Samples that were tried in the step at hand, and bytes of all parts before it. */
  #triesOfStep = 0;
  #bytesBefore = 0;

  constructor(data: ProfilesData, limits: SplitLimits) {
    const { maxBytes = Infinity, maxItems = Infinity, functionsTwice = false, maxTotalBytes } = limits;
    this.#builder = new PartBuilder(data.dictionary, { maxBytes, maxItems, functionsTwice });
    this.#dictionary = data.dictionary;
    this.#maxTotalBytes = maxTotalBytes ?? (() => Infinity);
  }

  *add(divided: DividedProfile): Steps<void> {
    const { samples } = divided;
    if (samples.length === 0) this.#place(divided, undefined);
    for (let index = 0; index < samples.length; index++) {
      if (this.#isStepOver()) yield;
      if (this.#isSpent || divided.resource === this.#leftOut) {
        this.#overBudgetSampleCount += samples.length - index;
        return;
      }
      divided.sampleIndex = index;
      if (!this.#place(divided, index)) this.#tooLargeSampleCount += 1;
    }
  }

  /** True after a number of samples, or before it where they or their entries were large. */
  #isStepOver(): boolean {
    const sizeBytes = this.#totalBytes + this.#builder.sizeBytes;
    if (++this.#triesOfStep < triesPerStep && sizeBytes < this.#bytesBefore + bytesPerStep) return false;
    this.#triesOfStep = 0;
    this.#bytesBefore = sizeBytes;
    return true;
  }

  finish(): SplitResult {
    this.endPart();
    return {
      parts: this.#parts,
      tooLargeSampleCount: this.#tooLargeSampleCount,
      overBudgetSampleCount: this.#overBudgetSampleCount,
      largestEntry: this.#overBudgetSampleCount === 0 ? '' : largestEntryOf(this.#dictionary),
      droppedPayloadCount: this.#droppedPayloadCount,
    };
  }

  /** `false` when the sample is larger than a whole part. */
  #place(divided: DividedProfile, sample: number | undefined): boolean {
    if (this.#builder.tryAdd(divided, sample)) return true;
    this.endPart();
    if (!this.#builder.tryAdd(divided, sample)) {
      if (!divided.dropPayload()) return false;
      this.#droppedPayloadCount += 1;
      if (!this.#builder.tryAdd(divided, sample)) return false;
    }
    this.#checkBudget(divided.resource);
    return true;
  }

  endPart(): void {
    if (this.#builder.isEmpty) return;
    const part = this.#builder.take();
    this.#totalBytes += part.sizeBytes;
    this.#parts.push(part);
  }

  /** Takes back the part that was just begun by one sample, and leaves out the samples after it, when the budget does not allow it. */
  #checkBudget(resource: ResourceSource): void {
    if (this.#parts.length === 0) return;
    this.#budgetBytes ??= this.#maxTotalBytes();
    const { sizeBytes } = this.#builder;
    const isHeavy = sizeBytes > heavyShare * this.#budgetBytes;
    if (this.#totalBytes + sizeBytes > this.#budgetBytes) this.#isSpent = true;
    else if (isHeavy && this.#totalBytes + sizeBytes > this.#budgetBytes / 2) this.#leftOut = resource;
    else return;
    this.#overBudgetSampleCount += this.#builder.take().sampleCount;
  }
}

/** A tenth of a millisecond each, more or less. */
const triesPerStep = 64;
const bytesPerStep = 32_768;

/** Share of the budget from which a single sample is heavy: a sixteenth of the whole, when the budget is 20 times the whole. */
const heavyShare = 1 / 320;

function largestEntryOf(dictionary: ProfilesDictionary): string {
  const bytesOf = entryMeters(dictionary);
  let largest = { name: '', bytes: -1 };
  for (const table of Object.keys(dictionary) as Table[]) {
    for (let index = 0; index < dictionary[table].length; index++) {
      const bytes = bytesOf[table](index);
      if (bytes > largest.bytes) largest = { name: `${table}[${index}]`, bytes };
    }
  }
  return `${largest.name} with ${largest.bytes} bytes`;
}

/** Bytes of an entry of each table by its index. A large table that is a list becomes columns once, not for each entry. */
function entryMeters(dictionary: ProfilesDictionary): Readonly<Record<Table, (index: number) => number>> {
  const meter = new SizeMeter();
  const { mappingTable, linkTable, attributeTable } = dictionary;
  const { locationTable, functionTable, stackTable, stringTable } = largeTablesOf(dictionary);
  return {
    mappingTable: (index) => meter.smallBytes('mappingTable', mappingTable[index]!),
    locationTable: (index) => meter.entryBytes(encodeLocation, locationTable, index),
    functionTable: (index) => meter.entryBytes(encodeFunction, functionTable, index),
    linkTable: (index) => meter.smallBytes('linkTable', linkTable[index]!),
    stringTable: (index) => fieldSizeBytes(stringTable.end(index) - stringTable.start(index)),
    attributeTable: (index) => meter.smallBytes('attributeTable', attributeTable[index]!),
    stackTable: (index) => meter.entryBytes(encodeStack, stackTable, index),
  };
}
