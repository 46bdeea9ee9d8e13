import { createHash } from 'node:crypto';
import { noBytes } from '../no-elements.ts';
import type { Location, Profile, ProfilesDictionary, Sample } from '../profiles-data.ts';
import type { ProfileLimits } from './dialect.ts';

/**
 * The profile in as many parts as its limits need; a single sample is never cut. The first part keeps the profile's ID, each
 * later one has an ID made of it, the same at every try.
 */
export function cutProfile(profile: Profile, dictionary: ProfilesDictionary, limits: ProfileLimits): Profile[] {
  const parts: Sample[][] = [];
  let part: Sample[] = [];
  let size = new ConvertedSize(dictionary);
  for (const sample of profile.samples) {
    size.add(sample);
    const isFull = part.length === limits.maxSamples || size.bytes > limits.maxConvertedBytes;
    if (isFull && part.length > 0) {
      parts.push(part);
      part = [];
      size = new ConvertedSize(dictionary);
      size.add(sample);
    }
    part.push(sample);
  }
  parts.push(part);
  return parts.map((samples, index) => ({ ...profile, samples, profileId: partId(profile.profileId, index) }));
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
