import type { Attributes, Counter, Meter } from '@opentelemetry/api';
import type { WireVersion } from '../../otlp/protobuf/wire-version.ts';

export type Transport = 'grpc' | 'http';

const refusalReasons = [
  'invalid',
  'version',
  'loop',
  'too_large',
  'encoding',
  'not_admitted',
  'busy',
  'failed',
  'stopping',
  'internal',
] as const;

export type RefusalReason = (typeof refusalReasons)[number];

/** The instruments of one otlp receiver; the first two are the Collector's own. */
export class OtlpMetrics {
  readonly #receiver: string;
  readonly #acceptedSamples: Counter;
  readonly #refusedSamples: Counter;
  readonly #requests: Counter;
  readonly #refusedRequests: Counter;
  readonly #rejectedProfiles: Counter;
  readonly #loopedProfiles: Counter;
  readonly #convertedRequests: Counter;
  readonly #mendedTexts: Counter;

  /** Series of `transports` exist from the start. */
  constructor(meter: Meter, receiverId: string, transports: readonly Transport[] = []) {
    this.#receiver = receiverId;
    const counter = (name: string, unit: string, description: string): Counter =>
      meter.createCounter(name, { unit: `{${unit}}`, description });
    this.#acceptedSamples = counter('otelcol_receiver_accepted_profile_samples', 'sample', 'Samples taken.');
    this.#refusedSamples = counter('otelcol_receiver_refused_profile_samples', 'sample', 'Samples not taken.');
    this.#requests = counter('framekeeper_otlp_requests', 'request', 'Requests taken, in part or as a whole.');
    this.#refusedRequests = counter(
      'framekeeper_otlp_refused_requests',
      'request',
      'Requests refused as a whole, by reason.',
    );
    this.#rejectedProfiles = counter(
      'framekeeper_otlp_rejected_profiles',
      'profile',
      'Profiles at fault in requests whose other profiles were taken.',
    );
    this.#loopedProfiles = counter(
      'framekeeper_otlp_looped_profiles',
      'profile',
      'Profiles of this process that came back to it and were dropped.',
    );
    this.#mendedTexts = counter(
      'framekeeper_otlp_mended_texts',
      'text',
      'Texts that were not UTF-8, whose wrong bytes became U+FFFD.',
    );
    this.#convertedRequests = counter(
      'framekeeper_otlp_converted_requests',
      'request',
      'Requests of older versions of the protocol that were converted, by version.',
    );
    for (const attributes of transports.map((transport) => this.#attributes(transport))) {
      const alerting = [
        this.#acceptedSamples,
        this.#refusedSamples,
        this.#requests,
        this.#rejectedProfiles,
        this.#loopedProfiles,
      ];
      for (const started of alerting) started.add(0, attributes);
      for (const reason of refusalReasons) this.#refusedRequests.add(0, { ...attributes, reason });
    }
  }

  countLooped(transport: Transport, profiles: number): void {
    this.#loopedProfiles.add(profiles, this.#attributes(transport));
  }

  countMended(transport: Transport, texts: number): void {
    this.#mendedTexts.add(texts, this.#attributes(transport));
  }

  countTaken(transport: Transport, acceptedSamples: number): void {
    const attributes = this.#attributes(transport);
    this.#requests.add(1, attributes);
    this.#acceptedSamples.add(acceptedSamples, attributes);
  }

  countRejected(transport: Transport, profiles: number, samples: number): void {
    if (profiles > 0) this.#rejectedProfiles.add(profiles, this.#attributes(transport));
    if (samples > 0) this.#refusedSamples.add(samples, this.#attributes(transport));
  }

  /** `samples` is 0 where the request could not be read. */
  countRefused(transport: Transport, reason: RefusalReason, samples = 0): void {
    this.#refusedRequests.add(1, { ...this.#attributes(transport), reason });
    this.#refusedSamples.add(samples, this.#attributes(transport));
  }

  countVersion(transport: Transport, version: WireVersion): void {
    if (version === 'current') return;
    this.#convertedRequests.add(1, { ...this.#attributes(transport), version });
  }

  #attributes(transport: Transport): Attributes {
    return { receiver: this.#receiver, transport };
  }
}
