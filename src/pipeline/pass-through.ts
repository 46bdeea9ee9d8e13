import type { Attributes, Counter, Meter } from '@opentelemetry/api';
import type { ExportRequest } from '../exporters/export-request.ts';
import { createEncodedRequest, createExportRequest } from '../exporters/export-request.ts';
import type { ProfilesExporter } from '../exporters/profiles-exporter.ts';
import { enrichPassable } from '../profile/names/enrich-passable.ts';
import type { LocationCounts } from '../profile/names/enrich-profiles.ts';
import { enrichProfiles } from '../profile/names/enrich-profiles.ts';
import type { NamingSession } from '../profile/names/location-naming.ts';
import type { UnnamedFrames } from '../profile/names/unnamed-frames.ts';
import type { ProfilesSink, ReceivedProfiles, SinkAnswer } from '../receivers/otlp/profiles-sink.ts';
import { createUnresolvedCounter } from '../reporter/reporter-metrics.ts';
import type { Clock } from '../support/clock.ts';
import type { SymbolStore } from '../symbols/symbol-store.ts';
import { offerToAll } from './fan-out.ts';
import { createLocationCounter } from './location-counter.ts';

/** Is told of a request that was taken, and of its frames without a name. */
export type PassWatcher = (request: ExportRequest, unnamed: readonly UnnamedFrames[]) => void;

export interface PassThroughParts {
  readonly store: SymbolStore;
  readonly exporters: readonly ProfilesExporter[];
  /** Shown every request that was taken. */
  readonly watchers?: readonly PassWatcher[];
  readonly clock: Clock;
  readonly meter: Meter;
}

/** Sends OTLP profiles on, request by request, with the names that the store has for them. */
export class PassThrough implements ProfilesSink {
  readonly #parts: PassThroughParts;
  readonly #locations: Counter;
  readonly #requests: Counter;
  readonly #unresolved: Counter;

  constructor(parts: PassThroughParts) {
    this.#parts = parts;
    this.#locations = createLocationCounter(parts.meter);
    this.#unresolved = createUnresolvedCounter(parts.meter);
    this.#requests = parts.meter.createCounter('framekeeper_otlp_passed_requests', {
      description:
        'OTLP requests passed on: as they were, with names added, with references inlined, or rebuilt, and why.',
      unit: '{request}',
    });
  }

  submit(received: ReceivedProfiles, signal?: AbortSignal): SinkAnswer | Promise<SinkAnswer> {
    const { store, exporters, clock } = this.#parts;
    const enriched = this.#enrich(received, store.at(clock.nowMs()));
    return this.#show(enriched, offerToAll(exporters, enriched.request, signal));
  }

  /** Whoever watches sees what was taken, when that is known. */
  #show(enriched: EnrichedRequest, answer: SinkAnswer | Promise<SinkAnswer>): SinkAnswer | Promise<SinkAnswer> {
    const { watchers = [] } = this.#parts;
    if (watchers.length === 0) return answer;
    if (answer instanceof Promise) return answer.then((late) => this.#show(enriched, late));
    if (answer.kind === 'accepted') for (const watch of watchers) watch(enriched.request, enriched.unnamed);
    return answer;
  }

  #enrich(received: ReceivedProfiles, names: NamingSession): EnrichedRequest {
    const { scan, sampleCount } = received;
    const kept = scan.kind === 'passable' ? enrichPassable(scan.profiles, names) : undefined;
    if (scan.kind === 'passable' && kept !== undefined) {
      const isSame = kept.bytes === scan.profiles.bytes;
      this.#count(kept, { way: kept.namedLocations > 0 ? 'named' : isSame ? 'as_it_was' : 'inlined' });
      return { request: createEncodedRequest(kept.bytes, sampleCount), unnamed: kept.unnamed };
    }
    const rebuilt = enrichProfiles(received.data, names);
    this.#count(rebuilt, { way: 'rebuilt', reason: scan.kind === 'passable' ? 'same_location' : scan.reason });
    return { request: createExportRequest(rebuilt.data, sampleCount), unnamed: rebuilt.unnamed };
  }

  #count(locations: LocationCounts, way: Attributes): void {
    this.#locations.add(locations.learnedLocations, { outcome: 'learned' });
    this.#locations.add(locations.namedLocations, { outcome: 'named' });
    this.#locations.add(locations.unnamedLocations, { outcome: 'unnamed' });
    for (const { reason, frameType, count } of locations.unnamed) {
      this.#unresolved.add(count, { reason, frame_type: frameType });
    }
    this.#requests.add(1, way);
  }
}

interface EnrichedRequest {
  readonly request: ExportRequest;
  readonly unnamed: readonly UnnamedFrames[];
}
