// The views of a selection: graph, text tree, table, sandwich, comparison. Each makes its elements in the panel and shows answers in them.

import { h } from './dom.js';
import { listenToFlame } from './flame-input.js';
import { FlameView } from './flame-view.js';
import { formatPercent, formatValue } from './format.js';
import { changesTable, FunctionTable } from './function-table.js';
import { layOut } from './tree-layout.js';
import { TreeList } from './tree-list.js';

const flameLabel = 'Flame graph. Arrow keys move, Enter zooms, Escape leads back. The view Tree has the same as text.';

/** A canvas with its scroller. */
function createFlame(id, label, listeners, hiddenLevels = 0) {
  const canvas = h('canvas', { id, tabIndex: 0, role: 'img', 'aria-label': label, 'aria-describedby': 'spoken' });
  const outline = h('div', { className: 'outline', hidden: true });
  const spacer = h('div', { className: 'spacer' });
  const scroller = h('div', { className: 'scroller' }, h('div', { className: 'stage' }, canvas, outline), spacer);
  const view = new FlameView({ canvas, scroller, spacer, outline, hiddenLevels });
  listenToFlame(canvas, view, {
    onPoint: (node, x, y) => listeners.onPoint(view, node, x, y),
    onSelect: (node) => listeners.onSelect(view, node),
    onZoom: (node) => listeners.onZoom(view, node),
  });
  return { view, scroller, canvas };
}

/** @param {HTMLElement} panel @param {any} listeners of app.js */
export function createPanels(panel, listeners) {
  const main = createFlame('flame', flameLabel, listeners);
  const callers = createFlame('callers', 'Callers of the function, nearest first.', listeners, 1);
  const callees = createFlame('callees', 'Callees of the function.', listeners, 1);
  callers.view.isUpward = true;
  const changes = h('div', { className: 'changes', tabIndex: 0, role: 'region', 'aria-label': 'Largest changes' });
  const treeElement = h('div', { className: 'tree', role: 'tree', id: 'tree', 'aria-label': 'Callers and callees' });
  const treeScroller = h('div', { className: 'scroller plain' }, treeElement);
  const tableScroller = h('div', {
    className: 'scroller plain',
    id: 'table',
    tabIndex: 0,
    role: 'region',
    'aria-label': 'Functions',
  });
  const sandwichHead = h('p', { className: 'sandwich-head', id: 'sandwich-head' });
  const panels = {
    graph: [main.scroller],
    tree: [treeScroller],
    table: [tableScroller],
    sandwich: [h('h2', {}, 'Callers'), callers.scroller, sandwichHead, h('h2', {}, 'Callees'), callees.scroller],
    compare: [main.scroller, changes],
  };
  const tree = new TreeList(treeElement, {
    onZoom: (node) => listeners.onZoom(tree, node),
    onSelect: (node) => listeners.onTreeSelect(tree, node),
  });
  const table = new FunctionTable(tableScroller, listeners);
  let shown = '';
  return {
    flame: main.view,
    callers: callers.view,
    callees: callees.view,
    open(name) {
      if (shown === name) return;
      shown = name;
      panel.replaceChildren(...panels[name]);
      panel.dataset.view = name;
    },
    showTree(answer) {
      const layout = layOut(answer);
      tree.layout = layout;
      tree.show(layout, answer.total);
      return layout;
    },
    showGraph(answer, baseScale) {
      const layout = layOut(answer, baseScale);
      main.view.show(layout);
      return layout;
    },
    showChanges: (layout, answer) => changes.replaceChildren(changesTable(layout, answer, listeners.onOpen)),
    showTable: (answer, order) => table.show(answer, order),
    showSandwich: (answer, name) =>
      showSandwich({ callers: callers.view, callees: callees.view, head: sandwichHead }, answer, name),
  };
}

function showSandwich({ callers, callees, head }, answer, name) {
  const { sandwich, total, type } = answer;
  if (sandwich === null) {
    callers.show(undefined);
    callees.show(undefined);
    head.textContent =
      name === ''
        ? 'Choose a function: in the table, or with Sandwich on a selected box.'
        : 'No sample of the selection has this function.';
    return;
  }
  const self = `${formatValue(sandwich.self, type)} (${formatPercent(sandwich.self, total)}) self`;
  const whole = `${formatValue(sandwich.total, type)} (${formatPercent(sandwich.total, total)}) total`;
  const [frame] = sandwich.callees.frames.name.slice(1);
  head.replaceChildren(h('b', {}, frame ?? name), ` ${self}, ${whole}`);
  callers.show(layOut(sandwich.callers));
  callees.show(layOut(sandwich.callees));
}
