import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { startService } from '../support/running-service.ts';

const isInstalled = spawnSync('promtool', ['--version']).status === 0;
const skip = isInstalled ? false : "promtool is not installed (Debian's package prometheus)";

const yaml = `
receivers:
  otlp: {protocols: {grpc: {endpoint: 127.0.0.1:0}}}
processors:
  symbol_store:
  reporting_cycle:
exporters:
  debug:
service:
  pipelines:
    profiles: {receivers: [otlp], processors: [symbol_store, reporting_cycle], exporters: [debug]}`;

function complaintsOf(text: string): string[] {
  const { stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  return `${stdout}${stderr}`.split('\n').filter((line) => line !== '');
}

test('promtool finds nothing in the metrics of a service whose names have units and suffixes', { skip }, async (t) => {
  const { metricsText } = await startService(t, yaml);
  assert.deepEqual(complaintsOf(await metricsText({ hasUnits: true, hasTypeSuffix: true })), []);
});

test("promtool misses nothing but _total in the Collector's default names", { skip }, async (t) => {
  const { metricsText } = await startService(t, yaml);
  const complaints = complaintsOf(await metricsText());
  assert.deepEqual(
    complaints.filter((line) => !line.endsWith('counter metrics should have "_total" suffix')),
    [],
  );
  assert.ok(complaints.length > 0, 'promtool looks');
});
