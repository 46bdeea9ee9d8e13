import type { ServerOptions } from 'node:https';
import type { TestContext } from 'node:test';
import { ConfigSection } from '../../../src/config/config-section.ts';
import type { ProfilesExporter } from '../../../src/exporters/export-request.ts';
import { readOtlpHttpConfig } from '../../../src/exporters/otlp-http/otlp-http-config.ts';
import { createOtlpHttpExporter } from '../../../src/exporters/otlp-http/otlp-http-exporter.ts';
import type { Clock } from '../../../src/support/clock.ts';
import { systemClock } from '../../../src/support/clock.ts';
import type { Component } from '../../../src/support/component.ts';
import type { LogRecorder } from '../../support/log-recorder.ts';
import { recordLogs } from '../../support/log-recorder.ts';
import { recordMetrics } from '../../support/metric-recorder.ts';
import type { HttpScript } from '../../support/otlp-http-server.ts';
import { ScriptedHttpServer } from '../../support/otlp-http-server.ts';

// Real time with the shortest retries: what is tested is the order of attempts, not their distance.
const fastRetries = { initial_interval: '1ms', max_interval: '1ms', randomization_factor: 0 };

export interface Connection {
  readonly server: ScriptedHttpServer;
  readonly exporter: Component & ProfilesExporter;
  readonly logs: LogRecorder;
  readonly metrics: () => Promise<Map<string, number>>;
}

export interface Setting {
  readonly script?: HttpScript;
  readonly values?: Record<string, unknown>;
  readonly clock?: Clock;
  readonly tls?: ServerOptions;
}

/** A started exporter and a server that it sends to; both end with the test. */
export async function connect(
  t: TestContext,
  { script = [], values = {}, clock = systemClock, tls }: Setting,
): Promise<Connection> {
  const server = await ScriptedHttpServer.start(script, tls === undefined ? {} : { tls });
  const logs = recordLogs();
  const { meter, values: metrics } = recordMetrics();
  const section = new ConfigSection('', { endpoint: server.endpoint, retry_on_failure: fastRetries, ...values }, []);
  const exporter = createOtlpHttpExporter('otlp_http/test', readOtlpHttpConfig(section), {
    logger: logs.logger,
    meter,
    clock,
    random: () => 0.5,
    version: '1.2.3',
  });
  await exporter.start();
  t.after(async () => {
    await exporter.stop(AbortSignal.abort());
    await server.stop();
  });
  return { server, exporter, logs, metrics };
}
