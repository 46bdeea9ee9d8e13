// hot

import type { HistoryDictionary } from './history-dictionary.ts';
import { groupKey } from './history-dictionary.ts';
import type { HistoryFrame } from './history-frame.ts';
import { pseudoFrame } from './history-frame.ts';
import type { WorkSlices } from './work-slices.ts';
import { breath } from './work-slices.ts';

/** Frames of an answer, by columns. */
export interface TreeColumns {
  readonly key: string[];
  readonly name: string[];
  readonly class: string[];
  readonly type: string[];
  readonly module: string[];
  readonly file: string[];
  readonly line: number[];
}

/**
 * Tree of an answer: columns of nodes, a parent before its children. Node 0 is the root. Totals count the node and all below; the self
 * value of a node is that of its own frame.
 */
export interface TreeAnswer {
  /** -1 for the root. */
  readonly parents: number[];
  /** Indices of `frames`. */
  readonly nodeFrames: number[];
  readonly totals: number[];
  readonly selfs: number[];
  /** The same of the baseline of a comparison. */
  readonly baseTotals?: number[];
  readonly baseSelfs?: number[];
  /** Nodes that have children too small to be here: node, number of nodes left out, their value, and that of the baseline. */
  readonly folded: (readonly [node: number, count: number, value: number, baseValue: number])[];
  readonly frames: TreeColumns;
}

/** The bounds of an answer. */
export interface TreeBounds {
  readonly maxNodes: number;
  /** Levels below the root of the view. */
  readonly maxDepth: number;
  /** Smallest part of the view's root that has a node. */
  readonly minShare: number;
}

// A tree of an hour of a busy node has some million nodes of 40 bytes.
const maxWorkNodes = 2_000_000;

/** Reference to a frame of the dictionary, or below zero to a group: -1 - index. */
type FrameReference = number;

export function groupReference(group: number): FrameReference {
  return -1 - group;
}

/**
 * ValueTree grows node by node, with the values of one selection or of two, and is cut for an answer. Beyond two million nodes values
 * stay with the last caller that has a node, as values that have no node.
 */
export class ValueTree {
  readonly #dictionary: HistoryDictionary;
  readonly #parents: number[] = [-1];
  readonly #frames: FrameReference[] = [0];
  readonly #selfs: number[] = [0];
  readonly #baseSelfs: number[] | undefined;
  /** Values of nodes that found no room, by the caller's node. */
  readonly #crowded = new Map<number, { count: number; value: number; baseValue: number }>();
  readonly #children = new Map<number, number>();

  constructor(dictionary: HistoryDictionary, hasBase: boolean) {
    this.#dictionary = dictionary;
    this.#baseSelfs = hasBase ? [0] : undefined;
  }

  get isFull(): boolean {
    return this.#parents.length >= maxWorkNodes;
  }

  /** Adds a node that the tree does not have yet. */
  add(parent: number, frame: FrameReference): number {
    this.#frames.push(frame);
    this.#selfs.push(0);
    this.#baseSelfs?.push(0);
    return this.#parents.push(parent) - 1;
  }

  /** Finds or adds a child, a frame of the dictionary; the parent itself when the tree is full. */
  child(parent: number, frame: number): number {
    const key = parent * 2 ** 32 + frame;
    const known = this.#children.get(key);
    if (known !== undefined) return known;
    if (this.isFull) return parent;
    const node = this.add(parent, frame);
    this.#children.set(key, node);
    return node;
  }

