import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpServer } from '../../src/http/http-server.ts';
import { LivePage } from '../../src/http/live-page/live-page.ts';
import { MetricsEndpoint } from '../../src/http/metrics/metrics-endpoint.ts';
import { observeProcess } from '../../src/support/process-metrics.ts';
import { Telemetry } from '../../src/support/telemetry.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { exchange, plainParts, silentLogger } from '../support/http-harness.ts';
import { parsePrometheusText } from '../support/prometheus-grammar.ts';

// Dashboards and alerts are written against these names: a change here is a change for the user.
const golden = [
  'framekeeper_event_loop_delay_seconds',
  'framekeeper_http_closed_busy_connections',
  'framekeeper_http_closed_idle_connections',
  'framekeeper_http_closed_pipelining_connections',
  'framekeeper_http_refused_connections',
  'framekeeper_live_page_clients',
  'framekeeper_live_page_dropped_buckets',
  'framekeeper_live_page_folded_buckets',
  'framekeeper_live_page_history_bytes',
  'framekeeper_live_page_omitted_samples',
  'framekeeper_live_page_refused_clients',
  'otelcol_process_cpu_seconds',
  'otelcol_process_memory_rss',
  'otelcol_process_runtime_heap_alloc_bytes',
  'otelcol_process_uptime',
  'target_info',
];

test('/metrics has the metrics of the process, the HTTP servers and the live page, and counts what they refuse', async (context) => {
  const identity = { name: 'framekeeper', version: '1.2.3', instanceId: 'b1946ac9' };
  const telemetry = new Telemetry({ level: 'normal', resource: new Map(), prometheus: [], otlp: [] }, identity);
  context.after(observeProcess(telemetry.meter, new FakeClock()));
  const endpoint = { host: '127.0.0.1', port: 0 };
  const live = new LivePage(
    'live_page',
    {
      endpoint,
      tls: undefined,
      allowedHosts: [],
      authenticator: '',
      path: '/live',
      cycles: 1,
      maxNodes: 100,
      maxHistoryBytes: 2 ** 20,
      maxPassedBytes: 0,
    },
    { version: '', receivers: [] },
    {
      meter: telemetry.meter,
      nowMs: () => 0,
      unixMs: () => 0,
      decode: () => assert.fail('nothing passes'),
      divide: () => assert.fail('nothing passes'),
    },
  );
  const metrics = new MetricsEndpoint(() => telemetry.prometheusText());
  const server = new HttpServer(plainParts(endpoint, [metrics, live]), {
    clock: new FakeClock(),
    logger: silentLogger,
    meter: telemetry.meter,
  });
  await server.start();
  context.after(() => server.stop(AbortSignal.abort()));
  const base = `http://127.0.0.1:${server.address.port}`;
  for (let count = 0; count < 17; count++) void (await fetch(`${base}/live/events`));
  const idle = Array.from({ length: 140 }, () => exchange(base, '').catch(() => 'refused'));
  await Promise.race(idle);
  const samples = parsePrometheusText(await telemetry.prometheusText());
  assert.deepEqual([...new Set(samples.map(({ name }) => name))].sort(), golden);
  const readValue = (name: string) => samples.find((sample) => sample.name === name)!.value;
  assert.equal(readValue('framekeeper_live_page_clients'), 16);
  assert.equal(readValue('framekeeper_live_page_refused_clients'), 1);
  assert.ok(readValue('framekeeper_http_closed_idle_connections') >= 1);
  assert.equal(readValue('framekeeper_http_refused_connections'), 0);
});
