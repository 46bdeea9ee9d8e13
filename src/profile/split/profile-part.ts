import type { Profile, ResourceProfiles, ScopeProfiles } from '../../otlp/profiles-data.ts';
import { noBytes } from '../../otlp/profiles-data.ts';
import { partId } from './part-id.ts';

/** A resource of the whole; every one is an object of its own. */
export interface ResourceSource {
  readonly entry: ResourceProfiles;
  /** Size of the entry without scopes. */
  readonly headBytes: number;
}

/** A scope of the whole; every one is an object of its own. */
export interface ScopeSource {
  readonly entry: ScopeProfiles;
  /** Size of the entry without profiles. */
  readonly headBytes: number;
}

/**
 * A profile on its way into pieces. All parts have its fields, but for two: an ID names one set of samples, and a receiver may drop
 * what has an ID that it knows, so the first part keeps the ID and each later one has an ID made of it and of the part's
 * first sample, the same at every try; and the original payload, which tells of all samples, goes with the first part.
 */
export class ProfilePart {
  readonly resource: ResourceSource;
  readonly scope: ScopeSource;
  readonly profile: Profile;
  /** Position of the sample at hand in the whole profile. */
  sampleIndex = 0;
  #isFirst = true;
  #hasPayload: boolean;

  constructor(resource: ResourceSource, scope: ScopeSource, profile: Profile) {
    this.resource = resource;
    this.scope = scope;
    this.profile = profile;
    this.#hasPayload = profile.originalPayload.length > 0 || profile.originalPayloadFormat !== '';
  }

  /** The fields that the part has when it begins at the sample at hand. */
  head(): Profile {
    const { profile } = this;
    const whole = this.#isFirst ? profile : { ...profile, profileId: partId(profile.profileId, this.sampleIndex) };
    return this.#hasPayload ? whole : { ...whole, originalPayloadFormat: '', originalPayload: noBytes };
  }

  /** The head is in a piece: what begins from now on is a later part. */
  wasOpened(): void {
    this.#isFirst = false;
    this.#hasPayload = false;
  }

  /** Goes on without the original payload; `false` when there is none to leave behind. */
  dropPayload(): boolean {
    const hadPayload = this.#hasPayload;
    this.#hasPayload = false;
    return hadPayload;
  }
}
