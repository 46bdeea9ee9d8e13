// hot

/** Longer lists are made anew each time. */
const mostLent = 1024;

/** A list of each length, lent again and again with the elements that it has. */
export class LentLists<Element> {
  readonly #createElement: () => Element;
  readonly #byLength: Element[][] = [];

  constructor(createElement: () => Element) {
    this.#createElement = createElement;
  }

  of(length: number): Element[] {
    if (length > mostLent) return this.#create(length);
    this.#byLength[length] ??= this.#create(length);
    return this.#byLength[length];
  }

  #create(length: number): Element[] {
    return Array.from({ length }, this.#createElement);
  }
}

/** Lists of indices. */
export function lentIndices(): LentLists<number> {
  return new LentLists(() => 0);
}
