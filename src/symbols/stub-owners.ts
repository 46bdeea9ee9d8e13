import type { FileId } from '../model/file-id.ts';
import { formatFileId } from '../model/file-id.ts';
import type { ProcessIdentity } from '../model/process.ts';
import type { StubOwner } from './stub-owner.ts';

/** Processes of one ID within a cycle; a batch looks at all of those whose ID it names. */
const maxNamesakes = 8;

/** Who has stubs: processes by collector instance and process ID, and file IDs. */
export class StubOwners {
  readonly #all = new Set<StubOwner>();
  /** Processes of one ID differ in their start time; more than one is a matter of a cycle, and they are bounded. */
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

  /** Who has to go before one more process can have this ID: the one that was silent for longest of too many. */
  crowdedOut(instanceId: string, pid: number): StubOwner | undefined {
    const namesakes = this.withPid(instanceId, pid);
    if (namesakes.length < maxNamesakes) return undefined;
    return namesakes.reduce((a, b) => (b.lastHeardMs < a.lastHeardMs ? b : a));
  }

  /** Another process has the ID of these: they have exited, unless they are heard of again. */
  outlive(instanceId: string, process: ProcessIdentity, cycle: number): void {
    for (const owner of this.withPid(instanceId, process.pid)) {
      if (isProcess(owner, process) || owner.exitedCycle !== undefined) continue;
      owner.exitedCycle = cycle;
      owner.isOutlived = true;
    }
  }

  /** The process is alive: samples of two that have the same ID can come in one batch, and in any order. */
  revive(instanceId: string, process: ProcessIdentity, nowMs: number): void {
    const owner = this.ofProcess(instanceId, process);
    if (owner === undefined) return;
    owner.lastHeardMs = nowMs;
    if (owner.isOutlived) owner.exitedCycle = undefined;
    owner.isOutlived = false;
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
