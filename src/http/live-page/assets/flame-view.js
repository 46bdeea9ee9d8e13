// Draws a laid out flame tree on a canvas, as an icicle: callers above, leaves last.

import { fitText, rowPx, visitBoxes } from './flame-boxes.js';
import { findPath, pathOf } from './flame-layout.js';
import { inkOf, readTheme, shadeOf } from './flame-theme.js';
import { glide } from './glide.js';

const padPx = 5;
const zoomMs = 140;

/**
 * @typedef {import('./flame-layout.js').Layout} Layout
 * @typedef {{ onZoom: () => void, onSelect: (node: number) => void }} Listeners
 */
export class FlameView {
  #canvas;
  #scroller;
  #spacer;
  #context;
  #listeners;
  /** @type {Layout | undefined} */
  #layout;
  #rootName = '';
  #focus = 0;
  #selected = -1;
  #hovered = -1;
  /** @type {Uint8Array | undefined} */
  #isMatch;
  #from = 0;
  #to = 0;
  #stopGliding = () => {};
  #frameRequest = 0;
  #width = 0;
  #height = 0;
  /** @type {import('./flame-theme.js').Theme} */
  #theme;
  #charPx = 7;

  /** @param {HTMLCanvasElement} canvas @param {HTMLElement} scroller @param {HTMLElement} spacer @param {Listeners} listeners */
  constructor(canvas, scroller, spacer, listeners) {
    this.#canvas = canvas;
    this.#scroller = scroller;
    this.#spacer = spacer;
    this.#listeners = listeners;
    this.#context = canvas.getContext('2d', { alpha: false });
    this.#readTheme();
    new ResizeObserver(() => this.#resize()).observe(scroller);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#readTheme());
    scroller.addEventListener('scroll', () => {
      this.hover(-1);
      this.#redraw();
    });
  }

  get layout() {
    return this.#layout;
  }

  /** The node that fills the width. */
  get focus() {
    return this.#focus;
  }

  /** The keyboard's place, or -1. */
  get selected() {
    return this.#selected;
  }

  /** Outlines the node under the pointer. @param {number} node */
  hover(node) {
    this.#canvas.dataset.over = String(node >= 0);
    if (node !== this.#hovered) this.#redraw();
    this.#hovered = node;
  }

  /** Boxes as they are drawn now, for tests and for whoever opens the console. */
  boxes() {
    const boxes = [];
    this.#visit((node, x, width, y) => {
      const { class: frameClass } = this.#layout.frames[node];
      const isMatch = this.#isMatch?.[node] === 1;
      boxes.push({ node, name: this.#nameOf(node), class: frameClass, x, y, width, isMatch, ...this.#colorsOf(node) });
    });
    return boxes;
  }

  /** Shows another tree; stays at the same place in it where that still exists. @param {Layout | undefined} layout @param {string} rootName */
  show(layout, rootName) {
    const before = this.#layout;
    const framesTo = (node) =>
      pathOf(before, node)
        .slice(1)
        .map((each) => before.frames[each]);
    const focus = before && layout ? findPath(layout, framesTo(this.#focus)) : 0;
    const selected =
      before && layout && this.#selected > 0 ? findPath(layout, framesTo(this.#selected)) : this.#selected;
    this.#layout = layout;
    this.#rootName = rootName;
    this.#focus = focus;
    this.#selected = layout ? selected : -1;
    this.#isMatch = undefined;
    this.#hovered = -1;
    this.#stopGliding();
    if (layout) [this.#from, this.#to] = [layout.starts[focus], layout.starts[focus] + layout.totals[focus]];
    this.#resize();
  }

  /** @param {Uint8Array | undefined} isMatch */
  mark(isMatch) {
    this.#isMatch = isMatch;
    this.#redraw();
  }

  /** Lets a node fill the width. @param {number} node */
  zoom(node) {
    if (this.#layout === undefined) return;
    this.#focus = node;
    this.#listeners.onZoom();
    this.reveal(node);
    const to = this.#layout.starts[node];
    this.#glide([this.#from, this.#to], [to, to + this.#layout.totals[node]]);
  }

  #glide(from, to) {
    this.#stopGliding();
    this.#stopGliding = glide(zoomMs, (rest) => {
      [this.#from, this.#to] = to.map((end, index) => end + (from[index] - end) * rest);
      this.#draw();
    });
  }

  /** Moves the keyboard's place. @param {number} node */
  select(node) {
    this.#selected = node;
    if (node >= 0) this.reveal(node);
    this.#listeners.onSelect(node);
    this.#redraw();
  }

  /** Scrolls so that a node's row can be seen. @param {number} node */
  reveal(node) {
    const top = this.#layout.depths[node] * rowPx;
    const { scrollTop } = this.#scroller;
    if (top < scrollTop) this.#scroller.scrollTop = top;
    else if (top + rowPx > scrollTop + this.#height) this.#scroller.scrollTop = top + 3 * rowPx - this.#height;
  }

  /** The node drawn at a place of the canvas, or -1. @param {number} x @param {number} y */
  nodeAt(x, y) {
    let found = -1;
    this.#visit((node, left, width, top) => {
      if (x >= left && x < left + width && y >= top && y < top + rowPx) found = node;
    });
    return found;
  }

  #visit(box) {
    if (this.#layout === undefined) return;
    const { scrollTop } = this.#scroller;
    visitBoxes(
      this.#layout,
      { from: this.#from, to: this.#to, width: this.#width, height: this.#height, scrollTop },
      box,
    );
  }

  #resize() {
    const { clientWidth, clientHeight } = this.#scroller;
    const ratio = devicePixelRatio || 1;
    [this.#width, this.#height] = [clientWidth, clientHeight];
    this.#canvas.width = Math.round(clientWidth * ratio);
    this.#canvas.height = Math.round(clientHeight * ratio);
    this.#canvas.style.height = `${clientHeight}px`;
    const rows = this.#layout === undefined ? 0 : this.#layout.maxDepth + 1;
    // The canvas stands still and the spacer scrolls: no canvas could be as high as a stack can be deep.
    this.#spacer.style.height = `${Math.max(0, rows * rowPx - clientHeight)}px`;
    if (this.#scroller.clientWidth !== clientWidth) return this.#resize();
    this.#draw();
  }

  #redraw() {
    if (this.#frameRequest === 0) this.#frameRequest = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    cancelAnimationFrame(this.#frameRequest);
    this.#frameRequest = 0;
    const context = this.#context;
    const ratio = devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = this.#theme.paper;
    context.fillRect(0, 0, this.#width, this.#height);
    context.font = this.#theme.font;
    context.textBaseline = 'middle';
    this.#visit((node, x, width, y) => this.#drawBox(node, x, width, y));
    for (const [node, color] of [
      [this.#hovered, this.#theme.ink],
      [this.#selected, this.#theme.focus],
    ]) {
      if (node >= 0) this.#drawOutline(node, color);
    }
  }

  #drawBox(node, x, width, y) {
    const context = this.#context;
    const isAbove = node < this.#focus && this.#layout.ends[node] > this.#focus;
    context.globalAlpha = isAbove ? 0.55 : 1;
    const { fill, ink } = this.#colorsOf(node);
    context.fillStyle = fill;
    const gap = width > 3 ? 1 : 0;
    context.fillRect(x, y, width - gap, rowPx - 1);
    const textPx = width - gap - 2 * padPx;
    context.fillStyle = ink;
    // The bound squeezes letters that are wider than those of the font.
    if (textPx > 0)
      context.fillText(fitText(this.#nameOf(node), textPx / this.#charPx), x + padPx, y + rowPx / 2, textPx);
    context.globalAlpha = 1;
  }

  #drawOutline(node, color) {
    this.#visit((each, x, width, y) => {
      if (each !== node) return;
      this.#context.strokeStyle = color;
      this.#context.lineWidth = 2;
      this.#context.strokeRect(x + 1, y + 1, Math.max(1, width - 3), rowPx - 3);
    });
  }

  #colorsOf(node) {
    if (this.#isMatch?.[node] === 1) return { fill: this.#theme.match, ink: this.#theme.matchInk };
    const frame = this.#layout.frames[node];
    return { fill: shadeOf(this.#theme, frame), ink: inkOf(this.#theme, frame) };
  }

  #nameOf(node) {
    return node === 0 ? this.#rootName : this.#layout.frames[node].name;
  }

  #readTheme() {
    this.#theme = readTheme();
    this.#context.font = this.#theme.font;
    this.#charPx = this.#context.measureText('mmmmmmmmmm').width / 10;
    this.#redraw();
  }
}
