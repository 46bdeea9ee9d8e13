import type { Component } from '../../support/component.ts';
import { withDialect } from '../dialect-exporter.ts';
import type { ProfilesExporter } from '../export-request.ts';
import type { ExporterDependencies } from '../exporter-dependencies.ts';
import { QueuedExporter } from '../queued-exporter.ts';
import { SwitchedOffExporter } from '../switched-off-exporter.ts';
import { OtlpHttpClient } from './otlp-http-client.ts';
import type { OtlpHttpConfig } from './otlp-http-config.ts';

export interface OtlpHttpDependencies extends ExporterDependencies {
  /** Of this service, for the user agent. */
  readonly version: string;
}

/** Sends profiles to a receiver of OTLP over HTTP. */
export function createOtlpHttpExporter(
  id: string,
  config: OtlpHttpConfig,
  dependencies: OtlpHttpDependencies,
): Component & ProfilesExporter {
  if (config.url === undefined) return new SwitchedOffExporter(id, dependencies.logger, 'its endpoint is empty');
  return withDialect(
    new QueuedExporter(id, new OtlpHttpClient(config, config.url, { id, ...dependencies }), config, dependencies),
    config.dialect,
    dependencies.meter,
  );
}
