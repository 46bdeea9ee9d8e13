import type { Counter, Meter } from '@opentelemetry/api';
import type { CycleReport } from './cycle-report.ts';

export interface ReporterMetrics {
  /** `durationMs` is all that a cycle takes, handing over and purging included. */
  recordCycle(report: CycleReport, durationMs: number): void;
  recordFailure(): void;
  /** A cycle left its window as it was, because a report would have found no room. */
  recordHeldUp(): void;
  /** A consumer of a report failed. */
  recordHandOverFailure(): void;
}

/** Usage of the window at hand. */
export interface WindowStats {
  readonly events: number;
  readonly bytes: number;
  /** Because the window was full, or the sender had used its share. */
  readonly rejectedSamples: { readonly window_full: number; readonly share_exceeded: number };
}

/** Instruments of the reporting cycle; `readWindow` is asked at each scrape. */
export function createReporterMetrics(meter: Meter, readWindow: () => WindowStats): ReporterMetrics {
  const duration = meter.createHistogram('framekeeper_reporting_cycle_duration', {
    unit: 's',
    description: 'How long ingestion stood still for the report of one cycle',
    advice: { explicitBucketBoundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1] },
  });
  const events = meter.createCounter('framekeeper_reported_trace_events', {
    description: 'Trace events that became part of a profile',
  });
  const unresolved = createUnresolvedCounter(meter);
  const held = meter.createCounter('framekeeper_held_trace_events', {
    description: 'Trace events that waited for one more cycle because only their collector can name a frame of theirs',
  });
  const stubs = meter.createCounter('framekeeper_resubmitted_stubs', {
    description: 'Stubs written into the symbol store again at the end of a cycle',
  });
  const failures = meter.createCounter('framekeeper_reporting_cycle_failures', {
    description: 'Cycles that failed and lost their samples',
  });
  const heldUp = meter.createCounter('framekeeper_held_up_cycles', {
    description: 'Cycles that left their window to the next one because its report would have found no room',
  });
  const handOverFailures = meter.createCounter('framekeeper_report_hand_over_failures', {
    description: 'Reports that an exporter or the live page failed to take because of a fault of this service',
  });
  for (const counter of [events, held, failures, heldUp, handOverFailures]) counter.add(0);
  observeWindow(meter, readWindow);
  return {
    recordCycle: (report, durationMs) => {
      duration.record(durationMs / 1000);
      events.add(report.eventCount);
      held.add(report.heldCount);
      stubs.add(report.resubmittedStubs);
      for (const { reason, frameType, count } of report.unresolved) {
        unresolved.add(count, { reason, frame_type: frameType });
      }
    },
    recordFailure: () => failures.add(1),
    recordHeldUp: () => heldUp.add(1),
    recordHandOverFailure: () => handOverFailures.add(1),
  };
}

/** Frames that left without a name, those of OTLP that passes through included. */
export function createUnresolvedCounter(meter: Meter): Counter {
  return meter.createCounter('framekeeper_unresolved_frames', {
    description: 'Frames reported without a name, by reason and frame type, counted once a cycle or OTLP request',
  });
}

function observeWindow(meter: Meter, readWindow: () => WindowStats): void {
  const events = meter.createObservableGauge('framekeeper_window_trace_events', {
    description: 'Trace events of the current reporting cycle so far',
  });
  const bytes = meter.createObservableGauge('framekeeper_window_bytes', {
    unit: 'By',
    description: 'Memory that the current window holds',
  });
  const rejected = meter.createObservableCounter('framekeeper_window_rejected_samples', {
    description: 'Samples rejected because the window was full, or because their sender had used its share, by reason',
  });
  meter.addBatchObservableCallback(
    (result) => {
      const stats = readWindow();
      result.observe(events, stats.events);
      result.observe(bytes, stats.bytes);
      for (const [reason, count] of Object.entries(stats.rejectedSamples)) result.observe(rejected, count, { reason });
    },
    [events, bytes, rejected],
  );
}
