import type { FileHandle } from 'node:fs/promises';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { SymbolStore } from '../symbol-store.ts';
import { SnapshotEncoder } from './snapshot-encoder.ts';
import type { EntryCounts } from './snapshot-format.ts';
import { encodeHeader } from './snapshot-format.ts';

/** Entries a step: about a millisecond. */
const entriesPerStep = 1024;
/** A file that would be too large is begun again without its coldest entries, at most this often. */
const maxAttempts = 6;

export interface SaveOptions {
  readonly store: SymbolStore;
  readonly nowMs: number;
  readonly unixNano: bigint;
  readonly maxBytes: number;
  /** Called between two steps, to let others work. */
  pause(): Promise<void>;
  /** Ends the writing. */
  readonly signal: AbortSignal;
}

export interface SavedSnapshot {
  readonly counts: EntryCounts;
  readonly bytes: number;
  /** The coldest entries, for which there was no room. */
  readonly leftOut: number;
}

/**
 * Writes a snapshot as `path.tmp` and renames it to `path` once it is whole and on disk; the last snapshot stays until
 * then. The caller holds the lock of the snapshot.
 * Rejects with the error of `node:fs`, and with `AbortError`; nothing is left of the file then.
 */
export async function saveSnapshot(path: string, options: SaveOptions): Promise<SavedSnapshot> {
  const temporaryPath = `${path}.tmp`;
  // Left by a writer that was killed. A new file, never one that is there: that could be a link to anywhere.
  await rm(temporaryPath, { force: true });
  const file = await open(temporaryPath, 'wx', 0o600);
  try {
    let saved: SavedSnapshot;
    try {
      saved = await writeSnapshot(file, options);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporaryPath, path);
    await syncFolder(dirname(path));
    return saved;
  } catch (error) {
    await rm(temporaryPath, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Writes to a file that is open; the coldest entries are left out when it would become larger than `maxBytes`. */
export async function writeSnapshot(file: FileHandle, options: SaveOptions): Promise<SavedSnapshot> {
  const { entries } = options.store.stats();
  let leaveOut = 0;
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    if (attempt > 1) await file.truncate(0);
    const { bytes, counts, isWhole } = await writeOnce(file, leaveOut, options);
    if (isWhole) return { bytes, counts, leftOut: leaveOut };
    const written = counts.files + counts.symbols;
    // Stubs come last and stay: where they do not fit, half of the rest goes.
    leaveOut = Math.max(leaveOut + 1, entries - Math.floor(written * (counts.owners > 0 ? 0.5 : 0.9)));
  }
  throw new Error(`needs more than max_size_mib (${options.maxBytes} bytes); raise it or lower max_entries`);
}

interface Attempt {
  readonly counts: EntryCounts;
  readonly bytes: number;
  /** False when the bound was met. */
  readonly isWhole: boolean;
}

async function writeOnce(file: FileHandle, leaveOut: number, options: SaveOptions): Promise<Attempt> {
  const { store, nowMs, unixNano, maxBytes, signal } = options;
  const walk = store.walk(nowMs, leaveOut);
  const encoder = new SnapshotEncoder();
  let bytes = 0;
  const write = async (parts: readonly Uint8Array[]): Promise<boolean> => {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    if (bytes + length > maxBytes) return false;
    for (const part of parts) bytes += await writeAll(file, part, bytes);
    return true;
  };
  let isWhole = await write([encodeHeader(unixNano)]);
  while (isWhole && walk.step(entriesPerStep, encoder)) {
    if (encoder.isFull) isWhole = await write(encoder.takeSection());
    await options.pause();
    signal.throwIfAborted();
  }
  isWhole &&= await write(encoder.end());
  return { counts: encoder.counts, bytes, isWhole };
}

async function writeAll(file: FileHandle, part: Uint8Array, position: number): Promise<number> {
  let written = 0;
  while (written < part.length) {
    const { bytesWritten } = await file.write(part, written, part.length - written, position + written);
    written += bytesWritten;
  }
  return written;
}

/** Makes a rename last. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
