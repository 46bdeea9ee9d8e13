import type { WeightedStacks } from './weighted-stacks.ts';

// Units of the view box; the picture takes the width of the window.
const width = 1200;
const rowHeight = 18;
const fontSize = 11;
const letterWidth = 6.6;
// Narrower boxes cannot be seen; their part of the parent stays empty.
const minBoxWidth = 0.1;
const minLabelWidth = 3 * letterWidth;

interface Node {
  value: bigint;
  readonly name: string;
  readonly type: string;
  readonly children: Map<string, Node>;
}

/**
 * A flame graph as an SVG that needs nothing else, root on top: a box for each frame with its name, share and value to be shown by
 * the pointer. Siblings stand in the order of their names, so that two pictures can be compared. No script is in it.
 */
export function flameSvg(weighted: WeightedStacks, title: string): string {
  const root = treeOf(weighted);
  const boxes: string[] = [];
  const depth = draw(root, boxes, weighted);
  const height = (depth + 2) * rowHeight;
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="100%" font-family="monospace" font-size="${fontSize}" role="img" aria-label="${escaped(title)}">
<rect width="100%" height="100%" fill="#fff"/>
<text x="${width / 2}" y="${rowHeight - 5}" text-anchor="middle">${escaped(title)}</text>
${boxes.join('\n')}
</svg>
`;
}

function treeOf({ stacks }: WeightedStacks): Node {
  const root: Node = { value: 0n, name: 'all', type: '', children: new Map() };
  for (const { groups, frames, value } of stacks) {
    let node = root;
    node.value += value;
    for (const { name, type } of [...groups.map((group) => ({ name: group, type: 'group' })), ...frames]) {
      const key = `${type} ${name}`;
      let child = node.children.get(key);
      if (child === undefined) {
        child = { value: 0n, name, type, children: new Map() };
        node.children.set(key, child);
      }
      child.value += value;
      node = child;
    }
  }
  return root;
}

/** Writes the boxes; returns the number of rows. A stack can be deeper than the one of a recursive function. */
function draw(root: Node, boxes: string[], { type, periodNano }: WeightedStacks): number {
  const total = Number(root.value);
  let rows = 0;
  const open = [{ node: root, x: 0, row: 1 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, x, row } = next;
    const boxWidth = total === 0 ? width : (Number(node.value) / total) * width;
    if (boxWidth < minBoxWidth) continue;
    rows = Math.max(rows, row);
    const share = total === 0 ? '' : ` (${((Number(node.value) * 100) / total).toFixed(2)} %)`;
    const time = periodNano === undefined ? '' : `, ${(Number(node.value * periodNano) / 1e9).toFixed(3)} s`;
    const tip = `${node.name}: ${node.value.toLocaleString('en-US')} ${type}${time}${share}`;
    boxes.push(boxText(node, { x, y: row * rowHeight, boxWidth }, tip));
    let childX = x;
    for (const child of [...node.children.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      open.push({ node: child, x: childX, row: row + 1 });
      childX += (Number(child.value) / total) * width;
    }
  }
  return rows;
}

function boxText(
  { name, type }: Node,
  { x, y, boxWidth }: { readonly x: number; readonly y: number; readonly boxWidth: number },
  tip: string,
): string {
  const letters = Math.floor((boxWidth - 4) / letterWidth);
  const shown = name.length <= letters ? name : `${[...name].slice(0, Math.max(0, letters - 1)).join('')}…`;
  const label =
    boxWidth < minLabelWidth ? '' : `<text x="${(x + 2).toFixed(1)}" y="${y + rowHeight - 5}">${escaped(shown)}</text>`;
  const rect = `<rect x="${x.toFixed(1)}" y="${y}" width="${Math.max(minBoxWidth, boxWidth - 0.5).toFixed(1)}" height="${rowHeight - 1}" fill="${fills[type] ?? fills['']}"/>`;
  return `<g><title>${escaped(tip)}</title>${rect}${label}</g>`;
}

/** By frame type, light enough for black letters (contrast of 7:1 or more). */
const fills: Readonly<Record<string, string>> = {
  '': '#d9d9d9',
  group: '#e8e8e8',
  native: '#f4c07a',
  kernel: '#f0a8a0',
  go: '#9fd8e8',
  rust: '#e5b99a',
  cpython: '#a9c8f0',
  v8js: '#c9e29a',
  jvm: '#b9e2c0',
  dotnet: '#d3bdf0',
  php: '#c5c5ee',
  ruby: '#f2b3bd',
  perl: '#c7dbe3',
  beam: '#e3bfd9',
  luajit: '#b5c9f2',
};

function escaped(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: XML has no form for these.
  const printable = text.replace(/[\u0000-\u001f\u007f-\u009f\ufffe\uffff]/g, '\ufffd').toWellFormed();
  return printable.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
