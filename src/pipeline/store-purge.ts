import type { Clock } from '../support/clock.ts';
import type { Component } from '../support/lifecycle.ts';
import type { SymbolStore } from '../symbols/symbol-store.ts';

/** As often as a reporting cycle at its default interval. */
const intervalMs = 5_000;

/**
 * Takes what is past its lifetime out of the store of a pipeline without a reporting cycle; with one, the cycle does so
 * after each report. `id` is that of the symbol_store processor.
 */
export class StorePurge implements Component {
  readonly id: string;
  readonly #store: Pick<SymbolStore, 'at'>;
  readonly #clock: Clock;
  readonly #stopping = new AbortController();
  #stopped = Promise.resolve();

  constructor(id: string, store: Pick<SymbolStore, 'at'>, clock: Clock) {
    this.id = id;
    this.#store = store;
    this.#clock = clock;
  }

  async start(): Promise<void> {
    this.#stopped = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#stopped;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      await this.#clock.sleep(intervalMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      this.#store.at(this.#clock.nowMs()).purge();
    }
  }
}
