import { metrics } from '@opentelemetry/api';
import pino from 'pino';
import type { FrameBatch } from '../../src/model/frame-batch.ts';
import type { FrameKind } from '../../src/model/frame-kind.ts';
import { isCollectorNamed } from '../../src/model/frame-kind.ts';
import type { CycleReport } from '../../src/reporter/cycle-report.ts';
import { EventColumns } from '../../src/reporter/event-columns.ts';
import { createReporterEvents } from '../../src/reporter/reporter-events.ts';
import type { WindowIntake } from '../../src/reporter/reporting-cycle.ts';
import { ReportingCycle } from '../../src/reporter/reporting-cycle.ts';
import type { FileOwner, SampleWindow } from '../../src/reporter/sample-window.ts';
import type { SymbolSource } from '../../src/reporter/symbol-source.ts';
import { TraceIntake } from '../../src/reporter/trace-intake.ts';
import type { Clock } from '../../src/support/clock.ts';
import { atOnce } from '../../src/support/steps.ts';
import { cycleMs } from './fleet.ts';
import { seededRandom } from './seeded-random.ts';
import type { SoakCollector } from './templates.ts';

/** What is put to the test: where names are kept, and who sends them. */
export interface SoakSubject {
  readonly collector: SoakCollector;
  /** What an arriving sample asks. */
  readonly atIntake: SymbolSource;
  /** What the reporting cycle asks. */
  readonly atReport: SymbolSource;
  /** Whether samples wait one cycle for a name. */
  readonly resolveGrace: boolean;
}

/** A frame that had no name at the end of a cycle although its collector could give one. */
export interface MissingName {
  readonly owner: FileOwner;
  readonly addressHigh: number;
  readonly addressLow: number;
  readonly kind: FrameKind;
}

export interface SoakCycle {
  readonly cycle: number;
  readonly nowMs: number;
  readonly report: CycleReport;
  readonly window: SampleWindow;
  readonly missing: readonly MissingName[];
  /** How many of them were reported so. With `resolveGrace`, their samples wait first. */
  readonly unresolvedCount: number;
}

export interface SoakOptions {
  /** Profiles are built in one cycle of so many. */
  readonly buildEvery: number;
  /** Sees each batch before it is handed in. */
  readonly watch?: (batch: FrameBatch) => void;
}

/**
 * The real intake and the real reporting cycle over a simulated node. To save the time that building profiles takes, most
 * windows give their events up at the end of their cycle, though none does that has samples waiting for a name. What is
 * looked up, submitted again and purged, and in which order, is the same.
 */
export class Soak {
  readonly #clock = new SteppedClock();
  readonly #random = seededRandom(5);
  readonly #subject: SoakSubject;
  readonly #options: SoakOptions;
  readonly #intake: TraceIntake;
  readonly #reporting: ReportingCycle;
  #window: SampleWindow | undefined;
  #cycle = 0;

  constructor(subject: SoakSubject, options: SoakOptions) {
    this.#options = options;
    this.#subject = subject;
    const { atIntake, atReport, resolveGrace } = subject;
    const limits = { maxEvents: 100_000, maxBytes: 2 ** 27, retryDelayMs: 0 };
    this.#intake = new TraceIntake(atIntake, limits, this.#clock);
    const config = { ...limits, intervalMs: cycleMs, jitter: 0, resolveGrace, storage: '' };
    this.#reporting = new ReportingCycle('soak', config, {
      symbols: atReport,
      intake: windowsOf(this.#intake, (next) => this.#takeWindow(next)),
      consumers: [],
      events: createReporterEvents(
        { meter: metrics.getMeter('soak'), logger: pino({ level: 'silent' }), clock: this.#clock },
        () => this.#intake.stats,
      ),
      clock: this.#clock,
      random: () => 0.5,
      createProfileId: () => new Uint8Array(16).fill(1),
    });
  }

  get nowMs(): number {
    return this.#clock.nowMs();
  }

  /** One reporting cycle: the samples somewhere within it, the report at its end. */
  step(): SoakCycle {
    const startMs = this.#cycle * cycleMs;
    this.#clock.set(startMs + 500 + Math.floor(this.#random() * 4000));
    const moment = { cycle: this.#cycle, nowMs: this.nowMs, unixNano: this.#clock.unixNano() };
    for (const batch of this.#subject.collector.batches(moment)) this.#submit(batch);
    return this.#report();
  }

  /** The last cycle: every process ends. */
  finish(): SoakCycle {
    this.#clock.set(this.#cycle * cycleMs + 500);
    this.#submit(this.#subject.collector.farewell());
    return this.#report();
  }

  #submit(batch: FrameBatch): void {
    this.#options.watch?.(batch);
    const { acceptedSamples, namesNeeded, executablesNeeded } = this.#intake.submit(batch);
    if (acceptedSamples !== batch.samples.count) throw new Error('a window of the soak was full; raise its limits');
    this.#subject.collector.answer(namesNeeded, executablesNeeded);
  }

  #report(): SoakCycle {
    const cycle = this.#cycle++;
    this.#clock.set(this.#cycle * cycleMs);
    const report = atOnce(this.#reporting.report());
    const window = this.#window!;
    const missing = missingNames(window);
    const unresolvedCount = this.#subject.resolveGrace ? countCollectorNamed(report) : missing.length;
    return { cycle, nowMs: this.nowMs, report, window, missing, unresolvedCount };
  }

  #takeWindow(next: SampleWindow | undefined): SampleWindow {
    const window = this.#intake.takeWindow(next);
    this.#window = window;
    const isWaiting = this.#subject.resolveGrace && missingNames(window).length > 0;
    const isBuilt = isWaiting || this.#cycle % this.#options.buildEvery === 0;
    if (!isBuilt) (window as { events: EventColumns }).events = noEvents;
    return window;
  }
}

/** The intake with another way to take its window. */
function windowsOf(intake: TraceIntake, takeWindow: WindowIntake['takeWindow']): WindowIntake {
  return {
    get window() {
      return intake.window;
    },
    turns: intake.turns,
    takeWindow,
  };
}

const noEvents = new EventColumns();

function missingNames(window: SampleWindow): MissingName[] {
  const { symbols, files } = window;
  const missing: MissingName[] = [];
  for (let frame = symbols.indexOf(undefined); frame >= 0; frame = symbols.indexOf(undefined, frame + 1)) {
    const kind = window.frames.kind(frame);
    if (!isCollectorNamed(kind)) continue;
    const { owner } = files[window.frames.file(frame)]!;
    missing.push({
      owner,
      addressHigh: window.frames.addressHigh(frame),
      addressLow: window.frames.addressLow(frame),
      kind,
    });
  }
  return missing;
}

function countCollectorNamed({ unresolved }: CycleReport): number {
  return unresolved.reduce((sum, { frameType, count }) => (frameType === 'native' ? sum : sum + count), 0);
}

class SteppedClock implements Clock {
  #nowMs = 0;

  set(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  unixNano(): bigint {
    return 1_767_225_600_000_000_000n + BigInt(this.#nowMs) * 1_000_000n;
  }

  /** Works are done at once. */
  sliceEndMs(): number {
    return Infinity;
  }

  /** The cycle is told when to report. */
  sleep(): Promise<void> {
    return Promise.reject(new Error('nothing sleeps in a soak'));
  }

  after(): () => void {
    throw new Error('nothing waits in a soak');
  }
}
