// hot

import type { HistoryDictionary, LabelField, LabelSet } from './history-dictionary.ts';
import { labelFields } from './history-dictionary.ts';
import type { HistoryFrame, HistoryType } from './history-frame.ts';
import { typeKeyOf } from './history-frame.ts';
import type { HistoryBucket, HistoryContents } from './profile-history.ts';
import type { WorkSlices } from './work-slices.ts';
import { breath } from './work-slices.ts';

/** The part of the history that is wanted. */
export interface HistorySelection {
  /** `typeKeyOf` a type, `cpu`, or empty for the first on-CPU type, else the first. */
  readonly type: string;
  readonly fromUnixMs: number;
  readonly toUnixMs: number;
  /** Texts that label sets have; `process` is a process ID. */
  readonly labels: Partial<LabelSet>;
  /** Text that some frame of the stack has in its name, file or module, in any case; empty for all stacks. */
  readonly match: string;
  /** Type of the leaf frame; empty for all. */
  readonly frameType: string;
}

export const historyGroupings = [...labelFields, 'frame_type', 'none'] as const;

export type HistoryGrouping = (typeof historyGroupings)[number];

/** Buckets of a range of time: the range is theirs. */
export interface SelectedBuckets {
  readonly buckets: readonly HistoryBucket[];
  readonly startUnixMs: number;
  readonly endUnixMs: number;
  /** Length of the buckets together; shorter than the range where there are gaps. */
  readonly coveredMs: number;
}

/** Values by group and stack. */
export interface GroupedStacks {
  /** By group × 2^32 + stack. */
  readonly values: ReadonlyMap<number, number>;
  readonly total: number;
}

/** Buckets of which at least half is in the range; those that touch it where there are none. */
export function selectBuckets(
  { buckets }: HistoryContents,
  { fromUnixMs, toUnixMs }: Pick<HistorySelection, 'fromUnixMs' | 'toUnixMs'>,
): SelectedBuckets {
  const isIn = ({ startUnixMs, endUnixMs }: HistoryBucket): boolean => {
    const middle = (startUnixMs + endUnixMs) / 2;
    return middle > fromUnixMs && middle <= toUnixMs;
  };
  const touches = ({ startUnixMs, endUnixMs }: HistoryBucket): boolean => {
    return endUnixMs > fromUnixMs && startUnixMs < toUnixMs;
  };
  let chosen = buckets.filter(isIn);
  if (chosen.length === 0) chosen = buckets.filter(touches);
  return {
    buckets: chosen,
    startUnixMs: chosen[0]?.startUnixMs ?? fromUnixMs,
    endUnixMs: chosen.at(-1)?.endUnixMs ?? toUnixMs,
    coveredMs: chosen.reduce((sum, bucket) => sum + bucket.endUnixMs - bucket.startUnixMs, 0),
  };
}

/** Index of the wanted type; -1 when the history has none such. */
export function typeIndexOf(types: readonly HistoryType[], wanted: string): number {
  if (wanted !== '' && wanted !== 'cpu') {
    return types.findIndex((type) => typeKeyOf(type) === wanted || type.sampleType === wanted);
  }
  const isCpu = ({ sampleType, periodType }: HistoryType): boolean => sampleType === 'cpu' || periodType === 'cpu';
  const cpu = types.findIndex(isCpu);
  return cpu >= 0 || wanted === 'cpu' ? cpu : Math.min(0, types.length - 1);
}

/** Adds the selected values up by stack and group. */
export async function groupStacks(
  { dictionary, types }: HistoryContents,
  { buckets }: SelectedBuckets,
  selection: HistorySelection,
  groups: Groups,
  slices: WorkSlices,
): Promise<GroupedStacks> {
  const type = typeIndexOf(types, selection.type);
  const isWanted = new WantedPairs(dictionary, selection);
  await isWanted.prepare(slices);
  const values = new Map<number, number>();
  let total = 0;
  let steps = 0;
  for (const { columns } of buckets) {
    const own = columns.get(type);
    for (let pair = 0; pair < (own?.count ?? 0); pair++) {
      if (++steps % breath === 0) await slices.breathe();
      const [stack, labelSet, value] = [own!.stackAt(pair), own!.labelSetAt(pair), own!.valueAt(pair)];
      if (!isWanted.has(stack, labelSet)) continue;
      const key = groups.of(stack, labelSet) * 2 ** 32 + stack;
      values.set(key, (values.get(key) ?? 0) + value);
      total += value;
    }
  }
  return { values, total };
}

