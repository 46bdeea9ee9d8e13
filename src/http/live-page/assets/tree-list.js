// The tree as text: for keyboards, for who hears the page, and for who prefers names to boxes. Rows are made where a node is open.

import { h } from './dom.js';
import { formatPercent } from './format.js';
import { childrenOf, isFolded, nameOf, pathOf, pathText } from './tree-layout.js';

const maxChildren = 100;

/** Tree by the pattern of the ARIA authoring practices: arrows move, open and close; Enter shows less of the tree. */
export class TreeList {
  #element;
  #layout;
  #total = 0;
  #current = 0;
  /** Paths of open nodes: they stay open from one cycle to the next. */
  #open = new Set();
  #onZoom;
  #onSelect;

  constructor(element, { onZoom, onSelect }) {
    this.#element = element;
    this.#onZoom = onZoom;
    this.#onSelect = onSelect;
    element.addEventListener('keydown', (event) => this.#onKey(event));
    element.addEventListener('click', (event) => {
      const item = event.target.closest('[role=treeitem]');
      if (item === null) return;
      this.#current = Number(item.dataset.node);
      this.#toggle(this.#current);
      this.#onSelect(this.#current);
    });
  }

  /** @param {import('./tree-layout.js').Layout} layout */
  show(layout, total) {
    const hadFocus = this.#element.contains(document.activeElement);
    const current =
      this.#layout === undefined ? '' : pathText(this.#layout, Math.min(this.#current, this.#layout.size - 1));
    this.#layout = layout;
    this.#total = total;
    this.#current = layout.root;
    for (const node of pathOf(layout, layout.root)) this.#open.add(pathText(layout, node));
    if (this.#open.size > 2000) this.#open = new Set(pathOf(layout, layout.root).map((node) => pathText(layout, node)));
    this.#draw();
    for (const item of this.#items())
      if (pathText(layout, Number(item.dataset.node)) === current) this.#current = Number(item.dataset.node);
    this.#mark(hadFocus);
  }

  #items() {
    return [...this.#element.querySelectorAll('[role=treeitem]')];
  }

  #draw() {
    const rows = [];
    const visit = (node, place, count) => {
      rows.push(this.#row(node, place, count));
      if (!this.#isOpen(node)) return;
      const all = childrenOf(this.#layout, node).sort((a, b) => this.#layout.widths[b] - this.#layout.widths[a]);
      for (const [index, child] of all.slice(0, maxChildren).entries())
        visit(child, index + 1, Math.min(all.length, maxChildren));
    };
    visit(0, 1, 1);
    this.#element.replaceChildren(...rows);
  }

  #row(node, place, count) {
    const layout = this.#layout;
    const hasChildren = layout.ends[node] > node + 1;
    const total = formatPercent(layout.totals[node], this.#total);
    const self = isFolded(layout, node) ? '' : formatPercent(layout.selfs[node], this.#total);
    return h(
      'div',
      {
        role: 'treeitem',
        tabIndex: -1,
        'aria-level': String(layout.depths[node] + 1),
        'aria-setsize': String(count),
        'aria-posinset': String(place),
        'aria-selected': 'false',
        'aria-expanded': hasChildren ? String(this.#isOpen(node)) : undefined,
        data: { node: String(node) },
        style: { '--level': String(Math.min(40, layout.depths[node])) },
      },
      h('span', { className: 'tree-name' }, nameOf(layout, node)),
      h('span', { className: 'tree-share' }, `${total} total`),
      h('span', { className: 'tree-share' }, self === '' ? '' : `${self} self`),
    );
  }

  #isOpen(node) {
    return !isFolded(this.#layout, node) && this.#open.has(pathText(this.#layout, node));
  }

  #toggle(node, shouldOpen = !this.#isOpen(node)) {
    if (isFolded(this.#layout, node)) return this.#onZoom(this.#layout.parents[node]);
    const path = pathText(this.#layout, node);
    if (shouldOpen) this.#open.add(path);
    else this.#open.delete(path);
    this.#draw();
    this.#mark(true);
  }

  #mark(hasFocus) {
    for (const item of this.#items()) {
      const isCurrent = Number(item.dataset.node) === this.#current;
      item.tabIndex = isCurrent ? 0 : -1;
      item.setAttribute('aria-selected', String(isCurrent));
      if (isCurrent && hasFocus) item.focus();
    }
  }

  #onKey(event) {
    const items = this.#items();
    const place = items.findIndex((item) => Number(item.dataset.node) === this.#current);
    const layout = this.#layout;
    const isOpen = this.#isOpen(this.#current);
    const move = (item) => {
      if (item === undefined) return;
      this.#current = Number(item.dataset.node);
      this.#mark(true);
      this.#onSelect(this.#current);
    };
    const actions = {
      ArrowDown: () => move(items[place + 1]),
      ArrowUp: () => move(items[place - 1]),
      Home: () => move(items[0]),
      End: () => move(items.at(-1)),
      ArrowRight: () => (isOpen ? move(items[place + 1]) : this.#toggle(this.#current, true)),
      ArrowLeft: () =>
        isOpen
          ? this.#toggle(this.#current, false)
          : move(items.find((item) => Number(item.dataset.node) === layout.parents[this.#current])),
      Enter: () => this.#onZoom(isFolded(layout, this.#current) ? layout.parents[this.#current] : this.#current),
      ' ': () => this.#toggle(this.#current),
    };
    const action = actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  }
}
