// Elements of the page. Names come from strangers: they are only ever set as text, never as HTML.

/**
 * Makes an element. Keys of `props`: `on` are listeners, `data` is the dataset, `style` are properties of the style; names with a dash,
 * `role` and `for` are attributes, all others properties. Children that are `null` or `false` are left out.
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...(Node | string | null | false)} children
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined) continue;
    if (key === 'on') for (const [name, listener] of Object.entries(value)) element.addEventListener(name, listener);
    else if (key === 'data') Object.assign(element.dataset, value);
    else if (key === 'style') for (const [name, text] of Object.entries(value)) element.style.setProperty(name, text);
    else if (key.includes('-') || key === 'role' || key === 'for') element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== false));
  return element;
}

/** @param {string} id */
export function byId(id) {
  return document.getElementById(id);
}

/** Fills a select only where its options differ, so that an open list stays open. */
export function fillSelect(select, options, value) {
  const wanted = options.some(([key]) => key === value) ? options : [...options, [value, value || '–']];
  const key = JSON.stringify(wanted);
  if (select.dataset.options !== key) {
    select.dataset.options = key;
    select.replaceChildren(...wanted.map(([each, label]) => new Option(label, each)));
  }
  select.value = value;
}

/** A small square in the colour of a kind of frames. */
export function keyOf(kind) {
  return h('i', { className: 'key', style: { background: `var(--frame-${kind})` } });
}

/** Says something to who hears the page. */
export function say(text) {
  byId('spoken').textContent = text;
}

/** Cuts a text in its middle: the ends tell names apart. @param {string} text @param {number} room in letters */
export function cutMiddle(text, room) {
  const count = Math.floor(room);
  if (text.length <= count) return text;
  if (count < 3) return '';
  const tail = Math.floor((count - 1) / 2);
  return `${text.slice(0, count - 1 - tail)}…${tail === 0 ? '' : text.slice(-tail)}`;
}

/**
 * A function's name in little room: without arguments, without its result, then its last parts, then cut in the middle.
 * @param {string} name @param {number} room in letters
 */
export function fitName(name, room) {
  if (name.length <= room) return name;
  if (/\+0x|^\//.test(name)) return cutMiddle(name, room);
  const bare = name.replace(/\([^()]*\)( const)?$/, '').replace(/^[\w.$[\]]+ (?=[\w.$]+\.)/, '');
  if (bare.length <= room) return bare;
  const last = bare
    .replace(/<.*>/, '<…>')
    .split(/(?<=::|[./])(?=[^/]*$)/)
    .at(-1);
  const parts = /[^.:/]+(?:\.|::)[^.:/]+$/.exec(bare.replace(/<.*>/, '<…>'))?.[0] ?? last;
  return parts.length <= room ? parts : cutMiddle(parts.length < 3 * room ? parts : bare, room);
}

/** A service without a name of its own is called by its executable. @param {string} name */
export function shortName(name) {
  return name.replace(/^unknown_service:(?=.)/, '');
}

/** Colours of the theme as a canvas takes them: custom properties of the style, resolved. @param {string[]} names */
export function themeColours(names) {
  const probe = h('i', { hidden: true });
  document.body.append(probe);
  const style = getComputedStyle(probe);
  const colours = names.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, style.color];
  });
  probe.remove();
  return Object.fromEntries(colours);
}
