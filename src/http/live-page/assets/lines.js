// The lines above and below a view: filters, baseline, way to the zoomed box, hits, selected box, legend.

import { changeColour, colourOf, executableOf, kinds, packageOf, readTheme } from './colours.js';
import { cutMiddle, fillSelect, h, keyOf, shortName } from './dom.js';
import { formatCount, formatPercent } from './format.js';
import { filterNames, timeText } from './page-state.js';
import { clock } from './timeline.js';
import { classOf, frameOf, nameOf, pathOf, pathText } from './tree-layout.js';

/** Filters as buttons that take themselves away. @param {import('./page-state.js').PageState} state */
export function showFilters(line, state) {
  const labels = { match: 'with', frame_type: 'frame type' };
  const chips = filterNames
    .filter((name) => state.get(name) !== '')
    .map((name) => {
      const text = `${labels[name] ?? name} ${cutMiddle(shortName(state.get(name)), 40)}`;
      const label = `Take filter away: ${text}`;
      return h(
        'button',
        {
          type: 'button',
          className: 'chip',
          title: state.get(name),
          'aria-label': label,
          on: { click: () => state.set({ [name]: '', path: '' }) },
        },
        text,
        ' ×',
      );
    });
  line.hidden = chips.length === 0;
  line.replaceChildren(...chips);
}

/** Choice of the baseline and of how it is made comparable. */
export function showCompare(line, state, { groups, answer }) {
  line.hidden = state.get('view') !== 'compare';
  if (line.hidden) return;
  if (line.childElementCount === 0) {
    const base = h('select', { id: 'base', on: { change: () => setBase(state, base.value, line.compareAnswer) } });
    const scale = h('select', { id: 'scale', on: { change: () => state.set({ scale: scale.value }) } });
    line.append(
      h('label', { className: 'field' }, h('span', {}, 'Compare with'), base),
      h('label', { className: 'field' }, h('span', {}, 'Count'), scale),
      h('span', { className: 'fine', id: 'base-note' }),
      h(
        'span',
        { className: 'field', role: 'img', 'aria-label': 'Blue is less, grey the same, orange more' },
        ...changeKeys(),
      ),
    );
  }
  line.compareAnswer = answer;
  const service = state.get('base_service');
  const time = state.get('base_to');
  const options = [
    ['', 'the time before'],
    ['keep', 'this time, from now on'],
  ];
  if (time !== '') options.push(['time', `${clock(Number(state.get('base_from')))} – ${clock(Number(time))}`]);
  const names = (groups?.by === 'service' ? groups.rows : []).map(({ name }) => name);
  for (const name of new Set([...names.slice(0, 200), ...(service === '' ? [] : [service])]))
    options.push([`service ${name}`, `service ${cutMiddle(shortName(name), 40)}`]);
  fillSelect(line.querySelector('#base'), options, service !== '' ? `service ${service}` : time !== '' ? 'time' : '');
  fillSelect(
    line.querySelector('#scale'),
    [
      ['second', 'per second'],
      ['share', 'share of all'],
      ['absolute', 'absolute'],
    ],
    state.get('scale'),
  );
  const base = answer?.base;
  const isShort = base !== undefined && base.coveredMs === 0;
  line.querySelector('#base-note').textContent =
    base === undefined
      ? ''
      : isShort
        ? 'the history does not reach back so far'
        : `${clock(base.startUnixMs)} – ${clock(base.endUnixMs)}, ${formatCount(base.total)} against ${formatCount(answer.total)}`;
}

/** Squares in the colours of change, as the theme of the moment has them. */
function changeKeys() {
  const theme = readTheme();
  return [
    [-1, 'less'],
    [0, 'same'],
    [1, 'more'],
  ].map(([change, word]) => {
    return h('span', {}, h('i', { className: 'key', style: { background: changeColour(theme, change) } }), word);
  });
}

function setBase(state, value, answer) {
  const none = { base_service: '', base_from: '', base_to: '', path: '' };
  if (value === '') return state.set(none);
  if (value.startsWith('service ')) return state.set({ ...none, base_service: value.slice(8) });
  if (value === 'keep' && answer !== undefined)
    state.set({ ...none, base_from: timeText(answer.startUnixMs), base_to: timeText(answer.endUnixMs) });
}

/** Buttons that lead back to the callers. */
export function showCrumbs(line, layout, answer, onPath) {
  line.hidden = layout === undefined || layout.root === 0;
  if (line.hidden) return line.replaceChildren();
  const nodes = pathOf(layout, layout.root);
  // The nearest callers say where one is; the ones between them and the root would only fill the line.
  const kept = nodes.length > 6 ? [0, -1, ...nodes.slice(-4)] : nodes;
  const parts = kept.map((node) => {
    if (node < 0) return '…';
    const name = node === 0 ? 'All' : nameOf(layout, node);
    const isCurrent = node === layout.root;
    return h(
      'button',
      {
        type: 'button',
        title: name,
        'aria-current': isCurrent ? 'true' : undefined,
        on: { click: () => onPath(pathText(layout, node)) },
      },
      cutMiddle(name, 48),
    );
  });
  const share = formatPercent(layout.totals[layout.root], answer.total);
  line.replaceChildren(
    ...parts.flatMap((part, index) => (index === 0 ? [part] : [' › ', part])),
    h('span', { className: 'fine' }, `${share} of all`),
  );
}

