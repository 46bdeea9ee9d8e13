import type { FlameFrame, FlameProfileType, FlameTree } from './flame-tree.ts';

/** Frames by identity: everything but the line, of which the lowest known is kept. */
export class FlameFrameTable {
  readonly #indices = new Map<string, number>();
  readonly #frames: FlameFrame[] = [];

  constructor() {
    this.intern(rootFrame);
  }

  get count(): number {
    return this.#frames.length;
  }

  /** Adds or finds a frame. Index 0 is the root's. */
  intern(frame: FlameFrame): number {
    const key = `${frame.class}\0${frame.type}\0${frame.name}\0${frame.module}\0${frame.file}`;
    const index = this.#indices.get(key);
    if (index === undefined) {
      this.#indices.set(key, this.#frames.length);
      return this.#frames.push(frame) - 1;
    }
    const known = this.#frames[index]!.line;
    if (frame.line > 0 && (known === 0 || frame.line < known)) this.#frames[index] = frame;
    return index;
  }

  at(index: number): FlameFrame {
    return this.#frames[index]!;
  }
}

const rootFrame: FlameFrame = { name: '', class: 'root', type: '', module: '', file: '', line: 0 };
const otherFrame: FlameFrame = { ...rootFrame, name: '(other)', class: 'other' };

// While stacks are added, the tree may outgrow its bound by this much before its smallest parts are folded.
const slack = 4;

/**
 * Folds stacks into a tree of at most `maxNodes` nodes. Over the bound, the subtrees with the smallest totals become one
 * `(other)` node below their parent; no value is lost.
 * Invariant: a node's parent has a smaller index.
 */
export class FlameTreeBuilder {
  readonly #type: FlameProfileType;
  readonly #frames: FlameFrameTable;
  readonly #maxNodes: number;
  #parents: number[] = [-1];
  #nodeFrames: number[] = [0];
  #selfValues: number[] = [0];
  // A double holds both exactly: the node in the upper digits, the frame in the lower 32 bits.
  #children = new Map<number, number>();
  #foldedNodes = 0;

  /** `frames` may be shared by several builders. `maxNodes` is at least 2. */
  constructor(type: FlameProfileType, frames: FlameFrameTable, maxNodes: number) {
    this.#type = type;
    this.#frames = frames;
    this.#maxNodes = maxNodes;
  }

  get nodeCount(): number {
    return this.#parents.length;
  }

  /** Adds `value` to the node at the end of a path of frames, root first. */
  addStack(path: readonly number[], value: number): void {
    if (this.nodeCount > this.#maxNodes * slack) this.#fold();
    let node = 0;
    for (const frame of path) node = this.#child(node, frame);
    this.#selfValues[node]! += value;
  }

  /** Adds another tree, or what it holds below one service. */
  addTree(tree: FlameTree, service?: string): void {
    if (this.nodeCount > this.#maxNodes * slack) this.#fold();
    const isWanted = (node: number): boolean => {
      const { class: frameClass, name } = tree.frames[tree.nodeFrames[node]!]!;
      return service === undefined || (frameClass === 'service' && name === service);
    };
    const targets = [0];
    for (let node = 1; node < tree.parents.length; node++) {
      const parent = tree.parents[node]!;
      const target = targets[parent];
      if (target === undefined || (parent === 0 && !isWanted(node))) continue;
      targets[node] = this.#child(target, this.#frames.intern(tree.frames[tree.nodeFrames[node]!]!));
      this.#selfValues[targets[node]!]! += tree.selfValues[node]!;
    }
    if (service === undefined) this.#selfValues[0]! += tree.selfValues[0]!;
    this.#foldedNodes += tree.foldedNodes;
  }

  build(maxNodes: number = this.#maxNodes): FlameTree {
    const isKept = chooseNodes(this.#parents, this.#totals(), maxNodes);
    return this.#emit(isKept);
  }

  #child(node: number, frame: number): number {
    const key = node * 2 ** 32 + frame;
    const known = this.#children.get(key);
    if (known !== undefined) return known;
    const child = this.#parents.push(node) - 1;
    this.#nodeFrames.push(frame);
    this.#selfValues.push(0);
    this.#children.set(key, child);
    return child;
  }

  #totals(): number[] {
    const totals = this.#selfValues.slice();
    for (let node = totals.length - 1; node > 0; node--) totals[this.#parents[node]!]! += totals[node]!;
    return totals;
  }

  /** Copies the kept nodes; what was spent below them in others goes to their `(other)` child. */
  #emit(isKept: Uint8Array): FlameTree {
    const small = new FlameTreeBuilder(this.#type, this.#frames, Infinity);
    const other = this.#frames.intern(otherFrame);
    const targets: number[] = [0];
    let foldedNodes = this.#foldedNodes;
    for (let node = 1; node < this.nodeCount; node++) {
      const target = targets[this.#parents[node]!]!;
      const isFolded = isKept[node] === 0;
      if (isFolded) foldedNodes++;
      const isInOther = small.#nodeFrames[target] === other;
      targets[node] = isInOther ? target : small.#child(target, isFolded ? other : this.#nodeFrames[node]!);
      small.#selfValues[targets[node]!]! += this.#selfValues[node]!;
    }
    small.#selfValues[0] = this.#selfValues[0]!;
    return small.#toTree(foldedNodes);
  }

  #toTree(foldedNodes: number): FlameTree {
    const used = [...new Set(this.#nodeFrames)];
    const positions = new Map(used.map((frame, index) => [frame, index]));
    return {
      type: this.#type,
      frames: used.map((frame) => this.#frames.at(frame)),
      parents: this.#parents,
      nodeFrames: this.#nodeFrames.map((frame) => positions.get(frame)!),
      selfValues: this.#selfValues,
      foldedNodes,
    };
  }

  #fold(): void {
    const tree = this.build();
    this.#parents = [-1];
    this.#nodeFrames = [0];
    this.#selfValues = [0];
    this.#children = new Map();
    this.#foldedNodes = 0;
    this.addTree(tree);
  }
}

/**
 * The largest nodes, as many as fit together with one `(other)` node for each that loses children. A parent is never
 * smaller than its child and stands before it, so that the choice is closed under parents.
 */
function chooseNodes(parents: readonly number[], totals: readonly number[], maxNodes: number): Uint8Array {
  const isKept = new Uint8Array(parents.length);
  if (parents.length <= maxNodes) return isKept.fill(1);
  const missing = new Uint32Array(parents.length);
  for (const parent of parents) if (parent >= 0) missing[parent]!++;
  const order = totals.map((_, node) => node).sort((a, b) => totals[b]! - totals[a]! || a - b);
  let others = 0;
  let best = 1;
  for (const [index, node] of order.entries()) {
    if (missing[node]! > 0) others++;
    const parent = parents[node]!;
    if (parent >= 0 && --missing[parent]! === 0) others--;
    if (index + 1 + others <= maxNodes) best = index + 1;
  }
  for (const node of order.slice(0, best)) isKept[node] = 1;
  return isKept;
}
