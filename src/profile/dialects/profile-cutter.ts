import { createHash } from 'node:crypto';
import { noBytes } from '../../otlp/no-elements.ts';
import type { Location, Profile, ProfilesDictionary, Sample } from '../../otlp/profiles-data.ts';
import type { ProfileLimits } from './dialect.ts';

/** Cuts the profiles of one dictionary at the limits of a backend. */
export class ProfileCutter {
  readonly #dictionary: ProfilesDictionary;
  readonly #limits: ProfileLimits;
  /** By stack, what a sample takes of which nothing is known from others. */
  readonly #largestBytes = new Map<number, number>();

  constructor(dictionary: ProfilesDictionary, limits: ProfileLimits) {
    this.#dictionary = dictionary;
    this.#limits = limits;
  }

  /**
   * The profile in as many parts as its limits need; a single sample is never cut. The first part keeps the profile's ID, each
   * later one has an ID made of it, the same at every try.
   */
  cut(profile: Profile): Profile[] {
    if (this.#surelyFits(profile.samples)) return [profile];
    const parts: Sample[][] = [];
    let part: Sample[] = [];
    let size = new ConvertedSize(this.#dictionary);
    for (const sample of profile.samples) {
      size.add(sample);
      const isFull = part.length === this.#limits.maxSamples || size.bytes > this.#limits.maxConvertedBytes;
      if (isFull && part.length > 0) {
        parts.push(part);
        part = [];
        size = new ConvertedSize(this.#dictionary);
        size.add(sample);
      }
      part.push(sample);
    }
    parts.push(part);
    return parts.map((samples, index) => ({ ...profile, samples, profileId: partId(profile.profileId, index) }));
  }

  /** The quick answer for almost every profile: whether it fits even if no two samples shared a frame. */
  #surelyFits(samples: readonly Sample[]): boolean {
    if (samples.length > this.#limits.maxSamples) return false;
    let bytes = 0;
    for (const sample of samples) {
      let largest = this.#largestBytes.get(sample.stackIndex);
      if (largest === undefined) {
        const size = new ConvertedSize(this.#dictionary);
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
      stackBytes = this.#addStack(this.#dictionary.stackTable[stackIndex]?.locationIndices ?? []);
      this.#stackBytes.set(stackIndex, stackBytes);
    }
    this.#bytes += stackBytes;
  }

  /** Adds what the stack is the first to use, and returns what each of its samples takes. */
  #addStack(locationIndices: readonly number[]): number {
    const mappings = new Set<number>();
    for (const index of locationIndices) {
      const location = this.#dictionary.locationTable[index];
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
      const entry = this.#dictionary.functionTable[functionIndex];
      if (entry === undefined || !isNew(this.#functions, functionIndex)) continue;
      this.#bytes += 20;
      for (const index of [entry.nameStrindex, entry.systemNameStrindex, entry.filenameStrindex]) {
        if (isNew(this.#strings, index))
          this.#bytes += Buffer.byteLength(this.#dictionary.stringTable[index] ?? '') + 3;
      }
    }
  }
}

const mappingBytes = 40;

function isNew(known: Set<number>, index: number): boolean {
  const { size } = known;
  return known.add(index).size > size;
}

function partId(profileId: Uint8Array, index: number): Uint8Array {
  if (index === 0) return profileId;
  if (profileId.length === 0) return noBytes;
  return new Uint8Array(createHash('sha256').update(profileId).update(`part ${index}`).digest().subarray(0, 16));
}
