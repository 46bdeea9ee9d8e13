import type { Attributes, Counter, Meter } from '@opentelemetry/api';
import type { ExportRequest } from '../exporters/export-request.ts';
import { createEncodedRequest, createExportRequest } from '../exporters/export-request.ts';
import type { ProfilesExporter } from '../exporters/profiles-exporter.ts';
import { editResources, hasAttributeKey } from '../otlp/passable/edit-resources.ts';
import type { PassableProfiles, ScanResult } from '../otlp/passable/passable-scanner.ts';
import { PassableScanner } from '../otlp/passable/passable-scanner.ts';
import { countSamples } from '../otlp/profiles-data.ts';
import type { ResourceEditor } from '../otlp/resource-edit.ts';
import { attributeNames } from '../profile/attribute-names.ts';
import { enrichPassable } from '../profile/names/enrich-passable.ts';
import type { LocationCounts } from '../profile/names/enrich-profiles.ts';
import { enrichProfiles } from '../profile/names/enrich-profiles.ts';
import { LearnedLately } from '../profile/names/learned-lately.ts';
import type { NamingSession } from '../profile/names/location-naming.ts';
import type { UnnamedFrames } from '../profile/names/unnamed-frames.ts';
import { editProfiles } from '../profile/resources/edit-profiles.ts';
import { serviceNameDefault } from '../profile/resources/service-name.ts';
import type { ProfilesSink, ReceivedProfiles, SinkAnswer } from '../receivers/otlp/profiles-sink.ts';
import { createUnresolvedCounter } from '../reporter/reporter-metrics.ts';
import type { Clock } from '../support/clock.ts';
import { offerToAll } from './fan-out.ts';
import { createLocationCounter } from './location-counter.ts';
import type { NodeNames } from './node-names.ts';
import { namingAt } from './node-names.ts';

/** Receives each request that was taken, and its frames without a name. */
export type PassWatcher = (request: ExportRequest, unnamed: readonly UnnamedFrames[]) => void;

export interface PassThroughParts {
  readonly names: NodeNames;
  /** Identity of resources; by default they get a `service.name` alone. */
  readonly editor?: ResourceEditor;
  readonly exporters: readonly ProfilesExporter[];
  /** Called with every request that was taken. */
  readonly watchers?: readonly PassWatcher[];
  readonly clock: Clock;
  readonly meter: Meter;
}

/** Sends OTLP profiles on, request by request, with the names that the store has for them. */
export class PassThrough implements ProfilesSink {
  readonly #parts: PassThroughParts;
  readonly #editor: ResourceEditor;
  readonly #locations: Counter;
  readonly #requests: Counter;
  readonly #unresolved: Counter;
  readonly #lately: LearnedLately;
  /** Of requests that waited for names. */
  readonly #scanner = new PassableScanner();

  constructor(parts: PassThroughParts) {
    this.#parts = parts;
    this.#editor = parts.editor ?? serviceNameDefault;
    this.#lately = new LearnedLately(parts.names.store.lifetimeMs);
    this.#locations = createLocationCounter(parts.meter);
    this.#unresolved = createUnresolvedCounter(parts.meter);
    this.#requests = parts.meter.createCounter('framekeeper_otlp_passed_requests', {
      description:
        'OTLP requests passed on: as they were, with names added, with attributes of resources changed, with references inlined, or rebuilt, and why.',
      unit: '{request}',
    });
  }

  submit(received: ReceivedProfiles, signal?: AbortSignal, hops = 0): SinkAnswer | Promise<SinkAnswer> {
    const { holdMs } = this.#parts.names;
    const enriched = this.#enrich(received, hops);
    const isUnderWay = holdMs > 0 && enriched.unnamed.some(({ reason }) => reason === 'under_way');
    return isUnderWay ? this.#hold(received, hops, signal) : this.#send(enriched, signal);
  }

  /** Waits for names under way, no longer than `hold`. */
  async #hold(received: ReceivedProfiles, hops: number, signal?: AbortSignal): Promise<SinkAnswer> {
    const { native, holdMs } = this.#parts.names;
    await native?.untilIdle(holdMs);
    const { scan } = received;
    // The scanner's columns are those of another message by now.
    const again = scan.kind === 'passable' ? this.#scanner.scan(scan.profiles.bytes, true) : scan;
    return this.#send(this.#enrich(received, hops, again), signal);
  }

  #send(enriched: EnrichedRequest, signal?: AbortSignal): SinkAnswer | Promise<SinkAnswer> {
    this.#count(enriched);
    // A filter left nothing of it.
    if (enriched.request.sampleCount === 0) return { kind: 'accepted' };
    return this.#show(enriched, offerToAll(this.#parts.exporters, enriched.request, signal));
  }

  /** Shows watchers the request once an exporter has taken it. */
  #show(enriched: EnrichedRequest, answer: SinkAnswer | Promise<SinkAnswer>): SinkAnswer | Promise<SinkAnswer> {
    const { watchers = [] } = this.#parts;
    if (watchers.length === 0) return answer;
    if (answer instanceof Promise) return answer.then((late) => this.#show(enriched, late));
    if (answer.kind === 'accepted') for (const watch of watchers) watch(enriched.request, enriched.unnamed);
    return answer;
  }

  #enrich(received: ReceivedProfiles, hops: number, scan: ScanResult = received.scan): EnrichedRequest {
    const { names, clock } = this.#parts;
    const nowMs = clock.nowMs();
    const session = namingAt(names, nowMs, () => received.data);
    this.#lately.begin(nowMs, names.store.earlyRemovals);
    const { sampleCount } = received;
    const around = scan.kind === 'passable' ? this.#aroundBytes(scan.profiles, session, { sampleCount, hops }) : scan;
    if ('request' in around) return around;
    const rebuilt = enrichProfiles(received.data, session);
    this.#lately.forget();
    const way = { way: 'rebuilt', reason: around.reason };
    const data = editProfiles(rebuilt.data, this.#editor);
    const request = createExportRequest(data, data === rebuilt.data ? sampleCount : countSamples(data), hops);
    return { request, unnamed: rebuilt.unnamed, locations: rebuilt, way };
  }

  /** The request with names and attributes around the bytes of its samples, or the reason why it has to be rebuilt. */
  #aroundBytes(
    profiles: PassableProfiles,
    session: NamingSession,
    { sampleCount, hops }: Pick<ExportRequest, 'sampleCount' | 'hops'>,
  ): EnrichedRequest | { readonly reason: string } {
    const isServiceOnSamples = hasAttributeKey(profiles, attributeNames.serviceName);
    const named = enrichPassable(profiles, session, this.#lately);
    if (named === undefined) return { reason: 'same_location' };
    const bytes = editResources(named.bytes, this.#editor, { isServiceOnSamples });
    if (bytes === undefined) return { reason: 'resources' };
    const changed = bytes === profiles.bytes ? 'as_it_was' : bytes === named.bytes ? 'inlined' : 'identified';
    const way = { way: named.namedLocations > 0 ? 'named' : changed };
    return { request: createEncodedRequest(bytes, sampleCount, hops), unnamed: named.unnamed, locations: named, way };
  }

  #count({ locations, way }: EnrichedRequest): void {
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
  readonly locations: LocationCounts;
  /** Way of the request, with the reason of a rebuilt one. */
  readonly way: Attributes;
}
