import type { Clock } from '../../support/clock.ts';
import type { BatchStream } from './batch-stream.ts';
import type { Recording } from './collected.ts';
import type { RecordingSlice } from './recording-slices.ts';
import { sliceRecording } from './recording-slices.ts';
import type { ReplayCollector } from './replay-collector.ts';
import type { Timeline } from './timeline.ts';
import { liveTimeline, recordedTimeline } from './timeline.ts';

export interface ReplayPace {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Infinity for as fast as the service takes it. */
  readonly speed: number;
  readonly isLoop: boolean;
  readonly time: 'now' | 'recorded';
  /** Called before each batch. */
  readonly onLag: (lagMs: number) => void;
}

// Answers may raise questions again, e.g. in a store that is too small for them; another pass would.
const maxAnswerRounds = 3;

/** Sends a recording at its pace, once or until `signal` aborts, and answers what is asked. */
export async function replayRecording(
  recording: Recording,
  collector: ReplayCollector,
  stream: BatchStream,
  pace: ReplayPace,
): Promise<void> {
  const slices = sliceRecording(recording);
  for (let pass = 0; pass === 0 || pace.isLoop; pass++) {
    collector.startPass(timelineOf(recording, pace, pass));
    await sendSlices(slices, collector, stream, pace);
    await stream.drain();
    for (let round = 0; round < maxAnswerRounds; round++) {
      const answer = collector.answerBatch();
      if (answer === undefined) break;
      await stream.send(answer);
      await stream.drain();
    }
  }
}

async function sendSlices(
  slices: readonly RecordingSlice[],
  collector: ReplayCollector,
  stream: BatchStream,
  { clock, signal, speed, onLag }: ReplayPace,
): Promise<void> {
  const startedMs = clock.nowMs();
  const firstNano = slices[0]?.samples[0]?.timeNano ?? 0n;
  for (const slice of slices) {
    const dueMs = startedMs + Number(slice.dueNano - firstNano) / 1e6 / speed;
    const waitMs = dueMs - clock.nowMs();
    if (waitMs > 0) await clock.sleep(waitMs, signal);
    // A speed without limit has no time to keep to.
    onLag(Number.isFinite(speed) ? Math.max(0, clock.nowMs() - dueMs) : 0);
    await stream.send(collector.batchOf(slice));
  }
}

function timelineOf(recording: Recording, { time, clock, speed }: ReplayPace, pass: number): Timeline {
  const { anchorNano, anchorUnixNano } = recording;
  if (time === 'now' || anchorUnixNano === undefined) return liveTimeline(recording, clock.unixNano(), speed);
  return recordedTimeline(anchorNano, anchorUnixNano, pass);
}
