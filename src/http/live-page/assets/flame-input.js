// Turns pointer and keys over the flame graph into what they mean.

import { childrenOf } from './flame-layout.js';

/**
 * Connects a canvas with the view that it shows. `onPoint` hears of the node under the pointer (-1 for none) and where
 * the pointer is in the window.
 * @param {HTMLCanvasElement} canvas
 * @param {import('./flame-view.js').FlameView} view
 * @param {(node: number, x: number, y: number) => void} onPoint
 */
export function listen(canvas, view, onPoint) {
  const point = (node, x, y) => {
    view.hover(node);
    onPoint(node, x, y);
  };
  canvas.addEventListener('pointermove', (event) => {
    point(view.nodeAt(event.offsetX, event.offsetY), event.clientX, event.clientY);
  });
  canvas.addEventListener('pointerleave', () => point(-1, 0, 0));
  canvas.addEventListener('click', (event) => {
    const node = view.nodeAt(event.offsetX, event.offsetY);
    if (node < 0) return;
    point(-1, 0, 0);
    view.select(-1);
    view.zoom(node);
  });
  canvas.addEventListener('keydown', (event) => handleKey(event, view));
  canvas.addEventListener('blur', () => view.select(-1));
  canvas.addEventListener('focus', () => canvas.matches(':focus-visible') && view.select(view.focus));
}

/** @param {KeyboardEvent} event @param {import('./flame-view.js').FlameView} view */
function handleKey(event, view) {
  const { layout } = view;
  if (layout === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  const node = view.selected < 0 ? view.focus : view.selected;
  if (event.key === 'Enter') {
    event.preventDefault();
    return view.zoom(node);
  }
  const target = neighbour(layout, node, event.key);
  if (target === undefined) return;
  event.preventDefault();
  if (target < 0) return;
  if (!isInView(layout, view.focus, target)) view.zoom(Math.max(0, layout.parents[target]));
  view.select(target);
}

/** The node that an arrow key leads to: -1 when there is none, `undefined` when the key is not one of ours. */
function neighbour(layout, node, key) {
  const children = childrenOf(layout, node);
  const siblings = node === 0 ? [0] : childrenOf(layout, layout.parents[node]);
  const place = siblings.indexOf(node);
  switch (key) {
    case 'ArrowUp':
      return layout.parents[node];
    case 'ArrowDown':
      return children.reduce((a, b) => (a < 0 || layout.totals[b] > layout.totals[a] ? b : a), -1);
    case 'ArrowLeft':
      return siblings[place - 1] ?? -1;
    case 'ArrowRight':
      return siblings[place + 1] ?? -1;
    case 'Home':
      return 0;
    default:
      return undefined;
  }
}

/** True when a node is the focus, an ancestor of it or a descendant. */
function isInView({ ends }, focus, node) {
  const isBelow = node >= focus && node < ends[focus];
  return isBelow || (node < focus && ends[node] > focus);
}
