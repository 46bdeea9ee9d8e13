import type { Attributes, Counter, Meter } from '@opentelemetry/api';
import type { ExportRequest } from '../exporters/export-request.ts';
import { createEncodedRequest, createExportRequest, createLentRequest } from '../exporters/export-request.ts';
import { LargeRequests } from '../exporters/large-requests.ts';
import type { ProfilesExporter } from '../exporters/profiles-exporter.ts';
import type { EditedResources } from '../otlp/passable/edit-resources.ts';
import { attributesOfResources, editResources, hasAttributeKey } from '../otlp/passable/edit-resources.ts';
import { KnownResources } from '../otlp/passable/known-resources.ts';
import type { NotPassableReason } from '../otlp/passable/not-passable.ts';
import type { PassableProfiles, ScanResult } from '../otlp/passable/passable-scanner.ts';
import { PassableScanner } from '../otlp/passable/passable-scanner.ts';
import type { ProfilesData } from '../otlp/profiles-data.ts';
import { countSamples } from '../otlp/profiles-data.ts';
import type { ResourceContext, ResourceEditor } from '../otlp/resource-edit.ts';
import { attributeNames } from '../profile/attribute-names.ts';
import { enrichPassable, isNameUnderWay } from '../profile/names/enrich-passable.ts';
import type { LocationCounts } from '../profile/names/enrich-profiles.ts';
import { enrichProfiles } from '../profile/names/enrich-profiles.ts';
import { LearnedLately } from '../profile/names/learned-lately.ts';
import type { NamingSession } from '../profile/names/location-naming.ts';
import { processesOfLocations, processesOfPassable } from '../profile/names/processes-of-locations.ts';
import type { UnnamedFrames } from '../profile/names/unnamed-frames.ts';
import { editProfiles } from '../profile/resources/edit-profiles.ts';
import { serviceNameDefault } from '../profile/resources/service-name.ts';
import type { ProfilesSink, ReceivedProfiles, SinkAnswer } from '../receivers/otlp/profiles-sink.ts';
import { createUnresolvedCounter } from '../reporter/reporter-events.ts';
import type { Clock } from '../support/clock.ts';
import { inOnePiece } from '../support/gather-bytes.ts';
import type { Steps } from '../support/steps.ts';
import { atOnce, WorkQueue } from '../support/steps.ts';
import { offerToAll } from './fan-out.ts';
import type { NodeNames } from './node-names.ts';
import { createLocationCounter, namingAt } from './node-names.ts';

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

/** A thread filters a large request in seconds. */
const filterRetryMs = 2_000;

/** Sends OTLP profiles on, request by request, with the names that the store has for them. */
export class PassThrough implements ProfilesSink {
  readonly #parts: PassThroughParts;
  readonly #editor: ResourceEditor;
  readonly #locations: Counter;
  readonly #requests: Counter;
  readonly #unresolved: Counter;
  readonly #lately: LearnedLately;
  readonly #resources = new KnownResources();
  /** Of requests that waited for names. */
  readonly #scanner = new PassableScanner();
  readonly #large: WorkQueue;
  readonly #rewriting: LargeRequests;

