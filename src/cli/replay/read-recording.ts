import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Recording } from './collected.ts';
import { Executables, readExecutableTable } from './executables.ts';
import type { BatchMessage } from './frames-messages.ts';
import { readPerfScript } from './perf-recording.ts';
import { readRawRecording } from './raw-recording.ts';
import { sliceRecording } from './recording-slices.ts';
import { ReplayCollector } from './replay-collector.ts';
import type { RecordingFormat } from './replay-options.ts';
import { liveTimeline } from './timeline.ts';

/** Recordings that come with Framekeeper, by name. */
export const bundledRecordings: readonly string[] = ['c', 'java', 'kern', 'node', 'python'];

const recordingsFolder = fileURLToPath(new URL('../../../recordings/', import.meta.url));

export function bundledRecordingPath(name: string): string {
  return join(recordingsFolder, name);
}

/**
 * Reads a folder with `raw.jsonl`, a file of `perf script` text, or a bundled recording by its name.
 * @throws Error that names the file when it is not there, too large or not a recording.
 */
export function readRecording(path: string, format: RecordingFormat = 'auto'): Recording {
  const found = existsSync(path) || !bundledRecordings.includes(path) ? path : bundledRecordingPath(path);
  if (!existsSync(found)) {
    throw new Error(`${path}: there is no such file or folder; name one, or one of ${bundledRecordings.join(', ')}.`);
  }
  const table = join(recordingsFolder, 'executables.json');
  // An installation may lack the bundled recordings; those of the user need nothing of them.
  const executables = new Executables(
    existsSync(table) ? readExecutableTable(table) : { kernels: {}, executables: {} },
  );
  const isFolder = statSync(found).isDirectory();
  const isRaw = format === 'auto' ? isFolder || found.endsWith('.jsonl') : format === 'raw';
  if (isRaw) return readRawRecording(isFolder ? found : dirname(found), executables);
  return readPerfScript(isFolder ? join(found, 'perf.script.txt') : found, executables);
}

/**
 * The batches of one pass through a recording, as a collector sends them that is never asked for a name again: for
 * whoever wants real input without a server. Times move so that the recording begins at `startUnixNano`.
 */
export function* batchesOf(
  recording: Recording,
  instanceId: Uint8Array,
  startUnixNano: bigint,
): Generator<BatchMessage> {
  const collector = new ReplayCollector(recording, instanceId);
  collector.startPass(liveTimeline(recording, startUnixNano, 1));
  for (const slice of sliceRecording(recording)) yield collector.batchOf(slice);
}
