import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../support/clock.ts';
import { loadPackage } from '../support/program-files.ts';

/** True when the password belongs to the hash. */
export type CompareHash = (password: string, hash: string) => Promise<boolean>;

const compare: CompareHash = (password, hash) =>
  loadPackage<typeof import('bcryptjs')>('bcryptjs').compare(password, hash);

// A node has hundreds of senders, and few passwords among them.
const maxKnown = 1_024;
// Of the one thread's time, a tenth, after two seconds that are free.
const budgetMs = 2_000;
const budgetShare = 0.1;
const maxWaiting = 16;

/**
 * Checks of bcrypt hashes, which take 50 ms and more of the one thread each. What a check came to is remembered, by a keyed
 * hash of password and hash, so a request of a known sender costs nothing. What is unknown is checked one at a time and
 * within a budget of time: guesses cannot take the thread away from data.
 */
export class BcryptChecks {
  readonly #clock: Clock;
  readonly #compare: CompareHash;
  readonly #key = randomBytes(32);
  /** Results of checks, least recently used first. */
  readonly #known = new Map<string, boolean>();
  readonly #underWay = new Map<string, Promise<boolean | undefined>>();
  #last: Promise<unknown> = Promise.resolve();
  #leftMs = budgetMs;
  #countedMs: number;

  constructor(clock: Clock, compareHash: CompareHash = compare) {
    this.#clock = clock;
    this.#compare = compareHash;
    this.#countedMs = clock.nowMs();
  }

  /** `undefined`: not checked, because too many unknown ones came at once. */
  async check(password: string, hash: string): Promise<boolean | undefined> {
    const id = createHmac('sha256', this.#key).update(`${hash}\0${password}`).digest('base64');
    const known = this.#known.get(id);
    if (known !== undefined) {
      this.#remember(id, known);
      return known;
    }
    const underWay = this.#underWay.get(id);
    if (underWay !== undefined) return underWay;
    if (this.#underWay.size >= maxWaiting) return undefined;
    const turn = this.#last.then(() => this.#run(id, password, hash)).finally(() => this.#underWay.delete(id));
    this.#underWay.set(id, turn);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #run(id: string, password: string, hash: string): Promise<boolean | undefined> {
    const startMs = this.#clock.nowMs();
    this.#leftMs = Math.min(budgetMs, this.#leftMs + (startMs - this.#countedMs) * budgetShare);
    this.#countedMs = startMs;
    if (this.#leftMs <= 0) return undefined;
    const isSame = await this.#compare(password, hash);
    this.#leftMs -= this.#clock.nowMs() - startMs;
    this.#remember(id, isSame);
    return isSame;
  }

  #remember(id: string, isSame: boolean): void {
    this.#known.delete(id);
    this.#known.set(id, isSame);
    if (this.#known.size > maxKnown) this.#known.delete(this.#known.keys().next().value!);
  }
}
