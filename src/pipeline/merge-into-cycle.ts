import type { Counter, Meter } from '@opentelemetry/api';
import type { AdmissionRefusal } from '../model/admission.ts';
import { locationColumnsOf } from '../otlp/location-columns.ts';
import type { Profile, ProfilesData } from '../otlp/profiles-data.ts';
import type { ResourceEditor } from '../otlp/resource-edit.ts';
import { countTimestamps } from '../otlp/sample-columns.ts';
import type { TimeRange } from '../profile/build/window-contents.ts';
import type { CreateProfileId } from '../profile/join/joined-profile.ts';
import { ProfilesJoiner } from '../profile/join/profiles-joiner.ts';
import { DictionaryNaming } from '../profile/names/dictionary-naming.ts';
import { processesOfLocations } from '../profile/names/processes-of-locations.ts';
import type { UnnamedFrames } from '../profile/names/unnamed-frames.ts';
import { UnnamedTally } from '../profile/names/unnamed-frames.ts';
import { editProfiles } from '../profile/resources/edit-profiles.ts';
import { serviceNameDefault } from '../profile/resources/service-name.ts';
import type { HoldingSink, ProfilesSink, ReceivedProfiles, SinkAnswer } from '../receivers/otlp/profiles-sink.ts';
import type { JoinedReport, MergedProfiles, TakenProfiles, WindowUsage } from '../reporter/merged-profiles.ts';
import type { WindowLimits } from '../reporter/trace-intake.ts';
import type { Clock } from '../support/clock.ts';
import type { Steps } from '../support/steps.ts';
import type { NodeNames } from './node-names.ts';
import { createLocationCounter, namingAt } from './node-names.ts';

export interface MergeParts {
  readonly names: NodeNames;
  /** Identity of resources, those of trace events too; by default they get a `service.name` alone. */
  readonly editor?: ResourceEditor;
  readonly limits: WindowLimits;
  /** Usage of the same bounds by the window of raw frame samples. */
  readonly window: () => WindowUsage;
  readonly clock: Clock;
  readonly meter: Meter;
  /** 16 random bytes a call. */
  readonly createProfileId: () => Uint8Array;
}

/** A request is decoded and joined at some 40 ms a MiB, or a microsecond an element. */
const mostJoinedBytes = 512 * 1024;
const mostJoinedElements = 32_768;

/**
 * Keeps OTLP profiles until the tick and lets them leave with the report of the cycle, as one request. A request is named and
 * joined with the others when it comes, so that the tick has little left to do: it looks once more for names, and adds the
 * profiles of the window.
 */
export class MergeIntoCycle implements HoldingSink, MergedProfiles {
  readonly #parts: MergeParts;
  readonly #editor: ResourceEditor;
  readonly #locations: Counter;
  #joiner: ProfilesJoiner;
  #rejectedSamples = 0;

  constructor(parts: MergeParts) {
    this.#parts = parts;
    this.#editor = parts.editor ?? serviceNameDefault;
    this.#locations = createLocationCounter(parts.meter);
    this.#joiner = new ProfilesJoiner(keepId);
  }

