// The choices of the page: profile type, service, and number of cycles to look back.

import { formatMs, formatType } from './format.js';

/**
 * @param {{ type: HTMLSelectElement, service: HTMLSelectElement, window: HTMLSelectElement }} selects
 * @param {any} data `LiveData`
 * @param {{ service: string, cycles: string }} query
 */
export function showChoices(selects, data, query) {
  const { types, typeKey, services, keptCycles, maxCycles, figures } = data;
  fill(
    selects.type,
    types.map((type) => [type.key, formatType(type)]),
    typeKey,
  );
  fill(selects.service, [['', 'All'], ...services.map((name) => [name, name])], query.service);
  const cycleMs = figures?.windowMs ?? 0;
  const choices = [...new Set([1, Math.ceil(maxCycles / 4), Math.ceil(maxCycles / 2), maxCycles])];
  const name = (count) =>
    count === 1
      ? 'Last cycle'
      : cycleMs === 0
        ? `${count} cycles`
        : `Last ${formatMs(Math.round((count * cycleMs) / 1000) * 1000)}`;
  fill(
    selects.window,
    choices.map((count) => [String(count), name(count)]),
    query.cycles === '' ? String(maxCycles) : query.cycles,
  );
  selects.service.disabled = keptCycles === 0;
}

/** Changes the options only where they differ, so that an open list stays open. */
function fill(select, options, value) {
  const wanted = options.some(([key]) => key === value) ? options : [...options, [value, value || '–']];
  const key = JSON.stringify(wanted);
  if (select.dataset.options !== key) {
    select.dataset.options = key;
    select.replaceChildren(...wanted.map(([each, label]) => new Option(label, each)));
  }
  select.value = value;
}
