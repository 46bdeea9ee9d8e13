import { basename } from 'node:path';
import type { MemoryMapping } from './address-space.ts';
import { AddressSpace, isProgram } from './address-space.ts';
import type { CollectedProcess } from './collected.ts';

/** A process from one exec to the next, with the code in its memory. */
export class RecordedProcess implements CollectedProcess {
  readonly pid: number;
  readonly firstSeenNano: bigint;
  readonly space: AddressSpace = new AddressSpace();
  /** 0 when it is the same as `pid`. */
  namespacePid = 0;
  endNano: bigint | undefined;
  #mainThreadName: string | undefined;
  #anyThreadName = '';

  constructor(pid: number, firstSeenNano: bigint) {
    this.pid = pid;
    this.firstSeenNano = firstSeenNano;
  }

  /** The main thread's name; before that was seen, any thread's. */
  get comm(): string {
    return (this.#mainThreadName ?? this.#anyThreadName) || basename(this.executablePath).slice(0, commBytes);
  }

  /** Empty when no program was seen in the memory of the process. */
  get executablePath(): string {
    return this.space.executablePath();
  }

  get mainThreadName(): string | undefined {
    return this.#mainThreadName;
  }

  setThreadName(name: string, isMainThread: boolean): void {
    if (isMainThread) this.#mainThreadName = name;
    else if (this.#anyThreadName === '') this.#anyThreadName = name;
  }
}

// Bytes of a thread's name that the kernel keeps (TASK_COMM_LEN without the final zero).
const commBytes = 15;

/**
 * The processes of a recording, from its events in the order of their times. Both readers of recordings fill one, so that
 * fork, exec, exit and mappings mean the same in both.
 */
export class ProcessTable {
  readonly #all: RecordedProcess[] = [];
  readonly #byPid = new Map<number, RecordedProcess[]>();
  readonly #live = new Map<number, RecordedProcess>();

  /** In the order in which they were first seen. */
  get processes(): readonly RecordedProcess[] {
    return this.#all;
  }

  get live(): Iterable<RecordedProcess> {
    return this.#live.values();
  }

  /** The process that has the ID now; a new one when none has. */
  see(pid: number, timeNano: bigint): RecordedProcess {
    return this.#live.get(pid) ?? this.#begin(pid, timeNano);
  }

  /** The process that had the ID at `timeNano`; `undefined` when the ID was never seen. */
  at(pid: number, timeNano: bigint): RecordedProcess | undefined {
    const images = this.#byPid.get(pid);
    return images?.findLast(({ firstSeenNano }) => firstSeenNano <= timeNano) ?? images?.[0];
  }

  /**
   * A mapping that appeared. `threadName` is that of the main thread at that moment, where the event tells: a program that
   * appears under a new name of the main thread is that of an exec, also where it was called through a link of another name.
   */
  map(pid: number, mapping: MemoryMapping, threadName?: string): void {
    const process = this.see(pid, mapping.timeNano);
    if (threadName !== undefined) {
      if (isExec(process, mapping.path, threadName)) this.exec(pid, threadName, mapping.timeNano);
      this.see(pid, mapping.timeNano).setThreadName(threadName, true);
    }
    this.see(pid, mapping.timeNano).space.add(mapping);
  }

  /** The child has its parent's memory until it calls exec. */
  fork(pid: number, parentPid: number, timeNano: bigint): void {
    if (pid === parentPid) return;
    this.exit(pid, timeNano);
    const child = this.#begin(pid, timeNano);
    const parent = this.#live.get(parentPid);
    if (parent === undefined) return;
    for (const mapping of parent.space.mappings) child.space.add(mapping);
    child.setThreadName(parent.comm, true);
  }

  /** Replaces the memory of the process, and all names in it. */
  exec(pid: number, threadName: string, timeNano: bigint): void {
    const before = this.#live.get(pid);
    this.exit(pid, timeNano);
    const process = this.#begin(pid, timeNano);
    process.namespacePid = before?.namespacePid ?? 0;
    process.setThreadName(threadName, true);
  }

  exit(pid: number, timeNano: bigint): void {
    const process = this.#live.get(pid);
    if (process !== undefined) process.endNano = timeNano;
    this.#live.delete(pid);
  }

  #begin(pid: number, timeNano: bigint): RecordedProcess {
    const process = new RecordedProcess(pid, timeNano);
    this.#all.push(process);
    this.#live.set(pid, process);
    const images = this.#byPid.get(pid);
    if (images === undefined) this.#byPid.set(pid, [process]);
    else images.push(process);
    return process;
  }
}

/** A thread that merely renames itself maps no program of that name, and no other program than before. */
function isExec(process: RecordedProcess, path: string, threadName: string): boolean {
  if (process.mainThreadName === undefined || process.mainThreadName === threadName) return false;
  if (isProgramOfName(path, threadName)) return true;
  const { executablePath } = process;
  return executablePath !== '' && isProgram(path) && path !== executablePath;
}

/** True if exec of the file at `path` gives the main thread the name `threadName`. */
export function isProgramOfName(path: string, threadName: string): boolean {
  return path.startsWith('/') && basename(path).slice(0, commBytes) === threadName;
}
