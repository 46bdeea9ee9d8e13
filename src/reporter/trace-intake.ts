import type { BatchOutcome, SampleRejection } from '../model/batch-outcome.ts';
import type { FrameBatch } from '../model/frame-batch.ts';
import type { WindowResource } from '../profile/build/window-contents.ts';
import type { Clock } from '../support/clock.ts';
import { FairTurns } from '../support/fair-turns.ts';
import { StepPace } from '../support/step-pace.ts';
import type { Steps } from '../support/steps.ts';
import { atOnce, eachInSteps } from '../support/steps.ts';
import { BatchTranslation, TranslationColumns } from './batch-translation.ts';
import type { WindowUsage } from './merged-profiles.ts';
import type { NativeNames } from './native-names.ts';
import type { WindowStats } from './reporter-events.ts';
import { SampleWindow } from './sample-window.ts';
import type { SymbolSession, SymbolSource } from './symbol-source.ts';
import { WindowShares } from './window-shares.ts';

export interface WindowLimits {
  /** Trace events that one window may hold. */
  readonly maxEvents: number;
  /** Bytes that one window may hold. */
  readonly maxBytes: number;
  /** Delay that a collector is asked for when the window is full. */
  readonly retryDelayMs: number;
  /** OTLP profiles that fill the window within the same bounds. */
  readonly merged?: { readonly usage: WindowUsage };
}

/** Helpers of an intake; none is needed. */
export interface IntakeHelpers {
  /** Asked for names of native frames, where this node's files are read. */
  readonly native?: NativeNames | undefined;
  /** Called once a window, when it holds half of what one of its bounds allows: reporting it now leaves the other half for what comes. */
  readonly onHalfFull?: (() => void) | undefined;
  /** Called with the resources that are new in a window, for what has to be looked up of them. */
  readonly onResources?: ((resources: readonly WindowResource[]) => void) | undefined;
}

type WindowRoom = Pick<WindowLimits, 'maxEvents' | 'maxBytes'>;

/** A reply lists this many rejections; more would tell nothing new. */
const maxListedRejections = 64;

/** Merged profiles among the instances that share the window. */
const mergedId = 'otlp';
const noUsage: WindowUsage = { events: 0, bytes: 0 };

const unlimited: WindowRoom = { maxEvents: Infinity, maxBytes: Infinity };

/** Samples that are added between two looks at the window's size: a few where little room is left, or it would grow far beyond. */
const samplesPerSizeCheck = 16;
/** Work of one step: what frames of new stacks take, and of a sample, each of which has a moment at least. */
const workPerStep = { least: 1_024, most: 32_768 };
const workOfSample = 16;
const mostSamplesPerStep = 1_024;
/** Samples of a step of a batch with a great many processes, labels or links, each of which costs more than a sample. */
const dearSamplesPerStep = 64;
const manyEntries = 2_048;
/** Frames and samples of a window whose tables are large. */
const manyRows = 4_096;
const ampleBytes = 8 * 1024 * 1024;
/** Batches that wait for their turn; beyond, the one that would be last is refused. */
const mostWaitingBytes = 64 * 1024 * 1024;

/**
 * Takes batches into the window of the current reporting cycle. What a window may hold is bounded: samples beyond are
 * rejected, counted and answered with a delay, so that no acknowledged sample is lost here.
 */
export class TraceIntake {
  /** Turns of batches: one is whole in the window before the next one begins, and before the window is taken. */
  readonly turns: FairTurns;
  readonly #symbols: SymbolSource;
  #limits: WindowLimits;
  readonly #clock: Clock;
  readonly #native: NativeNames | undefined;
  readonly #onHalfFull: (() => void) | undefined;
  readonly #onResources: ((resources: readonly WindowResource[]) => void) | undefined;
  readonly #shares: WindowShares;
  readonly #columns = new TranslationColumns();
  readonly #pace = new StepPace(workPerStep.least, workPerStep.most);
  #window = new SampleWindow();
  /** True until the first request for the window at hand, by when events that wait for a name are in it. */
  #isNewWindow = false;
  #mergedUsage: WindowUsage = noUsage;
  #isHalfFull = false;
  readonly #rejectedSamples = { window_full: 0, share_exceeded: 0 };

  constructor(symbols: SymbolSource, limits: WindowLimits, clock: Clock, helpers: IntakeHelpers = {}) {
    this.turns = new FairTurns(clock, mostWaitingBytes);
    this.#symbols = symbols;
    this.#limits = limits;
    this.#shares = new WindowShares(limits);
    this.#clock = clock;
    this.#native = helpers.native;
    this.#onHalfFull = helpers.onHalfFull;
    this.#onResources = helpers.onResources;
  }

  /** Takes other bounds: what the window holds beyond them stays in it. */
  setLimits(limits: Pick<WindowLimits, 'maxEvents' | 'maxBytes' | 'retryDelayMs'>): void {
    this.#limits = { ...this.#limits, ...limits };
    this.#shares.setLimits(this.#limits);
  }

