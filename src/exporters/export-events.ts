import type { Attributes } from '@opentelemetry/api';
import { formatDurationMs } from '../config/duration.ts';
import type { ReportStatus, RunningStatus } from '../model/component-status.ts';
import { messageOf } from '../support/error-text.ts';
import type { EventKind, EventParts, GaugeReading, RecordEvent } from '../support/events.ts';
import { createEvents, observeGauges } from '../support/events.ts';
import type { Accepted, Permanent, Retryable } from './export-client.ts';
import type { DialectRequest, ExportRequest } from './export-request.ts';
import type { Refusal } from './profiles-exporter.ts';
import type { SendingQueue } from './sending-queue.ts';

/**
 * Events of requests, counted and logged in one place: at most one line a request and kind, never one a sample. Each
 * sample offered is counted exactly once as sent, send_failed or enqueue_failed. Names and labels are the Collector's
 * (https://github.com/open-telemetry/opentelemetry-collector/blob/main/exporter/exporterhelper/documentation.md).
 */
export interface ExportEvents {
  /** Samples and labels that the dialect of the backend leaves out; none is no event. */
  leftOut(dropped: Pick<DialectRequest, 'droppedSamples' | 'droppedLabels'>): void;
  refused(request: ExportRequest, refusal: Refusal): void;
  started(): void;
  ended(): void;
  retrying(failure: Retryable, delayMs: number, retryCount: number): void;
  /** A receiver asked for more time than the bound on that. */
  retryAfterCapped(askedMs: number): void;
  accepted(request: Counted, result: Accepted): void;
  failed(request: Counted, failure: Permanent | Retryable): void;
  /** A request was taken apart into this many. */
  split(why: SplitReason, partCount: number): void;
  /** Original payloads left out of parts that have no room for them. */
  payloadsDropped(count: number): void;
  /** The receiver takes less than the configuration says; from now on no request is larger. */
  limitLearned(limitBytes: number): void;
  closeFailed(error: unknown): void;
  /** Begins to report size and capacity of the queue; the result ends that. */
  observe(queue: SendingQueue): () => void;
}

/** The counted side of a request or of a part of it. */
export type Counted = Pick<ExportRequest, 'sampleCount'>;

/**
 * `max_size` of a batch; `max_request_bytes` or the known limit of the receiver; its refusal of a larger message; or its refusal of a
 * request of which it may have stored some resources.
 */
export type SplitReason = 'max_size' | 'max_bytes' | 'refused' | 'partial';

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

export interface ExportEventParts extends EventParts {
  readonly reportStatus?: ReportStatus | undefined;
}

