// hot
import { halvesOf, isBefore, uint64Of } from '../../support/halves.ts';
import { QuadIndex } from '../../support/quad-index.ts';
import type { Steps } from '../../support/steps.ts';
import { Uint32List } from '../../support/uint32-list.ts';
import type { TimeRange, TraceEvents } from './window-contents.ts';

/** The trace events of one profile, by number, with the range of time that holds them all. */
export interface ProfileGroup {
  readonly resource: number;
  readonly profileType: number;
  readonly range: TimeRange;
  readonly events: Uint32Array;
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
  const groups = new Uint32Array(events.count);
  const counts = new Uint32List();
  const [startLow, startHigh] = halvesOf(range.startUnixNano);
  const [endLow, endHigh] = halvesOf(range.endUnixNano);
  for (let event = 0; event < events.count; event++) {
    if (event % eventsPerStep === 0) yield;
    groups[event] = leftOut;
    const resource = resources[events.resource(event)]!;
    if (resource < 0) continue;
    const low = events.timeLow(event);
    const high = events.timeHigh(event);
    let part = within;
    if (isBefore(low, high, startLow, startHigh)) part = before;
    else if (!isBefore(low, high, endLow, endHigh)) part = after;
    const group = keys.intern(resource, events.profileType(event), part, 0);
    if (group === counts.length) counts.push(0);
    counts.set(group, counts.at(group) + 1);
    groups[event] = group;
  }
  const cycleNano = range.endUnixNano - range.startUnixNano;
  const sorted: ProfileGroup[] = [];
  for (const [group, members] of (yield* numbersByGroup(groups, counts)).entries()) {
    sorted.push({
      resource: keys.word(group, 0),
      profileType: keys.word(group, 1),
      range: keys.word(group, 2) === within ? range : yield* rangeOf(events, members, cycleNano),
      events: members,
    });
  }
  return sorted;
}

const eventsPerStep = 512;
const leftOut = 0xffff_ffff;

/** The events of each group in order. */
function* numbersByGroup(groups: Uint32Array, counts: Uint32List): Steps<Uint32Array[]> {
  const numbers: Uint32Array[] = [];
  for (let group = 0; group < counts.length; group++) numbers.push(new Uint32Array(counts.at(group)));
  const filled = new Uint32Array(counts.length);
  for (let event = 0; event < groups.length; event++) {
    if (event % eventsPerStep === 0) yield;
    const group = groups[event]!;
    if (group !== leftOut) numbers[group]![filled[group]!++] = event;
  }
  return numbers;
}

/**
 * The shortest range that holds the events and is as long as a cycle: backends divide by the length, and events of which
 * a window holds only a few, or the clock of their sender another time, are no denser than those of a cycle.
 */
function* rangeOf(events: TraceEvents, members: Uint32Array, cycleNano: bigint): Steps<TimeRange> {
  let first = members[0]!;
  let last = first;
  for (let i = 0; i < members.length; i++) {
    if (i % eventsPerStep === eventsPerStep - 1) yield;
    const event = members[i]!;
    if (isEarlier(events, event, first)) first = event;
    if (isEarlier(events, last, event)) last = event;
  }
  const startUnixNano = unixNanoOf(events, first);
  const end = unixNanoOf(events, last) + 1n;
  const endOfCycle = startUnixNano + cycleNano;
  return { startUnixNano, endUnixNano: end > endOfCycle ? end : endOfCycle };
}

function isEarlier(events: TraceEvents, event: number, other: number): boolean {
  return isBefore(events.timeLow(event), events.timeHigh(event), events.timeLow(other), events.timeHigh(other));
}

function unixNanoOf(events: TraceEvents, event: number): bigint {
  return uint64Of(events.timeHigh(event), events.timeLow(event));
}
