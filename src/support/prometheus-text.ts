import type { Attributes, AttributeValue } from '@opentelemetry/api';
import type { DataPoint, Histogram, MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { DataPointType } from '@opentelemetry/sdk-metrics';

/** Form of the text; absent = `false`. */
export interface PrometheusForm {
  /** OpenMetrics 1.0.0 instead of the Prometheus text format 0.0.4: counters end in `_total` always. */
  readonly isOpenMetrics?: boolean;
  /** Names end in their unit: `_seconds`, `_bytes`. */
  readonly hasUnits?: boolean;
  /** Names of counters end in `_total`. */
  readonly hasTypeSuffix?: boolean;
}

/**
 * Metrics in the Prometheus text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/), named as
 * the Collector names them by default: no `_total`, no unit suffix, no scope labels, the resource in `target_info`
 * alone. The exporter of OpenTelemetry JS always appends `_total` to counters, which is why this is not it. OpenMetrics:
 * https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md.
 */
export function formatPrometheusText({ resource, scopeMetrics }: ResourceMetrics, form: PrometheusForm = {}): string {
  const families = new Map<string, Family>();
  const target = form.isOpenMetrics ? { name: 'target', type: 'info' } : { name: 'target_info', type: 'gauge' };
  const about = { sampleName: 'target_info', help: 'Target metadata', unit: '' };
  addTo(families, { ...target, ...about, points: new Map([[labels(resource.attributes), 1]]) }, false);
  for (const metric of scopeMetrics.flatMap(({ metrics }) => metrics)) {
    addTo(families, familyOf(metric, form), metric.dataPointType === DataPointType.SUM);
  }
  const texts = [...families.values()].map((family) => formatFamily(family, form.isOpenMetrics ?? false));
  return `${texts.join('')}${form.isOpenMetrics ? '# EOF\n' : ''}`;
}

interface Family {
  readonly name: string;
  readonly sampleName: string;
  readonly type: string;
  readonly help: string;
  /** Last part of the name, such as `seconds`; empty where the name has no unit. */
  readonly unit: string;
  readonly points: Map<string, Point>;
}

/** A value, or the lines of a histogram. */
type Point = number | readonly string[];

/**
 * A name stands once in the text: metrics of several scopes or instruments are joined, and one of another type is left
 * out. So does a series: equal labels are summed for sums, and the first stays otherwise, as of gauges there is no sum.
 */
function addTo(families: Map<string, Family>, family: Family, isSum: boolean): void {
  if (family.points.size === 0) return;
  const known = families.get(family.name);
  if (known === undefined) families.set(family.name, family);
  else if (known.type === family.type) {
    for (const [text, point] of family.points) addPoint(known.points, text, point, isSum);
  }
}

function addPoint(points: Map<string, Point>, text: string, point: Point, isSum: boolean): void {
  const before = points.get(text);
  if (before === undefined) points.set(text, point);
  else if (isSum && typeof before === 'number' && typeof point === 'number') points.set(text, before + point);
}

function formatFamily({ name, sampleName, type, help, unit, points }: Family, isOpenMetrics: boolean): string {
  const helpText = isOpenMetrics ? escapeLabel(help) : escapeHelp(help);
  const unitLine = isOpenMetrics && unit !== '' ? `# UNIT ${name} ${unit}\n` : '';
  const lines = [...points].flatMap(([text, point]) =>
    typeof point === 'number' ? `${sampleName}${text} ${number(point)}` : point,
  );
  return `# HELP ${name} ${helpText}\n# TYPE ${name} ${type}\n${unitLine}${lines.join('\n')}\n`;
}

/** Words for units, by UCUM code, as the Prometheus exporters of OpenTelemetry have them. */
const unitWords: ReadonlyMap<string, string> = new Map([
  ['s', 'seconds'],
  ['ms', 'milliseconds'],
  ['By', 'bytes'],
]);

function familyOf(metric: MetricData, { isOpenMetrics = false, hasUnits, hasTypeSuffix }: PrometheusForm): Family {
  const type = typeOf(metric);
  const hasTotal = type === 'counter' && (isOpenMetrics || hasTypeSuffix === true);
  let name = metric.descriptor.name.replace(/[^a-zA-Z0-9_:]/g, '_').replace(/^(?=\d)/, '_');
  if (hasTotal) name = name.replace(/_total$/, '');
  const word = unitWords.get(metric.descriptor.unit);
  if (hasUnits && word !== undefined && !name.endsWith(`_${word}`)) name += `_${word}`;
  const unit = word !== undefined && name.endsWith(`_${word}`) ? word : '';
  const sampleName = hasTotal ? `${name}_total` : name;
  const points = new Map<string, Point>();
  for (const [text, point] of pointsOf(sampleName, metric, isOpenMetrics)) {
    addPoint(points, text, point, metric.dataPointType === DataPointType.SUM);
  }
  return {
    name: isOpenMetrics ? name : sampleName,
    sampleName,
    type,
    help: metric.descriptor.description,
    unit,
    points,
  };
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

function pointsOf(name: string, metric: MetricData, isOpenMetrics: boolean): [string, Point][] {
  switch (metric.dataPointType) {
    case DataPointType.SUM:
    case DataPointType.GAUGE:
      return metric.dataPoints.map(({ attributes, value }) => [labels(attributes), value]);
    case DataPointType.HISTOGRAM:
      return metric.dataPoints.map((point) => [labels(point.attributes), histogramLines(name, point, isOpenMetrics)]);
    case DataPointType.EXPONENTIAL_HISTOGRAM:
      return metric.dataPoints.map(({ attributes, value }) => [
        labels(attributes),
        totalLines(name, attributes, value),
      ]);
  }
}

function histogramLines(name: string, { attributes, value }: DataPoint<Histogram>, isOpenMetrics: boolean): string[] {
  const { boundaries, counts } = value.buckets;
  const lines: string[] = [];
  let cumulative = 0;
  for (const [index, count] of counts.entries()) {
    cumulative += count;
    const bound = boundaries[index] ?? Infinity;
    // OpenMetrics writes bounds as floats: 1.0.
    const le = isOpenMetrics && Number.isInteger(bound) ? `${bound}.0` : number(bound);
    lines.push(`${name}_bucket${labels({ ...attributes, le })} ${cumulative}`);
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
