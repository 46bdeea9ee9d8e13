// The numbers above the flame graph: the last cycle and the symbol store.

import { formatBytes, formatCount, formatMs, formatPercent, formatShort } from './format.js';

/** @typedef {{ label: string, value: string, detail: string, share?: number, title?: string }} Figure */

/** @param {HTMLElement} list @param {any} figures `CycleFigures` of live-cycle.ts, or null before the first cycle */
export function showFigures(list, figures) {
  list.replaceChildren(...(figures === null ? blank : figuresOf(figures)).map(elementOf));
}

const labels = ['Samples / s', 'Last cycle', 'Symbols', 'Store memory', 'Live stubs', 'Unresolved frames'];
/** @type {Figure[]} */
const blank = labels.map((label) => ({ label, value: '–', detail: '' }));

/** @returns {Figure[]} */
function figuresOf({ windowMs, sampleCount, cycleMs, store, unresolvedFrames, passed }) {
  const total = sampleCount + passed.sampleCount;
  const ofPassed = passed.sampleCount > 0 ? `, ${formatCount(passed.sampleCount)} passed through` : '';
  const reasons = Object.entries(sumOf(unresolvedFrames, passed.unresolvedFrames)).filter(([, count]) => count > 0);
  const unresolved = reasons.reduce((sum, [, count]) => sum + count, 0);
  const reasonText = reasons
    .map(([reason, count]) => `${formatCount(count)} ${reason.replaceAll('_', ' ')}`)
    .join(', ');
  const { symbolCount, fileCount, stubCount, sizeBytes, budgetBytes } = store;
  const ofBudget =
    budgetBytes === undefined ? '' : `${formatPercent(sizeBytes ?? 0, budgetBytes)} of ${formatBytes(budgetBytes)}`;
  const values = [
    {
      value: formatShort((1000 * total) / Math.max(1, windowMs)),
      detail: `${formatCount(total)} in ${formatMs(windowMs)}${ofPassed}`,
      title: passed.requestCount > 0 ? `${formatCount(passed.requestCount)} OTLP requests passed through` : '',
    },
    cycleMs === null
      ? { value: '–', detail: 'requests pass through' }
      : { value: formatMs(cycleMs), detail: 'to build and hand over' },
    { value: formatCount(symbolCount), detail: `in ${formatCount(fileCount)} files` },
    {
      value: sizeBytes === undefined ? '–' : formatBytes(sizeBytes),
      detail: sizeBytes === undefined ? 'not counted' : ofBudget || 'no budget',
      share: sizeBytes === undefined || budgetBytes === undefined ? undefined : sizeBytes / budgetBytes,
    },
    { value: formatCount(stubCount), detail: 'resubmitted every cycle' },
    { value: formatCount(unresolved), detail: reasonText || 'every frame has a name', title: reasonText },
  ];
  return values.map((value, index) => ({ label: labels[index], ...value }));
}

/** @param {Record<string, number>} a @param {Record<string, number>} b @returns {Record<string, number>} */
function sumOf(a, b) {
  const sum = { ...a };
  for (const [key, count] of Object.entries(b)) sum[key] = (sum[key] ?? 0) + count;
  return sum;
}

/** @param {Figure} figure */
function elementOf({ label, value, detail, share, title }) {
  const box = document.createElement('div');
  box.className = 'figure';
  if (title) box.title = title;
  const term = document.createElement('dt');
  term.textContent = label;
  const number = document.createElement('dd');
  number.textContent = value;
  const note = document.createElement('dd');
  note.className = 'detail';
  note.textContent = detail;
  box.append(term, number, note);
  if (share !== undefined) {
    const meter = document.createElement('dd');
    meter.className = 'meter';
    const bar = document.createElement('span');
    bar.style.width = `${Math.min(100, 100 * share)}%`;
    meter.append(bar);
    box.append(meter);
  }
  return box;
}
