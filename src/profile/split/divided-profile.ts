import type { Profile, ResourceProfiles, ScopeProfiles } from '../../otlp/profiles-data.ts';
import { noBytes, noElements } from '../../otlp/profiles-data.ts';
import type { SampleRange } from '../../otlp/sample-columns.ts';
import { columnsOf } from '../../otlp/sample-columns.ts';
import { laterPart } from './later-part.ts';

/** Resource of the whole request; each is an object of its own. */
export interface ResourceSource {
  readonly entry: ResourceProfiles;
  /** Size of the entry without scopes. */
  readonly headBytes: number;
}

/** Scope of the whole request; each is an object of its own. */
export interface ScopeSource {
  readonly entry: ScopeProfiles;
  /** Size of the entry without profiles. */
  readonly headBytes: number;
}

/**
 * A profile on its way into parts. All parts have its fields, with two exceptions: each later part has a start and an ID of
 * its own, and the original payload, which describes all samples, goes with the first part.
 */
export class DividedProfile {
  readonly resource: ResourceSource;
  readonly scope: ScopeSource;
  readonly profile: Profile;
  readonly samples: SampleRange;
  /** Position of the current sample in the whole profile. */
  sampleIndex = 0;
  #isFirst = true;
  #hasPayload: boolean;

  constructor(resource: ResourceSource, scope: ScopeSource, profile: Profile) {
    this.resource = resource;
    this.scope = scope;
    this.profile = profile;
    this.samples = columnsOf(profile.samples);
    this.#hasPayload = profile.originalPayload.length > 0 || profile.originalPayloadFormat !== '';
  }

  /** Fields of a part that begins at the current sample. */
  head(): Profile {
    const fields = { ...this.profile, samples: noElements };
    const whole = this.#isFirst ? fields : laterPart(fields, this.sampleIndex);
    return this.#hasPayload ? whole : { ...whole, originalPayloadFormat: '', originalPayload: noBytes };
  }

  /** Marks the head as written: each part that begins from now on is a later part. */
  wasOpened(): void {
    this.#isFirst = false;
    this.#hasPayload = false;
  }

  /** Leaves out the original payload; `false` when there is none. */
  dropPayload(): boolean {
    const hadPayload = this.#hasPayload;
    this.#hasPayload = false;
    return hadPayload;
  }
}
