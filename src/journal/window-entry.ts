import type { LogRecord } from '../storage/segment.ts';

/** A record, and which events of a window came with it: those from `firstEvent` on, up to that of the next entry. */
export interface WindowEntry {
  readonly record: LogRecord;
  readonly firstEvent: number;
  /** Numbers of these events in the record, rising; `undefined`: all of them. */
  readonly events: Uint32Array | undefined;
}

/**
 * The entries of the events that wait in the next window, where they come first. `entries` are those of the window that they
 * came from, `held` their numbers there, rising.
 */
export function carryEntries(entries: readonly WindowEntry[], held: readonly number[]): WindowEntry[] {
  const carried: WindowEntry[] = [];
  let at = 0;
  for (let index = 0; index < held.length; ) {
    // The last entry that begins at the event or before it: one without events begins where the next one does.
    while (at + 1 < entries.length && entries[at + 1]!.firstEvent <= held[index]!) at++;
    const { record, firstEvent, events } = entries[at]!;
    const end = entries[at + 1]?.firstEvent ?? Infinity;
    const start = index;
    while (index < held.length && held[index]! < end) index++;
    const numbers = Uint32Array.from(held.slice(start, index), (event) => event - firstEvent);
    carried.push({ record, firstEvent: start, events: events ? numbers.map((number) => events[number]!) : numbers });
  }
  return carried;
}