  constructor(parts: PassThroughParts) {
    this.#parts = parts;
    this.#editor = parts.editor ?? serviceNameDefault;
    this.#large = new WorkQueue(parts.clock);
    this.#rewriting = new LargeRequests(parts.clock);
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
    if (received.isLarge) return this.#submitLarge(received, hops, signal);
    const { holdMs } = this.#parts.names;
    const named = atOnce(this.#name(received));
    const isUnderWay = holdMs > 0 && named.locations.unnamed.some(({ reason }) => reason === 'under_way');
    if (isUnderWay) return this.#hold(received, hops, signal);
    const settled = atOnce(this.#lookUp(named));
    if (settled === undefined) return this.#send(atOnce(this.#identify(named, received, hops)), signal);
    return settled.then(() => this.#send(atOnce(this.#identify(named, received, hops)), signal));
  }

  /** Waits for names under way, no longer than `hold`. */
  async #hold(received: ReceivedProfiles, hops: number, signal?: AbortSignal): Promise<SinkAnswer> {
    const { native, holdMs } = this.#parts.names;
    await native?.untilIdle(holdMs);
    const { scan } = received;
    // The scanner's columns are those of another message by now.
    const again = scan.kind === 'passable' ? this.#scanner.scan(scan.profiles.bytes, true) : scan;
    const named = atOnce(this.#name(received, again));
    await atOnce(this.#lookUp(named));
    return this.#send(atOnce(this.#identify(named, received, hops)), signal);
  }

  /**
   * The same in slices, and without decoding: its columns belong to it alone. Frames in memory get no names, equal locations and
   * resources stay two, and entries of the dictionary stay that a dropped resource alone used. A thread filters its samples.
   */
  async #submitLarge(received: ReceivedProfiles, hops: number, signal?: AbortSignal): Promise<SinkAnswer> {
    const { scan, bytes, sampleCount } = received;
    // Not even in our own form can it be scanned: an ID has the wrong length, or a number is none.
    if (scan.kind === 'not_passable') {
      return this.#send(withoutNames(createEncodedRequest(bytes!, sampleCount, hops), scan.reason), signal);
    }
    const { native, holdMs } = this.#parts.names;
    const isHeld = holdMs > 0 && (await this.#large.add(isNameUnderWay(scan.profiles, this.#beginNaming(received))));
    if (isHeld) await native?.untilIdle(holdMs);
    const named = await this.#large.add(this.#name(received));
    await await this.#large.add(this.#lookUp(named));
    const identified = await this.#large.add(this.#identify(named, received, hops));
    if (identified.filters !== undefined && this.#rewriting.isBusy) {
      return { kind: 'busy', reason: 'large requests wait to be filtered', retryAfterMs: filterRetryMs };
    }
    return this.#send(await this.#filter(identified, received, hops), signal);
  }

  /** Leaves out the samples that filters drop: by a thread, and here where that has not managed it. */
  async #filter(identified: EnrichedRequest, received: ReceivedProfiles, hops: number): Promise<EnrichedRequest> {
    const { filters, request } = identified;
    if (filters === undefined) return identified;
    const filtered = await this.#rewriting.filter(request.encoded(), filters);
    if (filtered === undefined) return atOnce(this.#identify(this.#rebuild(received, 'resources'), received, hops));
    for (const [by, samples] of filtered.droppedBy) this.#editor.countDropped(by, samples);
    return { ...identified, request: createEncodedRequest(filtered.bytes, filtered.sampleCount, hops) };
  }

  /** Begins to look up what the identity of the request needs; `undefined` when nothing has to be waited for. */
  *#lookUp(named: NamedRequest): Steps<Promise<void> | undefined> {
    const editor = this.#editor;
    if (editor.settled === undefined || editor.foresee === undefined) return undefined;
    const resources =
      named.kind === 'bytes'
        ? yield* attributesOfResources(named.bytes, this.#resources)
        : named.data.resourceProfiles.map(({ resource }) => resource.attributes);
    editor.foresee(resources);
    return editor.settled();
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

  /** The request with the store's names, around the bytes of its samples where they can stay. */
  *#name(received: ReceivedProfiles, scan: ScanResult = received.scan): Steps<NamedRequest> {
    if (scan.kind === 'not_passable') return this.#rebuild(received, scan.reason);
    const { profiles } = scan;
    const { isLarge = false } = received;
    const isServiceOnSamples = hasAttributeKey(profiles, attributeNames.serviceName);
    const options = { lately: this.#lately, leavesEqual: isLarge };
    const locations = yield* enrichPassable(profiles, this.#beginNaming(received, profiles), options);
    if (locations === undefined) return this.#rebuild(received, 'same_location');
    const { bytes, namedLocations } = locations;
    const way = namedLocations > 0 ? 'named' : bytes === profiles.bytes ? 'as_it_was' : 'inlined';
    return { kind: 'bytes', bytes, context: { isServiceOnSamples }, isLarge, locations, way };
  }

  #rebuild(received: ReceivedProfiles, reason: string): NamedRequest & { kind: 'data' } {
    const { scan } = received;
    // Of these the scan has found no two equal entries.
    const isDistinct = scan.kind === 'passable' || scan.reason === 'orphan';
    const { data, ...locations } = enrichProfiles(received.data, this.#beginNaming(received), isDistinct);
    received.release?.('columns');
    this.#lately.forget();
    return { kind: 'data', data, locations, reason };
  }

  #beginNaming(received: ReceivedProfiles, scanned?: PassableProfiles): NamingSession {
    const { names, clock } = this.#parts;
    const nowMs = clock.nowMs();
    this.#lately.begin(nowMs, names.store.earlyRemovals);
    const readProcesses = (): Float64Array =>
      scanned === undefined || scanned.hasReferences
        ? processesOfLocations(received.data)
        : processesOfPassable(scanned, this.#resources);
    return namingAt(names, nowMs, received.isLarge ? undefined : readProcesses);
  }

  *#identify(named: NamedRequest, received: ReceivedProfiles, hops: number): Steps<EnrichedRequest> {
    const { sampleCount } = received;
    const { unnamed } = named.locations;
    if (named.kind === 'bytes') {
      const { bytes, context, isLarge, locations, way } = named;
      const edited = yield* editResources(bytes, this.#editor, context, this.#resources, isLarge);
      if (edited === undefined) return yield* this.#identify(this.#rebuild(received, 'resources'), received, hops);
      let keptSamples = sampleCount;
      for (const { samples } of edited.dropped) keptSamples -= samples;
      const request = yield* this.#encoded(edited, received, keptSamples, hops);
      const isChanged = edited.pieces[0] !== bytes && way !== 'named';
      const { filters, dropped } = edited;
      const told = { way: { way: isChanged ? 'identified' : way }, dropped };
      return { request, unnamed, locations, ...told, ...(filters && { filters }) };
    }
    const { data: before, locations, reason } = named;
    const data = editProfiles(before, this.#editor);
    const request = createExportRequest(data, data === before ? sampleCount : countSamples(data), hops);
    return { request, unnamed, locations, way: { way: 'rebuilt', reason } };
  }

  /** The request of edited pieces; tells the receiver which of its memory is of use any longer. */
  *#encoded(
    { pieces, filters }: EditedResources,
    received: ReceivedProfiles,
    sampleCount: number,
    hops: number,
  ): Steps<ExportRequest> {
    const { exporters, watchers = [] } = this.#parts;
    const { scan } = received;
    const message = scan.kind === 'passable' ? scan.profiles.bytes.buffer : undefined;
    const isOfMessage = pieces.some(({ buffer }) => buffer === message);
    // A message whose filters the thread does not manage is decoded after all.
    const isKept = filters !== undefined || message === undefined;
    // Watchers hold on to the bytes.
    if (isOfMessage && !isKept && watchers.length === 0) {
      const giveBack = received.lend?.() ?? nothing;
      return createLentRequest(pieces, { buffer: message, holders: exporters.length, giveBack }, sampleCount, hops);
    }
    const whole = yield* inOnePiece(pieces);
    received.release?.(isKept || whole.buffer === message ? 'columns' : 'columns and bytes');
    return createEncodedRequest(whole, sampleCount, hops);
  }

  #count({ locations, way, dropped = [] }: EnrichedRequest): void {
    for (const { by, samples } of dropped) this.#editor.countDropped(by, samples);
    this.#locations.add(locations.learnedLocations, { outcome: 'learned' });
    this.#locations.add(locations.namedLocations, { outcome: 'named' });
    this.#locations.add(locations.unnamedLocations, { outcome: 'unnamed' });
    for (const { reason, frameType, count } of locations.unnamed) {
      this.#unresolved.add(count, { reason, frame_type: frameType });
    }
    this.#requests.add(1, way);
  }
}

const nothing = (): void => undefined;

function withoutNames(request: ExportRequest, reason: NotPassableReason): EnrichedRequest {
  const locations = { learnedLocations: 0, namedLocations: 0, unnamedLocations: 0, unnamed: [] };
  return { request, unnamed: [], locations, way: { way: 'rebuilt', reason } };
}

/** A request with names, before its resources are edited. */
type NamedRequest =
  | {
      readonly kind: 'bytes';
      readonly bytes: Uint8Array;
      readonly context: ResourceContext;
      readonly isLarge: boolean;
      readonly locations: LocationCounts;
      readonly way: 'named' | 'as_it_was' | 'inlined';
    }
  | {
      readonly kind: 'data';
      readonly data: ProfilesData;
      readonly locations: LocationCounts;
      /** Reason why the request was rebuilt. */
      readonly reason: string;
    };

interface EnrichedRequest {
  readonly request: ExportRequest;
  readonly unnamed: readonly UnnamedFrames[];
  readonly locations: LocationCounts;
  /** Way of the request, with the reason of a rebuilt one. */
  readonly way: Attributes;
  /** Samples of resources that were left out and are not counted yet. */
  readonly dropped?: EditedResources['dropped'];
  /** Filters that are still to be applied, by resource. */
  readonly filters?: EditedResources['filters'];
}