/** Says which pairs are selected; each label set and stack is judged once. */
export class WantedPairs {
  readonly #dictionary: HistoryDictionary;
  readonly #selection: HistorySelection;
  readonly #labels: readonly [LabelField, string][];
  /** By label set: 1 wanted, 2 not. */
  readonly #labelSets: Uint8Array;
  /** By stack: 1 when a frame matches. Empty without a text to match. */
  #stacks = new Uint8Array(0);

  constructor(dictionary: HistoryDictionary, selection: HistorySelection) {
    this.#dictionary = dictionary;
    this.#selection = selection;
    this.#labels = Object.entries(selection.labels) as [LabelField, string][];
    this.#labelSets = new Uint8Array(dictionary.labelSetCount);
  }

  async prepare(slices: WorkSlices): Promise<void> {
    if (this.#selection.match === '') return;
    const { stacks, frameCount } = this.#dictionary;
    const matches = matcherOf(this.#selection.match);
    const isMatch = new Uint8Array(frameCount);
    for (let frame = 0; frame < frameCount; frame++) {
      if (frame % breath === 0) await slices.breathe();
      if (matches(this.#dictionary.frameAt(frame))) isMatch[frame] = 1;
    }
    const { count } = stacks;
    const found = new Uint8Array(count);
    for (let node = 1; node < count; node++) {
      if (node % breath === 0) await slices.breathe();
      found[node] = found[stacks.parentOf(node)]! | isMatch[stacks.frameOf(node)]!;
    }
    this.#stacks = found;
  }

  has(stack: number, labelSet: number): boolean {
    let known = this.#labelSets[labelSet];
    if (known === 0) {
      const own = this.#dictionary.labelSetAt(labelSet);
      known = this.#labels.every(([field, text]) => own[field] === text) ? 1 : 2;
      this.#labelSets[labelSet] = known;
    }
    if (known !== 1) return false;
    if (this.#selection.match !== '' && this.#stacks[stack] !== 1) return false;
    return this.#selection.frameType === '' || leafType(this.#dictionary, stack) === this.#selection.frameType;
  }
}

/** Finds a text in the name, file or module of a frame: as it stands where it has a capital letter, else in any case. */
export function matcherOf(text: string): (frame: HistoryFrame) => boolean {
  const isExact = text !== text.toLowerCase();
  const has = (each: string): boolean => (isExact ? each : each.toLowerCase()).includes(text);
  return ({ name, file, module, class: frameClass }) =>
    frameClass !== 'root' && (has(name) || has(file) || has(module));
}

/** Groups of label sets, or of leaf frames by type. */
export class Groups {
  readonly #dictionary: HistoryDictionary;
  readonly #grouping: HistoryGrouping | 'label_set';
  readonly #indices = new Map<string, number>();
  readonly #byLabelSet: number[] = [];
  readonly names: string[] = [];

  constructor(dictionary: HistoryDictionary, grouping: HistoryGrouping | 'label_set') {
    this.#dictionary = dictionary;
    this.#grouping = grouping;
    if (grouping === 'none') this.names.push('');
  }

  of(stack: number, labelSet: number): number {
    switch (this.#grouping) {
      case 'none':
        return 0;
      case 'label_set':
        return labelSet;
      case 'frame_type':
        return this.#index(leafType(this.#dictionary, stack) || 'unknown');
      default: {
        let group = this.#byLabelSet[labelSet];
        if (group === undefined) {
          group = this.#index(groupName(this.#dictionary.labelSetAt(labelSet), this.#grouping));
          this.#byLabelSet[labelSet] = group;
        }
        return group;
      }
    }
  }

  #index(name: string): number {
    const known = this.#indices.get(name);
    if (known !== undefined) return known;
    this.#indices.set(name, this.names.length);
    return this.names.push(name) - 1;
  }
}

/** Name of the group of a label set. A process is called by its service and its ID. */
function groupName(labels: LabelSet, field: LabelField): string {
  if (field === 'process') return labels.process === '' ? '(no process ID)' : `${labels.service} (${labels.process})`;
  return labels[field] || `(no ${field})`;
}

function leafType(dictionary: HistoryDictionary, stack: number): string {
  return dictionary.frameAt(dictionary.stacks.frameOf(stack)).type;
}