/** Number of hits, their share, the way from one to the next, and the list of functions. */
export function showHits(line, hits, layout, answer, { onStep, onFilter }) {
  line.hidden = hits === undefined;
  if (hits === undefined) {
    line.dataset.place = '';
    return line.replaceChildren();
  }
  const { nodes, functions, total } = hits;
  const place = Math.min(nodes.length - 1, Number(line.dataset.place || -1));
  const step = (by) => () => {
    const next = (Number(line.dataset.place || -1) + by + nodes.length) % nodes.length;
    line.dataset.place = String(next);
    line.querySelector('#hit-place').textContent = `${next + 1} of ${formatCount(nodes.length)}`;
    onStep(nodes[next]);
  };
  const wasOpen = line.querySelector('details')?.open ?? false;
  const list = functions.slice(0, 50).map(([frame, value]) => {
    const first = nodes.find((node) => layout.frames[node] === frame);
    const share = h('b', {}, formatPercent(value, answer.total));
    return h(
      'li',
      {},
      h(
        'button',
        { type: 'button', className: 'link', on: { click: () => onStep(first) } },
        cutMiddle(layout.columns.name[frame], 80),
      ),
      share,
    );
  });
  const summary = `${formatCount(functions.length)} ${functions.length === 1 ? 'function' : 'functions'}`;
  const none = nodes.length === 0;
  line.replaceChildren(
    h(
      'output',
      { id: 'matched' },
      none
        ? 'no hit in what is drawn'
        : `${formatCount(nodes.length)} ${nodes.length === 1 ? 'hit' : 'hits'}, ${formatPercent(total, answer.total)} of all`,
    ),
    h(
      'button',
      { type: 'button', disabled: none, data: { step: '-1' }, 'aria-label': 'Previous hit', on: { click: step(-1) } },
      '‹',
    ),
    h('span', { id: 'hit-place', className: 'fine' }, place < 0 ? '' : `${place + 1} of ${formatCount(nodes.length)}`),
    h(
      'button',
      { type: 'button', disabled: none, data: { step: '1' }, 'aria-label': 'Next hit', on: { click: step(1) } },
      '›',
    ),
    none
      ? null
      : h(
          'details',
          { className: 'menu left', open: wasOpen },
          h('summary', {}, summary),
          h('ol', { className: 'menu-items' }, ...list),
        ),
    h(
      'button',
      {
        type: 'button',
        title: 'Asks the service for all stacks with this text, folded ones as well',
        on: { click: onFilter },
      },
      'Only these stacks',
    ),
  );
}

/** The selected box in words, with what can be done with it. */
export function showSelected(line, facts, actions) {
  line.hidden = false;
  const numbers = facts.rows.map(([label, value, share]) => `${label.toLowerCase()} ${value}, ${share}`).join(' · ');
  const place = [facts.place, facts.module].find((text) => text !== '') ?? '';
  line.replaceChildren(
    h('b', { title: facts.name }, cutMiddle(facts.name, 80)),
    h(
      'span',
      { className: 'fine' },
      [cutMiddle(place, 60), facts.change, numbers].filter((text) => text !== '').join(' · '),
    ),
    ...actions.map(([label, run]) => h('button', { type: 'button', on: { click: run } }, label)),
  );
}

/** Colours with the shares of what is below the root of the view, by self or total value. */
export function showLegend(list, layout, { colouring, counts, theme }) {
  if (layout === undefined) return list.replaceChildren();
  const shares = new Map();
  const covered = new Map();
  const whole = layout.totals[layout.root];
  for (let node = layout.root; node < layout.ends[layout.root]; node++) {
    const key = legendKey(layout, node, colouring);
    if (key === undefined) continue;
    const own = shares.get(key) ?? { value: 0, node };
    shares.set(key, own);
    if (counts === 'self') own.value += layout.frames[node] < 0 ? layout.totals[node] : layout.selfs[node];
    else if (node >= (covered.get(key) ?? 0)) {
      own.value += layout.totals[node];
      covered.set(key, layout.ends[node]);
    }
  }
  if (colouring === 'kind')
    for (const kind of Object.keys(kinds)) if (!shares.has(kind)) shares.set(kind, { value: 0, node: -1 });
  const order =
    colouring === 'kind'
      ? [...Object.keys(kinds), 'other', 'folded'].filter((key) => shares.has(key))
      : [...shares.keys()].sort((a, b) => shares.get(b).value - shares.get(a).value).slice(0, 12);
  list.replaceChildren(
    ...order
      .filter((key) => colouring !== 'kind' || shares.get(key).value > 0)
      .map((key) => {
        const { value, node } = shares.get(key);
        const dot = keyOf(key);
        if (colouring !== 'kind') dot.style.background = colourOf(theme, layout, node, colouring).fill;
        const label =
          colouring === 'kind'
            ? (kinds[key] ?? { other: 'Below resolution', folded: 'Folded' }[key])
            : cutMiddle(key, 36);
        return h('li', {}, dot, `${label} `, h('b', {}, formatPercent(value, whole)));
      }),
  );
}

function legendKey(layout, node, colouring) {
  const frameClass = classOf(layout, node);
  if (['root', 'service', 'group'].includes(frameClass)) return undefined;
  if (colouring === 'kind' || frameClass === 'folded') return frameClass;
  const frame = frameOf(layout, node);
  return (colouring === 'package' ? packageOf(frame) : executableOf(frame)) || 'unknown';
}
