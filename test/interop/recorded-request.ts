import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { mergeProfiles } from '../../src/otlp/merge-profiles.ts';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { runRecordings } from '../support/recorded-run.ts';

const recordings = join(import.meta.dirname, '../../recordings');

/** All recordings as the service reports them, in one request: some 2000 samples of some 50 processes, 170 kB. */
export async function recordedRequest(): Promise<ProfilesData> {
  const folders = readdirSync(recordings, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const paths = folders.map(({ name }) => join(recordings, name));
  // One window for all: it ends when the service stops.
  const { messages } = await runRecordings(['--speed', '100', ...paths], { interval: '60s' });
  return mergeProfiles(messages);
}
