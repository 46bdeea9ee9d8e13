import type { Logger } from 'pino';
import { createExportRequest } from '../exporters/create-export-request.ts';
import type { ExportRequest, ProfilesExporter, Refusal, Reservation } from '../exporters/export-request.ts';

import type { AdmissionRefusal } from '../model/admission.ts';
import type { CycleReport, ReportOutlet } from '../reporter/cycle-report.ts';
import { isHeld } from './refuse-full.ts';

export interface HandOverParts {
  readonly logger: Logger;
  /** An exporter failed to take a report because of a fault of this service; the others have it. */
  onFailure(error: unknown, request: ExportRequest): void;
}

/** What is tried again, and how often new data is asked to come again, while a report waits. */
export const handOverRetryMs = 1_000;

interface Answer {
  readonly exporter: ProfilesExporter;
  readonly result: Reservation | Refusal;
}

/**
 * Hands each report to all exporters of a pipeline, or to none of them: while the storage of a durable queue cannot take it, or no queue
 * has room, the report waits, and nobody gets it twice. What one queue refuses and another takes, its exporter counts.
 */
export class ReportHandOver implements ReportOutlet {
  readonly #exporters: readonly ProfilesExporter[];
  readonly #parts: HandOverParts;
  #waiting: ExportRequest | undefined;
  /** Why it waits; `undefined` while none does. */
  #reason: string | undefined;

  constructor(exporters: readonly ProfilesExporter[], parts: HandOverParts) {
    this.#exporters = exporters;
    this.#parts = parts;
  }

  /** Refuses while a report waits: what comes in would have to wait behind it. */
  readonly admission = (): AdmissionRefusal | undefined =>
    this.#reason === undefined ? undefined : { reason: this.#reason, retryDelayMs: handOverRetryMs };

  deliver({ data, sampleCount }: CycleReport): boolean {
    if (data === undefined) return true;
    // Encoded once, whoever asks first.
    this.#waiting = createExportRequest(data, sampleCount);
    return this.retry();
  }

  retry(): boolean {
    const request = this.#waiting;
    if (request === undefined) return true;
    const answers = this.#reserve(request);
    const hindered = this.#hindered(answers);
    if (hindered.length > 0) {
      for (const { result } of answers) if (typeof result === 'object') result.cancel();
      this.#tellWaiting(request, hindered);
      return false;
    }
    for (const { exporter, result } of answers) {
      this.#guard(request, () => (typeof result === 'object' ? result.commit() : exporter.offer(request)));
    }
    this.#offer(request, (exporter) => exporter.reserve === undefined);
    this.#tellDone();
    return true;
  }

  surrender(): void {
    const request = this.#waiting;
    if (request === undefined) return;
    this.#offer(request, () => true);
    this.#tellDone();
  }

  #reserve(request: ExportRequest): Answer[] {
    return this.#exporters.flatMap((exporter) => {
      let result: Reservation | Refusal | undefined;
      this.#guard(request, () => {
        result = exporter.reserve?.(request);
      });
      return result === undefined ? [] : [{ exporter, result }];
    });
  }

  /**
   * Who cannot take it now, and should not lose it. A storage that cannot be written is waited for. A queue that is full is
   * full for as long as its destination is down, which is no reason to keep a report from the others, unless it is set to block:
   * in its line a report is in memory alone.
   */
  #hindered(answers: readonly Answer[]): Answer[] {
    const isOutOfStorage = ({ result }: Answer): boolean => result === 'storage_full' || result === 'storage_error';
    if (answers.some(isOutOfStorage)) return answers.filter(isOutOfStorage);
    const full = answers.filter(({ result }) => result === 'queue_full');
    return full.length === this.#exporters.length ? full : full.filter(({ exporter }) => isHeld(exporter.room));
  }

  #offer(request: ExportRequest, isMeant: (exporter: ProfilesExporter) => boolean): void {
    for (const exporter of this.#exporters) {
      if (isMeant(exporter)) this.#guard(request, () => exporter.offer(request));
    }
  }

  /** An exporter that fails must not keep the report from the others. */
  #guard(request: ExportRequest, work: () => unknown): void {
    try {
      work();
    } catch (error) {
      this.#parts.onFailure(error, request);
    }
  }

  #tellWaiting({ sampleCount }: ExportRequest, hindered: readonly Answer[]): void {
    const wasWaiting = this.#reason !== undefined;
    const causes = hindered.map(({ exporter, result }) => `${exporter.id} (${result as Refusal})`).join(', ');
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