  addValue(node: number, value: number, baseValue: number): void {
    this.#selfs[node]! += value;
    if (this.#baseSelfs !== undefined) this.#baseSelfs[node]! += baseValue;
  }

  /** Adds the value of a node for which there is no room. */
  addCrowded(node: number, value: number, baseValue: number): void {
    const entry = this.#crowded.get(node) ?? { count: 0, value: 0, baseValue: 0 };
    entry.count += 1;
    entry.value += value;
    entry.baseValue += baseValue;
    this.#crowded.set(node, entry);
  }

  /**
   * The largest nodes below `root` and its ancestors. `rootTotals` are totals of the ancestors, root first, where the tree has only
   * the part below `root`; `baseScale` makes values of the baseline comparable.
   */
  async cut(
    root: number,
    bounds: TreeBounds,
    groups: GroupNames,
    slices: WorkSlices,
    baseScale = 1,
  ): Promise<TreeAnswer> {
    const totals = await this.#totals(this.#selfs, ({ value }) => value, slices);
    const baseTotals = this.#baseSelfs && (await this.#totals(this.#baseSelfs, ({ baseValue }) => baseValue, slices));
    const weights =
      baseTotals === undefined ? totals : totals.map((total, node) => total + baseScale * baseTotals[node]!);
    const isKept = await this.#choose(root, weights, bounds, slices);
    const columns = new AnswerColumns(this.#dictionary, groups, baseTotals !== undefined);
    const places = new Int32Array(this.#parents.length);
    const folded = new Map<number, [number, number, number]>();
    const fold = (place: number, count: number, value: number, baseValue: number): void => {
      const entry = folded.get(place) ?? [0, 0, 0];
      folded.set(place, [entry[0] + count, entry[1] + value, entry[2] + baseValue]);
    };
    for (let node = 0; node < this.#parents.length; node++) {
      if (node % breath === 0) await slices.breathe();
      const parent = this.#parents[node]!;
      const parentPlace = parent < 0 ? -1 : places[parent]!;
      if (isKept[node] === 1) {
        places[node] = columns.add(parentPlace, this.#frames[node]!, totals[node]!, this.#selfs[node]!);
        if (baseTotals !== undefined) columns.addBase(baseTotals[node]!, this.#baseSelfs![node]!);
        const crowded = this.#crowded.get(node);
        if (crowded !== undefined) fold(places[node]!, crowded.count, crowded.value, crowded.baseValue);
      } else {
        places[node] = parentPlace;
        const isTop = isKept[parent] === 1;
        fold(parentPlace, 1, isTop ? totals[node]! : 0, isTop ? (baseTotals?.[node] ?? 0) : 0);
      }
    }
    return columns.answer([...folded].map(([node, [count, value, base]]) => [node, count, value, base] as const));
  }

  async #totals(
    selfs: readonly number[],
    crowdedValue: (entry: { value: number; baseValue: number }) => number,
    slices: WorkSlices,
  ): Promise<number[]> {
    const totals = selfs.slice();
    for (const [node, entry] of this.#crowded) totals[node]! += crowdedValue(entry);
    for (let node = totals.length - 1; node > 0; node--) {
      if (node % breath === 0) await slices.breathe();
      totals[this.#parents[node]!]! += totals[node]!;
    }
    return totals;
  }

  /** A parent is never smaller than its child and stands before it, so that the choice is closed under parents. */
  async #choose(root: number, weights: readonly number[], bounds: TreeBounds, slices: WorkSlices): Promise<Uint8Array> {
    const isKept = new Uint8Array(weights.length);
    const depths = new Uint16Array(weights.length);
    const least = weights[root]! * bounds.minShare;
    const candidates: number[] = [];
    for (let node = 0; node < weights.length; node++) {
      if (node % breath === 0) await slices.breathe();
      if (node <= root) isKept[node] = 1;
      else {
        depths[node] = Math.min(0xffff, depths[this.#parents[node]!]! + 1);
        if (weights[node]! >= least && depths[node]! <= bounds.maxDepth) candidates.push(node);
      }
    }
    if (candidates.length > bounds.maxNodes) candidates.sort((a, b) => weights[b]! - weights[a]! || a - b);
    for (const node of candidates.slice(0, bounds.maxNodes)) isKept[node] = 1;
    return isKept;
  }
}

/** Names of groups at the root of a tree. */
export interface GroupNames {
  readonly grouping: string;
  readonly names: readonly string[];
}

class AnswerColumns {
  readonly #dictionary: HistoryDictionary;
  readonly #groups: GroupNames;
  readonly #parents: number[] = [];
  readonly #nodeFrames: number[] = [];
  readonly #totals: number[] = [];
  readonly #selfs: number[] = [];
  readonly #baseTotals: number[] | undefined;
  readonly #baseSelfs: number[] | undefined;
  readonly #frames: FrameList;
  readonly #places = new Map<FrameReference, number>();

  constructor(dictionary: HistoryDictionary, groups: GroupNames, hasBase: boolean) {
    this.#dictionary = dictionary;
    this.#groups = groups;
    this.#frames = new FrameList();
    this.#baseTotals = hasBase ? [] : undefined;
    this.#baseSelfs = hasBase ? [] : undefined;
  }

  add(parent: number, frame: FrameReference, total: number, self: number): number {
    this.#parents.push(parent);
    this.#nodeFrames.push(this.#frame(frame));
    this.#totals.push(total);
    return this.#selfs.push(self) - 1;
  }

  addBase(total: number, self: number): void {
    this.#baseTotals!.push(total);
    this.#baseSelfs!.push(self);
  }

  answer(folded: TreeAnswer['folded']): TreeAnswer {
    return {
      parents: this.#parents,
      nodeFrames: this.#nodeFrames,
      totals: this.#totals,
      selfs: this.#selfs,
      ...(this.#baseTotals && this.#baseSelfs && { baseTotals: this.#baseTotals, baseSelfs: this.#baseSelfs }),
      folded,
      frames: this.#frames.columns,
    };
  }

  #frame(reference: FrameReference): number {
    const known = this.#places.get(reference);
    if (known !== undefined) return known;
    const place =
      reference < 0
        ? this.#addGroup(this.#groups.names[-1 - reference]!)
        : this.#frames.add(this.#dictionary.frameKey(reference), this.#dictionary.frameAt(reference));
    this.#places.set(reference, place);
    return place;
  }

  #addGroup(name: string): number {
    const frameClass = this.#groups.grouping === 'service' ? 'service' : 'group';
    return this.#frames.add(groupKey(this.#groups.grouping, name), pseudoFrame(name, frameClass));
  }
}

/** Frames of an answer while they are added. */
export class FrameList {
  readonly columns: TreeColumns = { key: [], name: [], class: [], type: [], module: [], file: [], line: [] };

  add(key: string, frame: HistoryFrame): number {
    const { columns } = this;
    columns.name.push(frame.name);
    columns.class.push(frame.class);
    columns.type.push(frame.type);
    columns.module.push(frame.module);
    columns.file.push(frame.file);
    columns.line.push(frame.line);
    return columns.key.push(key) - 1;
  }
}
