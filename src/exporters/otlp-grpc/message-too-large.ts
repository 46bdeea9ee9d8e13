import { status } from '@grpc/grpc-js';
import type { TooLarge } from '../export-client.ts';

/**
 * Whether a status says that the message was larger than its receiver takes. There is no code of its own for that, so the text
 * decides, as these write it: gRPC in Go, C++, Java, .NET and Node.js, connect-go (RESOURCE_EXHAUSTED) and tonic (OUT_OF_RANGE). A limit that the
 * message is within is somebody else's, e.g. ours for responses.
 */
export function readTooLarge(code: status, details: string, sizeBytes: number): TooLarge | undefined {
  if (code !== status.RESOURCE_EXHAUSTED && code !== status.OUT_OF_RANGE) return undefined;
  if (!sizeComplaint.test(details)) return undefined;
  const limit = namedLimit.exec(details)?.[1];
  if (limit === undefined) return { limitBytes: undefined };
  return Number(limit) < sizeBytes ? { limitBytes: Number(limit) } : undefined;
}

const sizeComplaint = /larger than (?:configured )?max|size larger than|exceeds (?:the )?max|message length too large/i;

const namedLimit = /(?:vs\.? |max |maximum size |larger than |limit is: )(\d+)/;
