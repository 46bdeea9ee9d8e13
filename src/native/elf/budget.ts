/** More work than one batch may cost: the file asks for it, whatever its size. */
export class OverBudget extends Error {
  constructor(what: string) {
    super(`a batch of addresses may not take more ${what}`);
    this.name = 'OverBudget';
  }
}

/** Steps that one batch may still take. Files are not trusted: a small one can refer to the same large table again and again. */
export class Budget {
  #steps: number;

  constructor(steps: number) {
    this.#steps = steps;
  }

  /** @throws OverBudget */
  spend(steps: number, what: string): void {
    this.#steps -= steps;
    if (this.#steps < 0) throw new OverBudget(what);
  }
}
