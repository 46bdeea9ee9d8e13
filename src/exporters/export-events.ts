import type { Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import { formatDurationMs } from '../config/duration.ts';
import type { GaugeReading } from '../support/observe-gauges.ts';
import { observeGauges } from '../support/observe-gauges.ts';
import type { ExportRequest, Refusal } from './export-request.ts';
import type { Accepted, Permanent, Retryable } from './send-result.ts';
import type { SendingQueue } from './sending-queue.ts';

/**
 * What happens to requests, counted and logged in one place: at most one line a request and kind, never one a sample. Each
 * sample offered is counted exactly once as sent, send_failed or enqueue_failed. Names and labels are the Collector's
 * (https://github.com/open-telemetry/opentelemetry-collector/blob/main/exporter/exporterhelper/documentation.md).
 */
export interface ExportEvents {
  refused(request: ExportRequest, refusal: Refusal): void;
  started(): void;
  ended(): void;
  retrying(failure: Retryable, delayMs: number, retryCount: number): void;
  accepted(request: Counted, result: Accepted): void;
  failed(request: Counted, failure: Permanent | Retryable): void;
  /** A request was taken apart into this many. */
  split(why: SplitReason, pieceCount: number): void;
  /** Original payloads left out of pieces that have no room for them. */
  payloadsDropped(count: number): void;
  /** The receiver takes less than the configuration says; from now on no request is larger. */
  limitLearned(limitBytes: number): void;
  closeFailed(error: unknown): void;
  /** Begins to report size and capacity of the queue; the result ends that. */
  observe(queue: SendingQueue): () => void;
}

/** What is counted of a request or of a part of it. */
export type Counted = Pick<ExportRequest, 'sampleCount'>;

/** `max_size` of a batch, `max_request_bytes` or what the receiver is known to take, or its refusal of a larger message. */
export type SplitReason = 'max_size' | 'max_bytes' | 'refused';

const refusalTexts: Record<Refusal, string> = {
  queue_full: 'sending queue is full; raise sending_queue.queue_size or find out why the destination is slow',
  too_large: 'the request is larger than the whole sending queue; raise sending_queue.queue_size',
  stopped: 'the exporter is stopping',
  cancelled: 'its sender did not wait until the sending queue had room',
  storage_full:
    'the storage has no room for the request; raise its max_size_mib or find out why the destination is slow',
  storage_error: 'the storage cannot be written',
  storage_too_small: 'the request is larger than max_size_mib of the storage; raise it',
};

export function createExportEvents(id: string, logger: Logger, meter: Meter): ExportEvents {
  const counters = createCounters(meter);
  const exporter = { exporter: id };
  const signal = { ...exporter, data_type: 'profiles' };
  return {
    refused(request, refusal) {
      counters.enqueueFailed.add(request.sampleCount, { ...exporter, error_type: refusal });
      const error = refusalTexts[refusal];
      logger.error({ error, rejected_items: request.sampleCount }, 'Exporting failed. Rejecting data.');
    },
    started() {
      counters.inFlight.add(1, signal);
    },
    ended() {
      counters.inFlight.add(-1, signal);
    },
    retrying({ reason }, delayMs, retryCount) {
      const level = retryCount === 1 ? 'info' : 'debug';
      const fields = { error: reason, interval: formatDurationMs(Math.round(delayMs)) };
      logger[level](fields, 'Exporting failed. Will retry the request after interval.');
    },
    accepted(request, { rejectedProfiles, message }) {
      counters.sent.add(request.sampleCount, exporter);
      if (rejectedProfiles > 0n) counters.rejectedProfiles.add(Number(rejectedProfiles), exporter);
      if (rejectedProfiles > 0n || message !== '') {
        logger.warn({ message, dropped_profiles: Number(rejectedProfiles) }, 'Partial success response');
      }
    },
    failed(request, { errorType, reason }) {
      counters.sendFailed.add(request.sampleCount, { ...exporter, error_type: errorType });
      logger.error({ error: reason, dropped_items: request.sampleCount }, 'Exporting failed. Dropping data.');
    },
    split(reason, pieceCount) {
      counters.splitRequests.add(1, { ...exporter, reason });
      logger.debug({ reason, pieces: pieceCount }, 'Splitting a request.');
    },
    payloadsDropped(count) {
      counters.droppedPayloads.add(count, exporter);
      logger.warn({ dropped_payloads: count }, 'Sending profiles without original payloads that are too large.');
    },
    limitLearned(limitBytes) {
      logger.warn({ limit_bytes: limitBytes }, 'The receiver takes only smaller requests. Splitting to its limit.');
    },
    closeFailed(error) {
      logger.error({ error: error instanceof Error ? error.message : String(error) }, 'Closing failed.');
    },
    observe: (queue) => observeGauges(meter, figuresOf(queue), signal),
  };
}

function createCounters(meter: Meter) {
  const samples = (name: string, description: string) => meter.createCounter(name, { unit: '{sample}', description });
  return {
    sent: samples('otelcol_exporter_sent_profile_samples', 'Samples that the destination took.'),
    sendFailed: samples('otelcol_exporter_send_failed_profile_samples', 'Samples dropped because sending failed.'),
    enqueueFailed: samples('otelcol_exporter_enqueue_failed_profile_samples', 'Samples that the queue refused.'),
    rejectedProfiles: meter.createCounter('framekeeper_exporter_rejected_profiles', {
      unit: '{profile}',
      description: 'Profiles that a destination reported as rejected in a partial success.',
    }),
    splitRequests: meter.createCounter('framekeeper_exporter_split_requests', {
      unit: '{request}',
      description: 'Requests taken apart because they were too large, by what bounded them.',
    }),
    droppedPayloads: meter.createCounter('framekeeper_exporter_dropped_payloads', {
      unit: '{payload}',
      description: 'Original payloads left out of pieces that had no room for them.',
    }),
    inFlight: meter.createUpDownCounter('otelcol_exporter_in_flight_requests', {
      unit: '{request}',
      description: 'Requests being sent, waiting times between retries included.',
    }),
  };
}

function figuresOf(queue: SendingQueue): GaugeReading[] {
  return [
    {
      name: 'otelcol_exporter_queue_size',
      unit: '{batch}',
      description: 'What the sending queue holds, in units of its sizer.',
      read: () => queue.size,
    },
    {
      name: 'otelcol_exporter_queue_capacity',
      unit: '{batch}',
      description: 'What the sending queue can hold, in units of its sizer.',
      read: () => queue.capacity,
    },
  ];
}
