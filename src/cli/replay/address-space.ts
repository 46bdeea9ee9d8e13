import { pathOfFile } from '../../model/executable.ts';

/** A range of a process's memory that holds code. */
export interface MemoryMapping {
  readonly start: bigint;
  /** The address after the last one. */
  readonly end: bigint;
  /** Offset of `start` in the file, in bytes. */
  readonly fileOffset: bigint;
  /** Empty for anonymous memory; in brackets for the kernel's own (`[vdso]`). */
  readonly path: string;
  /** Hexadecimal; empty when unknown. */
  readonly buildId: string;
  /** Time at which the collector saw the mapping. */
  readonly timeNano: bigint;
}

/** True if a mapped file is a program rather than a library, an addon or memory. */
export function isProgram(path: string): boolean {
  return path.startsWith('/') && !/\.(so|node|jnilib)(\.|$)|^\/(memfd:|dev\/|anon_hugepage|SYSV)|^\/\/anon/.test(path);
}

/** The code of one process from one exec to the next. */
export class AddressSpace {
  readonly #mappings: MemoryMapping[] = [];
  readonly #byPath = new Map<string, MemoryMapping[]>();

  /** Mappings are added in the order of their times. */
  add(mapping: MemoryMapping): void {
    const path = pathOfFile(mapping.path);
    const added = path === mapping.path ? mapping : { ...mapping, path };
    this.#mappings.push(added);
    const known = this.#byPath.get(path);
    if (known === undefined) this.#byPath.set(path, [added]);
    else known.push(added);
  }

  get mappings(): readonly MemoryMapping[] {
    return this.#mappings;
  }

  get paths(): string[] {
    return [...this.#byPath.keys()];
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

  /**
   * The mapping that a printed address lies in, and the address as file offset. perf prints file offsets (newer
   * versions) or memory addresses (older versions); the newest mapping that holds the address in either sense counts.
   */
  locate(path: string, printed: bigint): { mapping: MemoryMapping | undefined; fileOffset: bigint } {
    const mappings = this.#byPath.get(pathOfFile(path)) ?? [];
    const byOffset = mappings.findLast((m) => printed >= m.fileOffset && printed < m.fileOffset + m.end - m.start);
    if (byOffset !== undefined) return { mapping: byOffset, fileOffset: printed };
    const byAddress = mappings.findLast((m) => printed >= m.start && printed < m.end);
    if (byAddress === undefined) return { mapping: mappings.at(-1), fileOffset: printed };
    return { mapping: byAddress, fileOffset: printed - byAddress.start + byAddress.fileOffset };
  }

  /** Path of the program itself: of the lowest file that is not a library. Empty when none was seen. */
  executablePath(): string {
    let lowest: MemoryMapping | undefined;
    for (const mapping of this.#mappings) {
      if (isProgram(mapping.path) && (lowest === undefined || mapping.start < lowest.start)) lowest = mapping;
    }
    return lowest?.path ?? '';
  }
}
