import type { FileId } from '../model/file-id.ts';
import { formatFileId } from '../model/file-id.ts';
import type { ProcessIdentity, StubOwner } from './stub-owner.ts';

/** Who has stubs: processes by collector instance and process ID, and file IDs. */
export class StubOwners {
  readonly #all = new Set<StubOwner>();
  /** Processes of one ID differ in their start time; more than one is a matter of a cycle. */
  readonly #instances = new Map<string, Map<number, StubOwner[]>>();
  readonly #files = new Map<string, StubOwner>();

  get size(): number {
    return this.#all.size;
  }

  /** Each owner once, with those that are added while it goes on. */
  values(): Iterator<StubOwner> {
    return this.#all.values();
  }

  [Symbol.iterator](): Iterator<StubOwner> {
    return this.#all.values();
  }

  ofProcess(instanceId: string, process: ProcessIdentity): StubOwner | undefined {
    for (const owner of this.withPid(instanceId, process.pid)) if (isProcess(owner, process)) return owner;
    return undefined;
  }

  withPid(instanceId: string, pid: number): readonly StubOwner[] {
    return this.#instances.get(instanceId)?.get(pid) ?? none;
  }

  ofFile(fileId: FileId): StubOwner | undefined {
    return this.#files.size === 0 ? undefined : this.#files.get(formatFileId(fileId));
  }

  add(owner: StubOwner): void {
    this.#all.add(owner);
    const { key } = owner;
    if ('fileId' in key) {
      this.#files.set(key.fileId, owner);
      return;
    }
    const processes = this.#instances.get(key.instanceId) ?? new Map<number, StubOwner[]>();
    this.#instances.set(key.instanceId, processes);
    processes.set(key.pid, [...(processes.get(key.pid) ?? none), owner]);
  }

  delete(owner: StubOwner): void {
    this.#all.delete(owner);
    const { key } = owner;
    if ('fileId' in key) {
      this.#files.delete(key.fileId);
      return;
    }
    const processes = this.#instances.get(key.instanceId)!;
    const namesakes = processes.get(key.pid)!.filter((other) => other !== owner);
    if (namesakes.length > 0) processes.set(key.pid, namesakes);
    else processes.delete(key.pid);
    if (processes.size === 0) this.#instances.delete(key.instanceId);
  }
}

const none: readonly StubOwner[] = [];

export function isProcess({ key }: StubOwner, process: ProcessIdentity): boolean {
  return 'pid' in key && key.pid === process.pid && key.startTimeNano === process.startTimeNano;
}
