import type { MessageContent } from './message-reader.ts';

/** A message as a journal keeps it: a byte of flags, and the bytes that came in, decompressed. */
export function keptParts({ encoding, bytes, isVersionDeclared }: MessageContent): readonly Uint8Array[] {
  return [Uint8Array.of((encoding === 'json' ? isJson : 0) | (isVersionDeclared ? isDeclared : 0)), bytes];
}

/** What `keptParts` gave, in one piece. */
export function parseKept(body: Uint8Array): MessageContent {
  const flags = body[0] ?? 0;
  const encoding = (flags & isJson) === 0 ? 'protobuf' : 'json';
  return { encoding, bytes: body.subarray(1), isVersionDeclared: (flags & isDeclared) !== 0 };
}

const isJson = 1;
const isDeclared = 2;
