import type { CollectedProcess, Recording } from './collected.ts';

/** Timeline maps the times of a recording to those of one pass of its replay. */
export interface Timeline {
  /** The batch's clock anchors. */
  readonly anchorNano: bigint;
  readonly anchorUnixNano: bigint;
  /** On the monotonic clock that the anchors belong to. */
  timestampOf(timeNano: bigint): bigint;
  /** In Unix time, and another one in each pass: a pass has processes of its own. */
  startTimeOf(process: CollectedProcess): bigint;
}

/**
 * The recorded program runs again from `startUnixNano` on, `speed` times as fast, so that no sample is in the future when it
 * is sent. At infinite speed the recording ends there instead.
 */
export function liveTimeline({ samples }: Recording, startUnixNano: bigint, speed: number): Timeline {
  const isInstant = !Number.isFinite(speed);
  const origin = (isInstant ? samples.at(-1) : samples[0])?.timeNano ?? 0n;
  const speedMillionths = isInstant ? 1_000_000n : BigInt(Math.max(1, Math.round(speed * 1e6)));
  const timestampOf = (timeNano: bigint): bigint => origin + ((timeNano - origin) * 1_000_000n) / speedMillionths;
  return {
    anchorNano: origin,
    anchorUnixNano: startUnixNano,
    timestampOf,
    startTimeOf: ({ firstSeenNano }) => startUnixNano + timestampOf(firstSeenNano) - origin,
  };
}

/** Times stay what they were. */
export function recordedTimeline(anchorNano: bigint, anchorUnixNano: bigint, pass: number): Timeline {
  return {
    anchorNano,
    anchorUnixNano,
    timestampOf: (timeNano) => timeNano,
    startTimeOf: ({ firstSeenNano }) => anchorUnixNano + firstSeenNano - anchorNano + BigInt(pass),
  };
}
