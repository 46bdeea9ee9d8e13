// hot

/**
 * Stacks as paths of a tree from the root: a node is a parent and a frame, and stands for the stack that ends there. Node 0 is the empty
 * stack. A node takes 8 bytes and two slots of its hash table.
 * Invariant: a node's parent has a smaller index.
 */
export class StackTrie {
  #parents = new Uint32Array(1024);
  #frames = new Uint32Array(1024);
  /** Nodes by hash of parent and frame; 0 is free. Twice as many slots as nodes have room. */
  #slots = new Uint32Array(2048);
  #count = 1;

  get count(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    return 4 * (this.#parents.length + this.#frames.length + this.#slots.length);
  }

  parentOf(node: number): number {
    return this.#parents[node]!;
  }

  frameOf(node: number): number {
    return this.#frames[node]!;
  }

  /** Finds or adds the child. */
  child(parent: number, frame: number): number {
    const slot = this.#slotOf(parent, frame);
    const known = this.#slots[slot]!;
    if (known !== 0) return known;
    const node = this.#count++;
    this.#parents[node] = parent;
    this.#frames[node] = frame;
    this.#slots[slot] = node;
    if (this.#count === this.#parents.length) this.#grow();
    return node;
  }

  /** `undefined` when there is none. */
  find(parent: number, frame: number): number | undefined {
    return this.#slots[this.#slotOf(parent, frame)] || undefined;
  }

  #slotOf(parent: number, frame: number): number {
    const mask = this.#slots.length - 1;
    let slot = (Math.imul(parent, 0x9e3779b1) ^ Math.imul(frame, 0x85ebca6b)) >>> 0;
    slot = (slot ^ (slot >>> 15)) & mask;
    for (let node = this.#slots[slot]!; node !== 0; node = this.#slots[slot]!) {
      if (this.#parents[node] === parent && this.#frames[node] === frame) break;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #grow(): void {
    const size = 2 * this.#parents.length;
    const parents = new Uint32Array(size);
    const frames = new Uint32Array(size);
    parents.set(this.#parents);
    frames.set(this.#frames);
    this.#parents = parents;
    this.#frames = frames;
    this.#slots = new Uint32Array(2 * size);
    for (let node = 1; node < this.#count; node++) this.#slots[this.#slotOf(parents[node]!, frames[node]!)] = node;
  }
}
