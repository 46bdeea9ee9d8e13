// hot
import { halvesOf, isBefore, uint64Of } from '../../support/halves.ts';
import { QuadIndex } from '../../support/quad-index.ts';
import type { Steps } from '../../support/steps.ts';
import { Uint32List } from '../../support/uint32-list.ts';
import type { TimeRange, TraceEvents, WindowContents } from './window-contents.ts';
import { createEventSlice } from './window-contents.ts';

/** The trace events of one profile, with the range of time that holds them all. */
export interface ProfileGroup {
  readonly resource: number;
  readonly profileType: number;
  readonly range: TimeRange;
  /** Numbers of the parts, rising. */
  readonly parts: readonly number[];
  /** True when the value of an event is not 1. */
  readonly hasValues: boolean;
}

/** Trace events by profile. A part is all events of one window sample in one profile; parts are numbered by their first events. */
export interface GroupedEvents {
  readonly groups: readonly ProfileGroup[];
  /** The part of each event; `leftOut` for one of a resource that is left out. */
  readonly partOfEvent: Uint32Array;
  /** Window sample, and number of events, of each part. */
  readonly sampleOfPart: Uint32List;
  readonly eventCounts: Uint32List;
}

/** Stands for the part of an event that is in no profile. */
export const leftOut = 0xffff_ffff;

/** Position of an event: in the cycle's range, before it (the event was under way at the last tick) or after it (clocks differ). */
const within = 0;
const before = 1;
const after = 2;
const positions = 3;

const eventsPerStep = 512;

/**
 * Sorts events into profiles: one for each resource and profile type, and one more each for events before and after
 * the cycle's range, so that its own start never has to move back for a late sample. `resources` gives the resource
 * that stands for each resource of the window, or -1 where its events are left out.
 */
export function* groupEvents(
  { events, samples }: Pick<WindowContents, 'events' | 'samples'>,
  range: TimeRange,
  resources: Int32Array,
): Steps<GroupedEvents> {
  const keys = new QuadIndex();
  const groups: OpenGroup[] = [];
  /** By sample and position: the number of the part plus one. */
  const partOf = new Uint32Array(positions * samples.count);
  const groupOfPart = new Uint32List();
  const sampleOfPart = new Uint32List();
  const eventCounts = new Uint32List();
  const partOfEvent = new Uint32Array(events.count);
  const [startLow, startHigh] = halvesOf(range.startUnixNano);
  const [endLow, endHigh] = halvesOf(range.endUnixNano);
  const slice = createEventSlice(eventsPerStep);
  for (let from = 0; from < events.count; from += eventsPerStep) {
    yield;
    const count = events.read(from, slice);
    for (let i = 0; i < count; i++) {
      const event = from + i;
      const sample = slice.sample[i]!;
      const low = slice.timeLow[i]!;
      const high = slice.timeHigh[i]!;
      let position = within;
      if (isBefore(low, high, startLow, startHigh)) position = before;
      else if (!isBefore(low, high, endLow, endHigh)) position = after;
      let part = partOf[positions * sample + position]! - 1;
      if (part < 0) {
        const resource = resources[samples.resource(sample)]!;
        if (resource < 0) {
          partOfEvent[event] = leftOut;
          continue;
        }
        const group = keys.intern(resource, samples.profileType(sample), position, 0);
        if (group === groups.length) groups.push({ parts: [], hasValues: false, first: event, last: event });
        part = sampleOfPart.length;
        groups[group]!.parts.push(part);
        groupOfPart.push(group);
        sampleOfPart.push(sample);
        eventCounts.push(0);
        partOf[positions * sample + position] = part + 1;
      }
      partOfEvent[event] = part;
      eventCounts.set(part, eventCounts.at(part) + 1);
      // Timestamps alone mean 1 each, which every backend reads; values join when one of them is not 1.
      if (slice.valueLow[i] !== 1 || slice.valueHigh[i] !== 0) groups[groupOfPart.at(part)]!.hasValues = true;
      if (position !== within) widen(groups[groupOfPart.at(part)]!, events, event);
    }
  }
  const cycleNano = range.endUnixNano - range.startUnixNano;
  const closed = groups.map(({ parts, hasValues, first, last }, group): ProfileGroup => {
    const isWithin = keys.word(group, 2) === within;
    return {
      resource: keys.word(group, 0),
      profileType: keys.word(group, 1),
      range: isWithin ? range : rangeOf(unixNanoOf(events, first), unixNanoOf(events, last), cycleNano),
      parts,
      hasValues,
    };
  });
  return { groups: closed, partOfEvent, sampleOfPart, eventCounts };
}

interface OpenGroup {
  readonly parts: number[];
  hasValues: boolean;
  /** The earliest and the latest event of a group outside of the cycle's range. */
  first: number;
  last: number;
}

function widen(group: OpenGroup, events: TraceEvents, event: number): void {
  if (isEarlier(events, event, group.first)) group.first = event;
  if (isEarlier(events, group.last, event)) group.last = event;
}

/**
 * The shortest range that holds the events from `first` to `last` and is as long as a cycle: backends divide by the length, and events
 * of which a window holds only a few, or the clock of their sender another time, are no denser than those of a cycle.
 */
function rangeOf(first: bigint, last: bigint, cycleNano: bigint): TimeRange {
  const end = last + 1n;
  const endOfCycle = first + cycleNano;
  return { startUnixNano: first, endUnixNano: end > endOfCycle ? end : endOfCycle };
}

function isEarlier(events: TraceEvents, event: number, other: number): boolean {
  return isBefore(events.timeLow(event), events.timeHigh(event), events.timeLow(other), events.timeHigh(other));
}

function unixNanoOf(events: TraceEvents, event: number): bigint {
  return uint64Of(events.timeHigh(event), events.timeLow(event));
}
