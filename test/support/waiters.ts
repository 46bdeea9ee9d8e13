/** Those who wait until something is so. Whoever changes what they may look at wakes them. */
export class Waiters {
  #waiters: { readonly isDone: () => boolean; readonly resolve: () => void }[] = [];

  /** Resolves as soon as the condition holds: at once, or when somebody wakes. */
  until(isDone: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push({ isDone, resolve });
      this.wake();
    });
  }

  wake(): void {
    const done = this.#waiters.filter(({ isDone }) => isDone());
    this.#waiters = this.#waiters.filter((waiter) => !done.includes(waiter));
    for (const { resolve } of done) resolve();
  }
}