  /** Usage of the window at hand, and samples rejected so far for want of room. */
  get stats(): WindowStats {
    const { events, sizeBytes } = this.#window;
    return { events: events.count, bytes: sizeBytes, rejectedSamples: this.#rejectedSamples };
  }

  /** The part of the bounds that merged profiles cannot have: the usage by trace events, and room that is reserved for these. */
  get claimed(): WindowUsage {
    this.#beginShares();
    const reserved = this.#shares.reservedFromOthersThan(mergedId);
    return { events: this.#window.events.count + reserved.events, bytes: this.#window.sizeBytes + reserved.bytes };
  }

  /** The window at hand. */
  get window(): SampleWindow {
    return this.#window;
  }

  get #usage(): WindowUsage {
    return { events: this.#window.events.count, bytes: this.#window.sizeBytes };
  }

  /** The size that the window may reach by samples of one instance. */
  #roomFor(instanceId: string): WindowRoom {
    this.#beginShares();
    const { events, bytes } = this.#usage;
    const total = { events: events + this.#mergedUsage.events, bytes: bytes + this.#mergedUsage.bytes };
    const room = this.#shares.roomOf(instanceId, total);
    return { maxEvents: events + room.events, maxBytes: bytes + room.bytes };
  }

  /** Begins the shares of a new window, and brings the part of merged profiles up to date. */
  #beginShares(): void {
    if (this.#isNewWindow) this.#shares.turn(this.#usage, this.#clock.nowMs());
    this.#isNewWindow = false;
    const usage = this.#limits.merged?.usage ?? noUsage;
    this.#shares.charge(mergedId, difference(usage, this.#mergedUsage), false);
    this.#mergedUsage = usage;
  }

  #isLargerThan({ maxBytes }: WindowRoom): boolean {
    return this.#window.sizeBytes > maxBytes;
  }

  /** Takes a batch within one turn of the event loop. */
  submit(batch: FrameBatch): BatchOutcome {
    return atOnce(this.submitInSteps(batch));
  }

  /** The same in steps: within `turns`, so that nothing else comes into the window between them, and nobody takes it. */
  *submitInSteps(batch: FrameBatch): Steps<BatchOutcome> {
    const store = this.#symbols.at(this.#clock.nowMs());
    const { instanceId } = batch.collector;
    let charged = this.#usage;
    const charge = (isLimited: boolean): void => {
      const usage = this.#usage;
      this.#shares.charge(instanceId, difference(usage, charged), isLimited);
      charged = usage;
    };
    let room = this.#roomFor(instanceId);
    // Merged profiles come in between two steps: they look at what is left, and leave less.
    const roomNow = (): WindowRoom => {
      if (this.#limits.merged === undefined) return room;
      charge(false);
      room = this.#roomFor(instanceId);
      return room;
    };
    yield* store.learnInSteps(batch);
    if (batch.symbols.length + batch.executables.length > 0) yield* this.#nameWaiting(batch, roomNow);
    const accepted = yield* this.#addSamples(batch, store, roomNow);
    if (batch.processExits.length > 0) yield* this.#endBatch(batch, store);
    this.#tellFilling();
    const rejected = batch.samples.count - accepted;
    charge(rejected > 0);
    const isFull = rejected > 0 && this.#isFull(room);
    this.#rejectedSamples[isFull ? 'window_full' : 'share_exceeded'] += rejected;
    return {
      acceptedSamples: accepted,
      rejections: this.#rejections(accepted, rejected, isFull),
      namesNeeded: store.takeNeededNames(instanceId),
      executablesNeeded: store.takeNeededExecutables(instanceId),
      retryDelayMs: rejected > 0 ? this.#limits.retryDelayMs : 0,
    };
  }

  #tellFilling(): void {
    const { events, bytes } = this.#usage;
    const { maxEvents, maxBytes } = this.#limits;
    const merged = this.#mergedUsage;
    if (this.#isHalfFull || (2 * (events + merged.events) < maxEvents && 2 * (bytes + merged.bytes) < maxBytes)) return;
    this.#isHalfFull = true;
    this.#onHalfFull?.();
  }

  /** True if the instance had all the room that there is: nothing of it is reserved for others. */
  #isFull(room: WindowRoom): boolean {
    const { maxEvents, maxBytes } = this.#limits;
    const merged = this.#mergedUsage;
    return room.maxEvents >= maxEvents - merged.events && room.maxBytes >= maxBytes - merged.bytes;
  }

  /** Takes all of a batch that an earlier run had acknowledged: that one's bounds have let it in. */
  restore(batch: FrameBatch): void {
    const store = this.#symbols.at(this.#clock.nowMs());
    atOnce(store.learnInSteps(batch));
    atOnce(this.#nameWaiting(batch, () => unlimited));
    atOnce(this.#addSamples(batch, store, () => unlimited));
    atOnce(this.#endBatch(batch, store));
  }

  /** Processes without a start time that have exited are told from the next ones with their IDs. */
  *#endBatch(batch: FrameBatch, store: SymbolSession): Steps<void> {
    yield* store.endBatch(batch);
    yield* eachInSteps(batch.processExits, (process) => {
      if (process.startTimeNano === 0n) this.#window.closeAddressSpace(batch.collector.instanceId, process);
    });
  }

  /** Hands over the window at hand and starts `next`, an empty one by default. */
  takeWindow(next?: SampleWindow): SampleWindow {
    const taken = this.#window;
    this.#beginShares();
    this.#window = next ?? new SampleWindow();
    // Nothing is known in the new one.
    this.#pace.restart();
    this.#isNewWindow = true;
    this.#isHalfFull = false;
    this.#mergedUsage = noUsage;
    return taken;
  }

  /** Names and executables of a batch also serve samples that are in the window already. */
  *#nameWaiting(batch: FrameBatch, roomNow: () => WindowRoom): Steps<void> {
    const room = roomNow();
    yield* eachInSteps(batch.symbols, ({ fileId, addressHigh, addressLow, symbol }) => {
      if (!this.#isLargerThan(room)) this.#window.nameFrames(fileId, addressHigh, addressLow, symbol);
    });
    yield* eachInSteps(batch.executables, ({ fileId, executable }) => {
      if (!this.#isLargerThan(room)) this.#window.setExecutable(fileId, executable);
    });
  }

  /** Adds samples in order until a bound is met; returns how many. */
  *#addSamples(batch: FrameBatch, store: SymbolSession, roomNow: () => WindowRoom): Steps<number> {
    const { resources } = this.#window;
    let told = resources.length;
    const tellResources = (): void => {
      if (resources.length > told) this.#onResources?.(resources.slice(told));
      told = resources.length;
    };
    const added = yield* this.#translateSamples(batch, store, roomNow, tellResources);
    tellResources();
    return added;
  }

  *#translateSamples(
    batch: FrameBatch,
    store: SymbolSession,
    roomNow: () => WindowRoom,
    onStep: () => void,
  ): Steps<number> {
    const { events } = this.#window;
    const { count, momentStart } = batch.samples;
    let room = roomNow();
    const { frames, samples } = this.#window;
    if (frames.count + samples.count > manyRows && !this.#isLargerThan(room)) {
      // Samples that the window has no room for are not added.
      const most = Math.min(count, Math.max(0, room.maxEvents - events.count));
      yield* this.#window.makeRoom({ frames: batch.frames.count, stacks: batch.stacks.count, samples: most });
    }
    const translation = new BatchTranslation(batch, this.#window, store, this.#columns, this.#native);
    const isDear = hasManyEntries(batch);
    const pace = this.#pace;
    for (let from = 0; from < count; ) {
      if (from > 0) {
        onStep();
        yield;
        room = roomNow();
      }
      const roomBytes = room.maxBytes - this.#window.sizeBytes;
      if (roomBytes < 0) return from;
      const samplesPerStep = isDear
        ? dearSamplesPerStep
        : Math.min(mostSamplesPerStep, Math.ceil(pace.work / workOfSample));
      const step = Math.min(count, from + (roomBytes > ampleBytes ? samplesPerStep : samplesPerSizeCheck));
      const most = Math.max(from + 1, lastWithin(momentStart, from, step, Math.ceil(pace.work / 2)));
      const to = lastWithin(momentStart, from, most, room.maxEvents - events.count);
      const beganMs = this.#clock.nowMs();
      const end = translation.addSamples(from, to, pace.work);
      const work = translation.stackWork + (end - from) * workOfSample;
      if (!isDear) pace.took(work, this.#clock.nowMs() - beganMs);
      if (end === to && to < most) return to;
      from = end;
    }
    return count;
  }

  #rejections(accepted: number, rejected: number, isFull: boolean): SampleRejection[] {
    if (rejected === 0) return [];
    const { maxEvents, maxBytes } = this.#limits;
    const problem = isFull ? 'is full' : 'has no room for this instance beyond its share';
    const reason =
      `the window of this reporting cycle ${problem} (max_events ${maxEvents}, max_bytes ${maxBytes}); ` +
      'send it again after retry_delay_ms, or raise the bound';
    return Array.from({ length: Math.min(rejected, maxListedRejections) }, (_, index) => ({
      path: `samples[${accepted + index}]`,
      reason,
    }));
  }
}

function hasManyEntries({ processes, labelSets, links }: FrameBatch): boolean {
  return processes.length + labelSets.length + links.length > manyEntries;
}

/** The last of the samples `from .. to` up to which there are at most `room` moments, plus one. */
function lastWithin(momentStart: Uint32Array, from: number, to: number, room: number): number {
  const most = momentStart[from]! + room;
  if (momentStart[to]! <= most) return to;
  let end = from;
  while (momentStart[end + 1]! <= most) end++;
  return end;
}

function difference(now: WindowUsage, before: WindowUsage): WindowUsage {
  return { events: now.events - before.events, bytes: now.bytes - before.bytes };
}
