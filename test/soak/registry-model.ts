import type { FrameBatch } from '../../src/model/frame-batch.ts';
import type { Process } from '../../src/model/process.ts';

interface Owner {
  readonly process: Process;
  readonly starts: Set<bigint>;
  lastHeardMs: number;
  hasExited: boolean;
}

/** What the stub registry should hold, for stubs that never overlap. Told of every batch before the store is. */
export class RegistryModel {
  readonly #lifetimeMs: number;
  readonly #ownersByPid = new Map<number, Owner[]>();
  readonly #submitted = new Set<string>();
  /** Stubs of all owners. */
  live = 0;

  constructor(lifetimeMs: number) {
    this.#lifetimeMs = lifetimeMs;
  }

  /** Different stubs that were submitted since the last end of a cycle. */
  get submitted(): number {
    return this.#submitted.size;
  }

  hear(batch: FrameBatch, nowMs: number): void {
    for (const process of batch.processes) if (process !== undefined) this.#hear(process, nowMs);
    for (const { owner, start } of batch.stubs) {
      if (!('process' in owner)) continue;
      const { starts } = this.#ownerFor(owner.process, nowMs);
      if (!starts.has(start)) this.live++;
      starts.add(start);
      this.#submitted.add(`${owner.process.pid} ${owner.process.startTimeNano} ${start}`);
    }
    for (const process of batch.processExits) {
      const owner = this.#find(process);
      if (owner !== undefined) owner.hasExited = true;
    }
  }

  /** The end of a reporting cycle: who has exited or is silent leaves. */
  endCycle(nowMs: number): void {
    this.#submitted.clear();
    const isGone = ({ hasExited, lastHeardMs }: Owner): boolean => hasExited || lastHeardMs < nowMs - this.#lifetimeMs;
    for (const [pid, owners] of this.#ownersByPid) {
      if (!owners.some(isGone)) continue;
      const left = owners.filter((owner) => !isGone(owner));
      for (const owner of owners) if (!left.includes(owner)) this.live -= owner.starts.size;
      if (left.length > 0) this.#ownersByPid.set(pid, left);
      else this.#ownersByPid.delete(pid);
    }
  }

  #find({ pid, startTimeNano }: Process): Owner | undefined {
    return this.#ownersByPid.get(pid)?.find(({ process }) => process.startTimeNano === startTimeNano);
  }

  /** Whoever else had this process ID is gone. */
  #hear(heard: Process, nowMs: number): void {
    for (const owner of this.#ownersByPid.get(heard.pid) ?? []) {
      if (owner.process.startTimeNano === heard.startTimeNano) owner.lastHeardMs = nowMs;
      else owner.hasExited = true;
    }
  }

  #ownerFor(process: Process, nowMs: number): Owner {
    this.#hear(process, nowMs);
    const known = this.#find(process);
    if (known !== undefined) return known;
    const owner: Owner = { process, starts: new Set(), lastHeardMs: nowMs, hasExited: false };
    this.#ownersByPid.set(process.pid, [...(this.#ownersByPid.get(process.pid) ?? []), owner]);
    return owner;
  }
}
