/** What the process holds at one moment, in bytes. */
export interface MemoryReading {
  /** Physical memory. */
  readonly rssBytes: number;
  /** Objects of the JavaScript heap, garbage that is not yet collected among them. */
  readonly heapBytes: number;
  /** What such objects hold outside the heap: buffers. */
  readonly externalBytes: number;
}

/** Where memory is read, and garbage collected; tests have one of their own. */
export interface MemorySource {
  /** What the process may have: the limit of its control group, or the machine's memory. */
  readonly totalBytes: number;
  /** At this size of its heap V8 ends the process. */
  readonly heapLimitBytes: number;
  read(): MemoryReading;
  /** Collects all garbage and gives free pages back. Everything else stands still meanwhile. */
  collectGarbage(): Promise<void>;
}
