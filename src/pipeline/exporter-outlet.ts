import type { Logger } from 'pino';
import type { ExportRequest } from '../exporters/export-request.ts';
import { createExportRequest } from '../exporters/export-request.ts';
import type { ProfilesExporter, Refusal, Reservation } from '../exporters/profiles-exporter.ts';
import type { AdmissionRefusal } from '../model/admission.ts';
import type { CycleReport, ReportOutlet } from '../reporter/cycle-report.ts';
import type { Steps } from '../support/steps.ts';

export interface ExporterOutletParts {
  readonly logger: Logger;
  /** Called when an exporter failed to take a report because of a fault of this service; the others have it. */
  onFailure(error: unknown, request: ExportRequest): void;
}

/** Delay after which senders of new data are asked to come again while a report waits. */
const retryDelayMs = 1_000;

/** Room for the report in the queue of one exporter, or the reason why there is none. */
interface QueueReservation {
  readonly exporter: ProfilesExporter;
  readonly reserved: Reservation | Refusal;
}

/**
 * Delivers each report to all exporters of a pipeline, or to none of them: while the storage of a durable queue cannot take the report,
 * or no queue has room, the report waits, and no exporter gets it twice. A refusal by one queue beside others that take
 * the report is counted by its exporter.
 */
export class ExporterOutlet implements ReportOutlet {
  readonly #exporters: readonly ProfilesExporter[];
  readonly #parts: ExporterOutletParts;
  #waiting: ExportRequest | undefined;
  /** Reason why the report waits; `undefined` while none does. */
  #reason: string | undefined;

  constructor(exporters: readonly ProfilesExporter[], parts: ExporterOutletParts) {
    this.#exporters = exporters;
    this.#parts = parts;
  }

  /** Refuses while a report waits: new data would have to wait behind it. */
  readonly admission = (): AdmissionRefusal | undefined =>
    this.#reason === undefined ? undefined : { reason: this.#reason, retryDelayMs };

  *deliver({ data, sampleCount }: CycleReport): Steps<boolean> {
    if (data === undefined) return true;
    const request = createExportRequest(data, sampleCount);
    // Held for the exporters that come after one that needs the bytes alone: to decode those would be one long step.
    const held = [data];
    for (const exporter of this.#exporters) yield* prepare(exporter, request, this.#exporters.length > 1);
    held.length = 0;
    request.forgetData();
    this.#waiting = request;
    return this.retry();
  }

  retry(): boolean {
    const request = this.#waiting;
    if (request === undefined) return true;
    const reservations = this.#reserve(request);
    const missing = this.#missing(reservations);
    if (missing.length > 0) {
      for (const { reserved } of reservations) if (typeof reserved === 'object') reserved.cancel();
      this.#tellWaiting(request, missing);
      return false;
    }
    this.#give(request, reservations);
    return true;
  }

  drop(): void {
    const request = this.#waiting;
    if (request !== undefined) this.#give(request, this.#reserve(request));
  }

  #give(request: ExportRequest, reservations: readonly QueueReservation[]): void {
    for (const { exporter, reserved } of reservations) {
      // Offered once more where there is no room, so that the exporter counts its loss.
      this.#guard(request, () => (typeof reserved === 'object' ? reserved.commit() : exporter.offer(request)));
    }
    this.#tellDone();
  }

  #reserve(request: ExportRequest): QueueReservation[] {
    return this.#exporters.flatMap((exporter) => {
      let reserved: Reservation | Refusal | undefined;
      this.#guard(request, () => {
        reserved = exporter.reserve(request);
      });
      return reserved === undefined ? [] : [{ exporter, reserved }];
    });
  }

  /**
   * The queues that the report waits for. A storage that cannot be written is waited for. A queue is full for as long as its
   * destination is down, which is no reason to keep a report from the others, unless `block_on_overflow` is set and a storage
   * keeps the queue: among blocked offers a report would be in memory alone.
   */
  #missing(reservations: readonly QueueReservation[]): QueueReservation[] {
    const isOutOfStorage = ({ reserved }: QueueReservation): boolean =>
      reserved === 'storage_full' || reserved === 'storage_error';
    if (reservations.some(isOutOfStorage)) return reservations.filter(isOutOfStorage);
    const full = reservations.filter(({ reserved }) => reserved === 'queue_full');
    return full.length === this.#exporters.length ? full : full.filter(({ exporter }) => exporter.blocksOnOverflow);
  }

  /** Keeps the report of the other exporters from the fault of one. */
  #guard(request: ExportRequest, work: () => unknown): void {
    const fail = (error: unknown): void => this.#parts.onFailure(error, request);
    try {
      const result = work();
      if (result instanceof Promise) result.catch(fail);
    } catch (error) {
      fail(error);
    }
  }

  #tellWaiting({ sampleCount }: ExportRequest, missing: readonly QueueReservation[]): void {
    const wasWaiting = this.#reason !== undefined;
    const causes = missing.map(({ exporter, reserved }) => `${exporter.id} (${reserved as Refusal})`).join(', ');
    this.#reason = `a report waits for the sending queue of ${causes}; send it again later`;
    if (wasWaiting) return;
    const fields = { exporters: causes, waiting_items: sampleCount };
    this.#parts.logger.error(
      fields,
      'No queue can take a report, or a durable one cannot. It waits, and new data is refused.',
    );
  }

  #tellDone(): void {
    if (this.#reason !== undefined) this.#parts.logger.info('No report waits any more.');
    this.#reason = undefined;
    this.#waiting = undefined;
  }
}

/** A fault is left to the reservation, which meets it again and counts it. */
function* prepare(exporter: ProfilesExporter, request: ExportRequest, isShared: boolean): Steps<void> {
  try {
    yield* exporter.prepare(request, isShared);
  } catch {
    // See above.
  }
}
