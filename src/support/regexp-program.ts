/** Step of a compiled expression. */
export type Instruction =
  | { readonly kind: 'character'; readonly takes: (point: string) => boolean }
  /** Goes on at each of these, the preferred one first. */
  | { kind: 'jump'; to: number[] }
  | { readonly kind: 'save'; readonly slot: number }
  | { readonly kind: 'assert'; readonly holds: (before: string | undefined, after: string | undefined) => boolean }
  | { readonly kind: 'match' };

export interface RegExpProgram {
  readonly program: readonly Instruction[];
  /** Name of each group by number; group 0 is the whole. */
  readonly groupNames: readonly (string | undefined)[];
}

/** A part of an expression writes its instructions. */
type Node = (program: Instruction[]) => void;

type Takes = (point: string) => boolean;

// As in RE2: of one repetition. Of the whole program, so that a text of 4 kB takes milliseconds at most.
const maxRepeat = 1000;
const maxInstructions = 2000;
const maxDepth = 100;

/** @throws SyntaxError that names the fault */
export function compileRegExp(source: string): RegExpProgram {
  const parser = new RegExpParser(source);
  const body = parser.parse();
  const program: Instruction[] = [];
  push(program, { kind: 'save', slot: 0 });
  body(program);
  push(program, { kind: 'save', slot: 1 });
  push(program, { kind: 'match' });
  return { program, groupNames: parser.groupNames };
}

function push(program: Instruction[], instruction: Instruction): void {
  if (program.length >= maxInstructions) throw new SyntaxError('the expression is too large');
  program.push(instruction);
}

/** Reads the language of RE2, without what no bound in time can be given for. */
class RegExpParser {
  readonly groupNames: (string | undefined)[] = [undefined];
  readonly #points: readonly string[];
  #at = 0;
  #depth = 0;
  #ignoresCase = false;
  #dotTakesAll = false;
  #isMultiline = false;

  constructor(source: string) {
    this.#points = Array.from(source);
  }

