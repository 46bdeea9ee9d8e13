import type { Counter, Meter } from '@opentelemetry/api';
import type { EventKind, EventParts, RecordEvent } from '../support/events.ts';
import { createEvents } from '../support/events.ts';
import type { CycleReport } from './cycle-report.ts';

/** Events of the reporting cycle, counted and logged in one place. */
export interface ReporterEvents {
  /** `durationMs` is all that a cycle takes, handing over and purging included. */
  reported(report: CycleReport, durationMs: number): void;
  /** A fault of this service in one cycle. It does not end the next ones. */
  failed(error: unknown): void;
  /** A cycle left its window as it was, because a report would have found no room. */
  heldUp(): void;
  /** A consumer of a report failed. `sampleCount` is `undefined` where the report had waited. */
  deliveryFailed(error: unknown, sampleCount?: number): void;
  /** The last report found no room, and its window is on disk. */
  leftInJournal(): void;
}

/** Usage of the window at hand. */
export interface WindowStats {
  readonly events: number;
  readonly bytes: number;
  /** Because the window was full, or the sender had used its share. */
  readonly rejectedSamples: { readonly window_full: number; readonly share_exceeded: number };
}

/** `readWindow` is asked at each scrape. */
export function createReporterEvents(parts: EventParts, readWindow: () => WindowStats): ReporterEvents {
  const { meter, logger } = parts;
  const duration = meter.createHistogram('framekeeper_reporting_cycle_duration', {
    unit: 's',
    description: 'How long ingestion stood still for the report of one cycle',
    advice: { explicitBucketBoundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1] },
  });
  const unresolved = createUnresolvedCounter(meter);
  const record = createRecorders(createEvents(parts, {}));
  observeWindow(meter, readWindow);
  return {
    reported: (report, durationMs) => {
      duration.record(durationMs / 1000);
      record.events({ count: report.eventCount });
      record.held({ count: report.heldCount });
      record.stubs({ count: report.resubmittedStubs });
      for (const { reason, frameType, count } of report.unresolved) {
        unresolved.add(count, { reason, frame_type: frameType });
      }
    },
    failed: (error) => record.failed({ fields: { err: error } }),
    heldUp: () => record.heldUp(),
    deliveryFailed: (error, sampleCount) => record.deliveryFailed({ fields: { err: error, samples: sampleCount } }),
    leftInJournal: () => logger.warn('The last window stays in the journal until the next start.'),
  };
}

function createRecorders(event: (kind: EventKind) => RecordEvent) {
  const counter = (name: string, description: string) => ({ name: `framekeeper_${name}`, description });
  const alerting = (name: string, description: string) => ({ ...counter(name, description), fromZero: [{}] });
  return {
    events: event({ counter: alerting('reported_trace_events', 'Trace events that became part of a profile') }),
    held: event({
      counter: alerting(
        'held_trace_events',
        'Trace events that waited for one more cycle because only their collector can name a frame of theirs',
      ),
    }),
    stubs: event({
      counter: counter('resubmitted_stubs', 'Stubs written into the symbol store again at the end of a cycle'),
    }),
    failed: event({
      counter: alerting('reporting_cycle_failures', 'Cycles that failed and lost their samples'),
      line: { level: 'error', message: 'The reporting cycle failed; its samples are lost.' },
    }),
    heldUp: event({
      counter: alerting(
        'held_up_cycles',
        'Cycles that left their window to the next one because its report would have found no room',
      ),
    }),
    deliveryFailed: event({
      counter: alerting(
        'report_hand_over_failures',
        'Reports that an exporter or the live page failed to take because of a fault of this service',
      ),
      line: { level: 'error', message: 'A report could not be handed over.' },
    }),
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
