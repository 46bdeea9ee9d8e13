import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import type { Steps } from '../../support/steps.ts';
import { atOnce } from '../../support/steps.ts';
import { mappedNames } from './process-maps.ts';

const maxProcesses = 4096;
const maxNames = 65_536;
const pidsPerName = 2;
/** Pages of 4 KiB, and the longest path. */
const mapsBytesAtOnce = 16_384;
/** All processes are looked through at most so often, 0.2 ms each. */
export const maxLookAgeMs = 5_000;

/** Processes of the node by the base names of the files they have mapped: for files without a known living process. */
export class ProcessFiles {
  readonly #procRoot: string;
  #pids: PidsByName = new Map();
  #readMs = Number.NEGATIVE_INFINITY;

  constructor(procRoot: string) {
    this.#procRoot = procRoot;
  }

  /** A few processes with a file of this base name; none for an empty one. */
  pidsOf(fileName: string, nowMs: number): readonly number[] {
    const name = basename(fileName);
    if (name === '') return [];
    if (nowMs - this.#readMs >= maxLookAgeMs) {
      this.#readMs = nowMs;
      this.#pids = atOnce(pidsByName(this.#procRoot));
    }
    return this.#pids.get(name) ?? [];
  }
}

export type PidsByName = ReadonlyMap<string, readonly number[]>;

/** Looks through all processes. */
export function* pidsByName(procRoot: string): Steps<PidsByName> {
  const pids = new Map<string, number[]>();
  const bytes = Buffer.allocUnsafe(mapsBytesAtOnce);
  for (const pid of processIds(procRoot)) {
    for (const name of yield* mappedNames(procRoot, pid, bytes)) {
      const known = pids.get(name);
      if (known === undefined && pids.size < maxNames) pids.set(name, [pid]);
      else if (known !== undefined && known.length < pidsPerName) known.push(pid);
    }
    yield;
  }
  return pids;
}

function processIds(procRoot: string): number[] {
  try {
    return readdirSync(procRoot)
      .filter((name) => /^\d+$/.test(name))
      .slice(0, maxProcesses)
      .map(Number);
  } catch {
    return [];
  }
}
