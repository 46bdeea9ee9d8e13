// Everything that one can carry off: link, names, stacks, pictures, and the selected profiles as files.

import { colourOf } from './colours.js';
import { fitName, h, say } from './dom.js';
import { rowPx } from './flame-view.js';
import { formatPercent } from './format.js';
import { rangeText } from './timeline.js';
import { frameOf, nameOf, pathOf } from './tree-layout.js';

const pictureWidth = 1600;

/**
 * Fills the menu. Files have the range that is shown, however it moves on.
 * @param {HTMLElement} menu @param {import('./api.js').Api} api @param {import('./page-state.js').PageState} state
 */
export function fillTakeAway(menu, api, state, { shown, picture }) {
  const frozen = () => (shown.answer === undefined ? state.selection() : state.frozen(shown.answer));
  const title = () =>
    `${shown.answer.total.toLocaleString('en')} ${shown.answer.type?.sampleType ?? ''}, ${rangeText(shown.answer)}`;
  const download = (format) => async () => {
    const { blob, name } = await api.file({ ...frozen(), format });
    save(blob, name);
  };
  const link = () => {
    const url = new URL(location.href);
    url.searchParams.delete('seconds');
    const { from, to } = frozen();
    for (const [name, value] of Object.entries({ from, to })) if (value) url.searchParams.set(name, value);
    return copy(url.href, 'a link to this time and view');
  };
  const items = {
    'Copy link': link,
    'SVG of the view': () => save(new Blob([svgOf(picture(), title())], { type: 'image/svg+xml' }), 'framekeeper.svg'),
    'PNG of the view': async () => save(await pngOf(picture(), title()), 'framekeeper.png'),
    pprof: download('pprof'),
    'Folded stacks': download('folded'),
    speedscope: download('speedscope'),
    OTLP: download('otlp'),
  };
  const run = async (label) => {
    menu.parentElement.open = false;
    try {
      await items[label]();
    } catch (error) {
      say(`${label}: ${error.message}`);
    }
  };
  const button = (label) => h('button', { type: 'button', on: { click: () => run(label) } }, label);
  menu.replaceChildren(...Object.keys(items).map(button));
}

export async function copy(text, what) {
  if (navigator.clipboard !== undefined) await navigator.clipboard.writeText(text);
  else {
    // Browsers give the clipboard to secure pages alone; over plain HTTP from elsewhere there is the old way.
    const area = h('textarea', { value: text, className: 'unseen' });
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  say(`Copied ${what}`);
}

function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = h('a', { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Names from the outermost caller to the node, one a line. @param {import('./tree-layout.js').Layout} layout */
export function stackText(layout, node) {
  const frames = pathOf(layout, node)
    .slice(1)
    .map((each) => frameOf(layout, each));
  return frames
    .filter((frame) => frame !== undefined)
    .map(({ name, file, line }) => `${name}${file === '' ? '' : ` ${file}${line > 0 ? `:${line}` : ''}`}`)
    .join('\n');
}

/** The view as an SVG that needs nothing else. @param {import('./flame-view.js').FlameView} view */
function svgOf(view, title) {
  const { layout, theme, colouring } = view;
  const { boxes, height } = view.picture(pictureWidth);
  const total = layout.widths[0];
  const shapes = boxes.map(({ node, x, y, width }) => {
    const { fill, ink } = colourOf(theme, layout, node, colouring);
    const name = nameOf(layout, node);
    const label = width < 24 ? '' : fitName(name, Math.floor((width - 8) / 7.3));
    const text =
      label === ''
        ? ''
        : `<text x="${(x + 4).toFixed(1)}" y="${y + rowPx + 11}" fill="${escaped(ink)}">${escaped(label)}</text>`;
    const tip = `${name}, ${formatPercent(layout.widths[node], total)}`;
    const box = `<rect x="${x.toFixed(2)}" y="${y + rowPx - 4}" width="${Math.max(0.3, width - 0.6).toFixed(2)}" height="${rowPx - 1}" fill="${escaped(fill)}"/>`;
    return `<g><title>${escaped(tip)}</title>${box}${text}</g>`;
  });
  const all = height + rowPx;
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${pictureWidth} ${all}" width="${pictureWidth}" height="${all}" font-family="monospace" font-size="12">
<rect width="100%" height="100%" fill="${escaped(theme.paper)}"/>
<text x="4" y="13" fill="${escaped(theme.text)}">${escaped(title)}</text>
${shapes.join('\n')}
</svg>
`;
}

/** The same as PNG, as high as a canvas may be. */
async function pngOf(view, title) {
  const url = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svgOf(view, title))}`;
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = h('canvas', { width: image.width, height: Math.min(image.height, 16_000) });
  canvas.getContext('2d').drawImage(image, 0, 0);
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob === null ? reject(new Error('the picture is too large; take the SVG')) : resolve(blob)),
      'image/png',
    );
  });
}

const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escaped(text) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: XML has no place for these.
  const plain = text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ud800-\udfff\ufffe\uffff]/gu, '');
  return plain.replace(/[&<>"]/g, (each) => escapes[each]);
}
