import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../support/clock.ts';

/** A directory that this process alone uses. */
export interface DirectoryLock {
  release(): void;
}

/** Who holds a lock, for the one who does not get it. */
interface Owner {
  readonly pid: number;
  readonly host: string;
  readonly extension: string;
}

const sqliteBusy = 5;
const pollMs = 100;

/**
 * Takes a directory, waiting for up to `timeoutMs` when another process has it. The lock is SQLite's exclusive lock on an
 * empty file, because that is the one lock of the operating system that Node.js can take: it ends with its process, however
 * that ends, and holds between containers, where a process ID says nothing.
 * @throws Error that names both sides
 */
export async function lockDirectory(
  directory: string,
  owner: Owner,
  { timeoutMs, clock }: { readonly timeoutMs: number; readonly clock: Clock },
): Promise<DirectoryLock> {
  // Here and not above: Node.js 22 warns of this module when it is loaded, and most configurations need no lock.
  const { DatabaseSync } = await import('node:sqlite');
  const giveUpAtMs = clock.nowMs() + timeoutMs;
  const ownerPath = join(directory, 'lock-owner.json');
  for (;;) {
    const database = tryLock(new DatabaseSync(join(directory, 'lock'), { timeout: 0 }));
    if (database !== undefined) {
      noteOwner(ownerPath, owner);
      return { release: () => database.close() };
    }
    if (clock.nowMs() + pollMs > giveUpAtMs) {
      throw new Error(`is in use by ${describeOwner(ownerPath)}, so ${describe(owner)} cannot use it`);
    }
    await clock.sleep(pollMs);
  }
}

/** The database, locked; `undefined` when somebody has it. */
function tryLock(database: DatabaseSync): DatabaseSync | undefined {
  try {
    // A journal in memory, so that the lock needs no room on the disk.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    if ((error as { readonly errcode?: number }).errcode === sqliteBusy) return undefined;
    throw error;
  }
}

/** For messages only, so a full disk does not matter. */
function noteOwner(path: string, owner: Owner): void {
  try {
    writeFileSync(path, JSON.stringify(owner), { mode: 0o600 });
  } catch {
    // The lock holds without it.
  }
}

function describeOwner(path: string): string {
  try {
    return describe(JSON.parse(readFileSync(path, 'utf8')) as Owner);
  } catch {
    return 'another process';
  }
}

function describe({ pid, host, extension }: Owner): string {
  return `process ${pid} on ${host} (${extension})`;
}
