import type { ProfileType } from '../../model/profile-type.ts';
import type {
  InstrumentationScope,
  Profile,
  ProfilesData,
  Resource,
  ResourceProfiles,
  ValueType,
} from '../../otlp/profiles-data.ts';
import type { ResourceEditor, SampleFilter } from '../../otlp/resource-edit.ts';
import { MomentGroups, SampleColumns, SampleRange } from '../../otlp/sample-columns.ts';
import { QuadIndex } from '../../support/quad-index.ts';
import type { Steps } from '../../support/steps.ts';
import { Uint32List } from '../../support/uint32-list.ts';
import { attributeNames } from '../attribute-names.ts';
import { InternedDictionary } from '../dictionary/dictionary.ts';
import { distinctTimesInSteps, LabelKeys } from '../join/distinct-times.ts';
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
  const heads = yield* editedHeads(contents, editor);
  const firsts = yield* firstsOfEqual(heads);
  const profilesByResource = new Map<number, Profile[]>();
  for (const group of yield* groupEvents(contents.events, range, firsts)) {
    const profiles = profilesByResource.get(group.resource) ?? [];
    if (profilesByResource.size % resourcesPerStep === 0) yield;
    profiles.push(yield* writer.profile(group));
    profilesByResource.set(group.resource, profiles);
  }
  const resourceProfiles = [...profilesByResource].map(([index, profiles]): ResourceProfiles => {
    const { resource, scope } = heads[index]!;
    return { resource, scopeProfiles: [{ scope, profiles, schemaUrl }], schemaUrl };
  });
  const built = { resourceProfiles, dictionary: dictionary.tables };
  const filters = [...profilesByResource.keys()].map((index) => heads[index]!.samples);
  if (filters.every((each) => each === undefined)) return yield* distinctTimesInSteps(built);
  return mergeProfiles([{ ...built, resourceProfiles: filterSamples(built, filters, editor) }]);
}

interface ResourceHead {
  readonly samples: readonly SampleFilter[] | undefined;
  readonly resource: Resource;
  readonly scope: InstrumentationScope;
}

/** Heads of the window's resources; `undefined` for those that the editor drops, whose events are counted. */
function* editedHeads(
  { resources, events }: WindowContents,
  editor: ResourceEditor,
): Steps<(ResourceHead | undefined)[]> {
  const heads: ResourceHead[] = [];
  for (const [index, resource] of resources.entries()) {
    if (index % resourcesPerStep === resourcesPerStep - 1) yield;
    heads.push(headOf(resource));
  }
  const given = heads.map(({ resource }) => resource.attributes);
  const edits = yield* editor.editInSteps(given, { isServiceOnSamples: false });
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
const eventsPerStep = 16;
const momentsPerStep = 512;

/** Writes the samples of one group after the other against one dictionary. */
class ProfileWriter {
  readonly #contents: WindowContents;
  readonly #dictionary: InternedDictionary;
  readonly #locations: LocationWriter;
  readonly #createProfileId: () => Uint8Array;
  /** Samples of all profiles of the report. */
  readonly #columns = new SampleColumns();
  /** Number plus one of the first sample with a context. */
  readonly #sampleOfContext: Uint32Array;
  // Nearly every context is new, of threads, names and CPUs that are known.
  readonly #attributeByThread = new Map<number, number>();
  readonly #attributeByName = new Map<string, number>();
  readonly #attributeByCpu = new Map<number, number>();

  constructor(contents: WindowContents, dictionary: InternedDictionary, createProfileId: () => Uint8Array) {
    this.#contents = contents;
    this.#dictionary = dictionary;
    this.#locations = new LocationWriter(contents, dictionary);
    this.#createProfileId = createProfileId;
    this.#sampleOfContext = new Uint32Array(2 * contents.contexts.length);
    this.#columns.reserve(contents.events.count);
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
  *#samples(eventNumbers: Uint32Array): Steps<SampleRange> {
    const { events, stacks } = this.#contents;
    const identities = new QuadIndex();
    const sampleOfEvent = new Uint32Array(eventNumbers.length);
    const counts = new Uint32List();
    const columns = this.#columns;
    const first = columns.count;
    let hasValues = false;
    for (let index = 0; index < eventNumbers.length; index++) {
      if (index % eventsPerStep === eventsPerStep - 1) yield;
      const event = eventNumbers[index]!;
      const stack = events.stack(event);
      const context = events.context(event) * 2 + (stacks.isTruncated(stack) ? 1 : 0);
      const sample = identities.intern(this.#locations.stack(stack), context, events.link(event) + 1, 0);
      if (sample === counts.length) {
        this.#addSample(event, identities.word(sample, 0), context);
        counts.push(0);
      }
      counts.set(sample, counts.at(sample) + 1);
      sampleOfEvent[index] = sample;
      // Timestamps alone mean 1 each, which every backend reads; values join when one of them is not 1.
      hasValues ||= events.valueLow(event) !== 1 || events.valueHigh(event) !== 0;
    }
    const groups = new MomentGroups(columns, first, counts.toArray(), hasValues);
    for (let index = 0; index < eventNumbers.length; index++) {
      if (index % momentsPerStep === momentsPerStep - 1) yield;
      const event = eventNumbers[index]!;
      const sample = sampleOfEvent[index]!;
      groups.addTime(sample, events.timeLow(event), events.timeHigh(event));
      if (hasValues) groups.setValue(sample, events.valueLow(event), events.valueHigh(event));
    }
    return new SampleRange(columns, first, identities.count);
  }

  /** Appends the sample of an event, without its moments. `context` is twice the number of the sample context, plus one for a truncated stack. */
  #addSample(event: number, stackIndex: number, context: number): void {
    const { events, links } = this.#contents;
    const known = this.#sampleOfContext[context]!;
    if (known === 0) {
      this.#addAttributes(context);
      this.#sampleOfContext[context] = this.#columns.count + 1;
    } else this.#columns.addAttributesOf(this.#columns, known - 1);
    const link = events.link(event);
    this.#columns.end(stackIndex, link < 0 ? 0 : this.#dictionary.link(links[link]!));
  }

  #addAttributes(context: number): void {
    const { threadId, threadName, cpu, labels } = this.#contents.contexts[context >> 1]!;
    const add = (key: string, value: string | bigint | boolean): void => {
      this.#columns.addAttribute(this.#dictionary.attribute(key, value));
    };
    if (threadId !== 0) this.#addMemoized(this.#attributeByThread, threadId, attributeNames.threadId, BigInt);
    if (threadName !== '') this.#addMemoized(this.#attributeByName, threadName, attributeNames.threadName, String);
    if (cpu >= 0) this.#addMemoized(this.#attributeByCpu, cpu, attributeNames.cpuLogicalNumber, BigInt);
    for (const [key, value] of labels ?? []) add(attributeNames.labelPrefix + key, value);
    if ((context & 1) === 1) add(attributeNames.stackTruncated, true);
  }

  #addMemoized<T>(indices: Map<T, number>, value: T, key: string, write: (value: T) => string | bigint): void {
    let index = indices.get(value);
    if (index === undefined) {
      index = this.#dictionary.attribute(key, write(value));
      indices.set(value, index);
    }
    this.#columns.addAttribute(index);
  }

  #periodType(type: ProfileType): ValueType {
    return this.#valueType(type.periodType, type.periodUnit);
  }

  #valueType(type: string, unit: string): ValueType {
    return { typeStrindex: this.#dictionary.string(type), unitStrindex: this.#dictionary.string(unit) };
  }
}
