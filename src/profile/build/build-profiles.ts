import type { ProfileType } from '../../model/profile-type.ts';
import type {
  InstrumentationScope,
  Profile,
  ProfilesData,
  Resource,
  ResourceProfiles,
  Sample,
  ValueType,
} from '../../otlp/profiles-data.ts';
import { noElements } from '../../otlp/profiles-data.ts';
import type { ResourceEditor, SampleFilter } from '../../otlp/resource-edit.ts';
import { QuadIndex } from '../../support/quad-index.ts';
import type { Steps } from '../../support/steps.ts';
import { attributeNames } from '../attribute-names.ts';
import { InternedDictionary } from '../dictionary/dictionary.ts';
import { LabelKeys, withDistinctTimes } from '../join/distinct-times.ts';
import { mergeProfiles } from '../join/profiles-joiner.ts';
import { filterSamples } from '../resources/filter-samples.ts';
import { serviceNameDefault } from '../resources/service-name.ts';
import { LocationWriter } from './location-writer.ts';
import type { ProfileGroup } from './profile-group.ts';
import { groupEvents } from './profile-group.ts';
import { resourceOf } from './resource-of.ts';
import type { TimeRange, WindowContents, WindowResource } from './window-contents.ts';

/** Semantic conventions of the attributes. */
const schemaUrl = 'https://opentelemetry.io/schemas/1.44.0';

/**
 * OTLP profiles of a reporting cycle: a resource for each sampled process, below it a profile for each profile type.
 * Processes of equal attributes share a resource: a backend could not tell them apart. No two profiles of equal labels begin at one
 * time. The same contents, range, profile IDs and edits of resources give the same result. `createProfileId` gives 16 random bytes a call.
 * Events of resources that `editor` drops are left out; there may be no resource left. The contents must not change before the last step.
 */
export function* buildProfiles(
  contents: WindowContents,
  range: TimeRange,
  createProfileId: () => Uint8Array,
  editor: ResourceEditor = serviceNameDefault,
): Steps<ProfilesData> {
  const dictionary = new InternedDictionary();
  const writer = new ProfileWriter(contents, dictionary, createProfileId);
  const heads = editedHeads(contents, editor);
  const firsts = yield* firstsOfEqual(heads);
  const profilesByResource = new Map<number, Profile[]>();
  for (const group of yield* groupEvents(contents.events, range, firsts)) {
    const profiles = profilesByResource.get(group.resource) ?? [];
    profiles.push(yield* writer.profile(group));
    profilesByResource.set(group.resource, profiles);
  }
  const resourceProfiles = [...profilesByResource].map(([index, profiles]): ResourceProfiles => {
    const { resource, scope } = heads[index]!;
    return { resource, scopeProfiles: [{ scope, profiles, schemaUrl }], schemaUrl };
  });
  const built = { resourceProfiles, dictionary: dictionary.tables };
  const filters = [...profilesByResource.keys()].map((index) => heads[index]!.samples);
  if (filters.every((each) => each === undefined)) return withDistinctTimes(built);
  return mergeProfiles([{ ...built, resourceProfiles: filterSamples(built, filters, editor) }]);
}

interface ResourceHead {
  readonly samples: readonly SampleFilter[] | undefined;
  readonly resource: Resource;
  readonly scope: InstrumentationScope;
}

/** Heads of the window's resources; `undefined` for those that the editor drops, whose events are counted. */
function editedHeads({ resources, events }: WindowContents, editor: ResourceEditor): (ResourceHead | undefined)[] {
  const heads = resources.map(headOf);
  const edits = editor.edit(
    heads.map(({ resource }) => resource.attributes),
    { isServiceOnSamples: false },
  );
  const dropped = new Map<number, string>();
  for (const [index, edit] of edits.entries()) if (edit.kind === 'dropped') dropped.set(index, edit.by);
  if (dropped.size > 0) {
    for (let event = 0; event < events.count; event++) {
      const by = dropped.get(events.resource(event));
      if (by !== undefined) editor.countDropped(by, 1);
    }
  }
  return edits.map((edit, index) => {
    if (edit.kind === 'dropped') return undefined;
    const { resource, scope } = heads[index]!;
    return { resource: { ...resource, attributes: edit.attributes }, scope, samples: edit.samples };
  });
}

function headOf(given: WindowResource): ResourceHead {
  const { scopeName: name, scopeVersion: version } = given;
  const scope = { name, version, attributes: [], droppedAttributesCount: 0 };
  return { resource: resourceOf(given), scope, samples: undefined };
}

/** For each resource, the first that is equal; -1 for one that is dropped. */
function* firstsOfEqual(heads: readonly (ResourceHead | undefined)[]): Steps<Int32Array> {
  const labels = new LabelKeys();
  const firstByKey = new Map<string, number>();
  const firsts = new Int32Array(heads.length).fill(-1);
  for (let index = 0; index < heads.length; index++) {
    if (index % resourcesPerStep === 0) yield;
    const head = heads[index];
    if (head === undefined) continue;
    const { resource, scope, samples } = head;
    if (samples !== undefined) {
      // Equal resources may have samples of which a filter drops some and others not.
      firsts[index] = index;
      continue;
    }
    const key = [scope.name, scope.version, labels.keyOf(resource, scope)].join('\0');
    firsts[index] = firstByKey.get(key) ?? index;
    firstByKey.set(key, firsts[index]!);
  }
  return firsts;
}

