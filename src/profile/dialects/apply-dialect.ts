import type {
  AnyValue,
  InstrumentationScope,
  KeyValue,
  Profile,
  ProfilesData,
  ResourceProfiles,
  Sample,
  ScopeProfiles,
} from '../../otlp/profiles-data.ts';
import { countSamples, noBytes, noElements } from '../../otlp/profiles-data.ts';
import type { Steps } from '../../support/steps.ts';
import { atOnce } from '../../support/steps.ts';
import { ProfilesJoiner } from '../join/profiles-joiner.ts';
import { inShape } from '../join/sample-shape.ts';
import { partId } from '../split/later-part.ts';
import { devfiler } from './devfiler.ts';
import type { Dialect, DialectName, DialectOptions } from './dialect.ts';
import { defaultDialectOptions } from './dialect.ts';
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
  /** Attributes of resources and scopes that are more than the backend takes as labels: how many of each key were left out. */
  readonly droppedLabels: ReadonlyMap<string, number>;
}

/**
 * Writes profiles for a backend. Pure; data that conforms to OTLP still does, without orphans and duplicates. `generic` returns
 * the data as it is. Resources and samples that have become equal are one afterwards, with all that was observed.
 */
export function applyDialect(
  data: ProfilesData,
  name: DialectName,
  options: DialectOptions = defaultDialectOptions,
): DialectProfiles {
  return atOnce(applyDialectInSteps(data, name, options));
}

/** The same in steps. The data must not change before the last one. */
export function* applyDialectInSteps(
  data: ProfilesData,
  name: DialectName,
  options: DialectOptions,
): Steps<DialectProfiles> {
  if (name === 'generic') {
    return { data, sampleCount: countSamples(data), droppedSamples: 0, droppedLabels: new Map() };
  }
  const dialect = dialects[name];
  const writer = new DialectWriter(data, dialect, options);
  yield* writer.begin(data);
  const joiner = new ProfilesJoiner(partId);
  const resourceProfiles: ResourceProfiles[] = [];
  for (const resource of data.resourceProfiles) resourceProfiles.push(yield* writer.resourceProfiles(resource));
  yield* joiner.addInSteps(
    { resourceProfiles, dictionary: writer.tables },
    { joins: () => (dialect.mergesProfiles ? 'profiles' : 'samples') },
  );
  const joined = joiner.build();
  const written = dialect.limits === undefined ? joined : yield* new ProfileCutter(joined, dialect.limits).cutAll();
  const { droppedSamples, droppedLabels } = writer;
  return { data: written, sampleCount: countSamples(written), droppedSamples, droppedLabels };
}

/** A sample takes about a microsecond. */
const samplesAStep = 128;

/** Writes resources, scopes and profiles one by one, on a dictionary in the dialect. */
class DialectWriter {
  readonly droppedLabels = new Map<string, number>();
  readonly #dialect: Dialect;
  readonly #options: DialectOptions;
  readonly #dictionary: DialectDictionary;
  #droppedSamples = 0;

  constructor({ dictionary }: ProfilesData, dialect: Dialect, options: DialectOptions) {
    this.#dialect = dialect;
    this.#options = options;
    this.#dictionary = new DialectDictionary(dictionary, dialect, options);
  }

  begin({ dictionary }: ProfilesData): Steps<void> {
    return this.#dictionary.writeLocations(dictionary);
  }

  get tables(): ProfilesData['dictionary'] {
    return this.#dictionary.tables;
  }

  get droppedSamples(): number {
    return this.#droppedSamples;
  }

