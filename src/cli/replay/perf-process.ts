import { basename } from 'node:path';
import type { CollectedProcess } from './collected.ts';
import type { PerfMapping } from './perf-script.ts';
import { commBytes } from './process-images.ts';

/** A process of a perf script while the text is read; it grows until its exec or exit. */
export class PerfProcess implements CollectedProcess {
  readonly pid: number;
  readonly namespacePid = 0;
  readonly firstSeenNano: bigint;
  readonly comm: string;
  endNano: bigint | undefined;
  executablePath = '';
  readonly #mappings = new Map<string, PerfMapping[]>();

  constructor(pid: number, comm: string, firstSeenNano: bigint) {
    this.pid = pid;
    this.comm = comm;
    this.firstSeenNano = firstSeenNano;
  }

  get paths(): string[] {
    return [...this.#mappings.keys()];
  }

  /** The kernel maps the program itself first. */
  addMapping(mapping: PerfMapping): void {
    const { path } = mapping;
    if (this.executablePath === '' && path.startsWith('/')) this.executablePath = path;
    const mappings = this.#mappings.get(path);
    if (mappings === undefined) this.#mappings.set(path, [mapping]);
    else mappings.push(mapping);
  }

  /** Whether the mapping is the first one after an exec: of a program with the thread's new name. */
  isReplacedBy({ comm, path }: PerfMapping): boolean {
    return comm !== this.comm && basename(path).slice(0, commBytes) === comm;
  }

  /**
   * The mapping that a printed address lies in, and the address as file offset. perf prints offsets for files (newer
   * versions) or memory addresses (older ones); the newest mapping in which one of them fits is meant.
   */
  locate(path: string, printed: bigint): { mapping: PerfMapping | undefined; fileOffset: bigint } {
    const mappings = this.#mappings.get(path) ?? [];
    const byOffset = mappings.findLast((m) => printed >= m.fileOffset && printed < m.fileOffset + m.size);
    if (byOffset !== undefined) return { mapping: byOffset, fileOffset: printed };
    const byAddress = mappings.findLast((m) => printed >= m.start && printed < m.start + m.size);
    if (byAddress === undefined) return { mapping: mappings.at(-1), fileOffset: printed };
    return { mapping: byAddress, fileOffset: printed - byAddress.start + byAddress.fileOffset };
  }
}
