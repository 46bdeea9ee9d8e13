// Numbers of the last cycle and of the symbol store. A tile that means nothing for the input at hand is left out.

import { h } from './dom.js';
import { formatBytes, formatCount, formatMs, formatPercent, formatShort } from './format.js';

/** Cause and remedy of frames without a name, by reason of `framekeeper_unresolved_frames`. */
const remedies = {
  never_submitted:
    'Nobody has sent this name. Native frames: give the service the rights to read the node’s files. Others: the collector is asked for it.',
  expired: 'The store forgot the name while it was not in use. The collector is asked again.',
  evicted: 'The store had no room for the name. Raise max_entries or max_size_mib of symbol_store.',
  no_file: 'The file is gone: its process ended, or it was replaced.',
  build_id_differs: 'The file on disk is of another build than the one that runs.',
  no_permission: 'The service may not read the file: see docs/security.md for the rights.',
  no_symbol: 'The file has no name for the address. Install its debug file, or name a debuginfod server.',
  under_way: 'The name came after the report; the next one has it.',
  no_file_id: 'The sender gave no build ID with the frame.',
};

/** @param {HTMLElement} list @param {any} figures of the state; null before the first cycle */
export function showTiles(list, figures) {
  list.hidden = figures === null;
  if (figures === null) return;
  const { windowMs, sampleCount, cycleMs, store, unresolvedFrames, passed } = figures;
  const total = sampleCount + passed.sampleCount;
  const ofPassed = passed.sampleCount > 0 ? `, ${formatCount(passed.sampleCount)} passed through` : '';
  const tiles = [
    tile(
      'Samples / s',
      formatShort((1000 * total) / Math.max(1, windowMs)),
      `${formatCount(total)} in ${formatMs(windowMs)}${ofPassed}`,
    ),
  ];
  if (cycleMs !== null) tiles.push(tile('Report', formatMs(cycleMs), 'to build and hand over'));
  if (store.symbolCount > 0)
    tiles.push(tile('Symbols', formatCount(store.symbolCount), `in ${formatCount(store.fileCount)} files`));
  if (store.sizeBytes !== undefined && store.symbolCount > 0) {
    const share = store.budgetBytes === undefined ? undefined : store.sizeBytes / store.budgetBytes;
    const note =
      share === undefined
        ? 'no budget'
        : `${formatPercent(store.sizeBytes, store.budgetBytes)} of ${formatBytes(store.budgetBytes)}`;
    tiles.push(tile('Store memory', formatBytes(store.sizeBytes), note, share));
  }
  if (store.stubCount > 0) tiles.push(tile('Live stubs', formatCount(store.stubCount), 'resubmitted every cycle'));
  tiles.push(unresolvedTile(sumOf(unresolvedFrames, passed.unresolvedFrames)));
  list.replaceChildren(...tiles);
}

function tile(label, value, note, share) {
  const meter =
    share === undefined
      ? null
      : h('dd', { className: 'meter' }, h('span', { style: { width: `${Math.min(100, 100 * share)}%` } }));
  return h(
    'div',
    { className: 'tile' },
    h('dt', {}, label),
    h('dd', {}, value),
    h('dd', { className: 'note' }, note),
    meter,
  );
}

/** Opens to the reasons. An open one stays open from cycle to cycle. */
function unresolvedTile(counts) {
  const reasons = new Map();
  for (const [key, count] of Object.entries(counts)) {
    const [type, reason = key] = key.split(' ');
    if (count > 0) reasons.set(reason, [...(reasons.get(reason) ?? []), `${formatCount(count)} ${type}`]);
  }
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (total === 0) return tile('Unresolved frames', '0', 'every frame has a name');
  const items = [...reasons].map(([reason, types]) =>
    h('li', {}, h('b', {}, `${reason.replaceAll('_', ' ')} (${types.join(', ')})`), ' ', remedies[reason] ?? ''),
  );
  const wasOpen = document.querySelector('.unresolved')?.open ?? false;
  const details = h(
    'details',
    { className: 'unresolved', open: wasOpen },
    h('summary', {}, 'why, and what to do'),
    h('ul', {}, ...items),
  );
  return h(
    'div',
    { className: 'tile' },
    h('dt', {}, 'Unresolved frames'),
    h('dd', {}, formatCount(total)),
    h('dd', { className: 'note' }, details),
  );
}

function sumOf(a, b) {
  const sum = { ...a };
  for (const [key, count] of Object.entries(b)) sum[key] = (sum[key] ?? 0) + count;
  return sum;
}
