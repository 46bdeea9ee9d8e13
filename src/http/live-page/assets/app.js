// The live page: asks the service for what is in view, and shows it.

import { Api, RequestFailed } from './api.js';
import { listenToControls, showControls } from './controls.js';
import { byId, h, say } from './dom.js';
import { formatCount } from './format.js';
import { chooseGroup, countText, GroupList, isChosen, listGrouping } from './group-list.js';
import { showCrumbs, showHits, showLegend, showSelected } from './lines.js';
import { filterNames, PageState, timeText } from './page-state.js';
import { copy, fillTakeAway, stackText } from './take-away.js';
import { showTiles } from './tiles.js';
import { rangeText, Timeline } from './timeline.js';
import { nodeOfPath, pathText } from './tree-layout.js';
import { createPanels } from './views.js';
import { factsOf, fillTip, placeTip, spokenText } from './words.js';

const api = new Api(document.body.dataset.path);
const tip = byId('tip');
const state = new PageState(onChange);
/** Answers that are shown. */
const shown = {
  service: undefined,
  answer: undefined,
  timeline: undefined,
  groups: undefined,
  layout: undefined,
  hits: undefined,
};
const live = { isPaused: false, isConnected: false, missed: 0, problem: '' };

const panels = createPanels(byId('panel'), {
  onPoint(view, node, x, y) {
    tip.hidden = node < 0;
    if (node < 0) return;
    fillTip(tip, factsOf(view.layout, node, answerOf(view)));
    placeTip(tip, x, y);
  },
  onSelect: (view, node) => {
    view.select(node);
    select(view, node);
  },
  onTreeSelect: (view, node) => select(view, node),
  onZoom(view, node) {
    if (view === panels.callers || view === panels.callees) return view.focusOn(node);
    const layout = view.layout;
    if (view === panels.flame) view.focusOn(node);
    state.set({ path: pathText(layout, node) });
  },
  onOrder: (order) => state.set({ order }, false),
  onOpen: (key) => state.set({ view: 'sandwich', function: key }),
});
const groups = new GroupList(byId('groups'), (row) => chooseGroup(state, row));
const timeline = new Timeline(byId('timeline'), ({ startUnixMs, endUnixMs }) => {
  const isNewest = shown.service !== undefined && endUnixMs >= shown.service.endUnixMs - 1;
  const seconds = String(Math.max(1, Math.round((endUnixMs - startUnixMs) / 1000)));
  if (isNewest) state.set({ seconds, from: '', to: '' });
  else state.set({ from: timeText(startUnixMs), to: timeText(endUnixMs), seconds: '' });
});

function answerOf(view) {
  if (view !== panels.callers && view !== panels.callees) return shown.answer;
  return { ...shown.answer, base: undefined };
}

/** Shows what belongs to the state, after the names that changed. */
function onChange(names) {
  const has = (...wanted) => wanted.some((name) => names.includes(name));
  if (has('view')) {
    panels.open(state.get('view'));
    tip.hidden = true;
  }
  if (has('search')) showSearch();
  if (has('colour')) panels.flame.colouring = panels.callees.colouring = panels.callers.colouring = state.get('colour');
  showControls(state, shown);
  const ofView = [
    'view',
    'by',
    'direction',
    'path',
    'function',
    'order',
    'base_service',
    'base_from',
    'base_to',
    'scale',
  ];
  const ofAll = ['type', 'seconds', 'from', 'to', ...filterNames];
  if (state.get('view') === 'table' && has('search')) refreshView();
  if (has(...ofAll)) refresh();
  else {
    if (has(...ofView)) refreshView();
    if (has('by', 'list')) refreshGroups();
  }
}

/** Asks for everything that is shown. */
async function refresh() {
  await guarded(async () => {
    shown.service = await api.get('state');
    live.isConnected = true;
    live.missed = 0;
    showTiles(byId('tiles'), shown.service.figures);
    showControls(state, shown);
    await Promise.all([refreshView(), refreshGroups(), refreshTimeline()]);
  });
}

