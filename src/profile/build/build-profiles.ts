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
import type { ResourceEditor } from '../../otlp/resource-edit.ts';
import { QuadIndex } from '../../support/quad-index.ts';
import { attributeNames } from '../attribute-names.ts';
import { InternedDictionary } from '../dictionary/dictionary.ts';
import { LabelKeys, withDistinctTimes } from '../join/distinct-times.ts';
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
 * Events of resources that `editor` drops are left out; there may be no resource left.
 */
export function buildProfiles(
  contents: WindowContents,
  range: TimeRange,
  createProfileId: () => Uint8Array,
  editor: ResourceEditor = serviceNameDefault,
): ProfilesData {
  const dictionary = new InternedDictionary();
  const writer = new ProfileWriter(contents, dictionary, createProfileId);
  const heads = editedHeads(contents, editor);
  const profilesByResource = new Map<number, Profile[]>();
  for (const group of groupEvents(contents.events, range, firstOfEqual(heads))) {
    const profiles = profilesByResource.get(group.resource) ?? [];
    profiles.push(writer.profile(group));
    profilesByResource.set(group.resource, profiles);
  }
  const resourceProfiles = [...profilesByResource].map(([index, profiles]): ResourceProfiles => {
    const { resource, scope } = heads[index]!;
    return { resource, scopeProfiles: [{ scope, profiles, schemaUrl }], schemaUrl };
  });
  return withDistinctTimes({ resourceProfiles, dictionary: dictionary.tables });
}

interface ResourceHead {
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
    return { resource: { ...resource, attributes: edit.attributes }, scope };
  });
}

function headOf(given: WindowResource): ResourceHead {
  const { scopeName: name, scopeVersion: version } = given;
  return { resource: resourceOf(given), scope: { name, version, attributes: [], droppedAttributesCount: 0 } };
}

/** For each resource, the first that is equal; -1 for one that is dropped. */
function firstOfEqual(heads: readonly (ResourceHead | undefined)[]): Int32Array {
  const labels = new LabelKeys();
  const firstByKey = new Map<string, number>();
  return Int32Array.from(heads, (head, index) => {
    if (head === undefined) return -1;
    const { resource, scope } = head;
    const key = [scope.name, scope.version, labels.keyOf(resource, scope)].join('\0');
    const first = firstByKey.get(key) ?? index;
    firstByKey.set(key, first);
    return first;
  });
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

  profile(group: ProfileGroup): Profile {
    const type = this.#contents.profileTypes[group.profileType]!;
    const emptyBytes = new Uint8Array(0);
    return {
      sampleType: this.#valueType(type.sampleType, type.sampleUnit),
      samples: this.#samples(group.events),
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
  #samples(eventNumbers: readonly number[]): Sample[] {
    const { events, stacks } = this.#contents;
    const identities = new QuadIndex();
    const samples: { sample: Sample; timestamps: bigint[]; values: bigint[] }[] = [];
    // Timestamps alone mean 1 each, which every backend reads; values join when one of them is not 1.
    const hasValues = eventNumbers.some((event) => events.value(event) !== 1n);
    for (const event of eventNumbers) {
      const stack = events.stack(event);
      const context = events.context(event) * 2 + (stacks.isTruncated(stack) ? 1 : 0);
      const stackIndex = this.#locations.stack(stack);
      const identity = identities.intern(stackIndex, context, events.link(event) + 1, 0);
      if (identity === samples.length) samples.push(this.#sample(event, stackIndex, context));
      const { timestamps, values } = samples[identity]!;
      timestamps.push(events.unixNano(event));
      if (hasValues) values.push(events.value(event));
    }
    return samples.map(({ sample }) => sample);
  }

  #sample(
    event: number,
    stackIndex: number,
    context: number,
  ): { sample: Sample; timestamps: bigint[]; values: bigint[] } {
    const link = this.#contents.events.link(event);
    const timestamps: bigint[] = [];
    const values: bigint[] = [];
    const sample = {
      stackIndex,
      attributeIndices: this.#attributes(context),
      linkIndex: link < 0 ? 0 : this.#dictionary.link(this.#contents.links[link]!),
      values,
      timestampsUnixNano: timestamps,
    };
    return { sample, timestamps, values };
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
    this.#attributesByContext.set(context, indices);
    return indices;
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
