import type { Counter, Meter } from '@opentelemetry/api';
import type { ConfigSection } from '../config/config-section.ts';
import { applyDialect } from '../otlp/dialects/apply-dialect.ts';
import type { DialectName } from '../otlp/dialects/dialect.ts';
import { dialectNames } from '../otlp/dialects/dialect.ts';
import type { Component } from '../support/component.ts';
import { createExportRequest } from './create-export-request.ts';
import type { ExportRequest, ProfilesExporter, Room } from './export-request.ts';

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

class DialectExporter implements Component, ProfilesExporter {
  readonly id: string;
  readonly #exporter: Component & ProfilesExporter;
  readonly #dialect: DialectName;
  readonly #dropped: Counter;

  constructor(exporter: Component & ProfilesExporter, dialect: DialectName, meter: Meter) {
    this.id = exporter.id;
    this.#exporter = exporter;
    this.#dialect = dialect;
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

  offer(request: ExportRequest): boolean {
    const { data, sampleCount, droppedSamples } = applyDialect(request.data, this.#dialect);
    if (droppedSamples > 0) this.#dropped.add(droppedSamples, { exporter: this.id });
    return this.#exporter.offer(createExportRequest(data, sampleCount));
  }

  stop(deadline: AbortSignal): Promise<void> {
    return this.#exporter.stop(deadline);
  }
}
