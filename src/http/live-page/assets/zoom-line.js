// The line above the flame graph: the path to the zoomed frame, and the shares of the frame classes below it.

import { pathOf, sharesOf } from './flame-layout.js';
import { formatPercent } from './format.js';
import { classLabels } from './tip.js';

/** Buttons that lead back to the callers. @param {HTMLElement} crumbs @param {import('./flame-view.js').FlameView} view */
export function showCrumbs(crumbs, view) {
  const { layout, focus } = view;
  if (layout === undefined) return crumbs.replaceChildren();
  const nodes = pathOf(layout, focus);
  // The nearest callers say where one is; the ones between them and the root would only fill the line.
  const shown = nodes.length > 5 ? [0, -1, ...nodes.slice(-3)] : nodes;
  const parts = shown.map((node) => (node < 0 ? '…' : crumbOf(view, node)));
  crumbs.replaceChildren(...parts.flatMap((part, index) => (index === 0 ? [part] : [' › ', part])));
}

/** Colours with their shares. @param {HTMLElement} legend @param {import('./flame-view.js').FlameView} view */
export function showLegend(legend, { layout, focus }) {
  if (layout === undefined) return legend.replaceChildren();
  const shares = sharesOf(layout, focus);
  const items = Object.entries(classLabels).map(([name, label]) => {
    const [item, key, share] = [document.createElement('li'), document.createElement('i'), document.createElement('b')];
    key.className = `key-${name}`;
    share.textContent = formatPercent(shares[name] ?? 0, layout.totals[focus]);
    item.append(key, label, share);
    return item;
  });
  legend.replaceChildren(...items);
}

function crumbOf(view, node) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = node === 0 ? 'All' : view.layout.frames[node].name;
  button.title = button.textContent;
  if (node === 0) button.className = 'whole';
  if (node === view.focus) button.ariaCurrent = 'true';
  button.addEventListener('click', () => view.zoom(node));
  return button;
}
