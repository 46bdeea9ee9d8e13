// The selects, tabs and fields: they show the state, and change it.

import { byId, fillSelect, h } from './dom.js';
import { formatMs, formatType } from './format.js';
import { showCompare, showFilters } from './lines.js';

export const views = { graph: 'Flame graph', tree: 'Tree', table: 'Table', sandwich: 'Sandwich', compare: 'Compare' };

const groupings = ['service', 'process', 'thread', 'container', 'host', 'executable', 'frame_type', 'none'].map(
  (name) => [name, name === 'none' ? 'No groups' : `By ${name.replace('_', ' ')}`],
);
const directions = Object.entries({ icicle: 'Icicle', flame: 'Flame', inverted: 'Inverted' });
const colourings = Object.entries({ kind: 'frame type', package: 'package', executable: 'executable' });

/** Shows the state in the controls. @param {import('./page-state.js').PageState} state */
export function showControls(state, shown) {
  const { service } = shown;
  const types = service?.types ?? [];
  const wantedType = state.get('type') || shown.answer?.type?.key || types[0]?.key || '';
  fillSelect(
    byId('type'),
    types.map((type) => [type.key, formatType(type)]),
    wantedType,
  );
  byId('type').disabled = types.length === 0;
  showTimes(state, service);
  fillSelect(byId('by'), groupings, state.get('by'));
  fillSelect(byId('direction'), directions, state.get('direction'));
  fillSelect(byId('colour'), colourings, state.get('colour'));
  if (byId('find-group').value !== state.get('list')) byId('find-group').value = state.get('list');
  const view = state.get('view');
  byId('direction-field').hidden = !['graph', 'tree'].includes(view);
  byId('colour-field').hidden = !['graph', 'sandwich'].includes(view);
  for (const tab of byId('views').children) {
    tab.setAttribute('aria-selected', String(tab.dataset.view === view));
    tab.tabIndex = tab.dataset.view === view ? 0 : -1;
  }
  byId('panel').setAttribute('aria-labelledby', `view-${view}`);
  showFilters(byId('filters'), state);
  showCompare(byId('compare'), state, shown);
}

function showTimes(state, service) {
  const times = [
    ['', `Last ${service?.shownCycles ?? 12} cycles`],
    ...[300, 900, 3600].map((seconds) => [String(seconds), `Last ${formatMs(1000 * seconds)}`]),
  ];
  const own = state.get('seconds');
  if (own !== '' && !times.some(([key]) => key === own)) times.push([own, `Last ${formatMs(1000 * Number(own))}`]);
  if (!state.isLive) times.push(['fixed', 'Selected time']);
  fillSelect(byId('seconds'), times, state.isLive ? own : 'fixed');
}

/** Connects the controls with the state. @param {import('./page-state.js').PageState} state */
export function listenToControls(state) {
  const tab = ([view, label]) => {
    const attributes = { role: 'tab', id: `view-${view}`, 'aria-controls': 'panel', data: { view } };
    return h('button', { type: 'button', ...attributes, on: { click: () => state.set({ view }) } }, label);
  };
  byId('views').append(...Object.entries(views).map(tab));
  byId('views').addEventListener('keydown', (event) => {
    const names = Object.keys(views);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const view = names.at((names.indexOf(state.get('view')) + step) % names.length);
    state.set({ view });
    byId(`view-${view}`).focus();
  });
  for (const name of ['type', 'by', 'direction', 'colour']) {
    // A path of one grouping leads nowhere in another.
    const path = name === 'by' || name === 'direction' ? { path: '' } : {};
    byId(name).addEventListener('change', () => state.set({ [name]: byId(name).value, ...path }));
  }
  byId('seconds').addEventListener('change', () => state.set({ seconds: byId('seconds').value, from: '', to: '' }));
  byId('search').addEventListener('input', () => state.set({ search: byId('search').value }, false));
  byId('find-group').addEventListener('input', () => state.set({ list: byId('find-group').value }, false));
}
