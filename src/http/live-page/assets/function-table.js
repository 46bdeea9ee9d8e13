// Table of functions, of which only the rows in view are elements.

import { changeText, kinds } from './colours.js';
import { cutMiddle, h, keyOf } from './dom.js';
import { formatBrief, formatCount, formatPercent } from './format.js';

const rowPx = 26;

export class FunctionTable {
  #scroller;
  #answer;
  #onOrder;
  #onOpen;

  constructor(scroller, { onOrder, onOpen }) {
    this.#scroller = scroller;
    this.#onOrder = onOrder;
    this.#onOpen = onOpen;
    scroller.addEventListener('scroll', () => this.#draw(), { passive: true });
    new ResizeObserver(() => this.#draw()).observe(scroller);
  }

  /** @param {any} answer of the query `table` */
  show(answer, order) {
    this.#answer = answer;
    const header = (name, label) =>
      h(
        'th',
        { scope: 'col', className: 'number', 'aria-sort': order === name ? 'descending' : 'none' },
        h('button', { type: 'button', on: { click: () => this.#onOrder(name) } }, label, order === name ? ' ▾' : ''),
      );
    const count = answer.frames.name.length;
    const more = answer.functionCount - count;
    const caption =
      more > 0
        ? `The first ${formatCount(count)} of ${formatCount(answer.functionCount)} functions`
        : `${formatCount(count)} functions`;
    this.#scroller.replaceChildren(
      h(
        'table',
        { className: 'functions', 'aria-rowcount': String(count + 1) },
        h('caption', {}, `${caption}; self is a function’s own time, total that of its callees as well`),
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            h('th', { scope: 'col' }, 'Function'),
            header('self', 'Self'),
            h('th', { scope: 'col', className: 'number' }, 'Share'),
            header('total', 'Total'),
            h('th', { scope: 'col', className: 'number' }, 'Share'),
          ),
        ),
        h('tbody', {}),
      ),
    );
    this.#draw();
  }

  #draw() {
    const body = this.#scroller.querySelector('tbody');
    if (body === null || this.#answer === undefined) return;
    const { frames } = this.#answer;
    const count = frames.name.length;
    const { scrollTop, clientHeight } = this.#scroller;
    const first = Math.max(0, Math.floor(scrollTop / rowPx) - 8);
    const last = Math.min(count, first + Math.ceil(clientHeight / rowPx) + 16);
    const focused = document.activeElement?.dataset?.row;
    const rows = [gap(first)];
    for (let row = first; row < last; row++) rows.push(this.#row(row));
    rows.push(gap(count - last));
    body.replaceChildren(...rows.filter((row) => row !== null));
    if (focused !== undefined) body.querySelector(`[data-row="${focused}"]`)?.focus({ preventScroll: true });
  }

  #row(row) {
    const { frames, selfs, totals, total, type } = this.#answer;
    const [name, kind] = [frames.name[row], frames.class[row]];
    const place = [frames.file[row], frames.module[row]].find((text) => text !== '') ?? '';
    const open = h(
      'button',
      {
        type: 'button',
        className: 'link',
        title: [name, place].join('\n'),
        data: { row: String(row) },
        on: { click: () => this.#onOpen(frames.key[row], name) },
      },
      cutMiddle(name, 110),
    );
    const key = keyOf(kind);
    key.title = kinds[kind] ?? '';
    return h(
      'tr',
      { 'aria-rowindex': String(row + 2) },
      h('td', {}, h('div', { className: 'cell' }, key, open, h('span', { className: 'place' }, cutMiddle(place, 60)))),
      h('td', { className: 'number' }, formatBrief(selfs[row], type)),
      h('td', { className: 'number' }, formatPercent(selfs[row], total)),
      h('td', { className: 'number' }, formatBrief(totals[row], type)),
      h('td', { className: 'number' }, formatPercent(totals[row], total)),
    );
  }
}

function gap(rows) {
  return rows <= 0
    ? null
    : h(
        'tr',
        { 'aria-hidden': 'true', className: 'gap' },
        h('td', { colSpan: 5, style: { height: `${rows * rowPx}px` } }),
      );
}

/** The largest changes of a comparison, as a table beside its graph. @param {import('./tree-layout.js').Layout} layout */
export function changesTable(layout, answer, onOpen) {
  const byFrame = new Map();
  for (let node = 1; node < layout.size; node++) {
    const frame = layout.frames[node];
    if (frame < 0 || ['service', 'group', 'root'].includes(layout.columns.class[frame])) continue;
    const own = byFrame.get(frame) ?? { node, self: 0, base: 0 };
    byFrame.set(frame, {
      node: own.node,
      self: own.self + layout.selfs[node],
      base: own.base + layout.baseSelfs[node],
    });
  }
  const scale = layout.baseScale;
  const noise = ({ self, base }) => 2 * Math.sqrt(self + scale * scale * base);
  const changes = [...byFrame]
    .map(([frame, own]) => ({ frame, ...own, change: own.self - scale * own.base }))
    .filter((each) => Math.abs(each.change) > noise(each))
    .sort((a, b) => Math.abs(b.change) - Math.abs(a.change));
  const rows = changes.slice(0, 20).map(({ frame, node, self, base, change }) => {
    const words = changeText({ totals: { [node]: self }, baseTotals: { [node]: base }, baseScale: scale }, node);
    const name = layout.columns.name[frame];
    const key = layout.columns.key[frame];
    return h(
      'tr',
      {},
      h(
        'td',
        {},
        h(
          'button',
          { type: 'button', className: 'link', title: name, on: { click: () => onOpen(key, name) } },
          cutMiddle(name, 70),
        ),
      ),
      h('td', { className: `number ${change > 0 ? 'more' : 'less'}` }, words),
      h('td', { className: 'number' }, formatBrief(self, answer.type)),
      h('td', { className: 'number' }, formatBrief(base, answer.type)),
    );
  });
  const caption =
    rows.length === 0
      ? 'No function’s own time changed by more than chance'
      : 'Functions whose own time changed most, without those that chance explains';
  const headers = ['Function', 'Change', 'Now', 'Before'].map((label, place) =>
    h('th', { scope: 'col', className: place > 0 ? 'number' : '' }, label),
  );
  return h(
    'table',
    { className: 'functions' },
    h('caption', {}, caption),
    h('thead', {}, h('tr', {}, ...headers)),
    h('tbody', {}, ...rows),
  );
}
