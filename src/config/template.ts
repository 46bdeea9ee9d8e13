import type { Expanded } from './config-value.ts';

// References that double at each of a thousand steps would otherwise fill the memory.
const maxTextLength = 4 * 1024 * 1024;

/** A piece of a template: text, or what a reference stands for. */
type Piece = string | Expanded;

/**
 * Reads `text` from left to right and replaces each `${…}` by what `resolve` says of its inside, innermost first;
 * `$$` becomes `$`. A `${` without `}` stays as it is. When a single reference is the whole text, the answer is whatever
 * `resolve` returned; otherwise it is text.
 * @throws Unresolvable when a part has no text, when the text exceeds 4 MiB, and what `resolve` throws.
 */
export function expandTemplate(text: string, resolve: (inside: string) => Piece): Piece {
  // One list of pieces for the text, and one for each reference that is open.
  const open: Piece[][] = [[]];
  let position = 0;
  for (const { 0: token, index } of text.matchAll(/\$\$|\$\{|\}/g)) {
    append(open.at(-1)!, text.slice(position, index));
    position = index + token.length;
    if (token === '${') open.push([]);
    else if (token === '}' && open.length > 1) {
      const inside = joined(open.pop()!);
      open.at(-1)!.push(resolve(inside));
    } else append(open.at(-1)!, token === '$$' ? '$' : token);
  }
  append(open.at(-1)!, text.slice(position));
  const pieces = open.flatMap((inner, depth) => (depth === 0 ? inner : ['${', ...inner]));
  return pieces.length === 1 ? pieces[0]! : joined(pieces);
}

function append(pieces: Piece[], text: string): void {
  if (text !== '') pieces.push(text);
}

function joined(pieces: readonly Piece[]): string {
  const text = pieces.map(textOf).join('');
  if (text.length <= maxTextLength) return text;
  throw new Unresolvable('the expanded text is longer than 4 MiB', 'look for references that repeat each other');
}

function textOf(piece: Piece): string {
  if (typeof piece === 'string') return piece;
  if (piece.text !== undefined) return piece.text;
  throw new Unresolvable('a reference inside a text has no text of its own', 'correct the references within its value');
}

/** Unresolvable is the reason why a reference has no value. Caught where the path is known, and reported as a problem there. */
export class Unresolvable extends Error {
  readonly problem: string;
  readonly remedy: string;

  constructor(problem: string, remedy: string) {
    super(problem);
    this.problem = problem;
    this.remedy = remedy;
  }
}
