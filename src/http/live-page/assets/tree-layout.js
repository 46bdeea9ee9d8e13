// Position and size of each box of a tree. Pure: no page, no canvas.

import { shortName } from './dom.js';

/**
 * Laid out tree: nodes in the order in which they are drawn, a parent before its children, siblings by name so that boxes stay where they
 * are from one cycle to the next. What was folded below a node is one more child of it, at the end.
 * `starts` and `widths` are in units of the profile; `ends` is the node after the last one of a subtree.
 * @typedef {{ size: number, parents: Int32Array, depths: Uint16Array, starts: Float64Array, widths: Float64Array, ends: Int32Array,
 *   totals: Float64Array, selfs: Float64Array, baseTotals: Float64Array, baseSelfs: Float64Array, frames: Int32Array,
 *   foldedCounts: Uint32Array, depth: number, root: number, columns: any, isDiff: boolean, baseScale: number }} Layout
 */

/** @param {any} tree answer of `tree` or `diff` @param {number} [baseScale] @returns {Layout} */
export function layOut(tree, baseScale = 1) {
  const count = tree.parents.length;
  const size = count + tree.folded.length;
  const isDiff = tree.baseTotals !== undefined;
  const children = childLists(tree);
  const folded = new Map(tree.folded.map((entry) => [entry[0], entry]));
  const layout = {
    size,
    ...numbers(size),
    columns: tree.frames,
    depth: 0,
    root: 0,
    isDiff,
    baseScale,
  };
  const open = [0];
  const places = new Int32Array(count).fill(-1);
  const cursors = new Float64Array(size);
  let place = 0;
  const put = (parent, start, total, self, base, baseSelf) => {
    layout.parents[place] = parent;
    layout.depths[place] = parent < 0 ? 0 : layout.depths[parent] + 1;
    layout.depth = Math.max(layout.depth, layout.depths[place]);
    layout.starts[place] = start;
    layout.totals[place] = total;
    layout.selfs[place] = self;
    layout.baseTotals[place] = base;
    layout.baseSelfs[place] = baseSelf;
    layout.widths[place] = total + baseScale * base;
    cursors[place] = start;
    return place++;
  };
  while (open.length > 0) {
    const node = open.pop();
    if (node < 0) {
      const [owner, number, value, baseValue] = folded.get(-1 - node);
      const parent = places[owner];
      const own = put(parent, cursors[parent], value, 0, baseValue, 0);
      layout.frames[own] = -1;
      layout.foldedCounts[own] = number;
      continue;
    }
    const parent = node === 0 ? -1 : places[tree.parents[node]];
    const base = isDiff ? tree.baseTotals[node] : 0;
    const own = put(
      parent,
      parent < 0 ? 0 : cursors[parent],
      tree.totals[node],
      tree.selfs[node],
      base,
      isDiff ? tree.baseSelfs[node] : 0,
    );
    if (parent >= 0) cursors[parent] += layout.widths[own];
    places[node] = own;
    layout.frames[own] = tree.nodeFrames[node];
    if (node === (tree.root ?? 0)) layout.root = own;
    if (folded.has(node)) open.push(-1 - node);
    for (const child of children[node].reverse()) open.push(child);
  }
  for (let node = size - 1; node >= 0; node--) {
    layout.ends[node] = Math.max(layout.ends[node], node + 1);
    const parent = layout.parents[node];
    if (parent >= 0) layout.ends[parent] = Math.max(layout.ends[parent], layout.ends[node]);
  }
  return layout;
}

function numbers(size) {
  return {
    parents: new Int32Array(size),
    depths: new Uint16Array(size),
    starts: new Float64Array(size),
    widths: new Float64Array(size),
    ends: new Int32Array(size),
    totals: new Float64Array(size),
    selfs: new Float64Array(size),
    baseTotals: new Float64Array(size),
    baseSelfs: new Float64Array(size),
    frames: new Int32Array(size),
    foldedCounts: new Uint32Array(size),
  };
}

