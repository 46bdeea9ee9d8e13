import type { Attributes, BatchObservableCallback, Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { Clock } from './clock.ts';

/** Counter and log line of one kind of event; either may be absent. */
export interface EventKind {
  readonly counter?: {
    readonly name: string;
    readonly unit?: string;
    readonly description: string;
    /** Labels whose series exist with 0 before the first event: a rate misses an increase that creates its series. */
    readonly fromZero?: readonly Attributes[];
  };
  readonly line?: {
    readonly level: 'debug' | 'info' | 'warn' | 'error';
    /** A full sentence. */
    readonly message: string;
    /** Least time between two lines of this kind; absent = every event has a line. */
    readonly intervalMs?: number;
  };
}

/** Details of one event. */
export interface EventDetails {
  /** Amount added to the counter; default 1. */
  readonly count?: number;
  /** Attributes of the data point, beside those of the component. */
  readonly labels?: Attributes;
  /** Fields of the log line. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

export type RecordEvent = (details?: EventDetails) => void;

export interface EventParts {
  readonly meter: Meter;
  readonly logger: Logger;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/**
 * Creates recorders of the events of one component, so that each kind of event is counted and logged by one call.
 * `component` are the attributes of its data points, e.g. `{ exporter: 'otlp_grpc' }`.
 */
export function createEvents(
  { meter, logger, clock }: EventParts,
  component: Attributes,
): (kind: EventKind) => RecordEvent {
  return ({ counter: definition, line }) => {
    const counter = definition && meter.createCounter(definition.name, definition);
    for (const labels of definition?.fromZero ?? []) counter?.add(0, { ...component, ...labels });
    const limit = new LineLimit(clock, line?.intervalMs ?? 0);
    return ({ count = 1, labels, fields } = {}) => {
      counter?.add(count, { ...component, ...labels });
      if (line === undefined) return;
      const skipped = limit.admit();
      if (skipped !== undefined)
        logger[line.level]({ ...fields, ...(skipped > 0 && { skipped_lines: skipped }) }, line.message);
    };
  };
}

/** Interval of warnings about what others do again and again: their retries must not fill the log. */
export const warningIntervalMs = 10_000;

/** Limits log lines of one kind to one every `intervalMs`; the first is admitted at once. */
class LineLimit {
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #intervalMs: number;
  #admitAfterMs = -Infinity;
  #skippedCount = 0;

  constructor(clock: Pick<Clock, 'nowMs'>, intervalMs: number = warningIntervalMs) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  /** Number of lines skipped since the last admitted one, or `undefined` when this line is skipped too. */
  admit(): number | undefined {
    const nowMs = this.#clock.nowMs();
    if (nowMs < this.#admitAfterMs) {
      this.#skippedCount += 1;
      return undefined;
    }
    const skipped = this.#skippedCount;
    this.#skippedCount = 0;
    this.#admitAfterMs = nowMs + this.#intervalMs;
    return skipped;
  }
}

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
