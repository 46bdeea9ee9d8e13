import type { ProfilesData, Resource, ResourceProfiles, Sample } from '../../otlp/profiles-data.ts';
import { attributeNames } from '../attribute-names.ts';
import { FrameReader, frameLabel } from '../flame/frame-reader.ts';
import { attributeText } from './attribute-text.ts';
import { isOnCpu, resourceName, typeText } from './select-profiles.ts';

export const groupings = ['service', 'process', 'thread', 'container', 'host', 'executable'] as const;

export type Grouping = (typeof groupings)[number];

/** Stacks of one sample type with their values. */
export interface WeightedStacks {
  /** `type/unit`. */
  readonly type: string;
  /** Nanoseconds that a sample stands for; `undefined` for other types than on-CPU samples, and where periods differ. */
  readonly periodNano: bigint | undefined;
  readonly stacks: readonly WeightedStack[];
  /** Types that were left out, with their samples. */
  readonly otherTypes: ReadonlyMap<string, number>;
}

export interface WeightedStack {
  /** Names of the groups, one for each grouping. */
  readonly groups: readonly string[];
  /** Root first. Equal frames are the same object. */
  readonly frames: readonly StackFrame[];
  readonly value: bigint;
}

export interface StackFrame {
  /** Function, or file and address. */
  readonly name: string;
  readonly file: string;
  /** 0 when unknown. */
  readonly line: number;
  /** `profile.frame.type`; empty when unknown. */
  readonly type: string;
  readonly isInlined: boolean;
}

/**
 * The stacks of one type: on-CPU samples where there are any, else the first type. Equal stacks of a group are one, in the order of
 * their first appearance; those with a value of 0 or less are left out.
 */
export function weightedStacks(data: ProfilesData, groupBy: readonly Grouping[]): WeightedStacks {
  const { stringTable } = data.dictionary;
  const profiles = data.resourceProfiles.flatMap((entry) =>
    entry.scopeProfiles.flatMap((scope) => scope.profiles.map((profile) => ({ entry, profile }))),
  );
  const main = profiles.find(({ profile }) => isOnCpu(profile, stringTable)) ?? profiles[0];
  const type = main === undefined ? '' : typeText(main.profile.sampleType, stringTable);
  const otherTypes = new Map<string, number>();
  const periods = new Set<bigint | undefined>();
  const collector = new StackCollector(data, groupBy);
  for (const { entry, profile } of profiles) {
    const own = typeText(profile.sampleType, stringTable);
    if (own !== type) otherTypes.set(own, (otherTypes.get(own) ?? 0) + profile.samples.length);
    else {
      periods.add(isOnCpu(profile, stringTable) ? profile.period : undefined);
      for (const sample of profile.samples) collector.add(entry, sample);
    }
  }
  const [period, ...others] = periods;
  return { type, periodNano: others.length === 0 ? period : undefined, stacks: collector.stacks(), otherTypes };
}

class StackCollector {
  readonly #groupBy: readonly Grouping[];
  readonly #reader: FrameReader;
  readonly #frames = new Map<string, StackFrame>();
  readonly #framesByStack = new Map<number, readonly StackFrame[]>();
  readonly #stacks = new Map<string, { groups: readonly string[]; frames: readonly StackFrame[]; value: bigint }>();

  constructor(data: ProfilesData, groupBy: readonly Grouping[]) {
    this.#groupBy = groupBy;
    this.#reader = new FrameReader(data.dictionary);
  }

  add(entry: ResourceProfiles, sample: Sample): void {
    const { values, timestampsUnixNano, stackIndex } = sample;
    const count = BigInt(timestampsUnixNano.length || 1);
    const value = values.length > 0 ? values.reduce((sum, each) => sum + each, 0n) : count;
    const groups = this.#groupBy.map((grouping) => this.#groupOf(grouping, entry.resource, sample));
    const key = `${stackIndex} ${JSON.stringify(groups)}`;
    const known = this.#stacks.get(key);
    if (known === undefined) this.#stacks.set(key, { groups, frames: this.#framesOf(stackIndex), value });
    else known.value += value;
  }

  stacks(): WeightedStack[] {
    return [...this.#stacks.values()].filter(({ value }) => value > 0n);
  }

  #framesOf(stackIndex: number): readonly StackFrame[] {
    let frames = this.#framesByStack.get(stackIndex);
    if (frames === undefined) {
      frames = this.#reader
        .stackFrames(stackIndex)
        .reverse()
        .map((frame) => {
          const { filePath: file, frameType: type, isInlined } = frame;
          return this.#frame({ name: frameLabel(frame), file, line: Number(frame.line), type, isInlined });
        });
      this.#framesByStack.set(stackIndex, frames);
    }
    return frames;
  }

  #frame(frame: StackFrame): StackFrame {
    const key = JSON.stringify(frame);
    const known = this.#frames.get(key) ?? frame;
    this.#frames.set(key, known);
    return known;
  }

  #groupOf(grouping: Grouping, resource: Resource, sample: Sample): string {
    const textOf = (name: string): string => {
      return attributeText(resource.attributes.find(({ key }) => key === name)?.value);
    };
    const unknown = `(no ${grouping})`;
    switch (grouping) {
      case 'service':
        return resourceName(resource) || unknown;
      case 'process': {
        const pid = textOf(attributeNames.processPid);
        return `${resourceName(resource) || unknown}${pid === '' ? '' : ` (${pid})`}`;
      }
      case 'thread':
        return this.#threadOf(sample) || unknown;
      case 'container':
        return textOf(attributeNames.containerId) || unknown;
      case 'host':
        return textOf('host.name') || unknown;
      default:
        return textOf(attributeNames.processExecutablePath) || textOf(attributeNames.processExecutableName) || unknown;
    }
  }

  #threadOf({ attributeIndices }: Sample): string {
    const name = this.#reader.attribute(attributeIndices, attributeNames.threadName);
    const id = this.#reader.attribute(attributeIndices, attributeNames.threadId);
    return attributeText(name) || attributeText(id);
  }
}
