import type { ProfilesData, Sample } from '../../otlp/profiles-data.ts';
import { noElements } from '../../otlp/profiles-data.ts';
import { encodeResourceProfiles, encodeScopeProfiles } from '../../otlp/protobuf/encode-profiles-data.ts';
import { SizeMeter } from './message-size.ts';
import type { ProfilesPiece } from './piece-builder.ts';
import { PieceBuilder } from './piece-builder.ts';
import { ProfilePart } from './profile-part.ts';

/** What no piece exceeds; a limit that is not given is none. */
export interface SplitLimits {
  /** Encoded, dictionary included. */
  readonly maxBytes?: number;
  /** Samples; at least 1. */
  readonly maxItems?: number;
}

export interface SplitResult {
  readonly pieces: readonly ProfilesPiece[];
  /** Samples that are in no piece, because one alone is larger than `maxBytes`. */
  readonly tooLargeSampleCount: number;
  /** Original payloads that are in no piece, because with one sample beside they are larger than `maxBytes`. */
  readonly droppedPayloadCount: number;
}

/**
 * Takes a request apart: between resources, between profiles, and within a profile between samples. Pieces hold the samples of the whole
 * in their order, each as full as it can be, with a dictionary of what it uses. What says the same twice still does:
 * `mergeProfiles([data])` would join it. Resources and scopes without profiles are left out. The same data and limits give the
 * same pieces; time grows with the size of the data and of the pieces, a sample is tried at most twice (thrice beside an
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
      for (const profile of entry.profiles) splitter.add(new ProfilePart(resource, scope, profile));
    }
  }
  return splitter.finish();
}

class Splitter {
  readonly #builder: PieceBuilder;
  readonly #pieces: ProfilesPiece[] = [];
  #tooLargeSampleCount = 0;
  #droppedPayloadCount = 0;

  constructor(data: ProfilesData, { maxBytes = Infinity, maxItems = Infinity }: SplitLimits) {
    this.#builder = new PieceBuilder(data.dictionary, { maxBytes, maxItems });
  }

  add(part: ProfilePart): void {
    const { samples } = part.profile;
    if (samples.length === 0) this.#place(part, undefined);
    for (const [index, sample] of samples.entries()) {
      part.sampleIndex = index;
      if (!this.#place(part, sample)) this.#tooLargeSampleCount += 1;
    }
  }

  finish(): SplitResult {
    this.#endPiece();
    return {
      pieces: this.#pieces,
      tooLargeSampleCount: this.#tooLargeSampleCount,
      droppedPayloadCount: this.#droppedPayloadCount,
    };
  }

  /** `false` when it is larger than a whole piece. */
  #place(part: ProfilePart, sample: Sample | undefined): boolean {
    if (this.#builder.tryAdd(part, sample)) return true;
    this.#endPiece();
    if (this.#builder.tryAdd(part, sample)) return true;
    if (!part.dropPayload()) return false;
    this.#droppedPayloadCount += 1;
    return this.#builder.tryAdd(part, sample);
  }

  #endPiece(): void {
    if (!this.#builder.isEmpty) this.#pieces.push(this.#builder.take());
  }
}
