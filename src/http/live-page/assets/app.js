// The live page: fetches what the newest cycles reported, and shows it.

import { showChoices } from './choices.js';
import { showFigures } from './figures.js';
import { listen } from './flame-input.js';
import { layOut, search } from './flame-layout.js';
import { FlameView } from './flame-view.js';
import { formatCount, formatMs, formatPercent } from './format.js';
import { fillTip, placeTip, spokenText } from './tip.js';
import { showCrumbs, showLegend } from './zoom-line.js';

const path = document.body.dataset.path;
const byId = (/** @type {string} */ id) => document.getElementById(id);
const [canvas, tip, searchBox, pauseButton] = [byId('flame'), byId('tip'), byId('search'), byId('pause')];
const selects = { type: byId('type'), service: byId('service'), window: byId('window') };

const query = { type: '', service: '', cycles: '' };
/** `LiveData` of cycle-history.ts, and the facts that live-page.ts adds. */
let data = null;
let isPaused = false;
let isConnected = false;
let missedCycles = 0;
/** True when an event was ignored because the page was paused or hidden, and no answer was shown since. */
let hasMissedRequests = false;
let waiting = 0;

const view = new FlameView(canvas, byId('scroller'), byId('spacer'), {
  onZoom: () => showZoom(),
  onSelect: (node) => {
    byId('spoken').textContent = node < 0 ? '' : spokenText(view.layout, node, data.tree.type);
  },
});

listen(canvas, view, (node, x, y) => {
  tip.hidden = node < 0;
  if (node < 0) return;
  fillTip(tip, view.layout, node, data.tree.type);
  placeTip(tip, x, y);
});

async function refresh() {
  const asked = parameters();
  const response = await fetch(`${path}/data.json?${asked}`);
  if (!response.ok) throw new Error(`data.json answered ${response.status}`);
  const answer = await response.json();
  // Somebody may have chosen something else meanwhile.
  if (asked !== parameters()) return;
  data = answer;
  isConnected = true;
  missedCycles = 0;
  hasMissedRequests = false;
  show();
  // The service folds as many requests as it has time for; the next answer has more of them.
  clearTimeout(waiting);
  if (data.waitingSampleCount > 0) waiting = setTimeout(refreshUnlessPaused, 500);
}

function parameters() {
  return new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString();
}

function refreshOrTell() {
  refresh().catch(() => {
    isConnected = false;
    showLive();
  });
}

function refreshUnlessPaused() {
  if (isPaused || document.hidden) hasMissedRequests = true;
  else refreshOrTell();
}

function show() {
  const { tree, figures, omittedSampleCount, waitingSampleCount, coveredMs } = data;
  const isEmpty = tree === null || tree.parents.length < 2;
  byId('empty').hidden = !isEmpty;
  byId('scroller').hidden = isEmpty;
  document.querySelector('.tools').hidden = isEmpty;
  tip.hidden = true;
  showFigures(byId('figures'), figures);
  showChoices(selects, data, query);
  showReceivers();
  view.show(isEmpty ? undefined : layOut(tree), query.service === '' ? 'all services' : query.service);
  showSearch();
  showZoom();
  showLive();
  const notes = isEmpty ? [] : [`${formatCount(tree.parents.length - 1)} nodes, ${formatMs(coveredMs)} of profiles`];
  if (tree?.foldedNodes > 0) notes.push(`${formatCount(tree.foldedNodes)} small ones folded`);
  if (omittedSampleCount > 0) notes.push(`${formatCount(omittedSampleCount)} samples left out`);
  if (waitingSampleCount > 0) notes.push(`${formatCount(waitingSampleCount)} samples to be added`);
  byId('note').textContent = [...notes, `version ${data.version}`].join(' · ');
}

function showReceivers() {
  const rows = data.receivers.flatMap(({ id, endpoint }) => {
    const [term, place] = [document.createElement('dt'), document.createElement('dd')];
    [term.textContent, place.textContent] = [id, endpoint];
    return [term, place];
  });
  byId('receivers').hidden = rows.length === 0;
  byId('receivers').replaceChildren(...rows);
}

function showZoom() {
  showCrumbs(byId('crumbs'), view);
  showLegend(byId('legend'), view);
}

function showSearch() {
  const text = searchBox.value;
  const output = byId('matched');
  output.dataset.state = '';
  output.textContent = '';
  if (text === '' || view.layout === undefined) return view.mark(undefined);
  let pattern;
  try {
    pattern = new RegExp(text, text === text.toLowerCase() ? 'iu' : 'u');
  } catch {
    output.dataset.state = 'bad';
    output.textContent = 'not a regular expression';
    return view.mark(undefined);
  }
  const { isMatch, total } = search(view.layout, ({ name, file, module }) =>
    [name, file, module].some((each) => pattern.test(each)),
  );
  output.textContent = `${formatPercent(total, view.layout.totals[0])} matched`;
  view.mark(isMatch);
}

function showLive() {
  const state = !isConnected ? 'lost' : isPaused ? 'paused' : 'live';
  const time = data?.endUnixMs == null ? '' : new Date(data.endUnixMs).toLocaleTimeString();
  const texts = {
    live: time === '' ? 'Live, waiting for the first cycle' : `Live, ${time}`,
    paused: `Paused at ${time}${missedCycles > 0 ? `, ${missedCycles} newer` : ''}`,
    lost: 'Connection lost, trying again',
  };
  byId('live').dataset.state = state;
  byId('live-text').textContent = texts[state];
  pauseButton.textContent = isPaused ? 'Resume' : 'Pause';
  pauseButton.ariaPressed = String(isPaused);
}

function pause(shouldPause) {
  isPaused = shouldPause;
  if (!isPaused) refreshOrTell();
  showLive();
}

for (const [name, key] of [
  ['type', 'type'],
  ['service', 'service'],
  ['window', 'cycles'],
]) {
  selects[name].addEventListener('change', () => {
    query[key] = selects[name].value;
    refreshOrTell();
  });
}
pauseButton.addEventListener('click', () => pause(!isPaused));
searchBox.addEventListener('input', showSearch);
document.addEventListener('keydown', (event) => {
  const isTyping = event.target === searchBox;
  if (event.key === 'Escape') {
    if (isTyping && searchBox.value !== '') {
      searchBox.value = '';
      showSearch();
    } else {
      searchBox.blur();
      view.zoom(0);
    }
  } else if (!isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
    if (event.key === '/') searchBox.focus();
    else if (event.key === 'p') pause(!isPaused);
    else return;
    event.preventDefault();
  }
});

const events = new EventSource(`${path}/events`);
events.addEventListener('open', () => {
  isConnected = true;
  if (isPaused) showLive();
  else refreshOrTell();
});
events.addEventListener('error', () => {
  isConnected = false;
  showLive();
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && !isPaused && (missedCycles > 0 || hasMissedRequests)) refreshOrTell();
});
events.addEventListener('cycle', () => {
  // Nobody looks: joining cycles for a hidden page would only take the service's time.
  if (isPaused || document.hidden) {
    missedCycles++;
    showLive();
  } else {
    refreshOrTell();
  }
});
events.addEventListener('passed', refreshUnlessPaused);

// For the console, and for the tests.
globalThis.framekeeper = { view, boxes: () => view.boxes(), data: () => data };
