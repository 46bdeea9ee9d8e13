// Layout of a flame tree: the position and size of each node. Pure: no page, no canvas.

/**
 * @typedef {{ name: string, class: string, type: string, module: string, file: string, line: number }} Frame
 * @typedef {{ frames: Frame[], parents: number[], nodeFrames: number[], selfValues: number[], foldedNodes: number }} Tree
 *
 * A laid out tree: nodes in the order in which they are drawn, a parent before its children, siblings by name.
 * `start` and `total` are in units of the profile; `end` is the node after the last one of the subtree.
 * @typedef {object} Layout
 * @property {number} size
 * @property {Frame[]} frames frame of each node
 * @property {Int32Array} parents -1 for the root
 * @property {Int32Array} ends
 * @property {Int32Array} depths
 * @property {Float64Array} starts
 * @property {Float64Array} totals
 * @property {Float64Array} selfs
 * @property {number} maxDepth
 */

/**
 * @param {Tree} tree
 * @returns {Layout}
 */
export function layOut(tree) {
  const size = tree.parents.length;
  const totals = Float64Array.from(tree.selfValues);
  /** @type {number[][]} */
  const children = Array.from({ length: size }, () => []);
  for (let node = size - 1; node > 0; node--) {
    const parent = tree.parents[node];
    totals[parent] += totals[node];
    children[parent].push(node);
  }
  const layout = {
    size,
    frames: new Array(size),
    parents: new Int32Array(size),
    ends: new Int32Array(size),
    depths: new Int32Array(size),
    starts: new Float64Array(size),
    totals: new Float64Array(size),
    selfs: new Float64Array(size),
    maxDepth: 0,
  };
  const frameOf = (node) => tree.frames[tree.nodeFrames[node]];
  // By name and not by size: boxes stay where they are from one cycle to the next.
  const rank = (node) => (frameOf(node).class === 'other' ? 1 : 0);
  for (const list of children) {
    list.sort((a, b) => rank(a) - rank(b) || compare(frameOf(a).name, frameOf(b).name) || a - b);
  }
  // A stack of its own: the depth of a profile is the sender's choice.
  const waiting = [{ node: 0, parent: -1, start: 0, depth: 0 }];
  let next = 0;
  while (waiting.length > 0) {
    const { node, parent, start, depth } = waiting.pop();
    const index = next++;
    layout.frames[index] = frameOf(node);
    layout.parents[index] = parent;
    layout.depths[index] = depth;
    layout.starts[index] = start;
    layout.totals[index] = totals[node];
    layout.selfs[index] = tree.selfValues[node];
    layout.maxDepth = Math.max(layout.maxDepth, depth);
    let offset = start + totals[node] - tree.selfValues[node];
    for (const child of children[node].toReversed()) {
      offset -= totals[child];
      waiting.push({ node: child, parent: index, start: offset, depth: depth + 1 });
    }
  }
  for (let index = size - 1; index >= 0; index--) {
    layout.ends[index] = Math.max(layout.ends[index], index + 1);
    const parent = layout.parents[index];
    if (parent >= 0) layout.ends[parent] = Math.max(layout.ends[parent], layout.ends[index]);
  }
  return layout;
}

/** Nodes from the root to this one. */
export function pathOf(/** @type {Layout} */ layout, /** @type {number} */ node) {
  const path = [];
  for (let at = node; at >= 0; at = layout.parents[at]) path.unshift(at);
  return path;
}

/**
 * The node at the end of a path of frames from another layout, or the last one that is still there.
 * @param {Layout} layout
 * @param {Frame[]} frames of the nodes below the root
 */
export function findPath(layout, frames) {
  let node = 0;
  for (const frame of frames) {
    const child = childrenOf(layout, node).find((each) => isSame(layout.frames[each], frame));
    if (child === undefined) break;
    node = child;
  }
  return node;
}

/** @param {Layout} layout @param {number} node */
export function childrenOf(layout, node) {
  const children = [];
  for (let child = node + 1; child < layout.ends[node]; child = layout.ends[child]) children.push(child);
  return children;
}

/**
 * Matching nodes, and their part of the profile in its units; a match below another match is not counted again.
 * @param {Layout} layout
 * @param {(frame: Frame) => boolean} matches
 */
export function search(layout, matches) {
  const known = new Map();
  const isMatch = new Uint8Array(layout.size);
  let total = 0;
  let coveredUntil = 0;
  for (let node = 1; node < layout.size; node++) {
    const frame = layout.frames[node];
    if (!known.has(frame)) known.set(frame, matches(frame));
    if (!known.get(frame)) continue;
    isMatch[node] = 1;
    if (node < coveredUntil) continue;
    total += layout.totals[node];
    coveredUntil = layout.ends[node];
  }
  return { isMatch, total };
}

/** Self values of one node and all below it, summed by frame class, in units of the profile. @param {Layout} layout @param {number} node */
export function sharesOf(layout, node) {
  /** @type {Record<string, number>} */
  const shares = {};
  for (let each = node; each < layout.ends[node]; each++) {
    const { class: frameClass } = layout.frames[each];
    shares[frameClass] = (shares[frameClass] ?? 0) + layout.selfs[each];
  }
  return shares;
}

function isSame(/** @type {Frame} */ a, /** @type {Frame} */ b) {
  return a.name === b.name && a.class === b.class && a.type === b.type && a.module === b.module && a.file === b.file;
}

function compare(/** @type {string} */ a, /** @type {string} */ b) {
  return a < b ? -1 : a > b ? 1 : 0;
}
