import { isCollectorNamed } from '../model/frame-kind.ts';
import type { TraceEvents } from '../profile/build/window-contents.ts';
import type { Steps } from '../support/steps.ts';
import type { NativeNames } from './native-names.ts';
import type { SampleWindow, WindowFile } from './sample-window.ts';

/** Numbers of the events of a window, rising: of those to be reported, and of those that are in the next window now. */
export interface DividedEvents {
  readonly staying: readonly number[];
  readonly held: readonly number[];
}

/**
 * Moves events that lack a name which only their collector can give, or which this node's files may give soon, from a window into
 * the next one, where the answer may have come by then. An event waits for one cycle at most, and only in the first half of the next window: its other half,
 * by `maxEvents` and `maxBytes`, is for samples that come. `undefined` when no event waits.
 */
export function* holdBack(
  window: SampleWindow,
  next: SampleWindow,
  { maxEvents, maxBytes }: { readonly maxEvents: number; readonly maxBytes: number },
  native?: NativeNames,
): Steps<DividedEvents | undefined> {
  const waiting = yield* stacksThatWait(window, native);
  if (waiting.size === 0) return undefined;
  const mover = new EventMover(window, next);
  const staying: number[] = [];
  const held: number[] = [];
  const { events, samples } = window;
  for (let event = 0; event < events.count; event++) {
    if (event % eventsPerStep === eventsPerStep - 1) yield;
    const isWaiting = waiting.has(samples.stack(events.sample(event))) && !events.wasHeld(event);
    if (isWaiting && next.events.count < maxEvents / 2 && next.sizeBytes < maxBytes / 2) {
      mover.move(event);
      held.push(event);
    } else staying.push(event);
  }
  return { staying, held };
}

/** The events of a window with these numbers. */
export function selectEvents(events: TraceEvents, numbers: readonly number[]): TraceEvents {
  return {
    count: numbers.length,
    sample: (index) => events.sample(numbers[index]!),
    timeLow: (index) => events.timeLow(numbers[index]!),
    timeHigh: (index) => events.timeHigh(numbers[index]!),
    valueLow: (index) => events.valueLow(numbers[index]!),
    valueHigh: (index) => events.valueHigh(numbers[index]!),
    read: (first, slice) => {
      const count = Math.min(slice.sample.length, numbers.length - first);
      for (let i = 0; i < count; i++) {
        const event = numbers[first + i]!;
        slice.sample[i] = events.sample(event);
        slice.timeLow[i] = events.timeLow(event);
        slice.timeHigh[i] = events.timeHigh(event);
        slice.valueLow[i] = events.valueLow(event);
        slice.valueHigh[i] = events.valueHigh(event);
      }
      return count;
    },
  };
}

/** Frames, and events, that are looked at in one step. An event may be moved, with a stack of a thousand frames. */
const framesPerStep = 4_096;
const eventsPerStep = 64;

function* stacksThatWait(window: SampleWindow, native: NativeNames | undefined): Steps<Set<number>> {
  const { stacks, symbols } = window;
  const waiting = new Set<number>();
  if (!symbols.includes(undefined)) return waiting;
  const isMissing = new Uint8Array(symbols.length);
  let missing = 0;
  for (let frame = 0; frame < symbols.length; frame++) {
    if (frame % framesPerStep === framesPerStep - 1) yield;
    if (symbols[frame] !== undefined) continue;
    if (!isCollectorNamed(window.frames.kind(frame)) && !isUnderWay(window, frame, native)) continue;
    isMissing[frame] = 1;
    missing++;
  }
  if (missing === 0) return waiting;
  for (let stack = 0, seen = 0; stack < stacks.count; stack++) {
    const end = stacks.startOf(stack + 1);
    seen += end - stacks.startOf(stack);
    if (seen > framesPerStep) {
      seen = 0;
      yield;
    }
    for (let at = stacks.startOf(stack); at < end; at++) {
      if (isMissing[stacks.frameAt(at)] === 1) waiting.add(stack);
    }
  }
  return waiting;
}

function isUnderWay(window: SampleWindow, frame: number, native: NativeNames | undefined): boolean {
  if (native === undefined) return false;
  const { owner } = window.files[window.frames.file(frame)]!;
  return native.isUnderWay(owner, window.frames.addressHigh(frame), window.frames.addressLow(frame));
}

/** Copies single events from one window to another with all that they refer to; names that were found go with them. */
class EventMover {
  readonly #from: SampleWindow;
  readonly #to: SampleWindow;
  readonly #stacks = new Map<number, number>();
  readonly #files = new Map<number, number>();

  constructor(from: SampleWindow, to: SampleWindow) {
    this.#from = from;
    this.#to = to;
  }

  move(event: number): void {
    const { events } = this.#from;
    this.#to.events.addHeld(this.#sample(events.sample(event)), events.unixNano(event), events.value(event));
  }

  #sample(index: number): number {
    const { samples, resources, profileTypes, links, threadNames, labels } = this.#from;
    const link = samples.link(index);
    const labelSet = samples.labels(index);
    return this.#to.samples.intern({
      stack: this.#stack(samples.stack(index)),
      resource: this.#to.internResource(resources[samples.resource(index)]!),
      profileType: this.#to.internProfileType(profileTypes[samples.profileType(index)]!),
      link: link < 0 ? -1 : this.#to.internLink(links[link]!),
      threadId: samples.threadId(index),
      threadName: this.#to.internThreadName(threadNames[samples.threadName(index)]!),
      cpu: samples.cpu(index),
      labels: labelSet < 0 ? -1 : this.#to.internLabels(labels[labelSet]!),
    });
  }

  #stack(index: number): number {
    const known = this.#stacks.get(index);
    if (known !== undefined) return known;
    const { stacks } = this.#from;
    const start = stacks.startOf(index);
    const frames = Int32Array.from({ length: stacks.startOf(index + 1) - start }, (_, i) =>
      this.#frame(stacks.frameAt(start + i)),
    );
    const moved = this.#to.stacks.intern(frames, frames.length, stacks.isTruncated(index));
    this.#stacks.set(index, moved);
    return moved;
  }

  #frame(index: number): number {
    const from = this.#from;
    const mapping = from.frames.mapping(index);
    const place = this.#to.frames.internPlace(
      this.#file(from.frames.file(index)),
      from.frames.kind(index),
      mapping < 0 ? -1 : this.#mapping(mapping),
    );
    const frame = this.#to.internFrame(place, from.frames.addressHigh(index), from.frames.addressLow(index));
    this.#to.nameFrame(frame, from.symbols[index]);
    return frame;
  }

  #mapping(index: number): number {
    const { file, start, end, fileOffset } = this.#from.mappings[index]!;
    return this.#to.internMapping(this.#file(file), start, end, fileOffset);
  }

  #file(index: number): number {
    const known = this.#files.get(index);
    if (known !== undefined) return known;
    const moved = this.#move(this.#from.files[index]!);
    this.#files.set(index, moved);
    return moved;
  }

  #move({ owner, executable, isClosed }: WindowFile): number {
    if (owner.kind === 'file') {
      const file = this.#to.internFile(owner.fileId);
      this.#to.keepExecutable(file, executable);
      return file;
    }
    const file = this.#to.internAddressSpace(owner.instanceId, owner.process);
    if (isClosed) this.#to.closeAddressSpace(owner.instanceId, owner.process);
    return file;
  }
}
