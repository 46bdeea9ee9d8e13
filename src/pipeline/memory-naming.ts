import type { FileId } from '../model/file-id.ts';
import type { FrameSymbol, SymbolLookup } from '../model/frame-symbol.ts';
import type { MemoryFileIds } from '../native/files/memory-file-ids.ts';
import type { NativeSymbolizer, NeedHints } from '../native/native-symbolizer.ts';
import type { MemoryAddress, OpenMemory } from '../profile/names/location-naming.ts';

export interface MemoryNamingParts {
  /** Names by file ID: those that stand for memory among them. */
  readonly session: { openFile(fileId: FileId): SymbolLookup | undefined };
  readonly native: Pick<NativeSymbolizer, 'need' | 'use' | 'reasonOf'>;
  readonly memory: Pick<MemoryFileIds, 'ofProcess' | 'ofKernel'>;
  /** Process of each location, by its index; 0 where nobody or several have it. */
  readonly readProcesses: () => Float64Array;
}

/** Upper words of kernel addresses, as far as they are exact numbers with a sign. */
const firstKernelHigh = 0xffe0_0000;
const kernelTypes: ReadonlySet<string> = new Set(['', 'kernel']);
const programTypes: ReadonlySet<string> = new Set(['', 'native']);

/**
 * Names locations of OTLP profiles that lie in memory: generated code of the process that alone has the location, and the running kernel.
 * They are kept under a file ID that stands for this memory, so that nobody else's addresses get them.
 */
export class MemoryNaming {
  readonly #parts: MemoryNamingParts;
  #processes: Float64Array | undefined;
  readonly #fileIds = new Map<number, FileId | undefined>();

  constructor(parts: MemoryNamingParts) {
    this.#parts = parts;
  }

  open(place: MemoryAddress): OpenMemory | undefined {
    return place.addressHigh >= firstKernelHigh ? this.#openKernel(place) : this.#openProcess(place);
  }

  #openKernel({ addressHigh, addressLow, frameType, file }: MemoryAddress): OpenMemory | undefined {
    if (file === undefined || !kernelTypes.has(frameType)) return undefined;
    const fileId = this.#parts.memory.ofKernel(file.fileId);
    return fileId && this.#look(fileId, addressHigh, addressLow, { pid: 0, executable: file.executable });
  }

  #openProcess({ location, addressHigh, addressLow, frameType, file }: MemoryAddress): OpenMemory | undefined {
    if (file !== undefined || !programTypes.has(frameType) || (addressHigh === 0 && addressLow < 4096))
      return undefined;
    const pid = this.#pidOf(location);
    if (pid === 0) return undefined;
    const fileId = this.#fileIdOf(pid);
    if (fileId === undefined) return { symbol: undefined, reason: 'no_process' };
    this.#parts.native.use({ kind: 'file', fileId });
    const memoryOf = { pid, startTimeNano: 0n };
    return this.#look(fileId, addressHigh, addressLow, { pid, executable: undefined, memoryOf });
  }

  #look(fileId: FileId, addressHigh: number, addressLow: number, hints: NeedHints): OpenMemory {
    const { session, native } = this.#parts;
    const symbol: FrameSymbol | undefined = session.openFile(fileId)?.find(addressHigh, addressLow);
    if (symbol !== undefined) return { symbol, reason: undefined };
    const owner = { kind: 'file', fileId } as const;
    native.need(owner, addressHigh, addressLow, hints);
    return { symbol: undefined, reason: native.reasonOf(owner, addressHigh, addressLow) };
  }

  #pidOf(location: number): number {
    this.#processes ??= this.#parts.readProcesses();
    return this.#processes[location] ?? 0;
  }

  #fileIdOf(pid: number): FileId | undefined {
    if (!this.#fileIds.has(pid)) this.#fileIds.set(pid, this.#parts.memory.ofProcess(pid));
    return this.#fileIds.get(pid);
  }
}
