import { readFileSync, writeFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';

/** An exclusive lock of this process; ends with the process at the latest. */
export interface FileLock {
  release(): void;
}

/** The holder of a lock, for messages to the process that does not get the lock. */
export interface LockOwner {
  readonly pid: number;
  readonly host: string;
  /** Identifier of the component. */
  readonly component: string;
}

const sqliteBusy = 5;

/**
 * Takes the lock at `path`, or says who holds it. The lock is SQLite's exclusive lock on an empty file: the one lock of
 * the operating system that Node.js can take. It ends with its process, however that ends, and holds between containers,
 * where a process ID says nothing. The file stays, and beside it `path-owner.json`.
 * @throws Error when the file cannot be made or locked at all
 */
export async function tryLockFile(path: string, owner: LockOwner): Promise<FileLock | { readonly heldBy: string }> {
  // Imported here: Node.js 22 warns of this module when it is loaded, and most configurations need no lock.
  const { DatabaseSync } = await import('node:sqlite');
  const database = tryLock(new DatabaseSync(path, { timeout: 0 }));
  const ownerPath = `${path}-owner.json`;
  if (database === undefined) return { heldBy: describeOwner(ownerPath) };
  noteOwner(ownerPath, owner);
  return { release: () => database.close() };
}

/** `process 17 on node-3 (file_storage)`. */
export function describeLockOwner({ pid, host, component }: LockOwner): string {
  return `process ${pid} on ${host} (${component})`;
}

/** The database, locked; `undefined` when another process or part has it. */
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
function noteOwner(path: string, owner: LockOwner): void {
  try {
    writeFileSync(path, JSON.stringify(owner), { mode: 0o600 });
  } catch {
    // The lock holds without the note.
  }
}

function describeOwner(path: string): string {
  try {
    return describeLockOwner(JSON.parse(readFileSync(path, 'utf8')) as LockOwner);
  } catch {
    return 'another process';
  }
}
