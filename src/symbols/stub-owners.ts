import type { FileId } from '../model/file-id.ts';
import { formatFileId } from '../model/file-id.ts';
import type { ProcessIdentity } from '../model/process.ts';
import type { StubOwner } from './stub-owner.ts';

/** Processes of one ID within a cycle; a batch looks at all processes of its IDs. */
const maxNamesakes = 8;

/** All owners of stubs: processes by collector instance and process ID, and file IDs. */
export class StubOwners {
  readonly #all = new Set<StubOwner>();
  /** Processes of one ID differ in their start time; more than one is a matter of a cycle, and they are bounded. */
  readonly #instances = new Map<string, Map<number, StubOwner[]>>();
  readonly #files = new Map<string, StubOwner>();

  get size(): number {
    return this.#all.size;
  }

  /** Each owner once, also owners that are added during the iteration. */
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

  /** The process that has to go before one more can have this ID: of too many, the one that was silent for longest. */
  crowdedOut(instanceId: string, pid: number): StubOwner | undefined {
    const namesakes = this.withPid(instanceId, pid);
    if (namesakes.length < maxNamesakes) return undefined;
    return namesakes.reduce((a, b) => (b.lastSeenMs < a.lastSeenMs ? b : a));
  }

  /** The other processes of this one's ID have exited, unless they are seen again. */
  supersedeOthers(instanceId: string, process: ProcessIdentity, cycle: number): void {
    for (const owner of this.withPid(instanceId, process.pid)) {
      if (!isProcess(owner, process)) owner.supersede(cycle);
    }
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

function isProcess({ key }: StubOwner, process: ProcessIdentity): boolean {
  return 'pid' in key && key.pid === process.pid && key.startTimeNano === process.startTimeNano;
}
