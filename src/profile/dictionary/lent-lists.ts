// hot

/** Longer lists are made anew each time. */
const mostLent = 1024;

/** A list of indices of each length, lent again and again with the elements that it has. */
export class LentLists {
  readonly #byLength: number[][] = [];

  of(length: number): number[] {
    if (length > mostLent) return new Array<number>(length).fill(0);
    this.#byLength[length] ??= new Array<number>(length).fill(0);
    return this.#byLength[length];
  }
}
