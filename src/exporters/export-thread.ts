import { parentPort } from 'node:worker_threads';
import { encodeProfilesJson } from '../otlp/json/encode-profiles-json.ts';
import type { ProfilesData } from '../otlp/profiles-data.ts';
import { countSamples } from '../otlp/profiles-data.ts';
import { decodeProfilesData } from '../otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../otlp/protobuf/encode-profiles-data.ts';
import { applyDialect } from '../profile/dialects/apply-dialect.ts';
import type { DialectName, DialectOptions } from '../profile/dialects/dialect.ts';
import { withFunctionsTwice } from '../profile/dialects/parca.ts';
import { mergeProfiles } from '../profile/join/profiles-joiner.ts';
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
  /** Writes each function twice, or all as JSON. */
  | { readonly kind: 'twice' | 'json'; readonly requests: readonly [Uint8Array] };

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
}

export type ExportReply = PartsReply | WholeReply;

function run(task: ExportTask): ExportReply {
  const data = mergeProfilesOf(task.requests);
  switch (task.kind) {
    case 'split':
      return partsOf(splitProfiles(data, { ...task.limits, maxTotalBytes: () => task.maxTotalBytes }));
    case 'batch':
      return batch(data, task);
    case 'dialect': {
      const { data: written, ...counts } = applyDialect(data, task.dialect, task.options);
      return { kind: 'whole', bytes: encodeProfilesData(written), ...counts };
    }
    case 'twice':
      return whole(encodeProfilesData(withFunctionsTwice(data)), data);
    case 'json':
      return whole(Buffer.from(encodeProfilesJson(data)), data);
  }
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
  return { kind: 'whole', bytes, sampleCount: countSamples(data), droppedSamples: 0, droppedLabels: new Map() };
}

function partsOf({ parts, ...counts }: SplitResult): PartsReply {
  const encoded = parts.map(({ data, sampleCount }) => ({ bytes: encodeProfilesData(data), sampleCount }));
  return { kind: 'parts', ...counts, parts: encoded };
}

parentPort?.on('message', (task: ExportTask) => {
  const reply = run(task);
  const written = reply.kind === 'parts' ? reply.parts.map(({ bytes }) => bytes) : [reply.bytes];
  parentPort!.postMessage(
    reply,
    written.map(({ buffer }) => buffer as ArrayBuffer),
  );
});
