import type { ProfileType } from '../../model/profile-type.ts';
import { countSamples } from '../../otlp/count-samples.ts';
import { noBytes } from '../../otlp/no-elements.ts';
import type {
  AnyValue,
  InstrumentationScope,
  KeyValue,
  Profile,
  ProfilesData,
  Resource,
  ResourceProfiles,
  ScopeProfiles,
} from '../../otlp/profiles-data.ts';
import { encodeAttributes } from '../../otlp/protobuf/encode-attributes.ts';
import { ProtobufWriter } from '../../otlp/protobuf/protobuf-writer.ts';
import { ProfileDraft } from '../join/profile-draft.ts';
import { devfiler } from './devfiler.ts';
import type { Dialect, DialectName } from './dialect.ts';
import { DialectWriter } from './dialect-writer.ts';
import { elastic } from './elastic.ts';
import { parca } from './parca.ts';
import { ProfileCutter } from './profile-cutter.ts';
import { pyroscope } from './pyroscope.ts';

const dialects: Readonly<Record<Exclude<DialectName, 'generic'>, Dialect>> = { pyroscope, parca, devfiler, elastic };

export interface DialectOutcome {
  readonly data: ProfilesData;
  readonly sampleCount: number;
  /** Samples of profiles that the backend does not take. */
  readonly droppedSamples: number;
}

/**
 * Writes profiles for a backend. Pure; what conforms to OTLP still does, without orphans and duplicates. `generic` returns
 * the data as it is. Samples that have become the same are one afterwards, with all that was observed.
 */
export function applyDialect(data: ProfilesData, name: DialectName): DialectOutcome {
  if (name === 'generic') return { data, sampleCount: countSamples(data), droppedSamples: 0 };
  const translation = new Translation(data, dialects[name]);
  return translation.run();
}

interface ResourceDraft {
  readonly entry: ResourceProfiles;
  readonly scopes: Map<string, { readonly entry: ScopeProfiles; readonly drafts: Map<string, ProfileDraft> }>;
}

class Translation {
  readonly #data: ProfilesData;
  readonly #dialect: Dialect;
  readonly #writer: DialectWriter;
  readonly #resources = new Map<string, ResourceDraft>();
  #droppedSamples = 0;

  constructor(data: ProfilesData, dialect: Dialect) {
    this.#data = data;
    this.#dialect = dialect;
    this.#writer = new DialectWriter(data.dictionary, dialect);
  }