/** Runs requests and shows why they failed; one that was given up for a newer one did not. */
async function guarded(run) {
  try {
    await run();
    live.problem = '';
  } catch (error) {
    if (error.name === 'AbortError') return;
    if (error instanceof RequestFailed && error.status === 401) askForToken(error.message);
    else if (error instanceof RequestFailed) live.problem = error.message;
    else live.isConnected = false;
  }
  showLive();
}

async function refreshTimeline() {
  await guarded(async () => {
    shown.timeline = await api.get('timeline', state.selection());
    const { startUnixMs, endUnixMs } = shown.timeline;
    timeline.show(shown.timeline, { startUnixMs, endUnixMs });
  });
}

async function refreshGroups() {
  await guarded(async () => {
    const by = listGrouping(state);
    // A list that showed only what was chosen in it would lead nowhere else.
    const own = by === 'process' ? { process: '', service: '' } : { [by]: '' };
    shown.groups = await api.get('list', { ...state.selection(), ...own, by, search: state.get('list') });
    groups.show(shown.groups, (row) => isChosen(state, row));
    byId('groups-note').textContent = countText(shown.groups);
    showControls(state, shown);
  });
}

const tail = { graph: 'tree', tree: 'tree', table: 'table', sandwich: 'sandwich', compare: 'diff' };

async function refreshView() {
  const view = state.get('view');
  await guarded(async () => {
    const answer = await api.get(tail[view] ?? 'tree', parametersOf(view), 'view');
    const selected = selectedPath();
    shown.answer = answer;
    shown.layout = undefined;
    byId('selected').hidden = true;
    if (view === 'table') panels.showTable(answer, state.get('order'));
    else if (view === 'sandwich') panels.showSandwich(answer, state.get('function'));
    else if (view === 'tree') shown.layout = panels.showTree(answer);
    else showGraph(view, answer, selected);
    showAnswer();
  });
}

function parametersOf(view) {
  const selection = state.selection();
  const nodes = String(Math.min(8000, shown.service?.maxNodes ?? 4000));
  const { by, path, direction } = Object.fromEntries(
    ['by', 'path', 'direction'].map((name) => [name, state.get(name)]),
  );
  switch (view) {
    case 'table':
      return { ...selection, order: state.get('order'), search: state.get('search') };
    case 'sandwich':
      return { ...selection, function: state.get('function') || '-' };
    case 'compare': {
      const base = Object.fromEntries(['base_service', 'base_from', 'base_to'].map((name) => [name, state.get(name)]));
      return { ...selection, ...base, by: base.base_service === '' ? by : 'none', path, nodes };
    }
    default:
      return { ...selection, by, path, nodes, inverted: direction === 'inverted' ? '1' : '' };
  }
}

/** The graph that is shown, for a picture. */
function picture() {
  const view = { graph: panels.flame, compare: panels.flame, sandwich: panels.callees }[state.get('view')];
  if (view?.layout === undefined) throw new Error('this view has no picture; choose Flame graph');
  return view;
}

/** Path of the selected box, which stays selected from one cycle to the next. */
function selectedPath() {
  const { layout, selected } = panels.flame;
  return layout === undefined || selected < 0 || byId('selected').hidden ? undefined : pathText(layout, selected);
}

function showGraph(view, answer, selected) {
  const scales = {
    second: answer.coveredMs / Math.max(1, answer.base?.coveredMs ?? 1),
    share: answer.total / Math.max(1, answer.base?.total ?? 1),
    absolute: 1,
  };
  shown.layout = panels.showGraph(answer, scales[state.get('scale')] ?? 1);
  panels.flame.isUpward = state.get('direction') === 'flame';
  const node = selected === undefined ? -1 : nodeOfPath(shown.layout, selected);
  if (node >= 0) {
    panels.flame.mark(node);
    describe(panels.flame, node);
  }
  if (view === 'compare') panels.showChanges(shown.layout, answer);
}

