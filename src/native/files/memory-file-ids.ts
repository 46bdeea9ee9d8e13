import type { FileId } from '../../model/file-id.ts';
import { fnv128a, formatFileId, parseFileId } from '../../model/file-id.ts';
import { readStartTicks } from './process-identity.ts';
import { readText } from './process-maps.ts';

/** File IDs that stand for memory whose addresses mean nothing elsewhere: of one process, or of the kernel since this boot. */
export class MemoryFileIds {
  readonly #procRoot: string;
  readonly #boot: string;

  constructor(procRoot: string) {
    this.#procRoot = procRoot;
    this.#boot = textOrNothing(`${procRoot}/sys/kernel/random/boot_id`);
  }

  /** `undefined` when there is no such process. */
  ofProcess(pid: number): FileId | undefined {
    try {
      const startTicks = readStartTicks(this.#procRoot, pid);
      return parseFileId(fnv128a(`memory of process ${pid}`, `${startTicks} ${this.#boot}`));
    } catch {
      return undefined;
    }
  }

  /** The running kernel, or a module, as the file with an ID; `undefined` when boots cannot be told apart. */
  ofKernel(fileId: FileId): FileId | undefined {
    return this.#boot === '' ? undefined : parseFileId(fnv128a(`memory of kernel ${formatFileId(fileId)}`, this.#boot));
  }
}

function textOrNothing(path: string): string {
  try {
    return readText(path).trim();
  } catch {
    return '';
  }
}
