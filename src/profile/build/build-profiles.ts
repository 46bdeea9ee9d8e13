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
import { MomentGroups, noSample, SampleColumns, SampleRange } from '../../otlp/sample-columns.ts';
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
import type { GroupedEvents, ProfileGroup } from './profile-group.ts';
import { groupEvents, leftOut } from './profile-group.ts';
import { resourceOf } from './resource-of.ts';
import type { TimeRange, WindowContents, WindowResource } from './window-contents.ts';
import { createEventSlice } from './window-contents.ts';

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
  const heads = yield* editedHeads(contents, editor);
  const firsts = yield* firstsOfEqual(heads);
  const profilesByResource = new Map<number, Profile[]>();
  const grouped = yield* groupEvents(contents, range, firsts);
  yield;
  const writer = new ProfileWriter(contents, dictionary, grouped, createProfileId);
  yield* writer.makeRoom();
  for (const group of grouped.groups) {
    const profiles = profilesByResource.get(group.resource) ?? [];
    if (profilesByResource.size % resourcesPerStep === 0) yield;
    profiles.push(yield* writer.profile(group));
    profilesByResource.set(group.resource, profiles);
  }
  yield* writer.writeMoments();
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
  { resources, samples, events }: WindowContents,
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
      const by = dropped.get(samples.resource(events.sample(event)));
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
const partsPerStep = 16;
/** The same of locations that are looked up. */
const locationsPerStep = 2_048;
const momentsPerStep = 512;

/** Writes the samples of one group after the other against one dictionary, and then the moments of all. */
class ProfileWriter {
  readonly #contents: WindowContents;
  readonly #dictionary: InternedDictionary;
  readonly #locations: LocationWriter;
  readonly #createProfileId: () => Uint8Array;
  readonly #grouped: GroupedEvents;
  /** Samples of all profiles of the report. */
  readonly #columns = new SampleColumns();
  /** Distinct threads, names of threads, CPUs and labels. */
  readonly #contexts: QuadIndex;
  /** Number plus one of the first sample with a context. */
  readonly #sampleOfContext: Uint32Array;
  /** The sample of the columns that each part belongs to. */
  readonly #sampleOfPart: Uint32Array;
  readonly #moments: MomentGroups;
  /** Work of the locations up to the step at hand. */
  #workBefore = 0;
  // Nearly every context is new, of threads, names and CPUs that are known.
  readonly #attributeByThread = new Map<number, number>();
  readonly #attributeByName = new Map<string, number>();
  readonly #attributeByCpu = new Map<number, number>();

  constructor(
    contents: WindowContents,
    dictionary: InternedDictionary,
    grouped: GroupedEvents,
    createProfileId: () => Uint8Array,
  ) {
    const partCount = grouped.sampleOfPart.length;
    this.#contents = contents;
    this.#dictionary = dictionary;
    this.#locations = new LocationWriter(contents, dictionary);
    this.#contexts = new QuadIndex(contents.samples.count);
    this.#createProfileId = createProfileId;
    this.#grouped = grouped;
    this.#sampleOfContext = new Uint32Array(2 * contents.samples.count);
    this.#sampleOfPart = new Uint32Array(partCount);
    this.#moments = new MomentGroups(this.#columns, 0, partCount);
  }

  /** Tables that grow while they are filled are copied, and their entries find new places, in one step. */
  *makeRoom(): Steps<void> {
    yield;
    this.#locations.makeRoom();
    yield;
    this.#columns.reserve(this.#sampleOfPart.length, this.#contents.events.count);
    yield;
  }