  run(): DialectOutcome {
    for (const [i, resource] of this.#data.resourceProfiles.entries()) {
      for (const [j, scope] of resource.scopeProfiles.entries()) {
        for (const [k, profile] of scope.profiles.entries())
          this.#addProfile(resource, scope, profile, `${i}.${j}.${k}`);
      }
    }
    const data = this.#finish();
    return { data, sampleCount: countSamples(data), droppedSamples: this.#droppedSamples };
  }

  #addProfile(resourceProfiles: ResourceProfiles, scopeProfiles: ScopeProfiles, profile: Profile, place: string): void {
    const given = this.#typeOf(profile);
    if (!this.#dialect.isTaken(given)) {
      this.#droppedSamples += profile.samples.length;
      return;
    }
    // What observed nothing is refused by some and shown by nobody.
    const samples = profile.samples.filter(
      ({ values, timestampsUnixNano }) => values.length + timestampsUnixNano.length > 0,
    );
    if (samples.length === 0) return;
    const type = this.#dialect.profileType(given);
    const resource = this.#resource(resourceProfiles.resource);
    const scope = this.#scope(scopeProfiles.scope, resource.attributes.length);
    const drafts = this.#draftsOf({ ...resourceProfiles, resource }, { ...scopeProfiles, scope }, place);
    const attributeIndices = this.#writer.profileAttributes(profile.attributeIndices);
    const key = this.#dialect.mergesProfiles ? [...Object.values(type), ...attributeIndices].join('\n') : place;
    let draft = drafts.get(key);
    if (draft === undefined) {
      draft = new ProfileDraft(type, this.#head(profile, attributeIndices));
      drafts.set(key, draft);
    }
    draft.widen(profile);
    for (const sample of samples) draft.add(this.#writer.sample(sample), profile.timeUnixNano);
  }

  #draftsOf(resource: ResourceProfiles, scope: ScopeProfiles, place: string): Map<string, ProfileDraft> {
    const [resourceIndex = '', scopeIndex = ''] = place.split('.');
    const isMerged = this.#dialect.mergesProfiles;
    const resourceKey = isMerged ? resource.schemaUrl + attributesKey(resource.resource.attributes) : resourceIndex;
    const { name, version, attributes } = scope.scope;
    const scopeKey = isMerged ? [name, version, scope.schemaUrl, attributesKey(attributes)].join('\n') : scopeIndex;
    let resourceDraft = this.#resources.get(resourceKey);
    if (resourceDraft === undefined) {
      resourceDraft = { entry: resource, scopes: new Map() };
      this.#resources.set(resourceKey, resourceDraft);
    }
    let scopeDraft = resourceDraft.scopes.get(scopeKey);
    if (scopeDraft === undefined) {
      scopeDraft = { entry: scope, drafts: new Map() };
      resourceDraft.scopes.set(scopeKey, scopeDraft);
    }
    return scopeDraft.drafts;
  }

  #finish(): ProfilesData {
    const whole = Array.from(this.#resources.values(), ({ entry, scopes }) => ({
      ...entry,
      scopeProfiles: Array.from(scopes.values(), (scope) => ({
        ...scope.entry,
        profiles: Array.from(scope.drafts.values(), (draft) => this.#finishProfile(draft)),
      })),
    }));
    const dictionary = this.#writer.tables.toDictionary();
    const { limits } = this.#dialect;
    if (limits === undefined) return { resourceProfiles: whole, dictionary };
    const cutter = new ProfileCutter(dictionary, limits);
    const resourceProfiles = whole.map((resource) => ({
      ...resource,
      scopeProfiles: resource.scopeProfiles.map((scope) => ({
        ...scope,
        profiles: scope.profiles.flatMap((profile) => cutter.cut(profile)),
      })),
    }));
    return { resourceProfiles, dictionary };
  }

  #finishProfile(draft: ProfileDraft): Profile {
    const { sampleType, sampleUnit, periodType, periodUnit, period } = draft.type;
    const { tables } = this.#writer;
    return {
      ...draft.finish(this.#dialect.sampleShape),
      sampleType: { typeStrindex: tables.string(sampleType), unitStrindex: tables.string(sampleUnit) },
      periodType: { typeStrindex: tables.string(periodType), unitStrindex: tables.string(periodUnit) },
      period,
    };
  }

  #typeOf({ sampleType, periodType, period }: Profile): ProfileType {
    return {
      sampleType: this.#writer.text(sampleType.typeStrindex),
      sampleUnit: this.#writer.text(sampleType.unitStrindex),
      periodType: this.#writer.text(periodType.typeStrindex),
      periodUnit: this.#writer.text(periodType.unitStrindex),
      period,
    };
  }

  #head(profile: Profile, attributeIndices: readonly number[]): Profile {
    const { profileId } = profile;
    const isId = profileId.length === 16 && profileId.some((byte) => byte !== 0);
    const payload = this.#dialect.mergesProfiles ? { originalPayloadFormat: '', originalPayload: noBytes } : {};
    return { ...profile, samples: [], attributeIndices, profileId: isId ? profileId : noBytes, ...payload };
  }

  #resource(resource: Resource): Resource {
    const { maxResourceAttributes } = this.#dialect;
    return { ...resource, attributes: this.#inlineAttributes(resource.attributes, maxResourceAttributes) };
  }

  /** A scope's attributes become labels beside the resource's. */
  #scope(scope: InstrumentationScope, resourceAttributeCount: number): InstrumentationScope {
    const room = this.#dialect.maxResourceAttributes - resourceAttributeCount;
    return { ...scope, attributes: this.#inlineAttributes(scope.attributes, room) };
  }

  /** Those that the dialect keeps, each key once; service.name is never one too many. */
  #inlineAttributes(attributes: readonly KeyValue[], maxCount: number): readonly KeyValue[] {
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

/** The same text for the same set of attributes. */
function attributesKey(attributes: readonly KeyValue[]): string {
  const writer = new ProtobufWriter(256);
  const sorted = [...attributes].sort((a, b) => (a.key < b.key ? -1 : 1));
  encodeAttributes(writer, 1, sorted);
  return writer.latin1();
}