/** Everything around the view that tells of the answer. */
function showAnswer() {
  const { answer, layout, service } = shown;
  const isEmpty = answer.total === 0 && (answer.base?.total ?? 0) === 0;
  const isNew = service?.endUnixMs === null || service?.types.length === 0;
  byId('empty').hidden = !isEmpty;
  byId('panel').hidden = isEmpty;
  byId('body').dataset.empty = String(isEmpty && isNew);
  byId('empty-title').textContent = isNew ? 'No samples yet' : 'No samples in this selection';
  byId('empty-text').textContent = isNew
    ? 'This page shows what was reported or passed through in the last hour, as soon as somebody sends samples.'
    : 'Nothing was sampled in this time with these filters. Take a filter away, or choose another time.';
  byId('empty-demo').hidden = !isNew;
  byId('receivers').hidden = !isNew;
  byId('receivers').replaceChildren(
    ...(service?.receivers ?? []).flatMap(({ id, endpoint }) => [h('dt', {}, id), h('dd', {}, endpoint)]),
  );
  byId('range').textContent = isNew ? '' : rangeText(answer);
  showCrumbs(byId('crumbs'), layout, answer, (path) => state.set({ path }));
  showLegend(byId('legend'), layout, {
    colouring: state.get('colour'),
    counts: byId('legend-of').value,
    theme: panels.flame.theme,
  });
  byId('legend').parentElement.hidden = layout === undefined || layout.isDiff;
  const notes = [];
  if (layout !== undefined) notes.push(`${formatCount(answer.parents.length - 1)} boxes`);
  const folded = (answer.folded ?? [])
    .filter(([node]) => node >= (answer.root ?? 0))
    .reduce((sum, [, count]) => sum + count, 0);
  if (folded > 0) notes.push(`${formatCount(folded)} smaller ones folded, zoom to see them`);
  if (answer.path !== '' && answer.foundDepth < state.get('path').split('.').filter(Boolean).length)
    notes.push('part of the zoomed path is not in the history');
  if (service?.history.droppedBuckets > 0) notes.push('the history is shorter than an hour for lack of room');
  byId('note').textContent = [...notes, `version ${service?.version ?? ''}`].join(' · ');
  showSearch();
  showControls(state, shown);
  showLive();
}

function select(view, node) {
  say(spokenText(describe(view, node), view.layout.depths[node]));
}

function describe(view, node) {
  const facts = factsOf(view.layout, node, answerOf(view));
  showSelected(byId('selected'), facts, selectionActions(view, node));
  return facts;
}

function selectionActions(view, node) {
  const { layout } = view;
  const frame = layout.frames[node] < 0 ? undefined : layout.frames[node];
  const name = frame === undefined ? '' : layout.columns.name[frame];
  const isFunction =
    frame !== undefined && !['root', 'service', 'group', 'other'].includes(layout.columns.class[frame]);
  const actions = [['Zoom', () => state.set({ path: pathText(layout, node) })]];
  if (view === panels.callers || view === panels.callees) actions.length = 0;
  if (isFunction) {
    actions.push(['Sandwich', () => state.set({ view: 'sandwich', function: layout.columns.key[frame] })]);
    actions.push(['Only stacks with it', () => state.set({ match: name, path: '' })]);
  }
  if (name !== '') actions.push(['Copy name', () => copy(name, 'the name')]);
  if (frame !== undefined && node > 0) actions.push(['Copy stack', () => copy(stackText(layout, node), 'the stack')]);
  return actions;
}

