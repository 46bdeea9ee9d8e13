import { QuadIndex } from '../../support/quad-index.ts';
import type { Steps } from '../../support/steps.ts';
import type { TimeRange, TraceEvents } from './window-contents.ts';

/** The trace events of one profile, by number, with the range of time that holds them all. */
export interface ProfileGroup {
  readonly resource: number;
  readonly profileType: number;
  readonly range: TimeRange;
  readonly events: readonly number[];
}

/** Position of an event: in the cycle's range, before it (the event was under way at the last tick) or after it (clocks differ). */
const within = 0;
const before = 1;
const after = 2;

/**
 * Sorts events into profiles: one for each resource and profile type, and one more each for events before and after
 * the cycle's range, so that its own start never has to move back for a late sample. `resources` gives the resource
 * that stands for each resource of the window, or -1 where its events are left out.
 */
export function* groupEvents(
  events: TraceEvents,
  range: TimeRange,
  resources: Int32Array,
): Steps<readonly ProfileGroup[]> {
  const keys = new QuadIndex();
  const numbers: number[][] = [];
  for (let event = 0; event < events.count; event++) {
    if (event % eventsPerStep === 0) yield;
    const resource = resources[events.resource(event)]!;
    if (resource < 0) continue;
    const unixNano = events.unixNano(event);
    const part = unixNano < range.startUnixNano ? before : unixNano >= range.endUnixNano ? after : within;
    const group = keys.intern(resource, events.profileType(event), part, 0);
    if (group === numbers.length) numbers.push([]);
    numbers[group]!.push(event);
  }
  return numbers.map((members, group) => ({
    resource: keys.word(group, 0),
    profileType: keys.word(group, 1),
    range: keys.word(group, 2) === within ? range : rangeOf(events, members, range.endUnixNano - range.startUnixNano),
    events: members,
  }));
}

const eventsPerStep = 128;

/**
 * The shortest range that holds the events and is as long as a cycle: backends divide by the length, and events of which
 * a window holds only a few, or the clock of their sender another time, are no denser than those of a cycle.
 */
function rangeOf(events: TraceEvents, members: readonly number[], cycleNano: bigint): TimeRange {
  let startUnixNano = events.unixNano(members[0]!);
  let newest = startUnixNano;
  for (const event of members) {
    const unixNano = events.unixNano(event);
    if (unixNano < startUnixNano) startUnixNano = unixNano;
    if (unixNano > newest) newest = unixNano;
  }
  const end = newest + 1n;
  const endOfCycle = startUnixNano + cycleNano;
  return { startUnixNano, endUnixNano: end > endOfCycle ? end : endOfCycle };
}
