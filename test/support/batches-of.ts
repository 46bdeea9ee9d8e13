import type { Recording } from '../../src/cli/replay/collected.ts';
import type { BatchMessage } from '../../src/cli/replay/frames-messages.ts';
import { sliceRecording } from '../../src/cli/replay/recording-slices.ts';
import { ReplayCollector } from '../../src/cli/replay/replay-collector.ts';
import { liveTimeline } from '../../src/cli/replay/timeline.ts';

/**
 * The batches of one pass through a recording, as a collector that is never asked for a name again sends them: real
 * input without a server. Times move so that the recording begins at `startUnixNano`.
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
