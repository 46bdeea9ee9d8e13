import { CollectorOfThen } from './collector-of-then.ts';
import { CollectorOfToday } from './collector-of-today.ts';
import { FixedTables } from './past-stores/fixed-tables.ts';
import { FlatTables } from './past-stores/flat-tables.ts';
import { MapTables } from './past-stores/map-tables.ts';
import type { PastTables } from './past-stores/past-store.ts';
import { PastStore } from './past-stores/past-store.ts';
import { Scene } from './scene.ts';
import { Soak } from './soak.ts';
import { createStore, subjectOfThen, subjectOfToday } from './subjects.ts';

/** One of five stores, on a scene of its own that is the same as that of the others. */
export interface Contestant {
  readonly scene: Scene;
  readonly soak: Soak;
  readonly collector: CollectorOfToday | CollectorOfThen;
  /** What the store says that it takes. */
  bytes(): number;
  /** Frames that have a name in it. */
  frames(): number;
}

/** By the name of each: how to make one. */
export const contestants: ReadonlyMap<string, () => Contestant> = new Map([
  ['files expire an hour after their first frame (2024-10)', () => createPast(new MapTables(false))],
  ['files are refreshed, frames never leave (2024-12)', () => createPast(new MapTables(true))],
  ['1,024 slots for each file (2025-04)', () => createPast(new FixedTables())],
  ['131,072 slots for all files (2025-06)', () => createPast(new FlatTables())],
  ['Framekeeper', createOurs],
]);

/** With the budget that is the default. */
export function createOurs(): Contestant {
  const store = createStore({ maxEntries: 1_000_000, maxBytes: 256 * 2 ** 20 });
  const bytes = (): number => store.stats().bytes + store.stats().stubBytes;
  const frames = (): number => store.stats().symbols;
  const scene = new Scene();
  const collector = new CollectorOfToday(scene);
  const soak = new Soak(subjectOfToday(store, collector), buildNothing);
  return { scene, collector, soak, bytes, frames };
}

export function createPast(tables: PastTables): Contestant {
  const store = new PastStore(tables);
  const scene = new Scene();
  const collector = new CollectorOfThen(scene, store);
  const soak = new Soak(subjectOfThen(store, collector), buildNothing);
  return { scene, collector, soak, bytes: () => tables.bytes, frames: () => tables.frameCount };
}

const buildNothing = { buildEvery: Number.POSITIVE_INFINITY };
