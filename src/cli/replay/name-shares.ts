import type { FrameKind } from '../../model/frame-kind.ts';
import { frameTypeName } from '../../model/frame-kind.ts';
import type { Recording } from './collected.ts';

export interface NameShare {
  frames: number;
  named: number;
  /** Named frames with file and line. */
  located: number;
}

/** Shares of frames of each kind, counted once a sample, that the collector itself can name. */
export function nameShares(recordings: readonly Recording[]): Map<FrameKind, NameShare> {
  const shares = new Map<FrameKind, NameShare>();
  for (const { kind, name } of recordings.flatMap(({ samples }) => samples.flatMap(({ frames }) => frames))) {
    let share = shares.get(kind);
    if (share === undefined) {
      share = { frames: 0, named: 0, located: 0 };
      shares.set(kind, share);
    }
    share.frames += 1;
    if (name === undefined) continue;
    share.named += 1;
    const [file, line] = name.kind === 'stub' ? [name.file, name.line] : [name.symbol.filePath, name.symbol.line];
    if (file !== '' && line > 0) share.located += 1;
  }
  return shares;
}

/** One line a kind: `  jvm     3,666 frames, 100.0 % named, 0.0 % with file and line`. */
export function formatNameShares(shares: ReadonlyMap<FrameKind, NameShare>): string {
  return [...shares]
    .sort(([a], [b]) => a - b)
    .map(([kind, { frames, named, located }]) => {
      const count = frames.toLocaleString('en').padStart(9);
      return `  ${frameTypeName(kind).padEnd(8)}${count} frames, ${percent(named, frames)} named, ${percent(located, frames)} with file and line\n`;
    })
    .join('');
}

/** Rounded down, so that 100 % means all. */
function percent(part: number, whole: number): string {
  return `${(Math.floor((part / whole) * 1000) / 10).toFixed(1)} %`;
}
