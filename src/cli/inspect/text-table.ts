/** Alignment of a column: text to the left, numbers to the right. */
export type Alignment = 'left' | 'right';

const narrowest = 12;

/**
 * Rows as lines with aligned columns, two spaces between them and nothing after the last. Where the lines would be wider than
 * `columns`, texts are cut in the middle, the widest column first.
 */
export function textTable(
  rows: readonly (readonly string[])[],
  alignments: readonly Alignment[],
  columns: number = Number.POSITIVE_INFINITY,
): string[] {
  const cells = rows.map((row) => row.map(oneLine));
  const widths = alignments.map((_, column) => Math.max(0, ...cells.map((row) => widthOf(row[column] ?? ''))));
  shrink(widths, alignments, columns);
  return cells.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        const text = cutMiddle(cell, width);
        const padding = ' '.repeat(Math.max(0, width - widthOf(text)));
        return alignments[column] === 'right' ? padding + text : text + padding;
      })
      .join('  ')
      .trimEnd(),
  );
}

function shrink(widths: number[], alignments: readonly Alignment[], columns: number): void {
  for (;;) {
    const excess = widths.reduce((sum, width) => sum + width + 2, -2) - columns;
    const texts = [...widths.keys()].filter((column) => alignments[column] === 'left' && widths[column]! > narrowest);
    if (excess <= 0 || texts.length === 0) return;
    const widest = texts.reduce((a, b) => (widths[b]! > widths[a]! ? b : a));
    const next = Math.max(narrowest, ...texts.filter((column) => column !== widest).map((column) => widths[column]!));
    widths[widest]! = Math.max(narrowest, widths[widest]! - excess, Math.min(next, widths[widest]! - 1));
  }
}

/** The first and the last part of a text that is wider than `width`. */
export function cutMiddle(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  const characters = [...text];
  const tailWidth = (width - 1) >> 1;
  const head = fitting(characters, width - 1 - tailWidth);
  const tail = fitting(characters.reverse(), tailWidth);
  return `${head.join('')}…${tail.reverse().join('')}`;
}

function fitting(characters: readonly string[], width: number): string[] {
  const taken: string[] = [];
  let left = width;
  for (const character of characters) {
    left -= widthOf(character);
    if (left < 0) break;
    taken.push(character);
  }
  return taken;
}

/** Columns of a terminal that a text takes. */
function widthOf(text: string): number {
  if (/^[\u0020-\u007e]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) {
    if (/\p{Mark}|\p{Default_Ignorable_Code_Point}/u.test(character)) continue;
    width += wide.test(character) ? 2 : 1;
  }
  return width;
}

// East Asian wide and full-width characters (UAX #11), and pictures.
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** Names come from programs that nobody here controls: no character of theirs moves the cursor or turns the text around. */
export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are taken out.
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, '\ufffd');
}
