import type { Instruction } from './regexp-program.ts';
import { compileRegExp } from './regexp-program.ts';

/** A match: the text of each group by its number, 0 for the whole, and of those with a name. */
export interface RegExpMatch {
  readonly groups: readonly (string | undefined)[];
  readonly named: ReadonlyMap<string, string>;
}

interface Thread {
  readonly at: number;
  /** Places in the text by save instruction; shared until a thread writes one. */
  readonly saved: readonly number[];
}

/**
 * A regular expression of RE2's language, whose time grows with the length of the text and of the expression alone, whoever wrote
 * either: JavaScript's own backtracks. Every way through the expression is followed at once, in the order of preference
 * (https://swtch.com/~rsc/regexp/regexp2.html).
 */
export class LinearRegExp {
  readonly source: string;
  readonly groupNames: readonly (string | undefined)[];
  readonly #program: readonly Instruction[];

  /** @throws SyntaxError that names the fault */
  constructor(source: string) {
    this.source = source;
    const { program, groupNames } = compileRegExp(source);
    this.#program = program;
    this.groupNames = groupNames;
  }

  test(text: string): boolean {
    return this.exec(text) !== undefined;
  }

  /** The leftmost match, of several there the one that a backtracking engine would find first. */
  exec(text: string): RegExpMatch | undefined {
    const points = Array.from(text);
    let found: readonly number[] | undefined;
    let threads: Thread[] = [];
    for (let place = 0; place <= points.length; place++) {
      if (found === undefined) this.#follow(threads, 0, points, place, noPlaces);
      if (threads.length === 0 && found !== undefined) break;
      const next: Thread[] = [];
      for (const { at, saved } of threads) {
        const instruction = this.#program[at]!;
        if (instruction.kind === 'match') {
          found = saved;
          // Threads behind are less preferred.
          break;
        }
        const isTaken = instruction.kind === 'character' && place < points.length && instruction.takes(points[place]!);
        if (isTaken) this.#follow(next, at + 1, points, place + 1, saved);
      }
      threads = next;
    }
    return found && this.#matchOf(points, found);
  }

  /** Adds the threads that begin at an instruction, each instruction once, unless a thread before has it. */
  #follow(threads: Thread[], from: number, points: readonly string[], place: number, saved: readonly number[]): void {
    const seen = seenBy(threads, this.#program.length);
    const open: Thread[] = [{ at: from, saved }];
    for (let thread = open.pop(); thread !== undefined; thread = open.pop()) {
      const { at } = thread;
      if (seen[at] === 1) continue;
      seen[at] = 1;
      const instruction = this.#program[at]!;
      switch (instruction.kind) {
        case 'jump':
          // The preferred way last, so that it is followed first.
          for (let i = instruction.to.length - 1; i >= 0; i--) open.push({ ...thread, at: instruction.to[i]! });
          break;
        case 'save': {
          const written = [...thread.saved];
          written[instruction.slot] = place;
          open.push({ at: at + 1, saved: written });
          break;
        }
        case 'assert':
          if (instruction.holds(points[place - 1], points[place])) open.push({ ...thread, at: at + 1 });
          break;
        default:
          threads.push(thread);
      }
    }
  }

  #matchOf(points: readonly string[], saved: readonly number[]): RegExpMatch {
    const groups = this.groupNames.map((_, group) => {
      const [start, end] = [saved[2 * group], saved[2 * group + 1]];
      return start === undefined || end === undefined ? undefined : points.slice(start, end).join('');
    });
    const named = new Map<string, string>();
    for (const [group, name] of this.groupNames.entries()) {
      const text = groups[group];
      if (name !== undefined && text !== undefined) named.set(name, text);
    }
    return { groups, named };
  }
}

const noPlaces: readonly number[] = [];
const seenSets = new WeakMap<Thread[], Uint8Array>();

/** Instructions that the threads of one place in the text have passed. */
function seenBy(threads: Thread[], size: number): Uint8Array {
  let seen = seenSets.get(threads);
  if (seen === undefined) {
    seen = new Uint8Array(size);
    seenSets.set(threads, seen);
  }
  return seen;
}