// A tenth of a millisecond each, more or less, before the code is optimized.
const resourcesPerStep = 8;
const eventsPerStep = 4;

/** Sample whose lists may grow. */
interface OpenSample extends Sample {
  readonly values: bigint[];
  readonly timestampsUnixNano: bigint[];
}

/** Writes the samples of one group after the other against one dictionary. */
class ProfileWriter {
  readonly #contents: WindowContents;
  readonly #dictionary: InternedDictionary;
  readonly #locations: LocationWriter;
  readonly #createProfileId: () => Uint8Array;
  readonly #attributesByContext = new Map<number, readonly number[]>();
  // Nearly every context is new, of threads, names and CPUs that are known.
  readonly #attributeByThread = new Map<number, number>();
  readonly #attributeByName = new Map<string, number>();
  readonly #attributeByCpu = new Map<number, number>();

  constructor(contents: WindowContents, dictionary: InternedDictionary, createProfileId: () => Uint8Array) {
    this.#contents = contents;
    this.#dictionary = dictionary;
    this.#locations = new LocationWriter(contents, dictionary);
    this.#createProfileId = createProfileId;
  }

  *profile(group: ProfileGroup): Steps<Profile> {
    const type = this.#contents.profileTypes[group.profileType]!;
    const emptyBytes = new Uint8Array(0);
    return {
      sampleType: this.#valueType(type.sampleType, type.sampleUnit),
      samples: yield* this.#samples(group.events),
      timeUnixNano: group.range.startUnixNano,
      durationNano: group.range.endUnixNano - group.range.startUnixNano,
      periodType: this.#periodType(type),
      period: type.period,
      profileId: this.#createProfileId(),
      droppedAttributesCount: 0,
      originalPayloadFormat: '',
      originalPayload: emptyBytes,
      attributeIndices: [],
    };
  }

  /** Samples with the same stack, attributes and link become one, with its timestamps in the order of arrival. */
  *#samples(eventNumbers: readonly number[]): Steps<OpenSample[]> {
    const { events, stacks } = this.#contents;
    const identities = new QuadIndex();
    const samples: OpenSample[] = [];
    // Timestamps alone mean 1 each, which every backend reads; values join when one of them is not 1.
    const hasValues = eventNumbers.some((event) => events.value(event) !== 1n);
    for (let index = 0; index < eventNumbers.length; index++) {
      if (index % eventsPerStep === eventsPerStep - 1) yield;
      const event = eventNumbers[index]!;
      const stack = events.stack(event);
      const context = events.context(event) * 2 + (stacks.isTruncated(stack) ? 1 : 0);
      const stackIndex = this.#locations.stack(stack);
      const identity = identities.intern(stackIndex, context, events.link(event) + 1, 0);
      if (identity === samples.length) {
        samples.push(this.#sample(event, stackIndex, context, hasValues));
      } else {
        const { timestampsUnixNano, values } = samples[identity]!;
        timestampsUnixNano.push(events.unixNano(event));
        if (hasValues) values.push(events.value(event));
      }
    }
    return samples;
  }

  /** Sample of an event. Its lists have room for that alone: most samples have one event, and an empty list that grows takes room for 17. */
  #sample(event: number, stackIndex: number, context: number, hasValues: boolean): OpenSample {
    const { events, links } = this.#contents;
    const link = events.link(event);
    return {
      stackIndex,
      attributeIndices: this.#attributes(context),
      linkIndex: link < 0 ? 0 : this.#dictionary.link(links[link]!),
      values: hasValues ? [events.value(event)] : (noElements as readonly bigint[] as bigint[]),
      timestampsUnixNano: [events.unixNano(event)],
    };
  }

  /** `context` is twice the number of the sample context, plus one for a truncated stack. */
  #attributes(context: number): readonly number[] {
    const known = this.#attributesByContext.get(context);
    if (known !== undefined) return known;
    const { threadId, threadName, cpu, labels } = this.#contents.contexts[context >> 1]!;
    const indices: number[] = [];
    const add = (key: string, value: string | bigint | boolean): void => {
      indices.push(this.#dictionary.attribute(key, value));
    };
    if (threadId !== 0) {
      indices.push(this.#attribute(this.#attributeByThread, threadId, attributeNames.threadId, BigInt));
    }
    if (threadName !== '') {
      indices.push(this.#attribute(this.#attributeByName, threadName, attributeNames.threadName, String));
    }
    if (cpu >= 0) indices.push(this.#attribute(this.#attributeByCpu, cpu, attributeNames.cpuLogicalNumber, BigInt));
    for (const [key, value] of labels ?? []) add(attributeNames.labelPrefix + key, value);
    if ((context & 1) === 1) add(attributeNames.stackTruncated, true);
    const exact = indices.slice();
    this.#attributesByContext.set(context, exact);
    return exact;
  }

  #attribute<T>(indices: Map<T, number>, value: T, key: string, write: (value: T) => string | bigint): number {
    let index = indices.get(value);
    if (index === undefined) {
      index = this.#dictionary.attribute(key, write(value));
      indices.set(value, index);
    }
    return index;
  }

  #periodType(type: ProfileType): ValueType {
    return this.#valueType(type.periodType, type.periodUnit);
  }

  #valueType(type: string, unit: string): ValueType {
    return { typeStrindex: this.#dictionary.string(type), unitStrindex: this.#dictionary.string(unit) };
  }
}
