import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Requests of a real profiler; by a Collector, attributes of resources refer to the string table. */
export type RealEncoder = 'profiler' | 'collector';

const files: Readonly<Record<RealEncoder, string>> = {
  profiler: 'profiler-97hz.otlp',
  collector: 'profiler-97hz-by-collector.otlp',
};

/** Eight requests of 40 to 60 kB, as their encoder wrote them. */
export function realRequests(encoder: RealEncoder): Buffer[] {
  return splitByLengths(readFileSync(join(import.meta.dirname, 'fixtures', files[encoder])));
}

/** Messages that stand behind their lengths, 4 bytes big-endian. */
export function splitByLengths(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32BE(at)) {
    messages.push(bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at)));
  }
  return messages;
}
