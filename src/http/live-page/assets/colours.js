// Colours of boxes: by kind of frame, package or executable; of comparisons; of the system where it forces its own.

import { themeColours } from './dom.js';
import { classOf, frameOf, isFolded } from './tree-layout.js';

export const kinds = {
  kernel: 'Kernel',
  native: 'Native',
  managed: 'Managed',
  interpreted: 'Interpreted',
  stub: 'Stub',
  unresolved: 'Unresolved',
};

/** Theme of the page as the canvas needs it. */
export function readTheme() {
  const names = ['root', 'service', 'group', ...Object.keys(kinds), 'other', 'folded'];
  const colours = themeColours(names.map((name) => `frame-${name}`));
  const [ink, lightInk, match, matchInk] = ['frame-ink', 'frame-service-ink', 'frame-match', 'frame-match-ink'];
  const own = themeColours(['paper', 'ink', 'line', ink, lightInk, match, matchInk]);
  return {
    isForced: matchMedia('(forced-colors: active)').matches,
    isDark: matchMedia('(prefers-color-scheme: dark)').matches,
    fills: Object.fromEntries(names.map((name) => [name, colours[`frame-${name}`]])),
    ink: own[ink],
    lightInk: own[lightInk],
    paper: own.paper,
    text: own.ink,
    line: own.line,
    match: own[match],
    matchInk: own[matchInk],
    mono: getComputedStyle(document.documentElement).getPropertyValue('--mono').trim(),
  };
}

/** Fill and ink of a box, by colouring: `kind`, `package` or `executable`, or by change in a comparison. */
export function colourOf(theme, layout, node, colouring) {
  const frameClass = classOf(layout, node);
  const fixed = { fill: theme.fills[frameClass] ?? theme.fills.other, ink: inkOf(theme, frameClass) };
  if (['root', 'service', 'group', 'folded'].includes(frameClass) && !(layout.isDiff && frameClass !== 'root'))
    return fixed;
  if (layout.isDiff) return { fill: changeColour(theme, changeOf(layout, node)), ink: theme.ink };
  if (colouring === 'kind' || isFolded(layout, node)) return fixed;
  const frame = frameOf(layout, node);
  const text = colouring === 'package' ? packageOf(frame) : executableOf(frame);
  return text === ''
    ? { fill: theme.fills.unresolved, ink: theme.ink }
    : { fill: hueColour(theme, text), ink: theme.ink };
}

function inkOf(theme, frameClass) {
  if (frameClass === 'service' || frameClass === 'group') return theme.lightInk;
  return frameClass === 'root' || frameClass === 'folded' ? theme.text : theme.ink;
}

/** Package, namespace or folder of a function: `java.util`, `std`, `runtime`, `/srv/app`. */
export function packageOf({ name, file, module }) {
  const plain = name.replace(/\(.*$/s, '').replace(/<.*$/s, '').replace(/^.* /, '');
  const [, scope] = /^([\w./$-]+)\.\w[\w$]*\.[\w$]+$/.exec(plain) ?? /^([\w$]+(?:::[\w$]+)*)::/.exec(plain) ?? [];
  if (scope !== undefined) return scope.split('::')[0];
  const [, goPackage] = /^((?:[\w.-]+\/)*\w+)\./.exec(plain) ?? [];
  if (goPackage !== undefined && file.endsWith('.go')) return goPackage;
  return file.includes('/') ? file.slice(0, file.lastIndexOf('/')) : baseName(module);
}

export function executableOf({ module, class: frameClass }) {
  return baseName(module) || (frameClass === 'kernel' ? '[kernel]' : '');
}

function baseName(path) {
  return path.slice(path.lastIndexOf('/') + 1);
}

// Light enough for dark letters in both themes: at least 4.5 to 1.
function hueColour({ isDark }, text) {
  let hash = 2166136261;
  for (let place = 0; place < text.length; place++) hash = Math.imul(hash ^ text.charCodeAt(place), 16777619);
  const hue = (hash >>> 0) % 360;
  return `hsl(${hue} ${isDark ? 42 : 62}% ${isDark ? 64 : 76}%)`;
}

/**
 * Change from the baseline to now, from -1 (gone) to 1 (new), of values made comparable; 0 where chance explains it: counts of equal
 * time differ by twice the root of their sum.
 */
function changeOf({ totals, baseTotals, baseScale }, node) {
  const [now, before] = [totals[node], baseTotals[node] * baseScale];
  const noise = 2 * Math.sqrt(totals[node] + baseScale * baseScale * baseTotals[node]);
  if (Math.abs(now - before) <= noise || now + before === 0) return 0;
  return (now - before) / Math.max(now, before);
}

/** Blue for less, grey, orange for more: for all who tell colours apart in one way or another. */
export function changeColour({ isDark }, change) {
  const strength = Math.min(1, Math.abs(change));
  if (strength === 0) return isDark ? 'hsl(210 5% 62%)' : 'hsl(210 8% 86%)';
  const light = isDark ? 68 - 6 * strength : 86 - 18 * strength;
  return change > 0 ? `hsl(28 ${30 + 60 * strength}% ${light}%)` : `hsl(212 ${30 + 60 * strength}% ${light}%)`;
}

/** Words for a change: colours are not for everybody. */
export function changeText(layout, node) {
  const [now, before] = [layout.totals[node], layout.baseTotals[node] * layout.baseScale];
  if (before === 0) return 'new';
  if (now === 0) return 'gone';
  const percent = (100 * (now - before)) / before;
  const text = `${percent > 0 ? '+' : '−'}${Math.abs(percent).toFixed(Math.abs(percent) < 10 ? 1 : 0)} %`;
  return changeOf(layout, node) === 0 ? `${text}, within chance` : text;
}
