// Colours and type of the flame graph, taken from the style sheet so that they are said once.

const classes = ['root', 'service', 'kernel', 'native', 'managed', 'interpreted', 'stub', 'unresolved', 'other'];

/** @typedef {ReturnType<typeof readTheme>} Theme */

/** Reads the custom properties as they are now, light or dark. */
export function readTheme() {
  const style = getComputedStyle(document.documentElement);
  const read = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  return {
    font: `12px ${read('--mono')}`,
    paper: read('--paper'),
    ink: read('--ink'),
    focus: read('--focus'),
    match: read('--frame-match'),
    matchInk: read('--frame-match-ink'),
    frameInk: read('--frame-ink'),
    serviceInk: read('--frame-service-ink'),
    shades: new Map(classes.map((name) => [name, shadesOf(read(`--frame-${name}`), name)])),
  };
}

/** The shade of a frame: its class decides the colour, its name which shade. @param {Theme} theme @param {{ name: string, class: string }} frame */
export function shadeOf(theme, frame) {
  const shades = theme.shades.get(frame.class) ?? theme.shades.get('other');
  return shades[hash(frame.name) % shades.length];
}

/** The colour of a name on its frame. @param {Theme} theme @param {{ class: string }} frame */
export function inkOf(theme, frame) {
  if (frame.class === 'root') return theme.ink;
  return frame.class === 'service' ? theme.serviceInk : theme.frameInk;
}

/** Near shades of a colour, so that neighbours of one class can be told apart. */
function shadesOf(color, name) {
  const parts = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  // Fewer shades make a calmer surface, for classes whose neighbours need not be told apart.
  const steps = { root: [0], other: [0], service: [0, 0.07], unresolved: [0, 0.1, 0.2] }[name] ?? [
    0, 0.1, 0.2, -0.05, -0.1,
  ];
  return steps.map((step) => {
    const target = step > 0 ? 255 : 0;
    return `rgb(${parts.map((part) => Math.round(part + (target - part) * Math.abs(step))).join(' ')})`;
  });
}

function hash(text) {
  let value = 0;
  for (let index = 0; index < text.length; index++) value = (value * 31 + text.charCodeAt(index)) | 0;
  return value >>> 0;
}
