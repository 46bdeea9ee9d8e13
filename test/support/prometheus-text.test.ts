import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import { formatPrometheusText } from '../../src/support/prometheus-text.ts';
import { Telemetry } from '../../src/support/telemetry.ts';
import { anyText } from './any-text.ts';
import { parsePrometheusText } from './prometheus-grammar.ts';

const identity = { name: 'framekeeper', version: '1.2.3', instanceId: 'b1946ac9' };
const config = { level: 'normal', resource: new Map(), prometheus: [], otlp: [] } as const;

test('formatPrometheusText names counters, gauges and histograms without suffixes', async () => {
  const telemetry = new Telemetry(config, identity);
  telemetry.meter.createCounter('otelcol_a', { description: 'A.', unit: 's' }).add(2, { transport: 'grpc' });
  telemetry.meter.createUpDownCounter('otelcol_b').add(-1);
  const advice = { explicitBucketBoundaries: [1, 2.5] };
  const histogram = telemetry.meter.createHistogram('otelcol_c', { description: 'C', unit: 'By', advice });
  for (const value of [1, 2, 3]) histogram.record(value, { x: 'y' });
  assert.equal(
    await telemetry.prometheusText(),
    `# HELP target_info Target metadata
# TYPE target_info gauge
target_info{service_name="framekeeper",service_instance_id="b1946ac9",service_version="1.2.3"} 1
# HELP otelcol_a A.
# TYPE otelcol_a counter
otelcol_a{transport="grpc"} 2
# HELP otelcol_b${' '}
# TYPE otelcol_b gauge
otelcol_b -1
# HELP otelcol_c C
# TYPE otelcol_c histogram
otelcol_c_bucket{x="y",le="1"} 1
otelcol_c_bucket{x="y",le="2.5"} 2
otelcol_c_bucket{x="y",le="+Inf"} 3
otelcol_c_sum{x="y"} 6
otelcol_c_count{x="y"} 3
`,
  );
});

test('formatPrometheusText keeps to the grammar whatever names, descriptions, labels and values are', async () => {
  const text = anyText(20);
  const labels = fc.dictionary(fc.oneof(text, fc.constantFrom('a.b', 'a_b', '1a', 'le')), text, { maxKeys: 3 });
  // The text has one zero.
  const anyValue = fc.double({ noNaN: true }).map((value) => (value === 0 ? 0 : value));
  const point = fc.tuple(labels, anyValue);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(text, point), { maxLength: 5 }), async (metrics) => {
      const telemetry = new Telemetry(config, identity);
      for (const [index, [description, [attributes, value]]] of metrics.entries()) {
        telemetry.meter.createGauge(`g.${index}-x/y`, { description }).record(value, attributes);
      }
      const samples = parsePrometheusText(await telemetry.prometheusText());
      const values = samples.filter(({ name }) => name.startsWith('g_')).map((sample) => sample.value);
      assert.deepEqual(
        values,
        // The text format has no negative zero.
        metrics.map(([, [, value]]) => value + 0),
      );
    }),
    { numRuns: 50 },
  );
});

test('formatPrometheusText joins the values of attributes that become one label', async () => {
  const telemetry = new Telemetry(config, identity);
  telemetry.meter.createGauge('g').record(1, { 'a.b': 'x', 'a-b': 'y"\\\n' });
  assert.match(await telemetry.prometheusText(), /\ng\{a_b="x;y\\"\\\\\\n"\} 1\n/);
});

test('formatPrometheusText writes one family for a name in two scopes, and leaves another type out', async () => {
  const reader = new TestReader();
  const provider = new MeterProvider({ readers: [reader] });
  provider.getMeter('a').createCounter('x').add(1, { a: '1' });
  provider.getMeter('b').createCounter('x').add(2, { a: '2' });
  provider.getMeter('c').createGauge('x').record(3);
  const text = formatPrometheusText((await reader.collect()).resourceMetrics);
  assert.match(text, /# TYPE x counter\nx\{a="1"\} 1\nx\{a="2"\} 2\n$/);
});

test('formatPrometheusText sums counters that two instruments have alike, and keeps the first of gauges', async () => {
  const reader = new TestReader();
  const meter = new MeterProvider({ readers: [reader] });
  for (const [scope, value] of [
    ['a', 1],
    ['b', 2],
  ] as const) {
    meter.getMeter(scope).createCounter('x').add(value, { a: '1' });
    meter.getMeter(scope).createGauge('y').record(value);
    meter.getMeter(scope).createHistogram('z').record(value);
  }
  const { resourceMetrics } = await reader.collect();
  const samples = parsePrometheusText(formatPrometheusText(resourceMetrics));
  const readValue = (wanted: string) => samples.find(({ name }) => name === wanted)?.value;
  assert.deepEqual(['x', 'y', 'z_sum'].map(readValue), [3, 1, 1]);
});

test('formatPrometheusText writes OpenMetrics with _total, units and an end', async () => {
  const telemetry = new Telemetry(config, identity);
  telemetry.meter.createCounter('a', { description: 'Says "a".', unit: 's' }).add(2);
  const advice = { explicitBucketBoundaries: [1] };
  telemetry.meter.createHistogram('c_bytes', { unit: 'By', advice }).record(1);
  const info = '{service_name="framekeeper",service_instance_id="b1946ac9",service_version="1.2.3"} 1';
  const text = await telemetry.prometheusText({ isOpenMetrics: true });
  assert.equal(
    text,
    `# HELP target Target metadata
# TYPE target info
target_info${info}
# HELP a Says \\"a\\".
# TYPE a counter
a_total 2
# HELP c_bytes${' '}
# TYPE c_bytes histogram
# UNIT c_bytes bytes
c_bytes_bucket{le="1.0"} 1
c_bytes_bucket{le="+Inf"} 1
c_bytes_sum 1
c_bytes_count 1
# EOF
`,
  );
  const named = await telemetry.prometheusText({ hasUnits: true, hasTypeSuffix: true });
  assert.match(named, /# TYPE a_seconds_total counter\na_seconds_total 2\n/);
  assert.match(named, /# TYPE c_bytes histogram\n/);
});

class TestReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}