  *profile(group: ProfileGroup): Steps<Profile> {
    const type = this.#contents.profileTypes[group.profileType]!;
    const emptyBytes = new Uint8Array(0);
    return {
      sampleType: this.#valueType(type.sampleType, type.sampleUnit),
      samples: yield* this.#samples(group),
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

  /** Samples with the same stack, attributes and link become one, with room for its moments. */
  *#samples({ parts, hasValues }: ProfileGroup): Steps<SampleRange> {
    const { samples, stacks } = this.#contents;
    const { sampleOfPart, eventCounts } = this.#grouped;
    const identities = new QuadIndex();
    const counts = new Uint32List();
    const columns = this.#columns;
    const first = columns.count;
    for (let index = 0; index < parts.length; index++) {
      if (this.#isStepOver(index)) yield;
      const part = parts[index]!;
      const given = sampleOfPart.at(part);
      const stack = samples.stack(given);
      const context = this.#context(given) * 2 + (stacks.isTruncated(stack) ? 1 : 0);
      const sample = identities.intern(this.#locations.stack(stack), context, samples.link(given) + 1, 0);
      if (sample === counts.length) {
        this.#addSample(given, identities.word(sample, 0), context);
        counts.push(0);
      }
      counts.set(sample, counts.at(sample) + eventCounts.at(part));
      this.#sampleOfPart[part] = first + sample;
    }
    this.#moments.addRoom(first, counts.toArray(), hasValues);
    return new SampleRange(columns, first, identities.count);
  }

  /** True after a number of parts, or before it where their stacks were long or new. */
  #isStepOver(parts: number): boolean {
    const { work } = this.#locations;
    if (parts % partsPerStep !== partsPerStep - 1 && work - this.#workBefore < locationsPerStep) return false;
    this.#workBefore = work;
    return true;
  }

  /** Writes the moments of all samples, in the order of arrival. */
  *writeMoments(): Steps<void> {
    const { events } = this.#contents;
    const { partOfEvent } = this.#grouped;
    const sampleOfPart = this.#sampleOfPart;
    const moments = this.#moments;
    const slice = createEventSlice(momentsPerStep);
    for (let first = 0; first < partOfEvent.length; first += momentsPerStep) {
      if (first > 0) yield;
      const count = events.read(first, slice);
      for (let i = 0; i < count; i++) {
        const part = partOfEvent[first + i]!;
        slice.sample[i] = part === leftOut ? noSample : sampleOfPart[part]!;
      }
      moments.addAll(slice, count);
    }
  }

  /** The number of what tells a window sample apart beside its stack: it becomes the attributes. */
  #context(sample: number): number {
    const { samples } = this.#contents;
    const cpu = samples.cpu(sample) + 1;
    return this.#contexts.intern(samples.threadId(sample), samples.threadName(sample), cpu, samples.labels(sample) + 1);
  }

  /** Appends a sample, without its moments. `context` is twice the number of its context, plus one for a truncated stack. */
  #addSample(sample: number, stackIndex: number, context: number): void {
    const { samples, links } = this.#contents;
    const known = this.#sampleOfContext[context]!;
    if (known === 0) {
      this.#addAttributes(sample, (context & 1) === 1);
      this.#sampleOfContext[context] = this.#columns.count + 1;
    } else this.#columns.addAttributesOf(this.#columns, known - 1);
    const link = samples.link(sample);
    this.#columns.end(stackIndex, link < 0 ? 0 : this.#dictionary.link(links[link]!));
  }

  #addAttributes(sample: number, isTruncated: boolean): void {
    const { samples, threadNames, labels } = this.#contents;
    const threadId = samples.threadId(sample);
    const threadName = threadNames[samples.threadName(sample)]!;
    const cpu = samples.cpu(sample);
    if (threadId !== 0) this.#addMemoized(this.#attributeByThread, threadId, attributeNames.threadId, BigInt);
    if (threadName !== '') this.#addMemoized(this.#attributeByName, threadName, attributeNames.threadName, String);
    if (cpu >= 0) this.#addMemoized(this.#attributeByCpu, cpu, attributeNames.cpuLogicalNumber, BigInt);
    const labelSet = samples.labels(sample);
    if (labelSet >= 0) {
      for (const [key, value] of labels[labelSet]!) this.#addAttribute(attributeNames.labelPrefix + key, value);
    }
    if (isTruncated) this.#addAttribute(attributeNames.stackTruncated, true);
  }

  #addAttribute(key: string, value: string | boolean): void {
    this.#columns.addAttribute(this.#dictionary.attribute(key, value));
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
