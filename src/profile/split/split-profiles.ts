import type { ProfilesData, Sample } from '../../otlp/profiles-data.ts';
import { noElements } from '../../otlp/profiles-data.ts';
import { encodeResourceProfiles, encodeScopeProfiles } from '../../otlp/protobuf/encode-profiles-data.ts';
import { DividedProfile } from './divided-profile.ts';
import { SizeMeter } from './message-size.ts';
import type { RequestPart } from './part-builder.ts';
import { PartBuilder } from './part-builder.ts';

/** Limits of each part; an absent limit is none. */
export interface SplitLimits {
  /** Encoded, dictionary included. */
  readonly maxBytes?: number;
  /** Samples; at least 1. */
  readonly maxItems?: number;
}

export interface SplitResult {
  readonly parts: readonly RequestPart[];
  /** Samples in no part, because a single sample is larger than `maxBytes`. */
  readonly tooLargeSampleCount: number;
  /** Original payloads in no part, because payload and one sample are larger than `maxBytes`. */
  readonly droppedPayloadCount: number;
}

/**
 * Splits a request: between resources, between profiles, and within a profile between samples. Parts hold the samples of the
 * whole in their order, each part as full as possible, with a dictionary of the entries that it uses. Duplicate entries stay:
 * `mergeProfiles([data])` would join them. Resources and scopes without profiles are left out. The same data and limits give the
 * same parts; time grows with the size of the data and of the parts, a sample is tried at most twice (three times beside an
 * original payload).
 */
export function splitProfiles(data: ProfilesData, limits: SplitLimits): SplitResult {
  const splitter = new Splitter(data, limits);
  const meter = new SizeMeter();
  for (const entry of data.resourceProfiles) {
    const headBytes = meter.bodyBytes(encodeResourceProfiles, { ...entry, scopeProfiles: noElements });
    const resource = { entry, headBytes };
    for (const entry of resource.entry.scopeProfiles) {
      const headBytes = meter.bodyBytes(encodeScopeProfiles, { ...entry, profiles: noElements });
      const scope = { entry, headBytes };
      for (const profile of entry.profiles) splitter.add(new DividedProfile(resource, scope, profile));
    }
  }
  return splitter.finish();
}

class Splitter {
  readonly #builder: PartBuilder;
  readonly #parts: RequestPart[] = [];
  #tooLargeSampleCount = 0;
  #droppedPayloadCount = 0;

  constructor(data: ProfilesData, { maxBytes = Infinity, maxItems = Infinity }: SplitLimits) {
    this.#builder = new PartBuilder(data.dictionary, { maxBytes, maxItems });
  }

  add(divided: DividedProfile): void {
    const { samples } = divided.profile;
    if (samples.length === 0) this.#place(divided, undefined);
    for (const [index, sample] of samples.entries()) {
      divided.sampleIndex = index;
      if (!this.#place(divided, sample)) this.#tooLargeSampleCount += 1;
    }
  }

  finish(): SplitResult {
    this.#endPart();
    return {
      parts: this.#parts,
      tooLargeSampleCount: this.#tooLargeSampleCount,
      droppedPayloadCount: this.#droppedPayloadCount,
    };
  }

  /** `false` when the sample is larger than a whole part. */
  #place(divided: DividedProfile, sample: Sample | undefined): boolean {
    if (this.#builder.tryAdd(divided, sample)) return true;
    this.#endPart();
    if (this.#builder.tryAdd(divided, sample)) return true;
    if (!divided.dropPayload()) return false;
    this.#droppedPayloadCount += 1;
    return this.#builder.tryAdd(divided, sample);
  }

  #endPart(): void {
    if (!this.#builder.isEmpty) this.#parts.push(this.#builder.take());
  }
}
