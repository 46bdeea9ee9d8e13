import { parentPort } from 'node:worker_threads';
import { encodeProfilesJson } from '../otlp/json/encode-profiles-json.ts';
import type { ProfilesData } from '../otlp/profiles-data.ts';
import { countSamples } from '../otlp/profiles-data.ts';
import { decodeProfilesData } from '../otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../otlp/protobuf/encode-profiles-data.ts';
import type { SampleFilter } from '../otlp/resource-edit.ts';
import { applyDialect } from '../profile/dialects/apply-dialect.ts';
import type { DialectName, DialectOptions } from '../profile/dialects/dialect.ts';
import { withFunctionsTwice } from '../profile/dialects/parca.ts';
import { mergeProfiles } from '../profile/join/profiles-joiner.ts';
import { filterSamples, keyOfTypes, stackTypesOf } from '../profile/resources/filter-samples.ts';
import type { SplitLimits, SplitResult } from '../profile/split/split-profiles.ts';
import { splitProfiles } from '../profile/split/split-profiles.ts';

/** Work on requests as protobuf. */
export type ExportTask =
  | {
      readonly kind: 'split';
      readonly requests: readonly [Uint8Array];
      readonly limits: Omit<SplitLimits, 'maxTotalBytes'>;
      readonly maxTotalBytes: number;
    }
  /** Merges several requests to one, and splits that where it is beyond the limits. */
  | {
      readonly kind: 'batch';
      readonly requests: readonly Uint8Array[];
      readonly limits: Pick<SplitLimits, 'maxBytes' | 'maxItems' | 'functionsTwice'>;
      /** Bound of all parts, as a multiple of the whole. */
      readonly maxGrowth: number;
    }
  | {
      readonly kind: 'dialect';
      readonly requests: readonly [Uint8Array];
      readonly dialect: DialectName;
      readonly options: DialectOptions;
    }
  /** Tells the sets of frame types that samples have. */
  | { readonly kind: 'types'; readonly requests: readonly [Uint8Array] }
  | {
      readonly kind: 'filter';
      readonly requests: readonly [Uint8Array];
      /** By resource; `undefined` where a resource keeps all samples. */
      readonly filters: readonly (readonly PlainFilter[] | undefined)[];
    }
  /** Writes each function twice, or all as JSON. */
  | { readonly kind: 'twice' | 'json'; readonly requests: readonly [Uint8Array] };

/** A filter of samples without functions, which no thread can be given. */
export interface PlainFilter {
  readonly by: string;
  /** Keys of the sets of frame types whose stacks are dropped. */
  readonly dropsTypes: ReadonlySet<string>;
  /** Share of the observations that stay. */
  readonly share: number;
}

/** Parts of a request as protobuf. */
export interface PartsReply extends Omit<SplitResult, 'parts'> {
  readonly kind: 'parts';
  readonly parts: readonly { readonly bytes: Uint8Array; readonly sampleCount: number }[];
}

/** A request written anew. */
export interface WholeReply {
  readonly kind: 'whole';
  readonly bytes: Uint8Array;
  readonly sampleCount: number;
  readonly droppedSamples: number;
  readonly droppedLabels: ReadonlyMap<string, number>;
  /** Samples and observations that filters dropped, by processor. */
  readonly droppedBy: ReadonlyMap<string, number>;
}

export interface TypesReply {
  readonly kind: 'types';
  readonly types: readonly (readonly string[])[];
}

export type ExportReply = PartsReply | WholeReply | TypesReply;

function run(task: ExportTask): ExportReply {
  const data = mergeProfilesOf(task.requests);
  switch (task.kind) {
    case 'split':
      return partsOf(splitProfiles(data, { ...task.limits, maxTotalBytes: () => task.maxTotalBytes }));
    case 'batch':
      return batch(data, task);
    case 'dialect': {
      const { data: written, ...counts } = applyDialect(data, task.dialect, task.options);
      return { kind: 'whole', bytes: encodeProfilesData(written), ...counts, droppedBy: new Map() };
    }
    case 'types':
      return { kind: 'types', types: stackTypesOf(data) };
    case 'filter':
      return filter(data, task.filters);
    case 'twice':
      return whole(encodeProfilesData(withFunctionsTwice(data)), data);
    case 'json':
      return whole(Buffer.from(encodeProfilesJson(data)), data);
  }
}

function filter(data: ProfilesData, filters: readonly (readonly PlainFilter[] | undefined)[]): WholeReply {
  const droppedBy = new Map<string, number>();
  const countDropped = (by: string, samples: number): void => {
    droppedBy.set(by, (droppedBy.get(by) ?? 0) + samples);
  };
  const own = filters.map((each) => each?.map(sampleFilterOf));
  const resourceProfiles = filterSamples(data, own, { countDropped });
  const kept = mergeProfiles([{ ...data, resourceProfiles }]);
  return { ...whole(encodeProfilesData(kept), kept), droppedBy };
}

function sampleFilterOf({ by, dropsTypes, share }: PlainFilter): SampleFilter {
  return {
    by,
    ...(dropsTypes.size > 0 && { keepsStack: (types: ReadonlySet<string>) => !dropsTypes.has(keyOfTypes(types)) }),
    ...(share < 1 && { keepsObservation: () => Math.random() < share }),
  };
}

function mergeProfilesOf(requests: readonly Uint8Array[]): ProfilesData {
  return requests.length === 1 ? decodeProfilesData(requests[0]!) : mergeProfiles(requests.map(decodeProfilesData));
}

function batch(merged: ProfilesData, { limits, maxGrowth }: ExportTask & { kind: 'batch' }): ExportReply {
  const data = limits.functionsTwice ? withFunctionsTwice(merged) : merged;
  const bytes = encodeProfilesData(data);
  const sampleCount = countSamples(data);
  const { maxBytes = Number.POSITIVE_INFINITY, maxItems = Number.POSITIVE_INFINITY } = limits;
  if (bytes.length <= maxBytes && sampleCount <= maxItems) return whole(bytes, data);
  return partsOf(splitProfiles(data, { ...limits, maxTotalBytes: () => maxGrowth * bytes.length }));
}

function whole(bytes: Uint8Array, data: ProfilesData): WholeReply {
  const nothing = { droppedSamples: 0, droppedLabels: new Map<string, number>(), droppedBy: new Map<string, number>() };
  return { kind: 'whole', bytes, sampleCount: countSamples(data), ...nothing };
}

function partsOf({ parts, ...counts }: SplitResult): PartsReply {
  const encoded = parts.map(({ data, sampleCount }) => ({ bytes: encodeProfilesData(data), sampleCount }));
  return { kind: 'parts', ...counts, parts: encoded };
}

function bytesOf(reply: ExportReply): readonly Uint8Array[] {
  if (reply.kind === 'parts') return reply.parts.map(({ bytes }) => bytes);
  return reply.kind === 'whole' ? [reply.bytes] : [];
}

parentPort?.on('message', (task: ExportTask) => {
  const reply = run(task);
  const written = bytesOf(reply);
  parentPort!.postMessage(
    reply,
    written.map(({ buffer }) => buffer as ArrayBuffer),
  );
});
