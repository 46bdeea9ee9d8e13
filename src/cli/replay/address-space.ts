/** A range of a process's memory that holds code. */
export interface MemoryMapping {
  readonly start: bigint;
  /** The address after the last one. */
  readonly end: bigint;
  /** Where in the file `start` is, in bytes. */
  readonly fileOffset: bigint;
  /** Empty for anonymous memory; in brackets for the kernel's own (`[vdso]`). */
  readonly path: string;
  /** Hexadecimal; empty when unknown. */
  readonly buildId: string;
  /** When the collector saw it. */
  readonly timeNano: bigint;
}

/** The code of one process from one exec to the next. */
export class AddressSpace {
  readonly #mappings: MemoryMapping[] = [];

  /** Mappings are added in the order of their times. */
  add(mapping: MemoryMapping): void {
    this.#mappings.push(mapping);
  }

  get mappings(): readonly MemoryMapping[] {
    return this.#mappings;
  }

  /**
   * The newest mapping that was seen before `timeNano`; else the first one seen after it: what a look into /proc finds
   * was there before the look.
   */
  find(address: bigint, timeNano: bigint): MemoryMapping | undefined {
    let found: MemoryMapping | undefined;
    for (const mapping of this.#mappings) {
      if (address < mapping.start || address >= mapping.end) continue;
      if (found !== undefined && mapping.timeNano > timeNano) break;
      found = mapping;
    }
    return found;
  }

  /** Path of the program itself: of the lowest file that is not a library. Empty when none was seen. */
  executablePath(): string {
    const files = this.#mappings.filter(({ path }) => path.startsWith('/') && !/\.so(\.|$)/.test(path));
    return files.sort((a, b) => (a.start < b.start ? -1 : 1))[0]?.path ?? '';
  }
}
