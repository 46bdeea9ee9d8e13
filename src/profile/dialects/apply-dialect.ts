import type {
  AnyValue,
  InstrumentationScope,
  KeyValue,
  Profile,
  ProfilesData,
  ResourceProfiles,
} from '../../otlp/profiles-data.ts';
import { countSamples, noBytes, noElements } from '../../otlp/profiles-data.ts';
import { ProfilesJoiner } from '../join/profiles-joiner.ts';
import { inShape } from '../join/sample-shape.ts';
import { partId } from '../split/later-part.ts';
import { devfiler } from './devfiler.ts';
import type { Dialect, DialectName } from './dialect.ts';
import { DialectDictionary } from './dialect-dictionary.ts';
import { elastic } from './elastic.ts';
import { parca } from './parca.ts';
import { ProfileCutter } from './profile-cutter.ts';
import { pyroscope } from './pyroscope.ts';

const dialects: Readonly<Record<Exclude<DialectName, 'generic'>, Dialect>> = { pyroscope, parca, devfiler, elastic };

/** Profiles in a dialect. */
export interface DialectProfiles {
  readonly data: ProfilesData;
  readonly sampleCount: number;
  /** Samples of profiles that the backend does not take. */
  readonly droppedSamples: number;
}

/**
 * Writes profiles for a backend. Pure; data that conforms to OTLP still does, without orphans and duplicates. `generic` returns
 * the data as it is. Resources and samples that have become equal are one afterwards, with all that was observed.
 */
export function applyDialect(data: ProfilesData, name: DialectName): DialectProfiles {
  if (name === 'generic') return { data, sampleCount: countSamples(data), droppedSamples: 0 };
  const dialect = dialects[name];
  const writer = new DialectWriter(data, dialect);
  const joiner = new ProfilesJoiner(partId);
  const resourceProfiles = data.resourceProfiles.map((resource) => writer.resourceProfiles(resource));
  joiner.add(
    { resourceProfiles, dictionary: writer.tables },
    { joins: () => (dialect.mergesProfiles ? 'profiles' : 'samples') },
  );
  const joined = joiner.build();
  const written = dialect.limits === undefined ? joined : new ProfileCutter(joined, dialect.limits).cutAll();
  return { data: written, sampleCount: countSamples(written), droppedSamples: writer.droppedSamples };
}

/** Writes resources, scopes and profiles one by one, on a dictionary in the dialect. */
class DialectWriter {
  readonly #dialect: Dialect;
  readonly #dictionary: DialectDictionary;
  #droppedSamples = 0;

  constructor({ dictionary }: ProfilesData, dialect: Dialect) {
    this.#dialect = dialect;
    this.#dictionary = new DialectDictionary(dictionary, dialect);
  }

  get tables(): ProfilesData['dictionary'] {
    return this.#dictionary.tables;
  }

  get droppedSamples(): number {
    return this.#droppedSamples;
  }

  resourceProfiles(given: ResourceProfiles): ResourceProfiles {
    const { maxResourceAttributes } = this.#dialect;
    const resource = { ...given.resource, attributes: this.#inline(given.resource.attributes, maxResourceAttributes) };
    const scopeProfiles = given.scopeProfiles.map((scope) => ({
      ...scope,
      scope: this.#scope(scope.scope, resource.attributes.length),
      profiles: scope.profiles.flatMap((profile) => this.#profile(profile)),
    }));
    return { ...given, resource, scopeProfiles };
  }

  /** A scope's attributes become labels beside the resource's. */
  #scope(scope: InstrumentationScope, resourceAttributeCount: number): InstrumentationScope {
    const room = this.#dialect.maxResourceAttributes - resourceAttributeCount;
    return { ...scope, attributes: this.#inline(scope.attributes, room) };
  }

  /** The profile, unless the backend does not take its type or no sample observed something. */
  #profile(profile: Profile): Profile[] {
    const given = this.#dictionary.typeOf(profile);
    if (!this.#dialect.isTaken(given)) {
      this.#droppedSamples += profile.samples.length;
      return [];
    }
    // Some backends refuse a sample without an observation, none shows it.
    const samples = profile.samples.filter(
      ({ values, timestampsUnixNano }) => values.length + timestampsUnixNano.length > 0,
    );
    if (samples.length === 0) return [];
    const { sampleType, sampleUnit, periodType, periodUnit, period } = this.#dialect.profileType(given);
    const { profileId, originalPayload, originalPayloadFormat } = profile;
    const isId = profileId.length === 16 && profileId.some((byte) => byte !== 0);
    const written = {
      ...profile,
      samples: samples.map((sample) => this.#dictionary.sample(sample)),
      sampleType: this.#dictionary.valueType(sampleType, sampleUnit),
      periodType: this.#dictionary.valueType(periodType, periodUnit),
      period,
      profileId: isId ? profileId : noBytes,
      // The payload describes the samples of its own profile alone.
      originalPayload: this.#dialect.mergesProfiles ? noBytes : originalPayload,
      originalPayloadFormat: this.#dialect.mergesProfiles ? '' : originalPayloadFormat,
      attributeIndices: this.#dictionary.profileAttributes(profile.attributeIndices),
    };
    return [inShape(written, this.#dialect.sampleShape)];
  }

  /** Attributes that the dialect keeps, each key once; service.name is never one too many. */
  #inline(attributes: readonly KeyValue[], maxCount: number): readonly KeyValue[] {
    if (attributes.length === 0) return noElements;
    const kept = new Map<string, AnyValue>();
    for (const { key, value } of attributes) {
      const wanted = key === '' || kept.has(key) ? undefined : this.#dialect.resourceAttribute(key, value);
      if (wanted !== undefined) kept.set(key, wanted);
    }
    const all = Array.from(kept, ([key, value]): KeyValue => ({ key, value }));
    if (all.length <= maxCount) return all;
    const first = all.filter(({ key }) => key === 'service.name');
    return [...first, ...all.filter(({ key }) => key !== 'service.name')].slice(0, Math.max(maxCount, 0));
  }
}
