import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Recording } from './collected.ts';
import { Executables, readExecutableTable } from './executables.ts';
import type { BatchMessage } from './frames-messages.ts';
import { readRawRecording } from './raw-recording.ts';
import { sliceRecording } from './recording-slices.ts';
import { ReplayCollector } from './replay-collector.ts';
import { liveTimeline } from './timeline.ts';

/** Recordings that come with Framekeeper, by name. */
export const bundledRecordings: readonly string[] = ['c', 'java', 'kern', 'node', 'python'];

const recordingsFolder = fileURLToPath(new URL('../../../recordings/', import.meta.url));

export function bundledRecordingPath(name: string): string {
  return join(recordingsFolder, name);
}

/** Reads a recording's folder. @throws Error that names the file when it is not there or is not a recording. */
export function readRecording(path: string): Recording {
  return readRawRecording(path, new Executables(readExecutableTable(join(recordingsFolder, 'executables.json'))));
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
