import type { Attributes, Counter, Meter } from '@opentelemetry/api';
import type { ExportRequest } from '../exporters/export-request.ts';
import { createEncodedRequest, createExportRequest } from '../exporters/export-request.ts';
import type { ProfilesExporter } from '../exporters/profiles-exporter.ts';
import { enrichPassable } from '../profile/names/enrich-passable.ts';
import type { LocationCounts } from '../profile/names/enrich-profiles.ts';
import { enrichProfiles } from '../profile/names/enrich-profiles.ts';
import type { NamingSession } from '../profile/names/location-naming.ts';
import type { ProfilesSink, ReceivedProfiles, SinkAnswer } from '../receivers/otlp/profiles-sink.ts';
import type { Clock } from '../support/clock.ts';
import type { SymbolStore } from '../symbols/symbol-store.ts';
import { offerToAll } from './fan-out.ts';
import { createLocationCounter } from './location-counter.ts';

export interface PassThroughParts {
  readonly store: SymbolStore;
  readonly exporters: readonly ProfilesExporter[];
  /** Shown every request that was taken. */
  readonly watchers?: readonly ((request: ExportRequest) => void)[];
  readonly clock: Clock;
  readonly meter: Meter;
}

/** Sends OTLP profiles on, request by request, with the names that the store has for them. */
export class PassThrough implements ProfilesSink {
  readonly #parts: PassThroughParts;
  readonly #locations: Counter;
  readonly #requests: Counter;

  constructor(parts: PassThroughParts) {
    this.#parts = parts;
    this.#locations = createLocationCounter(parts.meter);
    this.#requests = parts.meter.createCounter('framekeeper_otlp_passed_requests', {
      description:
        'OTLP requests passed on: as they were, with names added, with references inlined, or rebuilt, and why.',
      unit: '{request}',
    });
  }

  submit(received: ReceivedProfiles, signal?: AbortSignal): SinkAnswer | Promise<SinkAnswer> {
    const { store, exporters, clock } = this.#parts;
    const request = this.#enrich(received, store.at(clock.nowMs()));
    return this.#show(request, offerToAll(exporters, request, signal));
  }

  /** Whoever watches sees what was taken, when that is known. */
  #show(request: ExportRequest, answer: SinkAnswer | Promise<SinkAnswer>): SinkAnswer | Promise<SinkAnswer> {
    const { watchers = [] } = this.#parts;
    if (watchers.length === 0) return answer;
    if (answer instanceof Promise) return answer.then((late) => this.#show(request, late));
    if (answer.kind === 'accepted') for (const watch of watchers) watch(request);
    return answer;
  }

  #enrich(received: ReceivedProfiles, names: NamingSession): ExportRequest {
    const { scan, sampleCount } = received;
    const kept = scan.kind === 'passable' ? enrichPassable(scan.profiles, names) : undefined;
    if (scan.kind === 'passable' && kept !== undefined) {
      const isSame = kept.bytes === scan.profiles.bytes;
      this.#count(kept, { way: kept.namedLocations > 0 ? 'named' : isSame ? 'as_it_was' : 'inlined' });
      return createEncodedRequest(kept.bytes, sampleCount);
    }
    const rebuilt = enrichProfiles(received.data, names);
    this.#count(rebuilt, { way: 'rebuilt', reason: scan.kind === 'passable' ? 'same_location' : scan.reason });
    return createExportRequest(rebuilt.data, sampleCount);
  }

  #count(locations: LocationCounts, way: Attributes): void {
    this.#locations.add(locations.learnedLocations, { outcome: 'learned' });
    this.#locations.add(locations.namedLocations, { outcome: 'named' });
    this.#locations.add(locations.unnamedLocations, { outcome: 'unnamed' });
    this.#requests.add(1, way);
  }
}
