import { locationColumnsOf } from '../../otlp/location-columns.ts';
import type { Profile, ProfilesData, ResourceProfiles, Sample } from '../../otlp/profiles-data.ts';
import type { ResourceEditor, SampleFilter } from '../../otlp/resource-edit.ts';
import type { StackColumns } from '../../otlp/stack-columns.ts';
import { stackColumnsOf } from '../../otlp/stack-columns.ts';
import type { IndexLists } from '../../support/index-lists.ts';
import { attributeNames } from '../attribute-names.ts';

type Filters = readonly SampleFilter[] | undefined;

/**
 * The entries of `resource_profiles` without the samples that the filters of each resource drop, and without profiles and scopes that
 * lose all of theirs; an entry stays, also without a scope. The dictionary has orphans afterwards.
 */
export function filterSamples(
  { resourceProfiles, dictionary }: ProfilesData,
  filters: readonly Filters[],
  editor: Pick<ResourceEditor, 'countDropped'>,
): readonly ResourceProfiles[] {
  const types = new StackTypes(dictionary);
  return resourceProfiles.map((entry, index) => {
    const own = filters[index];
    if (own === undefined) return entry;
    const dropped = new Map<string, number>();
    const scopeProfiles = entry.scopeProfiles
      .map((scope) => {
        const profiles = scope.profiles.map((profile) => filterProfile(profile, own, types, dropped));
        return { ...scope, profiles: profiles.filter(({ samples }) => samples.length > 0) };
      })
      .filter(({ profiles }) => profiles.length > 0);
    for (const [by, samples] of dropped) editor.countDropped(by, samples);
    return { ...entry, scopeProfiles };
  });
}

function filterProfile(
  profile: Profile,
  filters: readonly SampleFilter[],
  types: StackTypes,
  dropped: Map<string, number>,
): Profile {
  const drop = (by: string, samples: number): void => void dropped.set(by, (dropped.get(by) ?? 0) + samples);
  const samples = [...profile.samples].flatMap((sample): readonly Sample[] => {
    let kept: Sample | undefined = sample;
    for (const { by, keepsStack, keepsObservation } of filters) {
      if (keepsStack?.(types.of(sample.stackIndex)) === false) {
        drop(by, 1);
        return [];
      }
      if (keepsObservation === undefined) continue;
      const before = observationsOf(kept);
      kept = thinned(kept, keepsObservation);
      drop(by, before - (kept === undefined ? 0 : observationsOf(kept)));
      if (kept === undefined) return [];
    }
    return [kept];
  });
  return { ...profile, samples };
}

function observationsOf({ timestampsUnixNano }: Sample): number {
  return Math.max(1, timestampsUnixNano.length);
}

/** The sample with some of its timestamps; `undefined` without any. A sample without timestamps stays or goes as a whole. */
function thinned(sample: Sample, keeps: () => boolean): Sample | undefined {
  const { timestampsUnixNano, values } = sample;
  if (timestampsUnixNano.length === 0) return keeps() ? sample : undefined;
  const kept = timestampsUnixNano.map(() => keeps());
  if (!kept.includes(true)) return undefined;
  return {
    ...sample,
    timestampsUnixNano: timestampsUnixNano.filter((_, index) => kept[index]),
    values: values.filter((_, index) => kept[index]),
  };
}

/** Sets of frame types that the samples have, each once and sorted: all that `keepsStack` of a filter can be asked about. */
export function stackTypesOf({ resourceProfiles, dictionary }: ProfilesData): readonly (readonly string[])[] {
  const types = new StackTypes(dictionary);
  const found = new Map<string, readonly string[]>();
  for (const { scopeProfiles } of resourceProfiles) {
    for (const { profiles } of scopeProfiles) {
      for (const { samples } of profiles) {
        for (const { stackIndex } of samples) {
          const own = types.of(stackIndex);
          const key = keyOfTypes(own);
          if (!found.has(key)) found.set(key, [...own].sort());
        }
      }
    }
  }
  return [...found.values()];
}

/** A text that is equal for equal sets of frame types. */
export function keyOfTypes(types: Iterable<string>): string {
  return JSON.stringify([...types].sort());
}

/** Types of the frames of each stack, found at its first use. */
class StackTypes {
  readonly #dictionary: ProfilesData['dictionary'];
  readonly #stacks: StackColumns;
  /** Of locations. */
  readonly #attributes: IndexLists;
  readonly #byStack = new Map<number, ReadonlySet<string>>();

  constructor(dictionary: ProfilesData['dictionary']) {
    this.#dictionary = dictionary;
    this.#stacks = stackColumnsOf(dictionary.stackTable);
    this.#attributes = locationColumnsOf(dictionary.locationTable).attributes;
  }

  of(stack: number): ReadonlySet<string> {
    const known = this.#byStack.get(stack);
    if (known !== undefined) return known;
    const { lists } = this.#stacks;
    const types = new Set<string>();
    for (let at = lists.start(stack), end = lists.end(stack); at < end; at++)
      types.add(this.#typeOf(lists.indices[at]!));
    this.#byStack.set(stack, types);
    return types;
  }

  #typeOf(location: number): string {
    const { attributeTable, stringTable } = this.#dictionary;
    for (let at = this.#attributes.start(location), end = this.#attributes.end(location); at < end; at++) {
      const { keyStrindex, value } = attributeTable[this.#attributes.indices[at]!]!;
      if (stringTable.at(keyStrindex) === attributeNames.frameType && typeof value === 'string') return value;
    }
    return '';
  }
}
