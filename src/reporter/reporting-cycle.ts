import type { ProfilesData } from '../otlp/profiles-data.ts';
import { countSamples } from '../otlp/profiles-data.ts';
import type { ResourceEditor } from '../otlp/resource-edit.ts';
import { noEdits } from '../otlp/resource-edit.ts';
import { buildProfiles } from '../profile/build/build-profiles.ts';
import type { TimeRange, TraceEvents, WindowContents } from '../profile/build/window-contents.ts';
import type { Clock, Random } from '../support/clock.ts';
import { everyInterval, whenAborted } from '../support/clock.ts';
import type { FairTurns } from '../support/fair-turns.ts';
import type { Component } from '../support/lifecycle.ts';
import type { Steps } from '../support/steps.ts';
import { inSlices } from '../support/steps.ts';
import { CycleRanges } from './cycle-ranges.ts';
import type { CycleReport, ReportConsumer, ReportOutlet, WindowJournal } from './cycle-report.ts';
import type { DividedEvents } from './hold-back.ts';
import { holdBack, selectEvents } from './hold-back.ts';
import type { MergedProfiles, TakenProfiles } from './merged-profiles.ts';
import type { NativeNames } from './native-names.ts';
import type { ReporterEvents } from './reporter-events.ts';
import type { ReportingCycleConfig } from './reporting-cycle-config.ts';
import { SampleWindow } from './sample-window.ts';
import type { SymbolSession, SymbolSource } from './symbol-source.ts';
import { contentsOf, countUnresolved, resolveLateNames } from './window-report.ts';

/** WindowIntake fills the windows. */
export interface WindowIntake {
  readonly window: SampleWindow;
  /** Turns of the batches that fill it; nobody takes the window within one. */
  readonly turns: Pick<FairTurns, 'run' | 'close'>;
  /** Hands over the window at hand and starts `next`, an empty one by default. */
  takeWindow(next?: SampleWindow): SampleWindow;
}

/** Window of one report, and all that belongs to it. */
interface TakenWindow {
  readonly window: SampleWindow;
  readonly events: TraceEvents;
  readonly taken: TakenProfiles | undefined;
  readonly range: TimeRange;
}

/** Configuration of the cycle itself. */
export type CyclePace = Omit<ReportingCycleConfig, 'otlpProfiles'>;

/** Dependencies of the cycle; time and chance are among them. */
export interface ReportingCycleParts {
  readonly symbols: SymbolSource;
  readonly intake: WindowIntake;
  /** Symbolizer of native frames; `undefined` when collectors alone name frames. */
  readonly native?: NativeNames | undefined;
  readonly merged?: MergedProfiles | undefined;
  /** Identity of the resources of trace events, unless merged profiles take these and edit all of them. */
  readonly editor?: ResourceEditor;
  readonly consumers: readonly ReportConsumer[];
  /** True while a report would find no room: then the window stays, and new samples are refused upstream. */
  readonly isHeldUp?: () => boolean;
  readonly outlet?: ReportOutlet;
  /** `undefined`: what is not reported goes with the process. */
  readonly journal?: WindowJournal | undefined;
  readonly events: ReporterEvents;
  readonly clock: Clock;
  readonly random: Random;
  /** 16 random bytes a call. */
  readonly createProfileId: () => Uint8Array;
}

/** Interval at which a report that has to wait is offered again. */
const retryIntervalMs = 1_000;

/**
 * Turns the window into OTLP profiles once every interval ± jitter, sooner when the window fills, and once more on stop. The order within a cycle:
 * stubs are submitted again, the window is swapped (samples go on into the next one), names that came late are
 * looked up, profiles are built, joined with those that came as such, and handed over, and only then does the store drop what is past its lifetime.
 * All but the swap is done in slices, between which receivers work on.
 */
export class ReportingCycle implements Component {
  readonly id: string;
  #config: CyclePace;
  readonly #parts: ReportingCycleParts;
  readonly #delivery: ReportDelivery;
  readonly #ranges: CycleRanges;
  readonly #stopping = new AbortController();
  /** Aborts the wait for the next tick. */
  #waiting = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  /** True between two ticks. */
  #isPausing = false;
  /** True when the cycle at hand is to end at once. */
  #isDue = false;

  constructor(id: string, config: CyclePace, parts: ReportingCycleParts) {
    this.id = id;
    this.#config = config;
    this.#parts = parts;
    this.#delivery = new ReportDelivery(parts.outlet, parts.journal);
    this.#ranges = new CycleRanges(parts.clock);
  }

  start(): Promise<void> {
    this.#ranges.start();
    this.#run();
    return Promise.resolve();
  }

