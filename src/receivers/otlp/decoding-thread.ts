import { parentPort, resourceLimits } from 'node:worker_threads';
import { InvalidMessage } from '../../model/invalid-message.ts';
import { MemoryShortage } from '../../model/memory-shortage.ts';
import type { NotPassableReason } from '../../otlp/passable/not-passable.ts';
import type { PassableParts } from '../../otlp/passable/passable-parts.ts';
import { takeApart } from '../../otlp/passable/passable-parts.ts';
import { PassableScanner } from '../../otlp/passable/passable-scanner.ts';
import { encodeProfilesData } from '../../otlp/protobuf/encode-profiles-data.ts';
import { mergeProfiles } from '../../profile/join/profiles-joiner.ts';
import { withoutOrphans } from '../../profile/join/without-orphans.ts';
import type { DecodedMessage, MessageContent } from './decode-message.ts';
import { checkProtobufSize, decodeMessage } from './decode-message.ts';
import { decodeScanned } from './message-reader.ts';

/** A message to scan, which may take `mostDecodedBytes` when it is decoded, or one to decode. */
export type ThreadRequest =
  | { readonly step: 'scan'; readonly content: MessageContent; readonly mostDecodedBytes: number }
  | { readonly step: 'decode'; readonly content: MessageContent; readonly reason: NotPassableReason };

export type ThreadReply =
  /** The message passes as it is. */
  | { readonly kind: 'passable'; readonly scanned: PassableParts }
  /** The message has to be decoded, and takes so much then. */
  | { readonly kind: 'not_passable'; readonly reason: NotPassableReason; readonly decodedBytes: number }
  /** The message in our own form, and what a scan finds in that. */
  | (Omit<DecodedMessage, 'data'> & {
      readonly kind: 'decoded';
      readonly bytes: Uint8Array<ArrayBuffer>;
      readonly scanned: PassableParts | NotPassableReason;
    })
  /** The fault of its sender. */
  | { readonly kind: 'invalid'; readonly path: string; readonly problem: string; readonly remedy: string }
  /** The lack of this process. */
  | { readonly kind: 'memory_shortage'; readonly purpose: string };

interface Answer {
  readonly reply: ThreadReply;
  readonly buffers: readonly ArrayBuffer[];
}

function answer(request: ThreadRequest): Answer {
  try {
    return request.step === 'scan' ? scan(request.content, request.mostDecodedBytes) : decode(request);
  } catch (error) {
    if (error instanceof MemoryShortage) {
      return { reply: { kind: 'memory_shortage', purpose: error.purpose }, buffers: [] };
    }
    if (!(error instanceof InvalidMessage)) throw error;
    const { path, problem, remedy } = error;
    return { reply: { kind: 'invalid', path, problem, remedy }, buffers: [] };
  }
}

function scan(content: MessageContent, mostDecodedBytes: number): Answer {
  const { decodedBytes } = checkProtobufSize(content.bytes, mostDecodedBytes);
  const { scanned, buffers } = scanOf(content);
  if (typeof scanned === 'string') return { reply: { kind: 'not_passable', reason: scanned, decodedBytes }, buffers };
  return { reply: { kind: 'passable', scanned }, buffers };
}

function decode({ content, reason }: ThreadRequest & { step: 'decode' }): Answer {
  const mostDecodedBytes = mostDecodedBytesOf((resourceLimits.maxOldGenerationSizeMb ?? 0) * 1024 * 1024);
  const tidied = reason === 'orphan' ? scannedAgain(content, mostDecodedBytes) : undefined;
  const { data, ...sorted } = tidied ?? withoutDuplicates(decodeMessage(content, mostDecodedBytes));
  const bytes = encodeProfilesData(data) as Uint8Array<ArrayBuffer>;
  const { scanned, buffers } = scanOf({ bytes, isVersionDeclared: true });
  return { reply: { kind: 'decoded', ...sorted, bytes, scanned }, buffers: [...buffers, bytes.buffer] };
}

function withoutDuplicates(decoded: DecodedMessage): DecodedMessage {
  return { ...decoded, data: mergeProfiles([decoded.data]) };
}

/** Scans a message of which orphans are the only fault: columns cost less than decoding them, even here where those of the first scan are not. */
function scannedAgain(content: MessageContent, mostDecodedBytes: number): DecodedMessage | undefined {
  const { bytes, isVersionDeclared, ownIdPrefix } = content;
  checkProtobufSize(bytes, mostDecodedBytes);
  const { profiles } = new PassableScanner(ownIdPrefix).scan(bytes, isVersionDeclared);
  if (profiles === undefined) return undefined;
  const decoded = decodeScanned(profiles);
  return { ...decoded, data: withoutOrphans(decoded.data) };
}

/** By a scanner of its own, whose columns leave this thread. */
function scanOf({ bytes, isVersionDeclared, ownIdPrefix }: Omit<MessageContent, 'encoding'>): {
  readonly scanned: PassableParts | NotPassableReason;
  readonly buffers: readonly ArrayBuffer[];
} {
  const result = new PassableScanner(ownIdPrefix).scan(bytes, isVersionDeclared);
  if (result.kind === 'not_passable') return { scanned: result.reason, buffers: [] };
  const { parts, buffers } = takeApart(result.profiles);
  return { scanned: parts, buffers };
}

/** Share of a thread's heap that a decoded message may take: its dictionary is written anew beside it, and encoded. */
function mostDecodedBytesOf(heapBytes: number): number {
  return Math.floor(heapBytes * 0.4);
}

parentPort?.on('message', (request: ThreadRequest) => {
  const { reply, buffers } = answer(request);
  parentPort!.postMessage(reply, [...buffers]);
});
