// Words about a node: the tip beside the pointer, the line of the selected box, and what is said to who hears the page.

import { changeText, kinds } from './colours.js';
import { h, keyOf, shortName } from './dom.js';
import { formatPercent, formatValue } from './format.js';
import { frameOf, isFolded, nameOf } from './tree-layout.js';

/**
 * Facts about a node for people.
 * @param {import('./tree-layout.js').Layout} layout @param {number} node @param {any} answer answer of the query
 */
export function factsOf(layout, node, answer) {
  const { type, total } = answer;
  const frame = frameOf(layout, node);
  const place = frame?.file ? `${frame.file}${frame.line > 0 ? `:${frame.line}` : ''}` : '';
  const kind = kinds[frame?.class];
  const kindText = kind === undefined ? '' : frame.type === '' ? kind : `${kind}, frame type ${frame.type}`;
  const rows = [];
  const row = (label, value, whole, base, baseWhole) => {
    const texts = [label, formatValue(value, type), formatPercent(value, whole)];
    if (layout.isDiff) texts.push(`before ${formatValue(base, type)}`, formatPercent(base, baseWhole));
    rows.push(texts);
  };
  row('Total', layout.totals[node], total, layout.baseTotals[node], answer.base?.total);
  if (!isFolded(layout, node)) row('Self', layout.selfs[node], total, layout.baseSelfs[node], answer.base?.total);
  return {
    name: isFolded(layout, node) ? `${nameOf(layout, node)} boxes, folded` : node === 0 ? 'All' : shortName(frame.name),
    place,
    module: frame?.module ?? '',
    kind: kindText,
    kindClass: frame?.class,
    change: layout.isDiff ? changeText(layout, node) : '',
    rows,
  };
}

export function fillTip(tip, facts) {
  const lines = [h('div', { className: 'name' }, facts.name)];
  for (const text of [facts.place, facts.module]) if (text !== '') lines.push(h('div', { className: 'place' }, text));
  if (facts.kind !== '') lines.push(h('div', { className: 'kind' }, keyOf(facts.kindClass), facts.kind));
  if (facts.change !== '') lines.push(h('div', { className: 'kind' }, facts.change));
  const rows = facts.rows.map(([label, ...cells]) =>
    h('tr', {}, h('th', { scope: 'row' }, label), ...cells.map((cell) => h('td', {}, cell))),
  );
  tip.replaceChildren(...lines, h('table', {}, h('tbody', {}, ...rows)));
}

/** Puts the tip beside the pointer, inside the window. */
export function placeTip(tip, x, y) {
  const { offsetWidth, offsetHeight } = tip;
  const left = x + 14 + offsetWidth > innerWidth - 8 ? x - 14 - offsetWidth : x + 14;
  const top = y + 18 + offsetHeight > innerHeight - 8 ? y - 12 - offsetHeight : y + 18;
  tip.style.transform = `translate(${Math.max(8, left)}px, ${Math.max(8, top)}px)`;
}

/** One sentence. */
export function spokenText(facts, depth) {
  const [[, total, share]] = facts.rows;
  return [facts.name, facts.kind, facts.change, share, total, `depth ${depth}`]
    .filter((text) => text !== '')
    .join(', ');
}