export function createExportEvents(id: string, parts: ExportEventParts): ExportEvents {
  const { logger, meter } = parts;
  const exporter = { exporter: id };
  const signal = { ...exporter, data_type: 'profiles' };
  const record = createRecorders(createEvents(parts, exporter));
  const inFlight = meter.createUpDownCounter('otelcol_exporter_in_flight_requests', {
    unit: '{request}',
    description: 'Requests being sent, waiting times between retries included.',
  });
  const status = onChange(parts.reportStatus);
  const outage = new Outage(parts);
  let isCapTold = false;
  const toldLabels = new Set<string>();
  return {
    leftOut({ droppedSamples, droppedLabels }) {
      if (droppedSamples > 0) record.leftOut({ count: droppedSamples });
      if (droppedLabels.size === 0) return;
      record.labelsLeftOut({ count: [...droppedLabels.values()].reduce((sum, count) => sum + count, 0) });
      const fresh = [...droppedLabels.keys()].filter((key) => !toldLabels.has(key));
      if (fresh.length === 0 || toldLabels.size >= maxToldLabels) return;
      for (const key of fresh) toldLabels.add(key);
      record.labelsTold({ fields: { labels: fresh.slice(0, maxToldLabels) } });
    },
    refused({ sampleCount }, refusal) {
      const fields = { error: refusalTexts[refusal], rejected_items: sampleCount };
      record.refused({ count: sampleCount, labels: { error_type: refusal }, fields });
    },
    started: () => inFlight.add(1, signal),
    ended: () => inFlight.add(-1, signal),
    retrying({ errorType, reason }, delayMs) {
      status(statusOf(errorType), reason);
      const isForPeople = errorTypesForPeople.has(errorType);
      const level = outage.begin(reason, !isForPeople) ? (isForPeople ? 'error' : 'info') : 'debug';
      const fields = { error: reason, interval: formatDurationMs(Math.round(delayMs)) };
      logger[level](fields, 'Exporting failed. Will retry the request after interval.');
    },
    retryAfterCapped(askedMs) {
      if (!isCapTold) logger.warn({ asked: formatDurationMs(Math.min(askedMs, Number.MAX_SAFE_INTEGER)) }, capTold);
      isCapTold = true;
    },
    accepted({ sampleCount }, { rejectedProfiles, message }) {
      status('ok');
      outage.end();
      record.sent({ count: sampleCount });
      if (rejectedProfiles === 0n && message === '') return;
      const count = Number(rejectedProfiles);
      record.partlyRejected({ count, fields: { message, dropped_profiles: count } });
    },
    failed({ sampleCount }, { errorType, reason }) {
      // Cut off by our own stop says nothing about the destination.
      if (errorType !== 'Shutdown') status(statusOf(errorType), reason);
      const fields = { error: reason, dropped_items: sampleCount };
      record.failed({ count: sampleCount, labels: { error_type: errorType }, fields });
    },
    split(reason, partCount) {
      record.split({ labels: { reason }, fields: { reason, parts: partCount } });
    },
    payloadsDropped: (count) => record.payloadsDropped({ count, fields: { dropped_payloads: count } }),
    limitLearned: (limitBytes) => record.limitLearned({ fields: { limit_bytes: limitBytes } }),
    closeFailed: (error) => record.closeFailed({ fields: { error: messageOf(error) } }),
    observe(queue) {
      outage.queue = queue;
      return observeGauges(meter, gaugesOf(queue), signal);
    },
  };
}

/** Bound on the keys of labels that are told once each. */
const maxToldLabels = 100;

/** Failures that last until a person changes something: credentials, rights, address or protocol. */
const errorTypesForPeople: ReadonlySet<string> = new Set(['Unauthenticated', 'PermissionDenied', 'Unimplemented']);

/** Failures whose series begin at 0; rarer ones, and those of files, get theirs with the first. */
const usualErrorTypes: readonly string[] = [
  ...errorTypesForPeople,
  ...['Unavailable', 'DeadlineExceeded', 'ResourceExhausted', 'InvalidArgument', 'Internal', 'Shutdown', '_OTHER'],
];

function errorLabels(errorTypes: readonly string[]): Attributes[] {
  return errorTypes.map((errorType) => ({ error_type: errorType }));
}

function statusOf(errorType: string): RunningStatus {
  return errorTypesForPeople.has(errorType) ? 'permanent_error' : 'recoverable_error';
}

const capTold = 'The receiver asks to wait for more than a day. Waiting for a day at most.';

/** Passes a status on when it differs from the one before. */
function onChange(report: ReportStatus | undefined): ReportStatus {
  let last: RunningStatus = 'ok';
  return (status, error) => {
    if (status !== last) report?.(status, error);
    last = status;
  };
}

/** Interval of the line that sums an outage up. */
const outageIntervalMs = 60_000;

/**
 * Time in which a destination takes nothing: from the first retry to the next accepted request. A log line tells the begin, a line a
 * minute sums up, and a last line tells the end of an outage that was summed up.
 */
class Outage {
  readonly #parts: EventParts;
  /** The queue, whose size and capacity tell how much waits. */
  queue: Pick<SendingQueue, 'size' | 'capacity'> | undefined;
  #sinceMs: number | undefined;
  #nextLineMs = 0;
  #isSummedUp = false;

  constructor(parts: EventParts) {
    this.#parts = parts;
  }

