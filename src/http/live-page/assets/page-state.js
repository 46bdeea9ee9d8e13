// The state of the page, all of it in the address: a link shows another person the same.

/** Names of the parameters with their defaults. Those of filters and times are the service's own. */
const defaults = {
  view: 'graph',
  type: '',
  by: 'service',
  direction: 'icicle',
  colour: 'kind',
  list: '',
  // Length of a range that moves along; the service's default without one.
  seconds: '',
  // A range that stands still.
  from: '',
  to: '',
  service: '',
  process: '',
  thread: '',
  container: '',
  host: '',
  executable: '',
  frame_type: '',
  match: '',
  path: '',
  search: '',
  function: '',
  order: 'self',
  base_service: '',
  base_from: '',
  base_to: '',
  scale: 'second',
};

export const filterNames = ['service', 'process', 'thread', 'container', 'host', 'executable', 'frame_type', 'match'];

export class PageState {
  #values;
  #onChange;

  /** `onChange` hears the names that changed. */
  constructor(onChange) {
    this.#onChange = onChange;
    this.#values = this.#read();
    addEventListener('popstate', () => {
      const before = this.#values;
      this.#values = this.#read();
      this.#onChange(Object.keys(defaults).filter((name) => before[name] !== this.#values[name]));
    });
  }

  get(name) {
    return this.#values[name];
  }

  /** Changes some values. `isStep` makes the change one that the browser's back button undoes. */
  set(patch, isStep = true) {
    const changed = Object.keys(patch).filter((name) => this.#values[name] !== patch[name]);
    if (changed.length === 0) return;
    this.#values = { ...this.#values, ...patch };
    const entries = Object.entries(this.#values).filter(([name, value]) => value !== defaults[name]);
    const text = new URLSearchParams(entries).toString();
    const url = `${location.pathname}${text === '' ? '' : `?${text}`}`;
    if (isStep) history.pushState(null, '', url);
    else history.replaceState(null, '', url);
    this.#onChange(changed);
  }

  /** True for a range that moves along with the newest cycle. */
  get isLive() {
    return this.#values.to === '';
  }

  /** Parameters of the service's queries for the selected range, type and filters. */
  selection() {
    const { type, seconds, from, to } = this.#values;
    const filters = Object.fromEntries(filterNames.map((name) => [name, this.#values[name]]));
    return { type, ...(to === '' ? { seconds } : { from, to }), ...filters };
  }

  /** The same with a range that stands still. @param {{ startUnixMs: number, endUnixMs: number }} range */
  frozen({ startUnixMs, endUnixMs }) {
    return { ...this.selection(), seconds: '', from: timeText(startUnixMs), to: timeText(endUnixMs) };
  }

  #read() {
    const parameters = new URLSearchParams(location.search);
    return Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, parameters.get(name) ?? value]));
  }
}

/** Unix milliseconds as the service reads them. */
export function timeText(unixMs) {
  return String(Math.round(unixMs)).padStart(13, '0');
}
