import { parentPort } from 'node:worker_threads';
import { decodeProfilesData } from '../otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../otlp/protobuf/encode-profiles-data.ts';
import type { SplitLimits, SplitResult } from '../profile/split/split-profiles.ts';
import { splitProfiles } from '../profile/split/split-profiles.ts';

/** A request as protobuf, to be split. */
export interface SplittingRequest {
  readonly bytes: Uint8Array;
  readonly limits: Omit<SplitLimits, 'maxTotalBytes'>;
  readonly maxTotalBytes: number;
}

/** The parts as protobuf. */
export interface SplittingReply extends Omit<SplitResult, 'parts'> {
  readonly parts: readonly { readonly bytes: Uint8Array; readonly sampleCount: number }[];
}

parentPort?.on('message', ({ bytes, limits, maxTotalBytes }: SplittingRequest) => {
  const { parts, ...counts } = splitProfiles(decodeProfilesData(bytes), {
    ...limits,
    maxTotalBytes: () => maxTotalBytes,
  });
  const encoded = parts.map(({ data, sampleCount }) => ({ bytes: encodeProfilesData(data), sampleCount }));
  const reply: SplittingReply = { ...counts, parts: encoded };
  parentPort!.postMessage(
    reply,
    encoded.map(({ bytes }) => bytes.buffer as ArrayBuffer),
  );
});