  /** Call whenever a request has to be retried; `true` for the first of an outage. */
  begin(reason: string, isSummedUp: boolean): boolean {
    const { clock, logger } = this.#parts;
    const nowMs = clock.nowMs();
    if (this.#sinceMs === undefined) {
      this.#sinceMs = nowMs;
      this.#nextLineMs = nowMs + outageIntervalMs;
      return true;
    }
    if (nowMs >= this.#nextLineMs && isSummedUp) {
      this.#nextLineMs = nowMs + outageIntervalMs;
      this.#isSummedUp = true;
      const waiting = { queue_size: this.queue?.size, queue_capacity: this.queue?.capacity };
      logger.warn(
        { down_for: this.#ageAt(nowMs), ...waiting, error: reason },
        'The destination takes no data. Requests wait.',
      );
    }
    return false;
  }

  /** Call whenever a request is accepted. */
  end(): void {
    if (this.#sinceMs === undefined) return;
    const { clock, logger } = this.#parts;
    if (this.#isSummedUp) logger.info({ down_for: this.#ageAt(clock.nowMs()) }, 'The destination takes data again.');
    this.#sinceMs = undefined;
    this.#isSummedUp = false;
  }

  #ageAt(nowMs: number): string {
    return formatDurationMs(Math.round((nowMs - this.#sinceMs!) / 1000) * 1000);
  }
}

function createRecorders(event: (kind: EventKind) => RecordEvent) {
  const samples = (name: string, description: string, fromZero: readonly Attributes[] = []) => {
    return { name, unit: '{sample}', description, fromZero };
  };
  return {
    leftOut: event({
      counter: samples(
        'framekeeper_exporter_dialect_dropped_samples',
        'Samples left out because the backend of the dialect takes no profiles of their type.',
      ),
    }),
    labelsLeftOut: event({
      counter: {
        name: 'framekeeper_exporter_dialect_dropped_labels',
        unit: '{attribute}',
        description: 'Attributes of resources left out because the backend of the dialect takes no more labels.',
      },
    }),
    labelsTold: event({
      line: {
        level: 'warn',
        message: 'Resources have more attributes than the backend takes as labels. These are left out.',
      },
    }),
    refused: event({
      counter: samples(
        'otelcol_exporter_enqueue_failed_profile_samples',
        'Samples that the queue refused.',
        errorLabels(Object.keys(refusalTexts)),
      ),
      line: { level: 'error', message: 'Exporting failed. Rejecting data.' },
    }),
    sent: event({
      counter: samples('otelcol_exporter_sent_profile_samples', 'Samples that the destination took.', [{}]),
    }),
    failed: event({
      counter: samples(
        'otelcol_exporter_send_failed_profile_samples',
        'Samples dropped because sending failed.',
        errorLabels(usualErrorTypes),
      ),
      line: { level: 'error', message: 'Exporting failed. Dropping data.' },
    }),
    partlyRejected: event({
      counter: {
        name: 'framekeeper_exporter_rejected_profiles',
        unit: '{profile}',
        description: 'Profiles that a destination reported as rejected in a partial success.',
      },
      line: { level: 'warn', message: 'Partial success response' },
    }),
    split: event({
      counter: {
        name: 'framekeeper_exporter_split_requests',
        unit: '{request}',
        description: 'Requests taken apart because they were too large, by what bounded them.',
      },
      line: { level: 'debug', message: 'Splitting a request.' },
    }),
    payloadsDropped: event({
      counter: {
        name: 'framekeeper_exporter_dropped_payloads',
        unit: '{payload}',
        description: 'Original payloads left out of parts that had no room for them.',
      },
      line: { level: 'warn', message: 'Sending profiles without original payloads that are too large.' },
    }),
    limitLearned: event({
      line: { level: 'warn', message: 'The receiver takes only smaller requests. Splitting to its limit.' },
    }),
    closeFailed: event({ line: { level: 'error', message: 'Closing failed.' } }),
  };
}

function gaugesOf(queue: SendingQueue): GaugeReading[] {
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
