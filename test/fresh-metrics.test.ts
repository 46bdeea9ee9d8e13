import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { PrometheusSample } from './support/prometheus-grammar.ts';
import { parsePrometheusText } from './support/prometheus-grammar.ts';
import { startService } from './support/running-service.ts';

const yaml = `
receivers:
  frames: {protocols: {grpc: {endpoint: 127.0.0.1:0}}}
  otlp: {protocols: {grpc: {endpoint: 127.0.0.1:0}, http: {endpoint: 127.0.0.1:0}}}
processors:
  memory_limiter: {check_interval: 1s, limit_percentage: 80, spike_limit_percentage: 10}
  symbol_store:
  symbolizer:
  reporting_cycle:
exporters:
  debug:
  otlp_http: {endpoint: "http://127.0.0.1:9"}
service:
  pipelines:
    profiles: {receivers: [frames, otlp], processors: [memory_limiter, symbol_store, symbolizer, reporting_cycle], exporters: [debug, otlp_http]}`;

async function freshSamples(t: TestContext): Promise<PrometheusSample[]> {
  const { metricsText } = await startService(t, yaml);
  // The grammar refuses a series that stands twice.
  return parsePrometheusText(await metricsText());
}

test('a fresh service has the series that alerts need, each with 0', async (t) => {
  const samples = await freshSamples(t);
  const find = (name: string, labels: Readonly<Record<string, string>>): number[] =>
    samples
      .filter((sample) => sample.name === name)
      .filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels.get(key) === value))
      .map(({ value }) => value);
  const exporters = ['debug', 'otlp_http'];
  const receivers = [
    { receiver: 'frames', transport: 'grpc' },
    { receiver: 'otlp', transport: 'grpc' },
    { receiver: 'otlp', transport: 'http' },
  ];
  const wanted: [string, Record<string, string>][] = [
    ...receivers.flatMap((receiver): [string, Record<string, string>][] => [
      ['otelcol_receiver_accepted_profile_samples', receiver],
      ['otelcol_receiver_refused_profile_samples', receiver],
      [`framekeeper_${receiver.receiver}_refused_${batchWord(receiver.receiver)}`, { ...receiver, reason: 'invalid' }],
    ]),
    ...exporters.flatMap((exporter): [string, Record<string, string>][] => [
      ['otelcol_exporter_sent_profile_samples', { exporter }],
      ['otelcol_exporter_send_failed_profile_samples', { exporter, error_type: 'Unavailable' }],
      ['otelcol_exporter_send_failed_profile_samples', { exporter, error_type: 'Unauthenticated' }],
      ['otelcol_exporter_enqueue_failed_profile_samples', { exporter, error_type: 'queue_full' }],
    ]),
    ['framekeeper_admission_refused_calls', { pipeline: 'profiles', reason: 'memory' }],
    ['framekeeper_admission_refused_calls', { pipeline: 'profiles', reason: 'queue_full' }],
    ['framekeeper_window_rejected_samples', { reason: 'window_full' }],
    ['framekeeper_window_rejected_samples', { reason: 'share_exceeded' }],
    ['framekeeper_reporting_cycle_failures', {}],
    ['framekeeper_report_hand_over_failures', {}],
    ['framekeeper_held_up_cycles', {}],
    ['framekeeper_memory_limiter_collections', {}],
    ['framekeeper_grpc_refused_connections', {}],
    ['framekeeper_symbolizer_addresses', { outcome: 'bounded_out' }],
    ['framekeeper_symbolizer_file_misses', { reason: 'no_permission' }],
    ['framekeeper_symbolizer_worker_restarts', { reason: 'crashed' }],
  ];
  for (const [name, labels] of wanted) assert.deepEqual(find(name, labels), [0], `${name} ${JSON.stringify(labels)}`);
});

function batchWord(receiver: string): string {
  return receiver === 'frames' ? 'batches' : 'requests';
}

test('the units of a running service stand in its OpenMetrics text, and each name ends in its own', async (t) => {
  const { metricsText } = await startService(t, yaml);
  const text = await metricsText({ isOpenMetrics: true, hasUnits: true });
  const units = [...text.matchAll(/^# UNIT (\S+) (\S+)$/gm)].map(([, name, unit]) => [name!, unit!] as const);
  for (const [name, unit] of units) assert.ok(name.endsWith(`_${unit}`), name);
  assert.deepEqual([...new Set(units.map(([, unit]) => unit))].sort(), ['bytes', 'seconds']);
  assert.ok(units.some(([name]) => name === 'otelcol_process_uptime_seconds'));
  assert.match(text, /\notelcol_process_cpu_seconds_total [\d.]+\n/);
  assert.ok(text.endsWith('\n# EOF\n'));
});
