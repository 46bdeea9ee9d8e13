import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { formatFileId } from '../../../src/model/file-id.ts';
import type { FrameSymbol } from '../../../src/model/frame-symbol.ts';
import { loadSnapshot } from '../../../src/symbols/snapshot/load-snapshot.ts';
import type { SavedSnapshot } from '../../../src/symbols/snapshot/save-snapshot.ts';
import { saveSnapshot } from '../../../src/symbols/snapshot/save-snapshot.ts';
import type { StoreRestore } from '../../../src/symbols/snapshot/store-restore.ts';
import type { FileRecord, StoreSink, StubRecord } from '../../../src/symbols/snapshot/store-sink.ts';
import type { OwnerKey } from '../../../src/symbols/stub-owner.ts';
import type { SymbolStore } from '../../../src/symbols/symbol-store.ts';
import { StoreHarness } from '../store-harness.ts';

/** A folder that is gone after the test. */
export function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-snapshot-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface SaveSketch {
  readonly nowMs: number;
  readonly maxBytes?: number;
  /** What happens between two steps. */
  readonly pause?: () => void;
}

export function save(store: SymbolStore, path: string, sketch: SaveSketch): Promise<SavedSnapshot> {
  return saveSnapshot(path, {
    store,
    nowMs: sketch.nowMs,
    unixNano: 0n,
    maxBytes: sketch.maxBytes ?? 1 << 30,
    pause: async () => sketch.pause?.(),
    signal: new AbortController().signal,
  });
}

/** A store of its own, that was read from a snapshot when `passedMs` had passed; its clock begins at `nowMs`. */
export async function loadHarness(
  path: string,
  yaml: Record<string, unknown> = {},
  options: { readonly nowMs?: number; readonly passedMs?: number; readonly maxBytes?: number } = {},
): Promise<{ harness: StoreHarness; expired: number; evicted: number }> {
  const { nowMs = 0, passedMs = 0, maxBytes = 1 << 30 } = options;
  const harness = new StoreHarness(yaml);
  harness.nowMs = nowMs;
  let restore: StoreRestore | undefined;
  await loadSnapshot(path, maxBytes, () => {
    restore = harness.store.restore(nowMs, passedMs);
    return restore;
  });
  const { contents, evicted } = restore!.finish();
  harness.store.adopt(contents);
  return { harness, expired: restore!.expired, evicted };
}

/** Everything that a walk tells, as lines in its order. */
export function tell(store: SymbolStore, nowMs: number): string[] {
  const sink = new LineSink();
  const walk = store.walk(nowMs);
  while (walk.step(1 << 20, sink));
  return sink.lines;
}

export class LineSink implements StoreSink {
  readonly lines: string[] = [];

  file({ fileId, age, executable }: FileRecord): void {
    this.lines.push(`file ${formatFileId(fileId)} ${age} ${JSON.stringify(executable)}`);
  }

  symbol(high: number, low: number, age: number, symbol: FrameSymbol): void {
    this.lines.push(`symbol ${high} ${low} ${age} ${JSON.stringify(symbol)}`);
  }

  owner(key: OwnerKey, age: number): void {
    const text = 'fileId' in key ? key.fileId : `${key.instanceId} ${key.pid} ${key.startTimeNano}`;
    this.lines.push(`owner ${text} ${age}`);
  }

  stub({ startHigh, startLow, lastHigh, lastLow, symbol }: StubRecord): void {
    this.lines.push(`stub ${startHigh} ${startLow} ${lastHigh} ${lastLow} ${JSON.stringify(symbol)}`);
  }
}
