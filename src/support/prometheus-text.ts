import type { Attributes, AttributeValue } from '@opentelemetry/api';
import type { DataPoint, Histogram, MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { DataPointType } from '@opentelemetry/sdk-metrics';

/**
 * Metrics in the Prometheus text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/), named as
 * the Collector names them: no `_total`, no unit suffix, no scope labels, the resource in `target_info` alone. The
 * exporter of OpenTelemetry JS always appends `_total` to counters, which is why this is not it.
 */
export function formatPrometheusText({ resource, scopeMetrics }: ResourceMetrics): string {
  const families = new Map<string, Family>();
  addTo(families, { name: 'target_info', type: 'gauge', help: 'Target metadata' }, [
    `target_info${labels(resource.attributes)} 1`,
  ]);
  for (const metric of scopeMetrics.flatMap(({ metrics }) => metrics)) {
    const name = metric.descriptor.name.replace(/[^a-zA-Z0-9_:]/g, '_').replace(/^(?=\d)/, '_');
    addTo(families, { name, type: typeOf(metric), help: metric.descriptor.description }, linesOf(name, metric));
  }
  return [...families.values()].map(({ header, lines }) => `${header}${lines.join('\n')}\n`).join('');
}

interface Family {
  readonly header: string;
  readonly type: string;
  readonly lines: string[];
}

/** A name stands once in the text: metrics of several scopes are joined, and one of another type is left out. */
function addTo(
  families: Map<string, Family>,
  { name, type, help }: { name: string; type: string; help: string },
  lines: readonly string[],
): void {
  if (lines.length === 0) return;
  const family = families.get(name);
  if (family === undefined) {
    const header = `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
    families.set(name, { header, type, lines: [...lines] });
  } else if (family.type === type) {
    family.lines.push(...lines);
  }
}

function typeOf(metric: MetricData): string {
  switch (metric.dataPointType) {
    case DataPointType.SUM:
      return metric.isMonotonic ? 'counter' : 'gauge';
    case DataPointType.GAUGE:
      return 'gauge';
    case DataPointType.HISTOGRAM:
      return 'histogram';
    case DataPointType.EXPONENTIAL_HISTOGRAM:
      // Only the count and the sum have a form in this version of the text.
      return 'summary';
  }
}

function linesOf(name: string, metric: MetricData): string[] {
  switch (metric.dataPointType) {
    case DataPointType.SUM:
    case DataPointType.GAUGE:
      return metric.dataPoints.map(({ attributes, value }) => `${name}${labels(attributes)} ${number(value)}`);
    case DataPointType.HISTOGRAM:
      return metric.dataPoints.flatMap((point) => histogramLines(name, point));
    case DataPointType.EXPONENTIAL_HISTOGRAM:
      return metric.dataPoints.flatMap(({ attributes, value }) => totalLines(name, attributes, value));
  }
}

function histogramLines(name: string, { attributes, value }: DataPoint<Histogram>): string[] {
  const { boundaries, counts } = value.buckets;
  const lines: string[] = [];
  let cumulative = 0;
  for (const [index, count] of counts.entries()) {
    cumulative += count;
    const bound = boundaries[index] ?? Infinity;
    lines.push(`${name}_bucket${labels({ ...attributes, le: number(bound) })} ${cumulative}`);
  }
  return [...lines, ...totalLines(name, attributes, value)];
}

function totalLines(name: string, attributes: Attributes, { sum, count }: { sum?: number; count: number }): string[] {
  const text = labels(attributes);
  return [`${name}_sum${text} ${number(sum ?? 0)}`, `${name}_count${text} ${count}`];
}

function labels(attributes: Attributes): string {
  const values = new Map<string, string>();
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined) continue;
    const name = key.replace(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=\d|$)/, '_');
    // Two keys can become one name; their values then share it, as the specification wants it
    // (https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#metric-attributes).
    const before = values.get(name);
    values.set(name, before === undefined ? text(value) : `${before};${text(value)}`);
  }
  if (values.size === 0) return '';
  return `{${[...values].map(([name, value]) => `${name}="${escapeLabel(value)}"`).join(',')}}`;
}

function text(value: AttributeValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function number(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
