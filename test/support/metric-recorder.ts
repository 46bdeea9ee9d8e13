import type { Meter } from '@opentelemetry/api';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';

/** A meter of the real SDK whose values can be read at any moment. */
export function recordMetrics(): { readonly meter: Meter; readonly values: () => Promise<Map<string, number>> } {
  const reader = new ManualReader();
  const provider = new MeterProvider({ readers: [reader] });
  return { meter: provider.getMeter('test'), values: () => reader.values() };
}

class ManualReader extends MetricReader {
  /** Every data point by its name and labels as Prometheus writes them: `name{a="b"}`. */
  async values(): Promise<Map<string, number>> {
    const { resourceMetrics } = await this.collect();
    const values = new Map<string, number>();
    for (const { descriptor, dataPoints } of resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)) {
      for (const { attributes, value } of dataPoints) {
        const labels = Object.entries(attributes).map(([key, text]) => `${key}="${text}"`);
        values.set(`${descriptor.name}{${labels.join(',')}}`, value as number);
      }
    }
    return values;
  }

  protected override async onForceFlush(): Promise<void> {}

  protected override async onShutdown(): Promise<void> {}
}