  /** Takes another pace: the cycle at hand ends an interval from now, and the window stays. */
  reconfigure(config: CyclePace): void {
    this.#config = config;
    if (this.#stopping.signal.aborted) return;
    this.#waiting.abort();
    this.#run();
  }

  /** Ends the cycle at hand now, or as soon as the report before it is made. */
  endEarly(): void {
    this.#isDue = true;
    if (!this.#isPausing || this.#stopping.signal.aborted) return;
    this.#waiting.abort();
    this.#run();
  }

  #run(): void {
    this.#waiting = new AbortController();
    const before = this.#loop;
    const loop = everyInterval(
      this.#parts.clock,
      AbortSignal.any([this.#stopping.signal, this.#waiting.signal]),
      () => this.#nextDelayMs(),
      () => this.#tick(),
    );
    this.#loop = Promise.all([before, loop]).then(() => undefined);
  }

  /**
   * Reports the last window. The receivers have stopped before, so nothing comes after it. What nobody can take stays in the
   * journal if there is one, and is lost if there is none. Past the deadline nobody can: a report would be cut off in its queue,
   * as at a start that fails because of a receiver.
   */
  async stop(deadline?: AbortSignal): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    // Of batches that still wait, past the deadline of their receiver, none comes into a window that nobody reports.
    this.#parts.intake.turns.close();
    const delivery = this.#delivery;
    if (!delivery.retry()) delivery.drop();
    const isTooLate = deadline?.aborted === true || this.#isHeldUp;
    const stays = delivery.isWaiting || (delivery.isJournaled && isTooLate);
    if (!stays) {
      await Promise.race([this.#parts.editor?.settled?.(), ...(deadline === undefined ? [] : [whenAborted(deadline)])]);
      await this.#reportSafely({ isLast: true });
    }
    delivery.drop();
    if (stays || delivery.isWaiting) {
      this.#parts.events.leftInJournal();
    }
  }

  /** While a report or the exporters hold the cycle up, the window stays and only the store is maintained. */
  async #tick(): Promise<void> {
    this.#isPausing = false;
    this.#isDue = false;
    const settled = this.#parts.editor?.settled?.();
    if (settled !== undefined) await settled;
    if (this.#retrySafely() && !this.#isHeldUp) await this.#reportSafely();
    else await inSlices(this.#keepNames(), this.#parts.clock);
  }

  /**
   * One cycle. In the last one nothing waits any more. Once stubs are submitted again, one step takes the window and all that belongs
   * to it; samples and names that come between later steps are those of the next cycle.
   */
  *report({ isLast }: { readonly isLast: boolean } = { isLast: false }): Steps<CycleReport> {
    const { clock, symbols, native } = this.#parts;
    const beganMs = clock.nowMs();
    const store = symbols.at(beganMs);
    const resubmittedStubs = yield* store.resubmitStubs();
    const { window, events, taken, range } = yield* this.#takeInTurn(isLast, store);
    const contents = yield* contentsOf(window, events, store);
    const unresolved = yield* countUnresolved(window, events, store, native);
    const frames = events.count === 0 ? undefined : yield* this.#build(contents, range);
    const joined = taken && (yield* taken.joinWith(frames, range, beganMs));
    const data = joined === undefined ? frames : joined.data;
    const report: CycleReport = {
      range,
      data,
      sampleCount: data === undefined ? 0 : countSamples(data),
      eventCount: events.count + (joined?.eventCount ?? 0),
      heldCount: window.events.count - events.count,
      unresolved: [...unresolved, ...(joined?.unresolved ?? [])],
      resubmittedStubs,
      durationMs: clock.nowMs() - beganMs,
    };
    yield* this.#deliver(report);
    symbols.at(clock.nowMs()).purge();
    this.#parts.events.reported(report, clock.nowMs() - beganMs);
    return report;
  }

  /** `undefined` when all resources are dropped. */
  *#build(contents: WindowContents, range: TimeRange): Steps<ProfilesData | undefined> {
    const { createProfileId, merged, editor } = this.#parts;
    const built = yield* buildProfiles(contents, range, createProfileId, merged === undefined ? editor : noEdits);
    return built.resourceProfiles.length === 0 ? undefined : built;
  }

  /** Gives the report to every consumer. A consumer that throws is counted and logged, and the next ones still get the report. */
  *#deliver(report: CycleReport): Steps<void> {
    yield* this.#delivery.deliver(report);
    for (const consumer of this.#parts.consumers) {
      try {
        yield* consumer.consume(report);
      } catch (error) {
        this.#parts.events.deliveryFailed(error, report.sampleCount);
      }
    }
  }

  async #reportSafely(options?: { readonly isLast: boolean }): Promise<void> {
    try {
      await inSlices(this.report(options), this.#parts.clock);
    } catch (error) {
      this.#delivery.fail();
      this.#parts.events.failed(error);
    }
  }

  /** Takes the window at its turn: no batch comes into this one or the next meanwhile. */
  *#takeInTurn(isLast: boolean, store: SymbolSession): Steps<TakenWindow> {
    const { turns } = this.#parts.intake;
    const taken = turns.run<TakenWindow>({ sender: this, sizeBytes: 0, begin: () => this.#takeWindow(isLast, store) });
    if (!(taken instanceof Promise)) return taken;
    let late: TakenWindow | undefined;
    yield taken.then((result) => {
      late = result;
    });
    return late!;
  }

  /**
   * The window and all that belongs to it, but for the events that wait in the next one for a name. Merged profiles come in between the
   * steps: the last one takes them, gives the window to them and to the journal as well, and begins the next one.
   */
  *#takeWindow(isLast: boolean, store: SymbolSession): Steps<TakenWindow> {
    const { intake, merged, native } = this.#parts;
    const { window } = intake;
    const next = new SampleWindow();
    let divided: DividedEvents | undefined;
    let taken: TakenProfiles | undefined;
    let range: TimeRange;
    let isNextWhole = false;
    try {
      yield* resolveLateNames(window, store);
      if (!isLast && this.#config.resolveGrace) divided = yield* holdBack(window, next, this.#config, native);
      isNextWhole = true;
    } finally {
      // All is taken even when names fail: what follows in the journal belongs to the next window.
      intake.takeWindow(isNextWhole ? next : undefined);
      this.#delivery.begin(divided?.held ?? []);
      taken = merged?.take();
      range = this.#ranges.next();
    }
    const events = divided === undefined ? window.events : selectEvents(window.events, divided.staying);
    return { window, events, taken, range };
  }

  /** True if no report waits any more. A disk that fails meanwhile must not end the cycles to come. */
  #retrySafely(): boolean {
    try {
      return this.#delivery.retry();
    } catch (error) {
      this.#parts.events.deliveryFailed(error);
      return false;
    }
  }

  get #isHeldUp(): boolean {
    return this.#parts.isHeldUp?.() === true;
  }

  /** Maintains the store while the window stays. */
  *#keepNames(): Steps<void> {
    const { clock, symbols, events } = this.#parts;
    const store = symbols.at(clock.nowMs());
    yield* store.resubmitStubs();
    store.purge();
    events.heldUp();
  }

  #nextDelayMs(): number {
    const { intervalMs, jitter } = this.#config;
    this.#isPausing = true;
    if (this.#isDue) return 0;
    if (this.#delivery.isWaiting) return Math.min(retryIntervalMs, intervalMs);
    return intervalMs * (1 + jitter * (2 * this.#parts.random() - 1));
  }
}

/** Delivery of one window's report after the other: a window stays in the journal until the outlet has its report. */
class ReportDelivery {
  readonly #outlet: ReportOutlet | undefined;
  readonly #journal: WindowJournal | undefined;
  #isWaiting = false;
  /** Removes the window from the journal. */
  #commit: () => void = () => undefined;

  constructor(outlet: ReportOutlet | undefined, journal: WindowJournal | undefined) {
    this.#outlet = outlet;
    this.#journal = journal;
  }

  /** The outlet has not taken the report of the window before; no other may be begun until it has. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Data that is not reported is on disk, to be reported after the next start. */
  get isJournaled(): boolean {
    return this.#journal !== undefined;
  }

  /** Call when a window was taken; `held` are the numbers of its events that wait in the next one. */
  begin(held: readonly number[]): void {
    this.#commit = this.#journal?.turn(held) ?? (() => undefined);
  }

  *deliver(report: CycleReport): Steps<void> {
    this.#isWaiting = this.#outlet !== undefined && !(yield* this.#outlet.deliver(report));
    if (this.#isWaiting) this.#journal?.makeRoom();
    else this.#end();
  }

  /** Tries again; `false` when the report still waits. */
  retry(): boolean {
    if (!this.#isWaiting) return true;
    if (this.#outlet?.retry() === false) return false;
    this.#end();
    return true;
  }

  /** Drops the report that waits, unless its window is in a journal. */
  drop(): void {
    if (!this.#isWaiting || this.isJournaled) return;
    this.#outlet?.drop();
    this.#end();
  }

  /** The window that was taken last will never be reported, unless its report waits already. */
  fail(): void {
    if (!this.#isWaiting) this.#end();
  }

  #end(): void {
    this.#isWaiting = false;
    const commit = this.#commit;
    this.#commit = () => undefined;
    commit();
  }
}
