import { open, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Meter } from '@opentelemetry/api';
import type { Clock } from '../../support/clock.ts';
import { inTime } from '../../support/clock.ts';
import type { ContainerOfProcess } from './control-groups.ts';
import { readControlGroups } from './control-groups.ts';

/** Facts about a process of this node. */
export interface ProcessFacts extends ContainerOfProcess {
  /** Empty where it may not be read, and for threads of the kernel. */
  readonly executablePath: string;
  /** Of the variables that the process was started with, those that were asked for. */
  readonly variables: ReadonlyMap<string, string>;
}

export interface ProcessReaderConfig {
  /** Mount of the host's `/proc`. */
  readonly procRoot: string;
  /** Variables to look for; none: the environment is not read. */
  readonly variables: readonly string[];
}

export interface ProcessReaderParts {
  readonly clock: Clock;
  readonly meter: Meter;
}

interface Entry {
  facts: ProcessFacts | undefined;
  startTime: string;
  checkedMs: number;
}

/** Processes of a node are hundreds; those that were used longest ago are forgotten. */
const maxEntries = 8192;
/** Reads at once; more processes than that are looked up at their next sight. */
const maxReads = 256;
/** A process ID may be another process's after this time: it is checked again then. */
const freshMs = 5_000;
/** The kernel writes no more than a page for each of these, but for environments. */
const maxBytes = 64 * 1024;
const maxEnvironBytes = 256 * 1024;
/** Reading `/proc` may block where a process is stuck; nobody waits longer than this. */
const patienceMs = 500;

const nothing: ProcessFacts = { containerId: '', podUid: '', executablePath: '', variables: new Map() };

/**
 * Reads what `/proc` tells of processes, at their first sight and again after a while. A process that has ended keeps its facts for samples
 * that come late, until its ID is used again.
 */
export class ProcessReader {
  readonly #config: ProcessReaderConfig;
  readonly #clock: Clock;
  readonly #count: (outcome: Outcome) => void;
  readonly #entries = new Map<number, Entry>();
  readonly #reads = new Map<number, Promise<void>>();

  constructor(config: ProcessReaderConfig, { clock, meter }: ProcessReaderParts) {
    this.#config = config;
    this.#clock = clock;
    const counter = meter.createCounter('framekeeper_process_lookups', {
      description: 'Processes looked up in /proc for the identity of their samples, by outcome.',
      unit: '{process}',
    });
    this.#count = (outcome) => counter.add(1, { outcome });
  }

  /** Facts of a process as far as known now; what is not known is being looked up. */
  lookUp(pid: number): ProcessFacts | undefined {
    if (pid === 0) return undefined;
    const known = this.#entries.get(pid);
    const isFresh = known !== undefined && this.#clock.nowMs() - known.checkedMs < freshMs;
    if (!isFresh && !this.#reads.has(pid)) this.#begin(pid, known);
    return isFresh ? known.facts : undefined;
  }

  /** Resolves when nothing is under way, at the latest after half a second; `undefined` when nothing is. */
  settled(): Promise<void> | undefined {
    if (this.#reads.size === 0) return undefined;
    const all = Promise.all(this.#reads.values()).then(() => undefined);
    return inTime(this.#clock, patienceMs, all, () => undefined);
  }

  #begin(pid: number, known: Entry | undefined): void {
    if (this.#reads.size >= maxReads) {
      this.#count('busy');
      return;
    }
    const read = this.#read(pid, known).then(
      (entry) => this.#keep(pid, entry),
      () => this.#keep(pid, { facts: known?.facts, startTime: known?.startTime ?? '', checkedMs: this.#clock.nowMs() }),
    );
    this.#reads.set(pid, read);
  }

  #keep(pid: number, entry: Entry): void {
    this.#reads.delete(pid);
    this.#entries.delete(pid);
    this.#entries.set(pid, entry);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > maxEntries) this.#entries.delete(oldest!);
  }

  async #read(pid: number, known: Entry | undefined): Promise<Entry> {
    const folder = join(this.#config.procRoot, String(pid));
    const startTime = await startTimeOf(folder).catch((error: unknown) => {
      this.#count('gone');
      throw error;
    });
    if (known?.startTime === startTime && known.facts !== undefined) {
      return { ...known, checkedMs: this.#clock.nowMs() };
    }
    const [groups, executablePath, variables] = await Promise.all([
      readStart(join(folder, 'cgroup'), maxBytes).then(readControlGroups, () => nothing),
      readlink(join(folder, 'exe')).catch(() => ''),
      this.#variablesOf(folder),
    ]);
    // Read by then of another process with the same ID.
    const isSame = (await startTimeOf(folder).catch(() => startTime)) === startTime;
    this.#count(isSame ? 'found' : 'gone');
    const { containerId, podUid } = groups;
    const path = executablePath.replace(/ \(deleted\)$/, '');
    const facts = isSame ? { containerId, podUid, executablePath: path, variables } : undefined;
    return { facts, startTime, checkedMs: this.#clock.nowMs() };
  }

  async #variablesOf(folder: string): Promise<ReadonlyMap<string, string>> {
    const { variables } = this.#config;
    if (variables.length === 0) return nothing.variables;
    const text = await readStart(join(folder, 'environ'), maxEnvironBytes).catch(() => {
      this.#count('environment_denied');
      return '';
    });
    const found = new Map<string, string>();
    // The last entry may be cut off; a whole one ends with NUL.
    for (const entry of text.split('\0').slice(0, -1)) {
      const [name = '', ...value] = entry.split('=');
      if (variables.includes(name)) found.set(name, value.join('='));
    }
    return found;
  }
}

type Outcome = 'found' | 'gone' | 'busy' | 'environment_denied';

/** Time at which a process started, in ticks since the machine did: field 22 of `stat`, behind the name in parentheses. */
async function startTimeOf(folder: string): Promise<string> {
  const text = await readStart(join(folder, 'stat'), maxBytes);
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields[19] ?? '';
}

/** The first bytes of a file, whose size nobody knows. */
async function readStart(path: string, sizeBytes: number): Promise<string> {
  const file = await open(path);
  try {
    const buffer = Buffer.alloc(sizeBytes);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, sizeBytes - length);
      length += bytesRead;
      if (bytesRead === 0 || length === sizeBytes) return buffer.toString('utf8', 0, length);
    }
  } finally {
    await file.close();
  }
}
