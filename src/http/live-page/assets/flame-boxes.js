// The visible boxes of a laid out tree, with their positions in pixels.

export const rowPx = 20;
// A box below one pixel still tints it; below this, nobody would see.
const minBoxPx = 0.12;

/**
 * Calls `box` for every node that is wide enough to be seen and in the scrolled part, in drawing order. `from` and `to`
 * are the part of the profile that fills `width`; all other numbers are pixels.
 * @param {import('./flame-layout.js').Layout} layout
 * @param {{ from: number, to: number, width: number, height: number, scrollTop: number }} window
 * @param {(node: number, x: number, width: number, y: number) => void} box
 */
export function visitBoxes(layout, { from, to, width, height, scrollTop }, box) {
  if (!(to > from)) return;
  const scale = width / (to - from);
  const lastDepth = Math.ceil((scrollTop + height) / rowPx);
  for (let node = 0; node < layout.size; ) {
    const left = Math.max(0, (layout.starts[node] - from) * scale);
    const right = Math.min(width, (layout.starts[node] + layout.totals[node] - from) * scale);
    if (right - left < minBoxPx || layout.depths[node] > lastDepth) {
      node = layout.ends[node];
      continue;
    }
    const y = layout.depths[node] * rowPx - scrollTop;
    if (y > -rowPx) box(node, left, right - left, y);
    node++;
  }
}

/** A name as far as so many letters show it; empty when too few would be left. @param {string} text @param {number} room */
export function fitText(text, room) {
  const count = Math.floor(room);
  if (text.length <= count) return text;
  return count < 3 ? '' : `${text.slice(0, count - 1)}…`;
}
