import type { Attributes } from '@opentelemetry/api';
import type { WireVersion } from '../../otlp/protobuf/wire-version.ts';
import type { EventKind, EventParts, RecordEvent } from '../../support/events.ts';
import { createEvents, warningIntervalMs } from '../../support/events.ts';

export type Transport = 'grpc' | 'http';

const refusalReasons = [
  'invalid',
  'version',
  'loop',
  'too_large',
  'encoding',
  'not_admitted',
  'busy',
  'memory',
  'failed',
  'stopping',
  'internal',
] as const;

export type RefusalReason = (typeof refusalReasons)[number];

/** Events of one otlp receiver, counted and logged in one place. Two counters are the Collector's own. */
export class OtlpEvents {
  readonly #record: ReturnType<typeof createRecorders>;

  /** Series of `transports` exist from the start. */
  constructor(parts: EventParts, receiverId: string, transports: readonly Transport[] = []) {
    const event = createEvents(parts, { receiver: receiverId });
    this.#record = createRecorders(
      event,
      transports.map((transport) => ({ transport })),
    );
  }

  taken(transport: Transport, acceptedSamples: number, version: WireVersion): void {
    const labels = { transport };
    this.#record.requests({ labels });
    this.#record.acceptedSamples({ count: acceptedSamples, labels });
    if (version !== 'current') this.#record.convertedRequests({ labels: { transport, version } });
  }

  /** Part of a request that was taken is at fault. */
  rejected(transport: Transport, profiles: number, samples: number, faults: string): void {
    const labels = { transport };
    if (profiles > 0) this.#record.rejectedProfiles({ count: profiles, labels });
    if (samples > 0) this.#record.refusedSamples({ count: samples, labels });
    this.#record.partTaken({ fields: { reason: faults } });
  }

  mended(transport: Transport, texts: number): void {
    this.#record.mendedTexts({ count: texts, labels: { transport }, fields: { reason: `${texts} texts` } });
  }

  /** `samples` is 0 where the request could not be read. Without `why`, somebody else tells of the refusal. */
  refused(transport: Transport, reason: RefusalReason, samples: number, why?: string): void {
    this.#record.refusedRequests({ labels: { transport, reason } });
    this.#record.refusedSamples({ count: samples, labels: { transport } });
    if (why !== undefined) this.#record.refusal({ fields: { reason: why } });
  }

  /** A request was refused because of a fault of this service. */
  failed(transport: Transport, error: unknown): void {
    this.refused(transport, 'internal', 0);
    this.#record.fault({ fields: { err: error } });
  }

  /** `ownExporters` are the places where a person has to change something, if it is not at the other end. */
  refusedLoop(transport: Transport, why: string, ownExporters: readonly string[]): void {
    this.refused(transport, 'loop', 0);
    this.#record.refusedLoop({ fields: { reason: why, own_exporters: ownExporters } });
  }

  /** Profiles of this process came back to it and were dropped. */
  looped(transport: Transport, profiles: number, faults: string, ownExporters: readonly string[]): void {
    const fields = { reason: faults, own_exporters: ownExporters };
    this.#record.loopedProfiles({ count: profiles, labels: { transport }, fields });
  }
}

function createRecorders(event: (kind: EventKind) => RecordEvent, transports: readonly Attributes[]) {
  const counter = (name: string, unit: string, description: string) => ({ name, unit: `{${unit}}`, description });
  const alerting = (name: string, unit: string, description: string) => ({
    ...counter(name, unit, description),
    fromZero: transports,
  });
  const line = (level: 'warn' | 'error', message: string) => ({ level, message, intervalMs: warningIntervalMs });
  return {
    acceptedSamples: event({
      counter: alerting('otelcol_receiver_accepted_profile_samples', 'sample', 'Samples taken.'),
    }),
    refusedSamples: event({
      counter: alerting('otelcol_receiver_refused_profile_samples', 'sample', 'Samples not taken.'),
    }),
    requests: event({
      counter: alerting('framekeeper_otlp_requests', 'request', 'Requests taken, in part or as a whole.'),
    }),
    refusedRequests: event({
      counter: {
        ...counter('framekeeper_otlp_refused_requests', 'request', 'Requests refused as a whole, by reason.'),
        fromZero: transports.flatMap((labels) => refusalReasons.map((reason) => ({ ...labels, reason }))),
      },
    }),
    rejectedProfiles: event({
      counter: alerting(
        'framekeeper_otlp_rejected_profiles',
        'profile',
        'Profiles at fault in requests whose other profiles were taken.',
      ),
    }),
    loopedProfiles: event({
      counter: alerting(
        'framekeeper_otlp_looped_profiles',
        'profile',
        'Profiles of this process that came back to it and were dropped.',
      ),
      line: line('error', 'Dropped profiles of this service that came back to it: exporters form a loop.'),
    }),
    mendedTexts: event({
      counter: counter(
        'framekeeper_otlp_mended_texts',
        'text',
        'Texts that were not UTF-8, whose wrong bytes became U+FFFD.',
      ),
      line: line('warn', 'Mended texts of a request that were not UTF-8.'),
    }),
    convertedRequests: event({
      counter: counter(
        'framekeeper_otlp_converted_requests',
        'request',
        'Requests of older versions of the protocol that were converted, by version.',
      ),
    }),
    refusedLoop: event({ line: line('error', 'Refused a request that goes round in a loop.') }),
    refusal: event({ line: line('warn', 'Refused a request.') }),
    partTaken: event({ line: line('warn', 'Took a request without its faulty profiles and samples.') }),
    fault: event({
      line: { level: 'error', message: 'Could not handle a request because of a fault of this service.' },
    }),
  };
}