function showSearch() {
  const text = state.get('search');
  if (byId('search').value !== text) byId('search').value = text;
  const isGraph = shown.layout !== undefined && state.get('view') !== 'tree';
  shown.hits = isGraph ? panels.flame.find(text) : undefined;
  showHits(byId('hits'), shown.hits, shown.layout, shown.answer, {
    onStep: (node) => {
      panels.flame.select(node);
      select(panels.flame, node);
    },
    onFilter: () => state.set({ match: text, path: '' }),
  });
}

function showLive() {
  const { isPaused, isConnected, missed, problem } = live;
  const end = shown.service?.endUnixMs ?? null;
  const time = end === null ? '' : new Date(end).toLocaleTimeString();
  const mode = problem !== '' ? 'problem' : !isConnected ? 'lost' : isPaused || !state.isLive ? 'paused' : 'live';
  const texts = {
    live: time === '' ? 'Live, waiting for the first cycle' : `Live, ${time}`,
    paused: isPaused ? `Paused at ${time}${missed > 0 ? `, ${missed} newer` : ''}` : 'Selected time',
    lost: 'Connection lost, trying again',
    problem,
  };
  byId('live').dataset.state = mode === 'problem' ? 'lost' : mode;
  if (byId('live-text').textContent !== texts[mode]) byId('live-text').textContent = texts[mode];
  byId('pause').textContent = isPaused || !state.isLive ? 'Resume' : 'Pause';
  byId('pause').ariaPressed = String(isPaused);
}

function pause() {
  if (!state.isLive) return state.set({ from: '', to: '' });
  live.isPaused = !live.isPaused;
  if (!live.isPaused) refresh();
  showLive();
}

/** A cycle has ended, or requests have passed. Nobody looks at a hidden page: reading would only take the service's time. */
function onNews(event) {
  if (!live.isPaused && !document.hidden) return state.isLive ? refresh() : refreshTimeline();
  if (event === 'cycle') live.missed += 1;
  showLive();
}

function askForToken(message) {
  const form = byId('login');
  byId('login-error').textContent = form.hidden ? '' : message.trim();
  form.hidden = false;
  byId('token').focus();
}

byId('login').addEventListener('submit', (event) => {
  event.preventDefault();
  api.token = byId('token').value;
  refresh().then(() => {
    if (live.isConnected) byId('login').hidden = true;
  });
});

listenToControls(state);
fillTakeAway(byId('take-items'), api, state, { shown, picture });
byId('legend-of').addEventListener('change', () => shown.answer && showAnswer());
byId('pause').addEventListener('click', pause);
document.addEventListener('keydown', (event) => {
  const isTyping = ['INPUT', 'SELECT', 'TEXTAREA'].includes(event.target.tagName);
  if (event.key === 'Escape') {
    tip.hidden = true;
    if (byId('take').open) byId('take').open = false;
    else if (event.target === byId('search') && state.get('search') !== '') state.set({ search: '' }, false);
    else if (isTyping) event.target.blur();
    else state.set({ path: '' });
  } else if (!isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
    if (event.key === '/') byId('search').focus();
    else if (event.key === 'p') pause();
    else if (event.key === 'n' && shown.hits !== undefined) byId('hits').querySelector('[data-step="1"]')?.click();
    else if (event.key === 'N' && shown.hits !== undefined) byId('hits').querySelector('[data-step="-1"]')?.click();
    else return;
    event.preventDefault();
  }
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && !live.isPaused) onNews('shown');
});

async function listen() {
  for (;;) {
    try {
      await api.listen(() => {
        live.isConnected = true;
        byId('login').hidden = true;
        if (live.isPaused) showLive();
        else refresh();
      }, onNews);
    } catch (error) {
      if (error instanceof RequestFailed && error.status === 401) askForToken(error.message);
    }
    live.isConnected = false;
    showLive();
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}

panels.open(state.get('view'));
panels.flame.colouring = state.get('colour');
showControls(state, shown);
listen();

// For the console, and for the tests.
globalThis.framekeeper = { panels, shown, state, boxes: () => panels.flame.boxes() };
