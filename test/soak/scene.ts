import { frameKinds } from '../../src/model/frame-kind.ts';
import type { FleetPlan, Group } from './fleet.ts';
import { cyclesPerHour, Fleet } from './fleet.ts';
import { LargeExecutable } from './large-executable.ts';
import { ProgramCatalogue } from './programs.ts';
import { seededRandom } from './seeded-random.ts';

/** More frames than a flat table of 131,072 holds, in eight minutes. */
export const burst: Record<'startCycle' | 'cycles' | 'everyCycles' | 'framesPerCycle', number> = {
  // Twice a week: on the first day at three in the morning, and three and a half days later.
  startCycle: 3 * cyclesPerHour,
  cycles: 96,
  everyCycles: 84 * cyclesPerHour,
  framesPerCycle: 1500,
};

/** Close to 300 processes. Most processes of a node are seldom on a CPU. */
const fleetPlan: FleetPlan = { hot: 3, busyGroups: 16, busyPerGroup: 3, seldom: 225 };
/** The hot group is sampled in every cycle. A busy one has its turn every 160 s, a seldom one every 56 minutes. */
const busyEveryCycles = 2;
const seldomEveryCycles = 3;

/** A large service is sampled in every fifth cycle, always somewhere else in its code. */
const wanderEveryCycles = 5;
const wanderFrames = 8;

/** All that runs on the simulated node. The same for the same seed, whoever watches. */
export class Scene {
  readonly catalogue: ProgramCatalogue;
  readonly fleet: Fleet;
  readonly wanderer: LargeExecutable;
  #burst: LargeExecutable | undefined;

  constructor(seed = 248) {
    const random = seededRandom(seed);
    this.catalogue = new ProgramCatalogue(random);
    this.fleet = new Fleet(fleetPlan, this.catalogue, random);
    this.wanderer = new LargeExecutable(this.catalogue.addCode('Wanderer.dll', frameKinds.dotnet), 900, wanderFrames);
  }

  /** Groups of processes that are sampled in a cycle, hot ones first. */
  sampledGroups(cycle: number): Group[] {
    const { hot, groups, seldom, sleepers } = this.fleet;
    const awake = sleepers.filter((sleeper) => this.fleet.stateOf(sleeper, cycle) !== 'asleep');
    const sampled = [hot, ...awake.map(({ group }) => group)];
    if (cycle % busyEveryCycles === 0) sampled.push(groups[(cycle / busyEveryCycles) % groups.length]!);
    if (cycle % seldomEveryCycles === 0) sampled.push(seldom[(cycle / seldomEveryCycles) % seldom.length]!);
    return sampled;
  }

  /** Large executables that are sampled in a cycle. */
  sampledExecutables(cycle: number): LargeExecutable[] {
    const sampled = cycle % wanderEveryCycles === 0 ? [this.wanderer] : [];
    const place = cycle % burst.everyCycles;
    if (place < burst.startCycle || place >= burst.startCycle + burst.cycles) return sampled;
    if (place === burst.startCycle) {
      // A build of its own each time: nothing of it was ever sampled before.
      const code = this.catalogue.addCode(`Build${Math.floor(cycle / burst.everyCycles)}.dll`, frameKinds.dotnet);
      this.#burst = new LargeExecutable(code, 901, burst.framesPerCycle);
    }
    return [...sampled, this.#burst!];
  }
}
