// Turns pointer, touch and keys over the flame graph into what they mean.

import { childrenOf } from './tree-layout.js';

/**
 * Connects a canvas with its view. `onPoint` hears of the node under the pointer, -1 for none; `onSelect` and `onZoom` of chosen ones.
 * A mouse zooms with a click; a finger selects with a tap and zooms with a second one.
 */
export function listenToFlame(canvas, view, { onPoint, onSelect, onZoom }) {
  canvas.addEventListener('pointermove', (event) => {
    if (event.pointerType !== 'touch') onPoint(view.nodeAt(event.offsetX, event.offsetY), event.clientX, event.clientY);
  });
  canvas.addEventListener('pointerleave', () => onPoint(-1, 0, 0));
  canvas.addEventListener('click', (event) => {
    const node = view.nodeAt(event.offsetX, event.offsetY);
    if (node < 0) return;
    onPoint(-1, 0, 0);
    const isTap = event.pointerType === 'touch';
    if (isTap && view.selected !== node) onSelect(node);
    else onZoom(node);
  });
  canvas.addEventListener('keydown', (event) => {
    const { layout } = view;
    if (layout === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const node = view.selected < 0 ? view.focus : view.selected;
    const target = event.key === 'Enter' || event.key === ' ' ? node : neighbour(layout, node, event.key);
    if (target === undefined) return;
    event.preventDefault();
    if (event.key === 'Enter' || event.key === ' ') onZoom(node);
    else if (target >= 0) {
      if (view.boxOf(target) === undefined && !isNear(layout, view.focus, target))
        view.focusOn(Math.max(0, layout.parents[target]));
      onSelect(target);
    }
  });
}

/** The node that an arrow key leads to: -1 when there is none, `undefined` when the key is not one of ours. */
function neighbour(layout, node, key) {
  const siblings = node === 0 ? [0] : childrenOf(layout, layout.parents[node]);
  const place = siblings.indexOf(node);
  switch (key) {
    case 'ArrowUp':
      return layout.parents[node];
    case 'ArrowDown':
      return childrenOf(layout, node).reduce((a, b) => (a < 0 || layout.widths[b] > layout.widths[a] ? b : a), -1);
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

/** True for the focus, its ancestors, and what is below it. */
function isNear({ ends }, focus, node) {
  return (node >= focus && node < ends[focus]) || (node < focus && ends[node] > focus);
}
