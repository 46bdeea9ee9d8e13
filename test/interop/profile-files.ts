import { readFileSync } from 'node:fs';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { parseCollectorJson } from './collector-json.ts';

/** Messages of a file that a file exporter wrote as JSON, one a line; the Collector's or ours. */
export function readJsonFile(path: string): ProfilesData[] {
  return readFileSync(path, 'utf8').split('\n').filter(Boolean).map(parseCollectorJson);
}

/** Messages of a file that a file exporter wrote as protobuf, each behind its length in four bytes, big-endian. */
export function readProtoFile(path: string): Uint8Array[] {
  const file = readFileSync(path);
  const messages: Uint8Array[] = [];
  for (let at = 0; at < file.length; ) {
    const end = at + 4 + file.readUInt32BE(at);
    if (end > file.length)
      throw new Error(`${path}: message ${messages.length} ends at ${end} of ${file.length} bytes`);
    messages.push(file.subarray(at + 4, end));
    at = end;
  }
  return messages;
}
