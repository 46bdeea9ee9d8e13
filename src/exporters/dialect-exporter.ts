import type { Counter, Meter } from '@opentelemetry/api';
import type { ConfigSection } from '../config/config-section.ts';
import { applyDialect } from '../profile/dialects/apply-dialect.ts';
import type { DialectName } from '../profile/dialects/dialect.ts';
import { dialectNames } from '../profile/dialects/dialect.ts';
import type { Component } from '../support/component.ts';
import { createExportRequest } from './create-export-request.ts';
import type { ExportRequest, OfferOutcome, ProfilesExporter, Refusal, Reservation, Room } from './export-request.ts';

/** Reads `dialect`: which backend profiles are written for. */
export function readDialect(section: ConfigSection): DialectName {
  return section.oneOf('dialect', 'generic', dialectNames);
}

/** The exporter, with requests written in a dialect before they enter its queue; `generic` is the exporter itself. */
export function withDialect(
  exporter: Component & ProfilesExporter,
  dialect: DialectName,
  meter: Meter,
): Component & ProfilesExporter {
  return dialect === 'generic' ? exporter : new DialectExporter(exporter, dialect, meter);
}

/** A request in the dialect, and how many samples were left out. */
interface Written {
  readonly of: ExportRequest;
  readonly request: ExportRequest;
  readonly droppedSamples: number;
}

class DialectExporter implements Component, ProfilesExporter {
  readonly id: string;
  readonly reserve: ((request: ExportRequest) => Reservation | Refusal) | undefined;
  readonly #exporter: Component & ProfilesExporter;
  readonly #dialect: DialectName;
  readonly #dropped: Counter;
  /** What was reserved last and not taken. */
  #written: Written | undefined;

  constructor(exporter: Component & ProfilesExporter, dialect: DialectName, meter: Meter) {
    this.id = exporter.id;
    this.#exporter = exporter;
    this.#dialect = dialect;
    this.reserve = exporter.reserve && ((request) => this.#reserve(request, exporter.reserve!));
    this.#dropped = meter.createCounter('framekeeper_exporter_dialect_dropped_samples', {
      unit: '{sample}',
      description: 'Samples left out because the backend of the dialect takes no profiles of their type.',
    });
  }

  start(): Promise<void> {
    return this.#exporter.start();
  }

  get room(): Room {
    return this.#exporter.room;
  }

  offer(request: ExportRequest, signal?: AbortSignal): boolean | Promise<OfferOutcome> {
    const written = this.#write(request);
    this.#count(written);
    return this.#exporter.offer(written.request, signal);
  }

  #reserve(request: ExportRequest, reserve: NonNullable<ProfilesExporter['reserve']>): Reservation | Refusal {
    const written = this.#write(request);
    const reservation = reserve(written.request);
    // It is to be offered again, and it is the same request then.
    this.#written = written;
    if (typeof reservation === 'string') return reservation;
    const commit = (): void => {
      this.#written = undefined;
      this.#count(written);
      reservation.commit();
    };
    return { commit, cancel: reservation.cancel };
  }

  #write(request: ExportRequest): Written {
    const known = this.#written;
    this.#written = undefined;
    if (known?.of === request) return known;
    const { data, sampleCount, droppedSamples } = applyDialect(request.data, this.#dialect);
    return { of: request, request: createExportRequest(data, sampleCount), droppedSamples };
  }

  #count({ droppedSamples }: Written): void {
    if (droppedSamples > 0) this.#dropped.add(droppedSamples, { exporter: this.id });
  }

  stop(deadline: AbortSignal): Promise<void> {
    return this.#exporter.stop(deadline);
  }
}