  get usage(): WindowUsage {
    return { events: this.#joiner.timestampCount, bytes: this.#joiner.sizeBytes };
  }

  /** Samples that were not taken so far because the window was full. */
  get rejectedSamples(): number {
    return this.#rejectedSamples;
  }

  /** False for a request that would stop the loop for long while it is decoded and joined: it passes alone, and loses little by that. */
  canHold({ scan, isLarge }: ReceivedProfiles): boolean {
    if (isLarge) return false;
    if (scan.kind === 'not_passable') return true;
    const { bytes, columns, sampleCount } = scan.profiles;
    return bytes.length <= mostJoinedBytes && sampleCount + sum(columns.counts) <= mostJoinedElements;
  }

  /** Takes all of a request, or nothing of it when the window has no room for it. */
  submit(received: ReceivedProfiles): SinkAnswer {
    const refusal = this.refuse(received);
    if (refusal !== undefined) return refusal;
    this.hold(received.data);
    return { kind: 'accepted' };
  }

  refuse({ data, sampleCount }: ReceivedProfiles): SinkAnswer | undefined {
    if (this.#hasRoomFor(data)) return undefined;
    this.#rejectedSamples += sampleCount;
    return { kind: 'busy', reason: this.#fullReason, retryAfterMs: this.#parts.limits.retryDelayMs };
  }

  /** Refuses whatever comes to a full window, so that nobody decodes what has no room. */
  readonly admission = (): AdmissionRefusal | undefined =>
    this.#isFull ? { reason: this.#fullReason, retryDelayMs: this.#parts.limits.retryDelayMs } : undefined;

  get #fullReason(): string {
    const { maxEvents, maxBytes } = this.#parts.limits;
    return `the window of this reporting cycle is full (max_events ${maxEvents}, max_bytes ${maxBytes})`;
  }

  get #isFull(): boolean {
    const { limits, window } = this.#parts;
    const { events, bytes } = window();
    return events + this.#joiner.timestampCount >= limits.maxEvents || bytes + this.#joiner.sizeBytes > limits.maxBytes;
  }

  hold(data: ProfilesData): void {
    const naming = this.#learn(data);
    const resources = data.resourceProfiles.map(({ resource }) => resource.attributes);
    this.#editor.foresee?.(resources);
    let named = 0;
    this.#joiner.add(data, {
      linesIn: (target) => {
        const addLines = naming.linesIn(target);
        return (location) => {
          if (addLines(location) > 0) named++;
        };
      },
    });
    this.#locations.add(named, { outcome: 'named' });
  }

  learn(data: ProfilesData): void {
    this.#learn(data);
  }

  take(): TakenProfiles {
    const taken = [this.#joiner];
    this.#joiner = new ProfilesJoiner(keepId);
    // Let go of here: who takes the report holds on to this while the report is encoded.
    return { joinWith: (frames, range, nowMs) => this.#join(taken.pop()!, frames, range, nowMs) };
  }

  *#join(kept: ProfilesJoiner, frames: ProfilesData | undefined, range: TimeRange, nowMs: number): Steps<JoinedReport> {
    if (kept.isEmpty) return { data: frames && this.#identify(frames), eventCount: 0, unresolved: [] };
    const eventCount = kept.timestampCount;
    const { joined, unresolved } = yield* this.#withLateNames(kept, nowMs);
    // Samples from before or after the cycle have a profile of their own, and the others must not begin with them.
    const joins = ({ timeUnixNano }: Profile): 'profiles' | 'samples' =>
      timeUnixNano === range.startUnixNano ? 'profiles' : 'samples';
    if (frames !== undefined) yield* joined.addInSteps(frames, { joins });
    return { data: this.#identify(withNewIds(joined.build(), this.#parts.createProfileId)), eventCount, unresolved };
  }

  /** Once, at the tick: what was learned of a process meanwhile counts for all of its samples. */
  #identify(data: ProfilesData): ProfilesData | undefined {
    const edited = editProfiles(data, this.#editor);
    return edited.resourceProfiles.length === 0 ? undefined : edited;
  }

  #learn(data: ProfilesData): DictionaryNaming {
    const { names, clock } = this.#parts;
    const naming = new DictionaryNaming(
      data.dictionary,
      namingAt(names, clock.nowMs(), () => processesOfLocations(data)),
    );
    this.#locations.add(naming.learnAll(data), { outcome: 'learned' });
    return naming;
  }

  /**
   * Room for all of its events; or else nothing is kept yet, so that a request with more than a window may hold goes alone, and
   * not never. What it takes in bytes is not known before it is joined: the bound may be exceeded by one request.
   */
  #hasRoomFor(data: ProfilesData): boolean {
    if (this.#isFull) return false;
    const { limits, window } = this.#parts;
    const events = window().events + this.#joiner.timestampCount;
    return this.#joiner.isEmpty || events + countTimestamps(data) <= limits.maxEvents;
  }

  /** The same with names that came after the request and before the tick. */
  *#withLateNames(
    kept: ProfilesJoiner,
    nowMs: number,
  ): Steps<{ joined: ProfilesJoiner; unresolved: readonly UnnamedFrames[] }> {
    const { names } = this.#parts;
    const locations = locationColumnsOf(kept.dictionary.locationTable);
    const naming = new DictionaryNaming(
      kept.dictionary,
      namingAt(names, nowMs, () => processesOfLocations(kept.build())),
    );
    const tally = new UnnamedTally();
    let unnamedCount = 0;
    let lateCount = 0;
    for (let index = 1; index < locations.length; index++) {
      if (index % locationsPerStep === 0) yield;
      if (locations.linesEnd(index) > locations.linesStart(index)) continue;
      if (naming.find(index) !== undefined) lateCount++;
      else {
        unnamedCount++;
        naming.countUnnamed(index, tally);
      }
    }
    const unresolved = tally.toArray();
    this.#locations.add(unnamedCount, { outcome: 'unnamed' });
    if (lateCount === 0) return { joined: kept, unresolved };
    this.#locations.add(lateCount, { outcome: 'named' });
    // Two locations may have become one, and so two stacks and two samples: all is joined anew.
    const named = new ProfilesJoiner(keepId);
    yield* named.addInSteps(kept.build(), { linesIn: (target) => naming.linesIn(target) });
    return { joined: named, unresolved };
  }
}

const keepId: CreateProfileId = (first) => first;

/** A report is made here, also where it has a profile of one request alone: by the ID of a profile its maker knows it again. */
function withNewIds(data: ProfilesData, createProfileId: () => Uint8Array): ProfilesData {
  const resourceProfiles = data.resourceProfiles.map((resource) => ({
    ...resource,
    scopeProfiles: resource.scopeProfiles.map((scope) => ({
      ...scope,
      profiles: scope.profiles.map((profile) => ({ ...profile, profileId: createProfileId() })),
    })),
  }));
  return { ...data, resourceProfiles };
}

/** Merges requests into the cycle, and passes those on that it cannot hold. */
export function mergeOrPass(merged: HoldingSink, passing: ProfilesSink): ProfilesSink {
  return {
    submit: (received, signal, hops) => (merged.canHold(received) ? merged : passing).submit(received, signal, hops),
  };
}

function sum(counts: Uint32Array): number {
  return counts.reduce((total, count) => total + count, 0);
}

const locationsPerStep = 64;