  parse(): Node {
    const node = this.#alternatives();
    if (this.#at < this.#points.length) throw new SyntaxError('unmatched ")"');
    return node;
  }

  #takeIf(text: string): boolean {
    const length = Array.from(text).length;
    if (this.#points.slice(this.#at, this.#at + length).join('') !== text) return false;
    this.#at += length;
    return true;
  }

  #alternatives(): Node {
    if (++this.#depth > maxDepth) throw new SyntaxError('groups are nested too deeply');
    const ways = [this.#sequence()];
    while (this.#takeIf('|')) ways.push(this.#sequence());
    this.#depth--;
    return ways.length === 1 ? ways[0]! : eitherOf(ways);
  }

  #sequence(): Node {
    const nodes: Node[] = [];
    for (let next = this.#points[this.#at]; next !== undefined && next !== '|' && next !== ')'; ) {
      nodes.push(this.#repeated());
      next = this.#points[this.#at];
    }
    return (program) => {
      for (const node of nodes) node(program);
    };
  }

  #repeated(): Node {
    let node = this.#atom();
    for (let times = 0; ; times++) {
      const range = this.#range();
      if (range === undefined) return node;
      if (times > 0) throw new SyntaxError('nothing to repeat before a second repetition');
      node = repeat(node, range, !this.#takeIf('?'));
    }
  }

  #range(): readonly [min: number, max: number] | undefined {
    if (this.#takeIf('*')) return [0, Infinity];
    if (this.#takeIf('+')) return [1, Infinity];
    if (this.#takeIf('?')) return [0, 1];
    const counted = /^\{(\d+)(,(\d*))?\}/.exec(this.#points.slice(this.#at, this.#at + 16).join(''));
    if (counted === null) return undefined;
    const [text, least, more, most] = counted;
    this.#at += text.length;
    const min = Number(least);
    const max = more === undefined ? min : most === '' ? Infinity : Number(most);
    if (min > maxRepeat || (max !== Infinity && max > maxRepeat) || max < min) {
      throw new SyntaxError(`the repetition ${text} is out of range`);
    }
    return [min, max];
  }

  #atom(): Node {
    const point = this.#points[this.#at++]!;
    switch (point) {
      case '(':
        return this.#group();
      case '[':
        return character(this.#class());
      case '.': {
        const takesAll = this.#dotTakesAll;
        return character((each) => takesAll || each !== '\n');
      }
      case '^':
        return assertion(this.#isMultiline ? (before) => before === undefined || before === '\n' : isAtStart);
      case '$':
        return assertion(this.#isMultiline ? (_, after) => after === undefined || after === '\n' : isAtEnd);
      case '*':
      case '+':
      case '?':
        throw new SyntaxError(`nothing to repeat before "${point}"`);
      case '\\':
        return this.#escape();
      default:
        return character(this.#literal(point));
    }
  }

  #group(): Node {
    const flags = [this.#ignoresCase, this.#dotTakesAll, this.#isMultiline] as const;
    let group = 0;
    if (this.#takeIf('?')) {
      const name = this.#groupName();
      if (name !== undefined) group = this.groupNames.push(name) - 1;
      else if (this.#flags()) return () => undefined;
    } else group = this.groupNames.push(undefined) - 1;
    const body = this.#alternatives();
    if (!this.#takeIf(')')) throw new SyntaxError('missing ")"');
    [this.#ignoresCase, this.#dotTakesAll, this.#isMultiline] = flags;
    if (group === 0) return body;
    return (program) => {
      push(program, { kind: 'save', slot: 2 * group });
      body(program);
      push(program, { kind: 'save', slot: 2 * group + 1 });
    };
  }

  #groupName(): string | undefined {
    const named = /^P?<([A-Za-z_]\w*)>/.exec(this.#points.slice(this.#at, this.#at + 256).join(''));
    if (named === null) return undefined;
    this.#at += named[0].length;
    if (this.groupNames.includes(named[1]!)) throw new SyntaxError(`two groups are named "${named[1]}"`);
    return named[1]!;
  }

  /** Reads flags; `true` if they hold for the rest of the group around them. */
  #flags(): boolean {
    for (let isOn = true; ; ) {
      const flag = this.#points[this.#at++];
      if (flag === ')') return true;
      if (flag === ':') return false;
      if (flag === '-') isOn = false;
      else if (flag === 'i') this.#ignoresCase = isOn;
      else if (flag === 's') this.#dotTakesAll = isOn;
      else if (flag === 'm') this.#isMultiline = isOn;
      else throw new SyntaxError(`"(?${flag ?? ''}" is not known; there are no lookarounds`);
    }
  }

  #escape(): Node {
    const point = this.#points[this.#at];
    if (point === 'b' || point === 'B') {
      this.#at++;
      return assertion((before, after) => (isWord(before) !== isWord(after)) === (point === 'b'));
    }
    if (point === 'A' || point === 'z') {
      this.#at++;
      return assertion(point === 'A' ? isAtStart : isAtEnd);
    }
    return character(this.#escaped());
  }

  /** The characters that an escape behind a backslash stands for. */
  #escaped(): Takes {
    const point = this.#points[this.#at++];
    if (point === undefined) throw new SyntaxError('a backslash stands at the end');
    const known = characterSets[point.toLowerCase()];
    if (known !== undefined) return /[A-Z]/.test(point) ? (each) => !known(each) : known;
    if (point === 'p' || point === 'P') return this.#unicodeClass(point);
    if (point === 'x') return this.#literal(this.#hexadecimal());
    const control = controls[point];
    if (control !== undefined) return this.#literal(control);
    if (/[A-Za-z0-9]/.test(point)) {
      throw new SyntaxError(`the escape "\\${point}" is not known; there are no back references`);
    }
    return this.#literal(point);
  }

  #unicodeClass(letter: string): Takes {
    const text = this.#points.slice(this.#at, this.#at + 64).join('');
    const [whole = '', braced, single] = /^(?:\{(\^?\w+)\}|([A-Z]))/.exec(text) ?? [];
    const name = braced ?? single ?? '';
    this.#at += whole.length;
    for (const form of [`\\${letter}{${name}}`, `\\${letter}{Script=${name}}`]) {
      try {
        const native = new RegExp(`^${form}$`, 'u');
        return (each) => native.test(each);
      } catch {
        // Another form, or none.
      }
    }
    throw new SyntaxError(`the class "\\${letter}${whole}" is not known`);
  }

  #hexadecimal(): string {
    const text = this.#points.slice(this.#at, this.#at + 10).join('');
    const [whole, braced, two] = /^(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))/.exec(text) ?? [];
    const code = Number.parseInt(braced ?? two ?? '', 16);
    if (whole === undefined || code > 0x10ffff)
      throw new SyntaxError('behind "\\x" stand two hexadecimal digits, or {…}');
    this.#at += whole.length;
    return String.fromCodePoint(code);
  }

  #literal(point: string): Takes {
    if (!this.#ignoresCase) return (each) => each === point;
    const folded = point.toLowerCase();
    return (each) => each.toLowerCase() === folded;
  }

  #class(): Takes {
    const isNegated = this.#takeIf('^');
    const members: Takes[] = [];
    for (let isFirst = true; ; isFirst = false) {
      const point = this.#points[this.#at];
      if (point === undefined) throw new SyntaxError('missing "]"');
      if (point === ']' && !isFirst) break;
      members.push(this.#member(point));
    }
    this.#at++;
    return (each) => members.some((takes) => takes(each)) !== isNegated;
  }

  #member(point: string): Takes {
    const posix = /^\[:(\^?)(\w+):\]/.exec(this.#points.slice(this.#at, this.#at + 16).join(''));
    if (posix !== null) {
      this.#at += posix[0].length;
      const set = posixSets[posix[2]!];
      if (set === undefined) throw new SyntaxError(`the class "${posix[0]}" is not known`);
      return (each) => set.test(each) !== (posix[1] === '^');
    }
    this.#at++;
    const low = point === '\\' ? this.#memberEscape() : point;
    if (typeof low !== 'string') return low;
    if (this.#points[this.#at] !== '-' || this.#points[this.#at + 1] === ']') return this.#literal(low);
    this.#at++;
    const end = this.#points[this.#at++];
    const high = end === '\\' ? this.#memberEscape() : end;
    if (typeof high !== 'string' || high.codePointAt(0)! < low.codePointAt(0)!) {
      throw new SyntaxError(`the range from "${low}" has no end above it`);
    }
    return this.#rangeOf(low.codePointAt(0)!, high.codePointAt(0)!);
  }

  /** A single character, or a set. */
  #memberEscape(): string | Takes {
    const point = this.#points[this.#at];
    if (point === 'x') {
      this.#at++;
      return this.#hexadecimal();
    }
    const single = point !== undefined && (controls[point] ?? (/[A-Za-z0-9]/.test(point) ? undefined : point));
    if (typeof single !== 'string') return this.#escaped();
    this.#at++;
    return single;
  }

  #rangeOf(low: number, high: number): Takes {
    const isWithin = (point: string): boolean => {
      const code = point.codePointAt(0)!;
      return code >= low && code <= high;
    };
    if (!this.#ignoresCase) return isWithin;
    return (each) => isWithin(each) || isWithin(each.toLowerCase()) || isWithin(each.toUpperCase());
  }
}

const controls: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f', v: '\v', a: '\x07' };

const characterSets: Readonly<Record<string, Takes>> = {
  d: (point) => /^[0-9]$/.test(point),
  w: isWord,
  s: (point) => /^[\t\n\f\r ]$/.test(point),
};

const posixSets: Readonly<Record<string, RegExp>> = {
  ...{ alnum: /^[0-9A-Za-z]$/, alpha: /^[A-Za-z]$/, digit: /^[0-9]$/, lower: /^[a-z]$/, upper: /^[A-Z]$/ },
  ...{ space: /^[\t\n\v\f\r ]$/, punct: /^[!-/:-@[-`{-~]$/, xdigit: /^[0-9A-Fa-f]$/, word: /^\w$/ },
};

function isWord(point: string | undefined): boolean {
  return point !== undefined && /^\w$/.test(point);
}

function isAtStart(before: string | undefined): boolean {
  return before === undefined;
}

function isAtEnd(_: string | undefined, after: string | undefined): boolean {
  return after === undefined;
}

function character(takes: Takes): Node {
  return (program) => push(program, { kind: 'character', takes });
}

function assertion(holds: (before: string | undefined, after: string | undefined) => boolean): Node {
  return (program) => push(program, { kind: 'assert', holds });
}

function eitherOf(ways: readonly Node[]): Node {
  return (program) => {
    const split: Instruction & { kind: 'jump' } = { kind: 'jump', to: [] };
    push(program, split);
    const ends: (Instruction & { kind: 'jump' })[] = [];
    for (const way of ways) {
      split.to.push(program.length);
      way(program);
      const end: Instruction & { kind: 'jump' } = { kind: 'jump', to: [] };
      ends.push(end);
      push(program, end);
    }
    for (const end of ends) end.to.push(program.length);
  };
}

function repeat(node: Node, [min, max]: readonly [min: number, max: number], isGreedy: boolean): Node {
  const order = (into: number, past: number): number[] => (isGreedy ? [into, past] : [past, into]);
  return (program) => {
    for (let i = 0; i < min; i++) node(program);
    if (max === Infinity) {
      const loop: Instruction & { kind: 'jump' } = { kind: 'jump', to: [] };
      const start = program.length;
      push(program, loop);
      node(program);
      push(program, { kind: 'jump', to: [start] });
      loop.to = order(start + 1, program.length);
      return;
    }
    const splits: { readonly split: Instruction & { kind: 'jump' }; readonly into: number }[] = [];
    for (let i = min; i < max; i++) {
      const split: Instruction & { kind: 'jump' } = { kind: 'jump', to: [] };
      push(program, split);
      splits.push({ split, into: program.length });
      node(program);
    }
    for (const { split, into } of splits) split.to = order(into, program.length);
  };
}
