import type { Steps } from '../support/steps.ts';
import type { CycleReport, ReportOutlet, WindowJournal } from './cycle-report.ts';

/** Delivery of one window's report after the other: a window stays in the journal until the outlet has its report. */
export class ReportDelivery {
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
