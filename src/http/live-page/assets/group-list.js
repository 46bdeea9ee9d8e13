// The list of services, processes or other groups by weight. A click shows one alone.

import { h, say, shortName } from './dom.js';
import { formatCount, formatMs, formatPercent, formatShort } from './format.js';

const rowPx = 28;

/** Draws only the rows in view: a node can have thousands of processes. */
export class GroupList {
  #scroller;
  #rows = [];
  #answer;
  #isChosen = () => false;
  #onChoose;
  /** Place of the row that Tab leads to. */
  #current = 0;

  constructor(scroller, onChoose) {
    this.#scroller = scroller;
    this.#onChoose = onChoose;
    scroller.addEventListener('scroll', () => this.#draw(), { passive: true });
    new ResizeObserver(() => this.#draw()).observe(scroller);
    scroller.addEventListener('keydown', (event) => this.#onKey(event));
    scroller.addEventListener('focusin', (event) => {
      this.#current = Number(event.target.dataset.place ?? this.#current);
    });
  }

  /** @param {any} answer of the query `list` */
  show(answer, isChosen) {
    this.#answer = answer;
    this.#rows = answer.rows;
    this.#isChosen = isChosen;
    this.#draw();
  }

  #draw() {
    const { scrollTop, clientHeight } = this.#scroller;
    const first = Math.max(0, Math.floor(scrollTop / rowPx) - 4);
    const last = Math.min(this.#rows.length, Math.ceil((scrollTop + clientHeight) / rowPx) + 4);
    const hasFocus = this.#scroller.contains(document.activeElement);
    const isInView = this.#current >= first && this.#current < last;
    const reached = isInView ? this.#current : first;
    const rows = [];
    for (let place = first; place < last; place++) rows.push(this.#row(place, place === reached));
    const list = h(
      'ul',
      { style: { height: `${rowPx * this.#rows.length}px`, 'padding-top': `${rowPx * first}px` } },
      ...rows,
    );
    this.#scroller.replaceChildren(list);
    // A row that was scrolled away leaves the focus to the scroller, where the keys go on.
    if (hasFocus) (this.#rowAt(this.#current) ?? this.#scroller).focus({ preventScroll: true });
  }

  #rowAt(place) {
    return this.#scroller.querySelector(`[data-place="${place}"]`);
  }

  #row(place, isReached) {
    const row = this.#rows[place];
    const { total, coveredMs, type, newestUnixMs } = this.#answer;
    const share = total > 0 ? row.value / total : 0;
    const perSecond = (1000 * row.value) / Math.max(1, coveredMs);
    const isCpu = type?.periodType === 'cpu' && type.periodUnit === 'nanoseconds' && type.sampleType === 'samples';
    const rate = isCpu
      ? `${formatShort(Number(((perSecond * type.period) / 1e9).toPrecision(2)))} cores`
      : `${formatShort(perSecond)}/s`;
    const silentMs = newestUnixMs - row.lastUnixMs;
    // A cycle without a sample is chance; more are silence.
    const isStale = silentMs > 15_000;
    const detail = isStale ? `silent for ${formatMs(Math.round(silentMs / 1000) * 1000)}` : rate;
    const isChosen = this.#isChosen(row);
    // The end tells names apart; a process ID is all of it.
    const tail = row.process === '' ? 8 : row.process.length + 3;
    const name = shortName(row.name);
    const samples = isCpu ? `${formatShort(Number(perSecond.toPrecision(3)))} samples/s` : '';
    return h(
      'li',
      { 'aria-setsize': String(this.#rows.length), 'aria-posinset': String(place + 1) },
      h(
        'button',
        {
          type: 'button',
          tabIndex: isReached ? 0 : -1,
          className: `group-row${isStale ? ' stale' : ''}`,
          title: [row.name, samples, detail].filter((text) => text !== '').join(', '),
          'aria-pressed': String(isChosen),
          data: { place: String(place) },
          style: { '--share': `${(100 * share).toFixed(2)}%` },
          on: { click: () => this.#onChoose(row) },
        },
        h(
          'span',
          { className: 'group-name' },
          h('span', { className: 'head' }, name.slice(0, -tail)),
          h('span', {}, name.slice(-tail)),
        ),
        h('span', { className: 'group-share' }, formatPercent(row.value, total)),
        h('span', { className: 'group-rate' }, detail),
      ),
    );
  }

  #onKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined || this.#rows.length === 0) return;
    event.preventDefault();
    this.#focus(Math.min(this.#rows.length - 1, Math.max(0, this.#current + step)));
  }

  #focus(place) {
    this.#current = place;
    const y = place * rowPx;
    const { scrollTop, clientHeight } = this.#scroller;
    if (y < scrollTop || y + rowPx > scrollTop + clientHeight) {
      this.#scroller.scrollTop = Math.max(0, y - clientHeight / 2);
      this.#draw();
    }
    this.#rowAt(place)?.focus({ preventScroll: true });
  }
}

/** The grouping of the list: that of the graph, or services where that has none. @param {import('./page-state.js').PageState} state */
export function listGrouping(state) {
  return state.get('by') === 'none' ? 'service' : state.get('by');
}

/** True for the group that is shown alone. @param {import('./page-state.js').PageState} state */
export function isChosen(state, row) {
  const by = listGrouping(state);
  return state.get(by) !== '' && state.get(by) === filterText(by, row);
}

/** The service's name of a group; a group of what has none cannot be chosen. */
function filterText(by, row) {
  if (by === 'process') return row.process;
  return /^\(no /.test(row.name) && row.name !== '(no service.name)' ? '' : row.name;
}

/** Shows a group alone, or all again. @param {import('./page-state.js').PageState} state */
export function chooseGroup(state, row) {
  const by = listGrouping(state);
  const text = filterText(by, row);
  if (text === '') return say(`${row.name} cannot be chosen`);
  const isOff = isChosen(state, row);
  const service = by === 'process' ? { service: isOff ? '' : row.service } : {};
  state.set({ [by]: isOff ? '' : text, ...service, path: '' });
}

/** @param {any} answer of the query `list` */
export function countText({ rows, groupCount, by }) {
  const one = { frame_type: 'frame type' }[by] ?? by;
  const many = by === 'process' ? 'processes' : `${one}s`;
  const of = rows.length < groupCount ? `${formatCount(rows.length)} of ` : '';
  return `${of}${formatCount(groupCount)} ${groupCount === 1 ? one : many}`;
}