function childLists({ parents, nodeFrames, frames }) {
  // Ranks of names, so that siblings are compared by number.
  const order = [...frames.name.keys()].sort(
    (a, b) => compare(frames.name[a], frames.name[b]) || compare(frames.key[a], frames.key[b]),
  );
  const ranks = new Int32Array(order.length);
  for (const [rank, frame] of order.entries()) ranks[frame] = rank;
  const children = parents.map(() => []);
  for (const [node, parent] of parents.entries()) if (parent >= 0) children[parent].push(node);
  for (const list of children) list.sort((a, b) => ranks[nodeFrames[a]] - ranks[nodeFrames[b]]);
  return children;
}

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** @param {Layout} layout @param {number} node */
export function childrenOf({ ends, size }, node) {
  const children = [];
  for (let child = node + 1; child < Math.min(size, ends[node]); child = ends[child]) children.push(child);
  return children;
}

/** Nodes from the root to a node. @param {Layout} layout @param {number} node */
export function pathOf({ parents }, node) {
  const path = [];
  for (let each = node; each >= 0; each = parents[each]) path.unshift(each);
  return path;
}

/** Path of a node as the service reads it; that of a folded part is its caller's. @param {Layout} layout @param {number} node */
export function pathText(layout, node) {
  const nodes = pathOf(layout, node).slice(1);
  return nodes
    .filter((each) => layout.frames[each] >= 0)
    .map((each) => layout.columns.key[layout.frames[each]])
    .join('.');
}

/** The node of a path, or -1. @param {Layout} layout @param {string} text as `pathText` */
export function nodeOfPath(layout, text) {
  let node = 0;
  for (const key of text === '' ? [] : text.split('.')) {
    node = childrenOf(layout, node).find(
      (child) => layout.frames[child] >= 0 && layout.columns.key[layout.frames[child]] === key,
    );
    if (node === undefined) return -1;
  }
  return node;
}

/** @param {Layout} layout @param {number} node */
export function isFolded({ frames }, node) {
  return frames[node] < 0;
}

/** @param {Layout} layout @param {number} node */
export function nameOf(layout, node) {
  if (isFolded(layout, node)) return `${layout.foldedCounts[node].toLocaleString('en')} smaller`;
  return node === 0 ? 'all' : shortName(layout.columns.name[layout.frames[node]]);
}

/** @param {Layout} layout @param {number} node */
export function classOf({ columns, frames }, node) {
  return frames[node] < 0 ? 'folded' : columns.class[frames[node]];
}

/** The frame of a node, for words about it; `undefined` for a folded part. @param {Layout} layout @param {number} node */
export function frameOf({ columns, frames }, node) {
  const frame = frames[node];
  if (frame < 0) return undefined;
  return Object.fromEntries(
    ['key', 'name', 'class', 'type', 'module', 'file', 'line'].map((key) => [key, columns[key][frame]]),
  );
}

/** Finds a text in names, files and modules, as the service does. @param {string} text */
function matcherOf(text) {
  const isExact = text !== text.toLowerCase();
  return (each) => (isExact ? each : each.toLowerCase()).includes(text);
}

/**
 * Nodes with a text, each function once in `functions` by weight, and the value of all stacks with a hit.
 * @param {Layout} layout @param {string} text
 */
export function search(layout, text) {
  const { columns, frames, totals, ends, size } = layout;
  const has = matcherOf(text);
  const isHit = columns.name.map(
    (name, frame) => name !== '' && (has(name) || has(columns.file[frame]) || has(columns.module[frame])),
  );
  const isMatch = new Uint8Array(size);
  const nodes = [];
  const byFrame = new Map();
  let total = 0;
  let coveredTo = 0;
  for (let node = 1; node < size; node++) {
    const frame = frames[node];
    if (frame < 0 || !isHit[frame]) continue;
    isMatch[node] = 1;
    nodes.push(node);
    if (node >= coveredTo) {
      total += totals[node];
      coveredTo = ends[node];
    }
    const own = byFrame.get(frame) ?? { value: 0, coveredTo: 0 };
    if (node >= own.coveredTo) byFrame.set(frame, { value: own.value + totals[node], coveredTo: ends[node] });
  }
  const functions = [...byFrame].map(([frame, { value }]) => [frame, value]).sort((a, b) => b[1] - a[1]);
  return { isMatch, nodes, functions, total };
}
