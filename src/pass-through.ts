import type { Counter, Meter } from '@opentelemetry/api';
import { createExportRequest } from './exporters/create-export-request.ts';
import type { ExportRequest, ProfilesExporter } from './exporters/export-request.ts';
import { bookOf, createLocationCounter } from './name-book-of-store.ts';
import { enrichProfiles } from './profile/enrich-profiles.ts';
import type { ProfilesSink, ReceivedProfiles, SinkAnswer } from './receivers/otlp/profiles-sink.ts';
import type { Clock } from './support/clock.ts';
import type { SymbolStore } from './symbols/symbol-store.ts';

export interface PassThroughParts {
  readonly store: SymbolStore;
  /** Whether no reporting cycle drops what is past its lifetime in the store. */
  readonly ownsStore: boolean;
  readonly exporters: readonly ProfilesExporter[];
  /** Shown every request that was taken. */
  readonly watchers?: readonly ((request: ExportRequest) => void)[];
  readonly clock: Clock;
  readonly meter: Meter;
}

/** A queue has room again as soon as one request has left it. */
const retryAfterMs = 1_000;
/** As often as a reporting cycle would. */
const purgeIntervalMs = 5_000;

const busy: SinkAnswer = { kind: 'busy', reason: 'the sending queue of every exporter is full', retryAfterMs };

/** Sends OTLP profiles on, request by request, with the names that the store has for them. */
export class PassThrough implements ProfilesSink {
  readonly #parts: PassThroughParts;
  readonly #locations: Counter;
  #purgeAfterMs = 0;

  constructor(parts: PassThroughParts) {
    this.#parts = parts;
    this.#locations = createLocationCounter(parts.meter);
  }

  /** Taken as soon as one exporter takes it; those that do not have counted it as lost. */
  submit({ data, sampleCount }: ReceivedProfiles): SinkAnswer {
    const { store, ownsStore, exporters, clock } = this.#parts;
    const nowMs = clock.nowMs();
    const enriched = enrichProfiles(data, bookOf(store, nowMs));
    this.#locations.add(enriched.learnedLocations, { outcome: 'learned' });
    this.#locations.add(enriched.namedLocations, { outcome: 'named' });
    this.#locations.add(enriched.unnamedLocations, { outcome: 'unnamed' });
    if (ownsStore && nowMs >= this.#purgeAfterMs) {
      this.#purgeAfterMs = nowMs + purgeIntervalMs;
      store.purge(nowMs);
    }
    const request = createExportRequest(enriched.data, sampleCount);
    const answers = exporters.map((exporter) => exporter.offer(request));
    if (!answers.includes(true)) return busy;
    for (const watch of this.#parts.watchers ?? []) watch(request);
    return { kind: 'accepted' };
  }
}
