import type { Process } from '../../src/model/process.ts';
import type { Random } from '../../src/support/clock.ts';
import { processOf } from '../support/batch.ts';
import type { Program, ProgramCatalogue, Runtime } from './programs.ts';

export const cycleMs = 5000;
export const cyclesPerHour = 720;

/** One process for as long as it lives. */
export interface RunningProcess {
  readonly process: Process;
  readonly program: Program;
  /** Where its runtime put its stubs. The same for every process in a slot: a stale range would give a wrong name. */
  readonly stubBase: bigint;
  /** The stack of its program that it is always in. */
  readonly stack: Program['stacks'][number];
}

/** Processes that are sampled together: one batch. */
export interface Group {
  readonly slots: readonly Slot[];
  /** Changes with the processes in it. */
  revision: number;
}

/** A place for one process after the other, all with the same process ID. */
export interface Slot {
  readonly pid: number;
  readonly runtime: Runtime;
  readonly application: string;
  /** How long a process lives on average; 0 when it never ends. */
  readonly meanLifeCycles: number;
  running: RunningProcess | undefined;
  /** Who had the process ID before. */
  predecessor: Process | undefined;
}

/** How many processes, by how often they are sampled. */
export interface FleetPlan {
  /** In one group. */
  readonly hot: number;
  readonly busyGroups: number;
  readonly busyPerGroup: number;
  /** Each in a group of its own. */
  readonly seldom: number;
}

const runtimes: readonly Runtime[] = ['jvm', 'cpython', 'v8js', 'native', 'cpython'];
const applicationsPerRuntime = 3;
const deployEveryCycles = 4 * cyclesPerHour;
const wakeCycles = 24;

/** Sleeps, then works for two minutes, then sleeps again. */
export interface Sleeper extends Slot {
  readonly periodCycles: number;
  readonly group: Group;
}

/**
 * What runs on the node: a few processes that are always busy, some that are often, many that are seldom, most of them
 * restarted now and then with new versions of their programs, and sleepers that come back after hours.
 */
export class Fleet {
  readonly groups: readonly Group[];
  readonly hot: Group;
  readonly seldom: readonly Group[];
  readonly sleepers: readonly Sleeper[];
  readonly #catalogue: ProgramCatalogue;
  readonly #random: Random;
  readonly #changes = new Map<number, (() => void)[]>();
  #exited: Process[] = [];
  #slotCount = 0;
  #cycle = 0;

  constructor(plan: FleetPlan, catalogue: ProgramCatalogue, random: Random) {
    this.#catalogue = catalogue;
    this.#random = random;
    this.hot = this.#addGroup(plan.hot, 0);
    this.groups = Array.from({ length: plan.busyGroups }, () => this.#addGroup(plan.busyPerGroup, 1.5 * cyclesPerHour));
    this.seldom = Array.from({ length: plan.seldom }, () => this.#addGroup(1, 6 * cyclesPerHour));
    this.sleepers = [40, 40, 40, 150, 150, 150].map((minutes, i) => this.#addSleeper(runtimes[i % 3]!, minutes * 12));
  }

  /** Whether a sleeper works in this cycle, and whether it has just woken up. */
  stateOf(sleeper: Sleeper, cycle: number): 'asleep' | 'woken' | 'working' {
    const place = cycle % sleeper.periodCycles;
    if (place >= wakeCycles) return 'asleep';
    return place === 0 ? 'woken' : 'working';
  }

  /** Lets processes end and start. Returns those whose end the collector heard of. */
  advance(cycle: number): readonly Process[] {
    this.#cycle = cycle;
    for (const change of this.#changes.get(cycle) ?? []) change();
    this.#changes.delete(cycle);
    const exited = this.#exited;
    this.#exited = [];
    return exited;
  }

  /** The end of all: returns every process that the collector may think alive. */
  exitAll(): readonly Process[] {
    this.#changes.clear();
    const slots = [this.hot, ...this.groups, ...this.seldom].flatMap((group) => group.slots).concat(this.sleepers);
    return slots
      .flatMap(({ running, predecessor }) => [running?.process, predecessor])
      .filter((process) => process !== undefined);
  }

  #addGroup(size: number, meanLifeCycles: number): Group {
    const slots = Array.from({ length: size }, () => this.#newSlot(meanLifeCycles));
    const group: Group = { slots, revision: 0 };
    for (const slot of slots) this.#start(slot, group);
    return group;
  }

  #newSlot(meanLifeCycles: number): Slot {
    const index = this.#slotCount++;
    const runtime = runtimes[index % runtimes.length]!;
    // A third of all processes never ends.
    const isSteady = index % 3 === 0;
    return {
      pid: 1000 + index,
      runtime,
      application: `app${Math.floor(index / runtimes.length) % applicationsPerRuntime}`,
      meanLifeCycles: isSteady ? 0 : meanLifeCycles,
      running: undefined,
      predecessor: undefined,
    };
  }

  #addSleeper(runtime: Runtime, periodCycles: number): Sleeper {
    // An application of its own: its names are in nobody else's use.
    const application = `sleeper${this.#slotCount}`;
    const slot = { ...this.#newSlot(0), runtime, application, meanLifeCycles: 0, periodCycles };
    const group: { slots: Slot[]; revision: number } = { slots: [], revision: 0 };
    const sleeper: Sleeper = Object.assign(slot, { group });
    group.slots.push(sleeper);
    this.#start(sleeper, group);
    return sleeper;
  }

  #start(slot: Slot, group: Group): void {
    const { pid, runtime, application, meanLifeCycles } = slot;
    const version = meanLifeCycles === 0 ? 0 : 1 + Math.floor(this.#cycle / deployEveryCycles);
    const program = this.#catalogue.program(runtime, application, version);
    const startTimeNano = BigInt(this.#cycle + 1) * 5_000_000_000n;
    const fields = { startTimeNano, comm: runtime, executablePath: `/srv/${application}`, serviceName: program.name };
    const stubBase = 0x7f00_0000_0000n + BigInt(pid) * 65_536n;
    slot.running = {
      process: processOf(pid, fields),
      program,
      stubBase,
      stack: program.stacks[(this.#cycle + pid) % program.stacks.length]!,
    };
    group.revision++;
    if (meanLifeCycles > 0) this.#at(this.#someTime(meanLifeCycles), () => this.#exit(slot, group));
  }

  #exit(slot: Slot, group: Group): void {
    // One end in eight goes unheard: the collector only sees the process ID come back with another start time.
    if (this.#random() >= 1 / 8) this.#exited.push(slot.running!.process);
    slot.predecessor = slot.running!.process;
    slot.running = undefined;
    group.revision++;
    this.#at(this.#someTime(60), () => this.#start(slot, group));
  }

  #someTime(meanCycles: number): number {
    return Math.ceil(meanCycles * (0.25 + 1.5 * this.#random()));
  }

  #at(inCycles: number, change: () => void): void {
    const cycle = this.#cycle + inCycles;
    const changes = this.#changes.get(cycle) ?? [];
    changes.push(change);
    this.#changes.set(cycle, changes);
  }
}
