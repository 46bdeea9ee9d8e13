import { nearest } from '../../config/nearest.ts';

export type QueryValues = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A parameter that cannot be read. The message names parameter, value and remedy. */
export class BadParameter extends Error {
  constructor(name: string, value: string, remedy: string) {
    super(`${name}: is ${JSON.stringify(value.slice(0, 200))}; ${remedy}.`);
  }
}

const maxTextLength = 8_192;

/** QueryParameters reads the parameters of a request; each must be asked for before `end`. */
export class QueryParameters {
  readonly #values: QueryValues;
  readonly #known = new Set<string>();

  constructor(values: QueryValues) {
    this.#values = values;
  }

  /** Empty when it is absent. */
  text(name: string): string {
    this.#known.add(name);
    const value = this.#values[name] ?? '';
    if (typeof value !== 'string') throw new BadParameter(name, value.join(', '), 'write it once');
    if (value.length > maxTextLength) throw new BadParameter(name, value, `write at most ${maxTextLength} characters`);
    return value;
  }

  choice<const Choice extends string>(name: string, choices: readonly Choice[], fallback: NoInfer<Choice>): Choice {
    const value = this.text(name) || fallback;
    const found = choices.find((each) => each === value);
    if (found === undefined) throw new BadParameter(name, value, `write one of ${choices.join(', ')}`);
    return found;
  }

  /** A whole number. */
  integer(name: string, { fallback, min, max }: { fallback: number; min: number; max: number }): number {
    const value = this.text(name);
    if (value === '') return fallback;
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= min && number <= max)) {
      throw new BadParameter(name, value, `write a whole number from ${min} to ${max}`);
    }
    return number;
  }

  flag(name: string): boolean {
    return ['1', 'true'].includes(this.choice(name, ['0', '1', 'false', 'true'], '0'));
  }

  /** Unix milliseconds; a time that is relative (`-5m`) counts from `nowUnixMs`. */
  time(name: string, fallback: number, nowUnixMs: number): number {
    const value = this.text(name);
    if (value === '') return fallback;
    if (value === 'now') return nowUnixMs;
    const [, amount, unit] = /^-(\d{1,7})(ms|s|m|h)$/.exec(value) ?? [];
    if (amount !== undefined) return nowUnixMs - Number(amount) * unitMs[unit as keyof typeof unitMs];
    // Seconds have ten digits until the year 2286, milliseconds thirteen.
    const [, whole, fraction = ''] = /^(\d{1,13})(\.\d{1,9})?$/.exec(value) ?? [];
    if (whole !== undefined) return whole.length > 10 ? Number(whole) : Number(whole + fraction) * 1000;
    const parsed = /^\d{4}-\d\d-\d\dT/.test(value) ? Date.parse(value) : Number.NaN;
    if (!Number.isNaN(parsed)) return parsed;
    throw new BadParameter(name, value, 'write -5m, Unix seconds, milliseconds, or 2026-11-30T12:00:00Z');
  }

  /** @throws BadParameter for one that nobody asked for. */
  end(): void {
    const unknown = Object.keys(this.#values).find((name) => !this.#known.has(name));
    if (unknown === undefined) return;
    const known = [...this.#known];
    const close = nearest(unknown, known);
    const remedy = close === undefined ? `the parameters here are ${known.join(', ')}` : `did you mean ${close}`;
    throw new BadParameter(unknown.slice(0, 60), String(this.#values[unknown]), remedy);
  }
}

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
