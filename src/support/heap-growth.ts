/** Growth of the heap and its buffers between two collections of the whole heap, per cent of what survived the first. */
const growth = {
  /** V8 adds some megabytes at least. */
  small: 20,
  large: 200,
} as const;

/** Collections of the whole heap that follow each other faster cost more than memory is worth. */
const shortMs = 10_000;
/** With six times the room, a heap that filled within `shortMs` fills within this. */
const longMs = 60_000;

/**
 * Growth of the heap, by the times of collections of the whole heap: in large steps while it fills fast, and in small ones otherwise. Under load V8 would collect
 * the whole heap for every 8 MB of buffers, which messages make in a fraction of a second, and mark a small heap that hardly changes again and again; young
 * collections free the buffers at a fraction of that cost. On a node that is seldom busy, the same room would be filled with
 * garbage over many minutes, for the sake of a collection that costs nothing there. V8 keeps to the heap's limit in any case.
 */
export class HeapGrowth {
  percent: number = growth.small;
  #lastMs: number;
  /** The last collection that was asked for: it says nothing of how fast the heap fills. */
  #askedFromMs = 0;
  #askedToMs = -1;

  constructor(nowMs: number) {
    this.#lastMs = nowMs;
  }

  /** Notes a collection that began at `startMs`; of one that was asked for V8 tells each of its passes. */
  noteCollection(startMs: number): void {
    if (startMs >= this.#askedFromMs && startMs <= this.#askedToMs) return;
    const intervalMs = startMs - this.#lastMs;
    if (intervalMs < shortMs) this.percent = growth.large;
    else if (intervalMs > longMs) this.percent = growth.small;
    this.#lastMs = startMs;
  }

  /** Runs a collection that is asked for. */
  async collect(work: () => Promise<void>, nowMs: () => number): Promise<void> {
    this.#askedFromMs = nowMs();
    this.#askedToMs = Infinity;
    try {
      await work();
    } finally {
      this.#askedToMs = nowMs();
    }
  }
}

/** Growth of the heap of this process. */
export const heapGrowth = new HeapGrowth(performance.now());

/** Runs a collection that no need of the heap has caused, and from which nothing is concluded for its growth. */
export async function collectOnRequest(collect: () => Promise<void>): Promise<void> {
  await heapGrowth.collect(collect, () => performance.now());
}
