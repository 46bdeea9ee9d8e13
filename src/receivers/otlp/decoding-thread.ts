import { parentPort, resourceLimits } from 'node:worker_threads';
import { InvalidMessage } from '../../model/invalid-message.ts';
import { encodeProfilesData } from '../../otlp/protobuf/encode-profiles-data.ts';
import { mergeProfiles } from '../../profile/join/profiles-joiner.ts';
import type { DecodedMessage, MessageContent } from './decode-message.ts';
import { decodeMessage } from './decode-message.ts';

/** Reply of the decoding thread: the message in the form that passes without being decoded, or the fault of its sender. */
export type DecodingReply =
  | (Omit<DecodedMessage, 'data'> & {
      readonly kind: 'decoded';
      readonly bytes: Uint8Array;
    })
  | { readonly kind: 'invalid'; readonly path: string; readonly problem: string; readonly remedy: string };

function reply(content: MessageContent): DecodingReply {
  try {
    const mostDecodedBytes = mostDecodedBytesOf((resourceLimits.maxOldGenerationSizeMb ?? 0) * 1024 * 1024);
    const { data, ...sorted } = decodeMessage(content, mostDecodedBytes);
    return { kind: 'decoded', ...sorted, bytes: encodeProfilesData(mergeProfiles([data])) };
  } catch (error) {
    if (!(error instanceof InvalidMessage)) throw error;
    const { path, problem, remedy } = error;
    return { kind: 'invalid', path, problem, remedy };
  }
}

/** Share of a thread's heap that a decoded message may take: its dictionary is written anew beside it, and encoded. */
export function mostDecodedBytesOf(heapBytes: number): number {
  return Math.floor(heapBytes * 0.4);
}

parentPort?.on('message', (content: MessageContent) => {
  const answer = reply(content);
  parentPort!.postMessage(answer, answer.kind === 'decoded' ? [answer.bytes.buffer as ArrayBuffer] : []);
});
