// Tooltip of the frame under the pointer. Names are untrusted input: only ever set as text, never as HTML.

import { formatPercent, formatValue } from './format.js';

export const classLabels = {
  kernel: 'Kernel',
  native: 'Native',
  managed: 'Managed',
  interpreted: 'Interpreted',
  stub: 'Stub',
  unresolved: 'Unresolved',
};

/**
 * @param {HTMLElement} tip
 * @param {import('./flame-layout.js').Layout} layout
 * @param {number} node
 * @param {any} type profile type of the tree
 */
export function fillTip(tip, layout, node, type) {
  const frame = layout.frames[node];
  const name = node === 0 ? 'All services' : frame.name;
  const place = frame.file === '' ? '' : `${frame.file}${frame.line > 0 ? `:${frame.line}` : ''}`;
  const kind = classLabels[frame.class];
  const parts = [element('div', 'name', name)];
  if (place !== '') parts.push(element('div', 'place', place));
  if (frame.module !== '') parts.push(element('div', 'place', frame.module));
  if (kind !== undefined) {
    const line = element('div', 'kind', '');
    line.append(element('i', `key-${frame.class}`, ''), frame.type === '' ? kind : `${kind}, frame type ${frame.type}`);
    parts.push(line);
  }
  const table = document.createElement('table');
  for (const [label, value] of [
    ['Total', layout.totals[node]],
    ['Self', layout.selfs[node]],
  ]) {
    const row = table.insertRow();
    row.append(element('th', '', label), element('td', '', formatValue(value, type)));
    row.append(element('td', '', formatPercent(value, layout.totals[0])));
  }
  tip.replaceChildren(...parts, table);
}

/** Puts the tip beside the pointer, inside the window. @param {HTMLElement} tip @param {number} x @param {number} y */
export function placeTip(tip, x, y) {
  const { offsetWidth, offsetHeight } = tip;
  const left = x + 14 + offsetWidth > innerWidth - 8 ? x - 14 - offsetWidth : x + 14;
  const top = y + 18 + offsetHeight > innerHeight - 8 ? y - 12 - offsetHeight : y + 18;
  tip.style.transform = `translate(${Math.max(8, left)}px, ${Math.max(8, top)}px)`;
}

/** One sentence for who hears the page. @param {import('./flame-layout.js').Layout} layout @param {number} node @param {any} type */
export function spokenText(layout, node, type) {
  const frame = layout.frames[node];
  const name = node === 0 ? 'All services' : frame.name;
  const kind = classLabels[frame.class] ?? '';
  const share = formatPercent(layout.totals[node], layout.totals[0]);
  return `${name}${kind === '' ? '' : `, ${kind}`}, ${share}, ${formatValue(layout.totals[node], type)}, depth ${layout.depths[node]}`;
}

/** @param {string} tag @param {string} className @param {string} text */
function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  made.textContent = text;
  return made;
}
