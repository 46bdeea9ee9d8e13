import { readdir, rename, unlink } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';

/**
 * Renames a file to `name-20261123T020212.123Z.ext` beside it, and returns that path. The name sorts behind those of all
 * earlier backups, also when the clock was set back, so that the newest is never taken for the oldest.
 */
export async function putAside(path: string, unixMs: number): Promise<string> {
  const newest = (await backupsOf(path)).at(-1);
  const nextUnixMs = newest === undefined ? unixMs : Math.max(unixMs, newest.unixMs + 1);
  const extension = extname(path);
  const backup = join(dirname(path), `${basename(path, extension)}-${formatTimestamp(nextUnixMs)}${extension}`);
  await rename(path, backup);
  return backup;
}

/** Bounds on the number and the age of the backups that are kept. */
export interface Retention {
  /** Newest first; 0 = all. */
  readonly maxBackups: number;
  /** From the time in their names on; 0 = for ever. */
  readonly maxBackupAgeMs: number;
}

/** Deletes the backups that are too many or too old. */
export async function dropOldBackups(path: string, retention: Retention, nowUnixMs: number): Promise<void> {
  const backups = await backupsOf(path);
  const surplus = retention.maxBackups === 0 ? 0 : Math.max(backups.length - retention.maxBackups, 0);
  for (const [index, { name, unixMs }] of backups.entries()) {
    if (index < surplus || isTooOld(unixMs, retention, nowUnixMs)) await unlink(join(dirname(path), name));
  }
}

export function isTooOld(unixMs: number, { maxBackupAgeMs }: Retention, nowUnixMs: number): boolean {
  return maxBackupAgeMs > 0 && nowUnixMs - unixMs > maxBackupAgeMs;
}

interface Backup {
  readonly name: string;
  readonly unixMs: number;
}

/** Oldest first. */
async function backupsOf(path: string): Promise<Backup[]> {
  const extension = extname(path);
  const prefix = `${basename(path, extension)}-`;
  const backups: Backup[] = [];
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(prefix) || !name.endsWith(extension)) continue;
    const unixMs = parseTimestamp(name.slice(prefix.length, name.length - extension.length));
    if (unixMs !== undefined) backups.push({ name, unixMs });
  }
  return backups.sort((a, b) => a.unixMs - b.unixMs);
}

/** A moment as part of a file name, in UTC, sortable as text: `20261123T020212.123Z`. */
export function formatTimestamp(unixMs: number): string {
  return new Date(unixMs).toISOString().replaceAll(/[-:]/g, '');
}

/** The Unix milliseconds of such a text; `undefined` for anything else. */
export function parseTimestamp(text: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d\.\d{3})Z$/.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  const unixMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(unixMs) ? undefined : unixMs;
}

/** Suffix of the name of a compressed file. */
export const compressionSuffixes = { none: '', zstd: '.zst', gzip: '.gz' } as const;
