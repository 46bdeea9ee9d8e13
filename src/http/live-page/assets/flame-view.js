// Draws a laid out tree on a canvas that is as large as what is in view.

import { colourOf, readTheme } from './colours.js';
import { fitName } from './dom.js';
import { classOf, isFolded, nameOf, search } from './tree-layout.js';

export const rowPx = 22;
// A narrower box only tints a pixel; below this nobody would see it.
const minBoxPx = 0.12;
const minTextPx = 24;
const padPx = 4;
const dimAlpha = 0.3;

/** Browsers hold a canvas of some 32,767 pixels: this one has the height of its scroller, which a spacer makes scroll. */
export class FlameView {
  #canvas;
  #scroller;
  #spacer;
  #outline;
  #context;
  #theme = readTheme();
  #layout;
  #focus = 0;
  #selected = -1;
  #hits;
  #request = 0;
  #charPx = 7;
  #colouring = 'kind';
  #isUpward = false;
  /** Levels at the root that are not drawn. */
  #hiddenLevels;
  /** Length of the last drawings in ms, for who measures. */
  drawTimes = [];

  /** `outline` is an element that is put over the selected box. */
  constructor({ canvas, scroller, spacer, outline, hiddenLevels = 0 }) {
    this.#hiddenLevels = hiddenLevels;
    this.#canvas = canvas;
    this.#scroller = scroller;
    this.#spacer = spacer;
    this.#outline = outline;
    this.#context = canvas.getContext('2d');
    scroller.addEventListener('scroll', () => this.redraw(), { passive: true });
    new ResizeObserver(() => this.redraw()).observe(scroller);
    for (const query of ['(prefers-color-scheme: dark)', '(forced-colors: active)']) {
      matchMedia(query).addEventListener('change', () => {
        this.#theme = readTheme();
        this.redraw();
      });
    }
  }

  get layout() {
    return this.#layout;
  }

  get focus() {
    return this.#focus;
  }

  get selected() {
    return this.#selected;
  }

  get theme() {
    return this.#theme;
  }

  get colouring() {
    return this.#colouring;
  }

  set colouring(colouring) {
    this.#colouring = colouring;
    this.redraw();
  }

