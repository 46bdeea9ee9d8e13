import { readFileSync } from 'node:fs';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { parseCollectorJson } from './collector-json.ts';

/** Messages of a file that a file exporter wrote as JSON, one a line; the Collector's or ours. */
export function readJsonFile(path: string): ProfilesData[] {
  return readFileSync(path, 'utf8').split('\n').filter(Boolean).map(parseCollectorJson);
}
