import type {
  Location,
  Profile,
  ProfilesData,
  ProfilesDictionary,
  ResourceProfiles,
  Sample,
  Samples,
  ScopeProfiles,
} from '../../otlp/profiles-data.ts';
import { entryOf } from '../../otlp/profiles-data.ts';
import type { Steps } from '../../support/steps.ts';
import { laterPart } from '../split/later-part.ts';
import type { ProfileLimits } from './dialect.ts';

/** A sample with a stack of its own takes some microseconds. */
const samplesAStep = 32;

/** Cuts the profiles of a request at the limits of a backend. */
export class ProfileCutter {
  readonly #data: ProfilesData;
  readonly #limits: ProfileLimits;
  /** By stack, the bytes of a sample that shares no frame with other samples. */
  readonly #largestBytes = new Map<number, number>();

  constructor(data: ProfilesData, limits: ProfileLimits) {
    this.#data = data;
    this.#limits = limits;
  }

  /** The request with each profile in as many parts as its limits need; a single sample is never cut. */
  *cutAll(): Steps<ProfilesData> {
    const { resourceProfiles, dictionary } = this.#data;
    const cut: ResourceProfiles[] = [];
    for (const resource of resourceProfiles) {
      const scopeProfiles: ScopeProfiles[] = [];
      for (const scope of resource.scopeProfiles) {
        const profiles: Profile[] = [];
        for (const profile of scope.profiles) {
          profiles.push(...(yield* this.#cut(profile)));
        }
        scopeProfiles.push({ ...scope, profiles });
      }
      cut.push({ ...resource, scopeProfiles });
    }
    return { resourceProfiles: cut, dictionary };
  }

  *#cut(profile: Profile): Steps<Profile[]> {
    if (yield* this.#surelyFits(profile.samples)) return [profile];
    const parts: Profile[] = [];
    let start = 0;
    let size = new ConvertedSize(this.#data.dictionary);
    for (const [index, sample] of profile.samples.entries()) {
      if (index % samplesAStep === samplesAStep - 1) yield;
      size.add(sample);
      const isFull = index - start === this.#limits.maxSamples || size.bytes > this.#limits.maxConvertedBytes;
      if (!isFull || index === start) continue;
      parts.push(partOf(profile, start, index));
      start = index;
      size = new ConvertedSize(this.#data.dictionary);
      size.add(sample);
    }
    parts.push(partOf(profile, start, profile.samples.length));
    return parts;
  }

  /** True when the profile fits even if no two samples shared a frame: quick, and so for almost every profile. */
  *#surelyFits(samples: Samples): Steps<boolean> {
    if (samples.length > this.#limits.maxSamples) return false;
    let bytes = 0;
    for (const [index, sample] of samples.entries()) {
      if (index % samplesAStep === samplesAStep - 1) yield;
      let largest = this.#largestBytes.get(sample.stackIndex);
      if (largest === undefined) {
        const size = new ConvertedSize(this.#data.dictionary);
        size.add(sample);
        largest = size.bytes;
        this.#largestBytes.set(sample.stackIndex, largest);
      }
      bytes += largest;
    }
    return bytes <= this.#limits.maxConvertedBytes;
  }
}

/**
 * Estimates the pprof that Pyroscope makes of samples: its converter writes the mappings of a stack anew for each sample, 40
 * bytes each, and everything else once.
 */
export class ConvertedSize {
  readonly #dictionary: ProfilesDictionary;
  readonly #stackBytes = new Map<number, number>();
  readonly #locations = new Set<number>();
  readonly #functions = new Set<number>();
  readonly #strings = new Set<number>();
  #bytes = 0;

  constructor(dictionary: ProfilesDictionary) {
    this.#dictionary = dictionary;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add({ stackIndex }: Sample): void {
    let stackBytes = this.#stackBytes.get(stackIndex);
    if (stackBytes === undefined) {
      stackBytes = this.#addStack(entryOf(this.#dictionary.stackTable, stackIndex)?.locationIndices ?? []);
      this.#stackBytes.set(stackIndex, stackBytes);
    }
    this.#bytes += stackBytes;
  }

  /** Adds the entries that the stack is the first to use, and returns the bytes of each of its samples. */
  #addStack(locationIndices: readonly number[]): number {
    const mappings = new Set<number>();
    for (const index of locationIndices) {
      const location = entryOf(this.#dictionary.locationTable, index);
      if (location === undefined) continue;
      if (location.mappingIndex !== 0) mappings.add(location.mappingIndex);
      if (isNew(this.#locations, index)) this.#addLocation(location);
    }
    // A location ID takes up to 4 bytes; 24 are for value, labels and lengths.
    return mappings.size * mappingBytes + locationIndices.length * 4 + 24;
  }

  #addLocation({ lines }: Location): void {
    this.#bytes += 24;
    for (const { functionIndex } of lines) {
      this.#bytes += 12;
      const entry = entryOf(this.#dictionary.functionTable, functionIndex);
      if (entry === undefined || !isNew(this.#functions, functionIndex)) continue;
      this.#bytes += 20;
      for (const index of [entry.nameStrindex, entry.systemNameStrindex, entry.filenameStrindex]) {
        if (isNew(this.#strings, index))
          this.#bytes += Buffer.byteLength(entryOf(this.#dictionary.stringTable, index) ?? '') + 3;
      }
    }
  }
}

const mappingBytes = 40;

function isNew(known: Set<number>, index: number): boolean {
  const { size } = known;
  return known.add(index).size > size;
}

function partOf(profile: Profile, start: number, end: number): Profile {
  return laterPart({ ...profile, samples: profile.samples.slice(start, end) }, start);
}
