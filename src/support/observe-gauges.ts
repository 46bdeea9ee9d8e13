import type { Attributes, BatchObservableCallback, Meter } from '@opentelemetry/api';

/** A figure that is read whenever metrics are collected. */
export interface GaugeReading {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  readonly read: () => number;
}

/** Begins to report the figures of something that comes and goes; the result ends that. */
export function observeGauges(meter: Meter, readings: readonly GaugeReading[], attributes: Attributes): () => void {
  const observed = readings.map(({ name, read, ...options }) => ({
    gauge: meter.createObservableGauge(name, options),
    read,
  }));
  const gauges = observed.map(({ gauge }) => gauge);
  const observe: BatchObservableCallback = (result) => {
    for (const { gauge, read } of observed) result.observe(gauge, read(), attributes);
  };
  meter.addBatchObservableCallback(observe, gauges);
  return () => meter.removeBatchObservableCallback(observe, gauges);
}
