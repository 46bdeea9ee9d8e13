// Samples over the last hour. A drag, or keys, select a range in it.

import { themeColours } from './dom.js';
import { formatMs } from './format.js';

export class Timeline {
  #canvas;
  #line;
  #range;
  #onRange;
  #drag;

  /** `onRange` hears of a selected range in Unix milliseconds. */
  constructor(canvas, onRange) {
    this.#canvas = canvas;
    this.#onRange = onRange;
    new ResizeObserver(() => this.#draw()).observe(canvas);
    for (const query of ['(prefers-color-scheme: dark)', '(forced-colors: active)']) {
      matchMedia(query).addEventListener('change', () => this.#draw());
    }
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      const time = this.#timeAt(event.offsetX);
      this.#drag = { from: time, to: time };
      this.#draw();
    });
    canvas.addEventListener('pointermove', (event) => {
      if (this.#drag === undefined) return;
      this.#drag = { ...this.#drag, to: this.#timeAt(event.offsetX) };
      this.#draw();
    });
    canvas.addEventListener('pointerup', () => this.#finish());
    canvas.addEventListener('pointercancel', () => {
      this.#drag = undefined;
      this.#draw();
    });
    canvas.addEventListener('keydown', (event) => this.#onKey(event));
  }

  /** @param {any} line answer of the query `timeline` @param {{ startUnixMs: number, endUnixMs: number }} range that is shown */
  show(line, range) {
    this.#line = line;
    this.#range = range;
    const text = `${clock(range.startUnixMs)} to ${clock(range.endUnixMs)}`;
    this.#canvas.setAttribute('aria-valuetext', text);
    this.#canvas.setAttribute('aria-valuemin', String(Math.round(this.#start)));
    this.#canvas.setAttribute('aria-valuemax', String(Math.round(this.#end)));
    this.#canvas.setAttribute(
      'aria-valuenow',
      String(Math.round(Math.min(this.#end, Math.max(this.#start, range.endUnixMs)))),
    );
    this.#draw();
  }

  get #start() {
    // A short history does not fill the line: an hour would be mostly empty, a cycle alone a block.
    const first = this.#line?.starts[0] ?? 0;
    return Math.min(first, this.#end - 60_000);
  }

  get #end() {
    return this.#line?.ends.at(-1) ?? 0;
  }

  #timeAt(x) {
    const share = Math.min(1, Math.max(0, x / this.#canvas.clientWidth));
    return this.#start + share * (this.#end - this.#start);
  }

  #finish() {
    const drag = this.#drag;
    this.#drag = undefined;
    if (drag === undefined || this.#line === undefined) return;
    const [from, to] = [Math.min(drag.from, drag.to), Math.max(drag.from, drag.to)];
    const spans = this.#line.starts.flatMap((start, place) => {
      const end = this.#line.ends[place];
      return end > from && start < to + 1 ? [[start, end]] : [];
    });
    if (spans.length > 0) this.#onRange({ startUnixMs: spans[0][0], endUnixMs: spans.at(-1)[1] });
    this.#draw();
  }

  /** Arrows move the range by its length; with Shift they move its end by a span. Home and End lead to the oldest and the newest. */
  #onKey(event) {
    if (this.#line === undefined) return;
    const { startUnixMs, endUnixMs } = this.#range;
    const length = endUnixMs - startUnixMs;
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    const place = this.#line.ends.findIndex((end) => end >= endUnixMs);
    let next;
    if (step !== undefined && event.shiftKey) {
      const end = this.#line.ends[place + step];
      if (end !== undefined && end > startUnixMs) next = { startUnixMs, endUnixMs: end };
    } else if (step !== undefined)
      next = { startUnixMs: startUnixMs + step * length, endUnixMs: endUnixMs + step * length };
    else if (event.key === 'Home')
      next = { startUnixMs: this.#line.starts[0], endUnixMs: this.#line.starts[0] + length };
    else if (event.key === 'End') next = { startUnixMs: this.#end - length, endUnixMs: this.#end };
    else return;
    event.preventDefault();
    if (next !== undefined && next.endUnixMs <= this.#end + 1 && next.startUnixMs >= this.#line.starts[0] - 1)
      this.#onRange(next);
  }

  #draw() {
    const canvas = this.#canvas;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const ratio = devicePixelRatio || 1;
    [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    const context = canvas.getContext('2d');
    context.scale(ratio, ratio);
    if (this.#line === undefined || this.#end <= this.#start) return;
    const colours = themeColours(['bar', 'bar-in', 'focus']);
    const x = (time) => ((time - this.#start) / (this.#end - this.#start)) * width;
    const { starts, ends, values } = this.#line;
    const rates = values.map((value, place) => value / Math.max(1, ends[place] - starts[place]));
    const most = Math.max(...rates, 1e-9);
    const range = this.#drag === undefined ? this.#range : dragged(this.#drag);
    for (const [place, rate] of rates.entries()) {
      const [left, right] = [x(starts[place]), x(ends[place])];
      const isIn = range !== undefined && ends[place] > range.startUnixMs + 1 && starts[place] < range.endUnixMs - 1;
      context.fillStyle = colours[isIn ? 'bar-in' : 'bar'];
      const barHeight = Math.max(rate > 0 ? 1 : 0, (rate / most) * (height - 4));
      context.fillRect(left, height - barHeight, Math.max(0.5, right - left - (right - left > 3 ? 1 : 0)), barHeight);
    }
    if (range !== undefined) {
      context.strokeStyle = colours.focus;
      context.strokeRect(
        x(range.startUnixMs) + 0.5,
        0.5,
        Math.max(2, x(range.endUnixMs) - x(range.startUnixMs) - 1),
        height - 1,
      );
    }
  }
}

function dragged({ from, to }) {
  return { startUnixMs: Math.min(from, to), endUnixMs: Math.max(from, to) };
}

export function clock(unixMs) {
  return new Date(unixMs).toLocaleTimeString();
}

/** Words for a range and how much of it there is. */
export function rangeText({ startUnixMs, endUnixMs, coveredMs }) {
  const length = endUnixMs - startUnixMs;
  const gap = length - coveredMs > 1000 ? `, ${formatMs(coveredMs)} of it with profiles` : '';
  return `${clock(startUnixMs)} – ${clock(endUnixMs)} (${formatMs(length)}${gap})`;
}