  /** True for a flame whose root is at the bottom. */
  set isUpward(isUpward) {
    if (this.#isUpward === isUpward) return;
    this.#isUpward = isUpward;
    this.redraw();
    this.#scrollToRoot();
  }

  /** Shows another tree. @param {import('./tree-layout.js').Layout | undefined} layout */
  show(layout, focus = layout?.root ?? 0) {
    const isFirst = this.#layout === undefined;
    this.#layout = layout;
    this.#focus = focus;
    this.#selected = -1;
    this.#hits = undefined;
    this.redraw();
    if (isFirst) this.#scrollToRoot();
  }

  /** Shows less of the tree until the service has sent more of it. */
  focusOn(node) {
    this.#focus = node;
    this.redraw();
  }

  select(node) {
    if (node >= 0) this.#scrollTo(node);
    this.mark(node);
  }

  /** Selects without scrolling. */
  mark(node) {
    this.#selected = node;
    this.redraw();
  }

  /** Highlights what has a text, and dims the rest. */
  find(text) {
    this.#hits = text === '' || this.#layout === undefined ? undefined : search(this.#layout, text);
    this.redraw();
    return this.#hits;
  }

  redraw() {
    this.#request ||= requestAnimationFrame(() => {
      this.#request = 0;
      const began = performance.now();
      this.#draw();
      this.drawTimes = [...this.drawTimes.slice(-99), performance.now() - began];
    });
  }

  /** -1 when there is none. */
  nodeAt(x, y) {
    let found = -1;
    this.#visit((node, left, width, top) => {
      if (x >= left && x < left + width && y >= top && y < top + rowPx) found = node;
    });
    return found;
  }

  /** The boxes in view. */
  boxes() {
    const boxes = [];
    this.#visit((node, x, width, y) => {
      const { fill } = colourOf(this.#theme, this.#layout, node, this.#colouring);
      const isMatch = this.#hits?.isMatch[node] === 1;
      boxes.push({
        node,
        name: nameOf(this.#layout, node),
        class: classOf(this.#layout, node),
        x,
        y,
        width,
        fill,
        isMatch,
      });
    });
    return boxes;
  }

  /** Colours of the names in view, each pair once. */
  inks() {
    const pairs = new Map();
    this.#visit((node, _x, width) => {
      if (width < minTextPx) return;
      const { fill, ink, isDim = false } = this.#coloursOf(node);
      const pair = { fill, ink, paper: this.#theme.paper, alpha: isDim ? dimAlpha : 1 };
      pairs.set(JSON.stringify(pair), pair);
    });
    return [...pairs.values()];
  }

  /** Place of a node in the canvas; `undefined` when it is not in view. */
  boxOf(node) {
    let box;
    this.#visit((each, x, width, y) => {
      if (each === node) box = { x, y, width };
    });
    return box;
  }

  /** All boxes of the view, also those beside the scrolled part, for a picture of `width` pixels. */
  picture(width) {
    const boxes = [];
    const height = this.#height();
    this.#visit((node, x, boxWidth, y) => boxes.push({ node, x, y, width: boxWidth }), { width, height, scrollTop: 0 });
    return { boxes, height };
  }

  #height() {
    return this.#layout === undefined ? 0 : (this.#layout.depth + 1 - this.#hiddenLevels) * rowPx;
  }

  #visit(box, { width, height, scrollTop } = this.#window()) {
    const layout = this.#layout;
    if (layout === undefined) return;
    const { starts, widths, depths, ends, size } = layout;
    const from = starts[this.#focus];
    const to = from + widths[this.#focus];
    if (!(to > from)) return;
    const scale = width / (to - from);
    for (let node = 0; node < size; ) {
      const left = Math.max(0, (starts[node] - from) * scale);
      const right = Math.min(width, (starts[node] + widths[node] - from) * scale);
      const y = this.#rowOf(node) * rowPx - scrollTop;
      const isPast = this.#isUpward ? y < -rowPx : y > height;
      if (right - left < minBoxPx || isPast) {
        node = ends[node];
        continue;
      }
      if (depths[node] >= this.#hiddenLevels && y > -rowPx && y < height) box(node, left, right - left, y);
      node++;
    }
  }

  #window() {
    const { clientWidth: width, clientHeight: height, scrollTop } = this.#scroller;
    return { width, height, scrollTop };
  }

  #rowOf(node) {
    const { depth, depths } = this.#layout;
    return this.#isUpward ? depth - depths[node] : depths[node] - this.#hiddenLevels;
  }

  /** A flame begins at the bottom. */
  #scrollToRoot() {
    requestAnimationFrame(() => {
      if (this.#isUpward) this.#scroller.scrollTo(0, this.#scroller.scrollHeight);
    });
  }

  #scrollTo(node) {
    const { height, scrollTop } = this.#window();
    const y = this.#rowOf(node) * rowPx;
    if (y < scrollTop) this.#scroller.scrollTop = y;
    else if (y + rowPx > scrollTop + height) this.#scroller.scrollTop = y + rowPx - height;
  }

  #draw() {
    this.#spacer.style.height = `${this.#height()}px`;
    const { width, height } = this.#window();
    const ratio = devicePixelRatio || 1;
    const [pixels, lines] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.#canvas.width !== pixels || this.#canvas.height !== lines) {
      this.#canvas.width = pixels;
      this.#canvas.height = lines;
      this.#canvas.style.width = `${width}px`;
      this.#canvas.style.height = `${height}px`;
    }
    const context = this.#context;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = this.#theme.paper;
    context.fillRect(0, 0, width, height);
    context.font = `12px ${this.#theme.mono}`;
    context.textBaseline = 'middle';
    this.#charPx = context.measureText('mmmmmmmmmm').width / 10;
    const narrow = new Map();
    this.#visit((node, x, boxWidth, y) => {
      const colours = this.#coloursOf(node);
      if (boxWidth >= 3) return this.#drawBox(node, x, boxWidth, y, colours);
      // Narrow boxes of a colour are filled together.
      const key = `${colours.isDim ? 'dim ' : ''}${colours.fill}`;
      const path = narrow.get(key) ?? { ...colours, path: new Path2D() };
      narrow.set(key, path);
      path.path.rect(x, y, Math.max(0.4, boxWidth), rowPx - 1);
    });
    for (const { fill, isDim, path } of narrow.values()) {
      context.globalAlpha = isDim ? dimAlpha : 0.75;
      context.fillStyle = this.#theme.isForced ? this.#theme.line : fill;
      context.fill(path);
    }
    context.globalAlpha = 1;
    this.#placeOutline();
  }

  #drawBox(node, x, width, y, { fill, ink, isDim }) {
    const context = this.#context;
    const [left, right] = [Math.round(x), Math.round(x + width)];
    context.globalAlpha = isDim ? dimAlpha : 1;
    context.fillStyle = fill;
    context.fillRect(left, y, Math.max(1, right - left - 1), rowPx - 1);
    if (this.#theme.isForced || isFolded(this.#layout, node)) {
      context.strokeStyle = this.#theme.isForced ? this.#theme.text : this.#theme.line;
      context.setLineDash(isFolded(this.#layout, node) ? [3, 3] : []);
      context.strokeRect(left + 0.5, y + 0.5, Math.max(1, right - left - 2), rowPx - 2);
    }
    context.globalAlpha = 1;
    const room = right - left - 2 * padPx;
    if (room >= minTextPx - 2 * padPx) {
      context.fillStyle = ink;
      // The last argument narrows letters that are wider than those of the font.
      const text = fitName(nameOf(this.#layout, node), Math.floor(room / this.#charPx));
      if (text !== '') context.fillText(text, left + padPx, y + rowPx / 2, room);
    }
  }

  #coloursOf(node) {
    const isHit = this.#hits?.isMatch[node] === 1;
    const isDim = this.#hits !== undefined && !isHit && node > 0;
    const theme = this.#theme;
    if (theme.isForced) {
      return isHit ? { fill: theme.match, ink: theme.matchInk } : { fill: theme.paper, ink: theme.text, isDim: false };
    }
    if (isHit) return { fill: theme.match, ink: theme.matchInk, isDim: false };
    const colours = colourOf(theme, this.#layout, node, this.#colouring);
    // Letters stay readable where only the box is dimmed.
    return isDim ? { fill: colours.fill, ink: theme.text, isDim } : colours;
  }

  #placeOutline() {
    const box = this.#selected < 0 ? undefined : this.boxOf(this.#selected);
    this.#outline.hidden = box === undefined;
    if (box === undefined) return;
    const { style } = this.#outline;
    style.transform = `translate(${box.x}px, ${box.y}px)`;
    style.width = `${Math.max(4, box.width)}px`;
    style.height = `${rowPx}px`;
  }
}
