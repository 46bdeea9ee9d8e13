import { ConfigSection } from '../../src/config/config-section.ts';
import { otlpGrpcTable } from '../../src/exporters/otlp-grpc/otlp-grpc-config.ts';
import { createOtlpGrpcExporter } from '../../src/exporters/otlp-grpc/otlp-grpc-exporter.ts';
import { otlpHttpTable } from '../../src/exporters/otlp-http/otlp-http-config.ts';
import { createOtlpHttpExporter } from '../../src/exporters/otlp-http/otlp-http-exporter.ts';
import type { ProfilesExporter } from '../../src/exporters/profiles-exporter.ts';
import type { Clock } from '../../src/support/clock.ts';
import { systemClock } from '../../src/support/clock.ts';
import type { Component } from '../../src/support/lifecycle.ts';
import type { LogRecorder } from '../support/log-recorder.ts';
import { recordLogs } from '../support/log-recorder.ts';
import { recordMetrics } from '../support/metric-recorder.ts';

export type OtlpType = 'otlp_grpc' | 'otlp_http';

export interface CreatedExporter {
  readonly exporter: Component & ProfilesExporter;
  readonly logs: LogRecorder;
  readonly metrics: () => Promise<Map<string, number>>;
}

/** An OTLP exporter `TYPE/test` from the values of its section; not started. */
export function createExporter(
  type: OtlpType,
  values: Record<string, unknown>,
  clock: Clock = systemClock,
): CreatedExporter {
  const logs = recordLogs();
  const { meter, values: metrics } = recordMetrics();
  const section = new ConfigSection('', values, []);
  const dependencies = { logger: logs.logger, meter, clock, random: () => 0.5, version: '1.2.3' };
  const exporter =
    type === 'otlp_grpc'
      ? createOtlpGrpcExporter('otlp_grpc/test', otlpGrpcTable.read(section), dependencies)
      : createOtlpHttpExporter('otlp_http/test', otlpHttpTable.read(section), dependencies);
  return { exporter, logs, metrics };
}