  *resourceProfiles(given: ResourceProfiles): Steps<ResourceProfiles> {
    const { maxResourceAttributes } = this.#dialect;
    const own = given.resource.attributes;
    const all = [...this.#dialect.resourceAdditions(own), ...own];
    const resource = { ...given.resource, attributes: this.#inline(all, maxResourceAttributes) };
    const scopeProfiles: ScopeProfiles[] = [];
    for (const scope of given.scopeProfiles) {
      const profiles: Profile[] = [];
      for (const profile of scope.profiles) {
        const written = yield* this.#profile(profile);
        if (written !== undefined) profiles.push(written);
      }
      scopeProfiles.push({ ...scope, scope: this.#scope(scope.scope, resource.attributes.length), profiles });
    }
    yield;
    return { ...given, resource, scopeProfiles };
  }

  /** A scope's attributes become labels beside the resource's. */
  #scope(scope: InstrumentationScope, resourceAttributeCount: number): InstrumentationScope {
    const room = this.#dialect.maxResourceAttributes - resourceAttributeCount;
    return { ...scope, attributes: this.#inline(scope.attributes, room) };
  }

  /** The profile, unless the backend does not take its type or no sample observed something. */
  *#profile(profile: Profile): Steps<Profile | undefined> {
    const given = this.#dictionary.typeOf(profile);
    if (!this.#dialect.isTaken(given)) {
      this.#droppedSamples += profile.samples.length;
      return undefined;
    }
    // Some backends refuse a sample without an observation, none shows it.
    const samples: Sample[] = [];
    for (const [index, sample] of profile.samples.entries()) {
      if (index % samplesAStep === samplesAStep - 1) yield;
      const hasObservation = sample.values.length + sample.timestampsUnixNano.length > 0;
      if (hasObservation) samples.push(this.#dictionary.sample(sample));
    }
    if (samples.length === 0) return undefined;
    const { sampleType, sampleUnit, periodType, periodUnit, period } = this.#dialect.profileType(given);
    const { profileId, originalPayload, originalPayloadFormat } = profile;
    const isId = profileId.length === 16 && profileId.some((byte) => byte !== 0);
    const written = {
      ...profile,
      samples,
      sampleType: this.#dictionary.valueType(sampleType, sampleUnit),
      periodType: this.#dictionary.valueType(periodType, periodUnit),
      period,
      profileId: isId ? profileId : noBytes,
      // The payload describes the samples of its own profile alone.
      originalPayload: this.#dialect.mergesProfiles ? noBytes : originalPayload,
      originalPayloadFormat: this.#dialect.mergesProfiles ? '' : originalPayloadFormat,
      attributeIndices: this.#dictionary.profileAttributes(profile.attributeIndices),
    };
    return yield* inShape(written, this.#dialect.sampleShape);
  }

  /** Attributes that the dialect keeps, each key once; those that a person looks for first are the last to be one too many. */
  #inline(attributes: readonly KeyValue[], maxCount: number): readonly KeyValue[] {
    if (attributes.length === 0) return noElements;
    const kept = new Map<string, AnyValue>();
    for (const { key, value } of attributes) {
      const wanted = key === '' ? undefined : this.#dialect.resourceAttribute(key, value);
      const name = this.#dialect.attributeKey(key, this.#options);
      if (wanted !== undefined && !kept.has(name)) kept.set(name, wanted);
    }
    const all = Array.from(kept, ([key, value]): KeyValue => ({ key, value }));
    if (all.length <= maxCount) return all;
    const ranked = all.toSorted((a, b) => rankOf(a.key) - rankOf(b.key));
    const room = Math.max(maxCount, 0);
    for (const { key } of ranked.slice(room)) this.droppedLabels.set(key, 1 + (this.droppedLabels.get(key) ?? 0));
    return ranked.slice(0, room);
  }
}

/** Place of a label where not all have room: service, workload and host come before the rest. */
function rankOf(key: string): number {
  const rank = labelRanks.findIndex((pattern) => pattern.test(key));
  return rank < 0 ? labelRanks.length : rank;
}

const labelRanks: readonly RegExp[] = [
  /^service\.name$/,
  /^service[._]/,
  /^k8s[._](?:namespace|pod|container|node|cluster|deployment|statefulset|daemonset|job|cronjob)[._]name$/,
  /^host[._]name$/,
  /^deployment[._]environment/,
  /^(?:container|process[._]executable)[._]name$/,
  /^(?:k8s|host|container|cloud|process)[._]/,
];
