import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { readCodeMappings } from './process-maps.ts';

const maxProcesses = 4096;
const maxNames = 65_536;
const pidsPerName = 2;
/** All processes are looked through at most so often, 0.2 ms each. */
const maxAgeMs = 5_000;

/** Processes of the node by the base names of the files they have mapped: for files without a known living process. */
export class ProcessFiles {
  readonly #procRoot: string;
  #pids: ReadonlyMap<string, readonly number[]> = new Map();
  #readMs = Number.NEGATIVE_INFINITY;

  constructor(procRoot: string) {
    this.#procRoot = procRoot;
  }

  /** A few processes with a file of this base name; none for an empty one. */
  pidsOf(fileName: string, nowMs: number): readonly number[] {
    const name = basename(fileName);
    if (name === '') return [];
    if (nowMs - this.#readMs >= maxAgeMs) {
      this.#readMs = nowMs;
      this.#pids = readAll(this.#procRoot);
    }
    return this.#pids.get(name) ?? [];
  }
}

function readAll(procRoot: string): Map<string, number[]> {
  const pids = new Map<string, number[]>();
  for (const pid of processIds(procRoot)) {
    for (const name of namesOf(procRoot, pid)) {
      const known = pids.get(name);
      if (known === undefined && pids.size < maxNames) pids.set(name, [pid]);
      else if (known !== undefined && known.length < pidsPerName) known.push(pid);
    }
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

/** Each base name once; none of a process that is gone or not to be looked into. */
function namesOf(procRoot: string, pid: number): Set<string> {
  try {
    return new Set(readCodeMappings(procRoot, pid).map(({ path }) => basename(path.replace(/ \(deleted\)$/, ''))));
  } catch {
    return new Set();
  }
}
