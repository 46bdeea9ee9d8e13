import type { Random } from '../../src/support/clock.ts';
import { seededRandom } from '../soak/seeded-random.ts';

/** How the backend treats whatever comes while a mode lasts. */
export const backendModes = [
  /** No connection, and none to be had. */
  'down',
  /** Takes the connection and the request, and never answers. */
  'hang',
  /** Answers so late that some attempts have timed out. */
  'slow',
  'unavailable',
  /** RESOURCE_EXHAUSTED with RetryInfo. */
  'exhausted',
  'permanent',
  'reset_mid_request',
  'reset_after_request',
  /** Has taken the request when the connection breaks. */
  'reset_mid_response',
  'goaway',
  /** Another answer to each call. */
  'flaky',
] as const;

export type BackendMode = 'ok' | (typeof backendModes)[number];

/** What happens around the service. */
export interface Fault {
  /** From the beginning of the load on. */
  readonly atMs: number;
  readonly change:
    | { readonly kind: 'backend'; readonly mode: BackendMode }
    | { readonly kind: 'disk'; readonly isFull: boolean };
}

/** What happens to the service: SIGTERM, SIGKILL, or SIGKILL and another one while it starts again. */
export interface Restart {
  readonly kind: 'stop' | 'kill' | 'kill_twice';
  /** How long it has been up when that happens. How long a start takes is for the machine to say, not for the seed. */
  readonly afterMs: number;
  /** Before it is started again. */
  readonly pauseMs: number;
  /** From the start to the second SIGKILL. */
  readonly secondAfterMs: number;
}

/** What of the configuration differs from run to run. */
export interface ServiceSettings {
  readonly cycleMs: number;
  readonly consumerCount: number;
  /** Requests, memory alone. */
  readonly queueSize: number;
  readonly maxRequestBytes: number;
  readonly isBatching: boolean;
  /** Of one attempt, in ms. */
  readonly timeoutMs: number;
  readonly maxElapsedMs: number;
  /** The window's bound, small enough to be met while the backend is away, or out of the way. */
  readonly maxEvents: number;
}

export interface ChaosSchedule {
  readonly seed: number;
  /** The load lasts for so long, and until the last restart is over. */
  readonly loadMs: number;
  readonly settings: ServiceSettings;
  /** In the order of their times, all before `loadMs`. */
  readonly faults: readonly Fault[];
  /** One after the other. */
  readonly restarts: readonly Restart[];
}

export interface ChaosKinds {
  /** Modes of the backend that this scenario can bear. */
  readonly modes: readonly BackendMode[];
  readonly restarts: readonly Restart['kind'][];
  readonly hasDisk: boolean;
}

/** The same faults at the same times for the same seed and kinds, and nothing else decides about them. */
export function scheduleOf(seed: number, kinds: ChaosKinds, loadMs: number): ChaosSchedule {
  const random = seededRandom(seed);
  const settings = settingsOf(random);
  const faults = [...backendFaults(random, kinds, loadMs), ...(kinds.hasDisk ? diskFaults(random, loadMs) : [])];
  const restarts = restartsOf(random, kinds, loadMs);
  return { seed, loadMs, settings, faults: faults.sort((a, b) => a.atMs - b.atMs), restarts };
}

/** With the time that a start takes there is one in so many milliseconds. */
const msPerRestart = 3_500;

function settingsOf(random: Random): ServiceSettings {
  return {
    cycleMs: pick(random, [40, 100, 250]),
    consumerCount: pick(random, [1, 2, 10]),
    queueSize: pick(random, [5, 20, 1_000]),
    maxRequestBytes: pick(random, [8_000, 30_000, 4_000_000]),
    isBatching: random() < 0.3,
    timeoutMs: pick(random, [500, 1_000]),
    maxElapsedMs: pick(random, [1_000, 3_000, 300_000]),
    maxEvents: pick(random, [150, 1_000_000]),
  };
}

/** Good and bad times take turns; half a second to two each. */
function backendFaults(random: Random, { modes }: ChaosKinds, loadMs: number): Fault[] {
  const faults: Fault[] = [];
  for (let atMs = between(random, 200, 1_000); atMs < loadMs; ) {
    faults.push({ atMs, change: { kind: 'backend', mode: pick(random, modes) } });
    atMs += between(random, 400, 2_000);
    if (random() < 0.7) faults.push({ atMs, change: { kind: 'backend', mode: 'ok' } });
    atMs += between(random, 200, 1_200);
  }
  return faults.filter((fault) => fault.atMs < loadMs);
}

function restartsOf(random: Random, { restarts }: ChaosKinds, loadMs: number): Restart[] {
  return Array.from({ length: Math.floor(loadMs / msPerRestart) }, () => ({
    kind: pick(random, restarts),
    afterMs: between(random, 300, 3_000),
    pauseMs: random() < 0.5 ? 0 : between(random, 50, 600),
    secondAfterMs: between(random, 100, 1_200),
  }));
}

function diskFaults(random: Random, loadMs: number): Fault[] {
  const faults: Fault[] = [];
  for (let atMs = between(random, 500, 2_500); atMs < loadMs; atMs += between(random, 1_500, 4_000)) {
    faults.push({ atMs, change: { kind: 'disk', isFull: true } });
    atMs += between(random, 500, 2_500);
    faults.push({ atMs: Math.min(atMs, loadMs - 1), change: { kind: 'disk', isFull: false } });
  }
  return faults;
}

export function between(random: Random, least: number, most: number): number {
  return Math.floor(least + random() * (most - least));
}

export function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)]!;
}
