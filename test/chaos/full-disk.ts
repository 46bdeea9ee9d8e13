import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** A folder for the service's storage whose disk can be full, and have room again. */
export interface FullableDisk {
  readonly folder: string;
  /** By what it gets full, for the log of a run. */
  readonly how: string;
  /** `pid` is the service at hand; 0 while there is none. Lasts over restarts when it is called again with the new one. */
  setFull(isFull: boolean, pid: number): void;
  remove(): void;
}

/**
 * A small tmpfs where one can be mounted. Else a limit on the size of files that the service may write, which fails its writes
 * with EFBIG where a full disk says ENOSPC; that needs util-linux alone. Where there is neither, the bound of the storage.
 */
export function createFullableDisk(parent: string, name: string): FullableDisk {
  const folder = join(parent, name);
  mkdirSync(folder);
  return mountedDisk(folder) ?? limitedFiles(folder) ?? unlimitedDisk(folder);
}

const tmpfsBytes = 16 << 20;

function mountedDisk(folder: string): FullableDisk | undefined {
  if (!succeeds('mount', '-t', 'tmpfs', '-o', `size=${tmpfsBytes}`, 'tmpfs', folder)) return undefined;
  const ballast = join(folder, 'ballast');
  return {
    folder,
    how: `a tmpfs of ${tmpfsBytes >> 20} MiB (ENOSPC)`,
    setFull(isFull) {
      if (isFull) fillWith(ballast);
      else rmSync(ballast, { force: true });
    },
    remove: () => void succeeds('umount', '--lazy', folder),
  };
}

function limitedFiles(folder: string): FullableDisk | undefined {
  if (!succeeds('prlimit', '--version')) return undefined;
  return {
    folder,
    how: 'a limit on the size of files (EFBIG)',
    setFull(isFull, pid) {
      // Of 0 bytes: nothing can be written any more. The hard limit stays, so that no rights are needed to lift it.
      if (pid > 0) succeeds('prlimit', '--pid', String(pid), `--fsize=${isFull ? 0 : 'unlimited'}:`);
    },
    remove: () => undefined,
  };
}

function unlimitedDisk(folder: string): FullableDisk {
  return {
    folder,
    how: 'max_size_mib alone: nothing here can make a disk full',
    setFull: () => undefined,
    remove: () => undefined,
  };
}

/** Writes until there is no room left. */
function fillWith(path: string): void {
  const fd = openSync(path, 'w');
  try {
    for (let bytes = 1 << 20; bytes >= 1; ) {
      try {
        if (writeSync(fd, Buffer.alloc(bytes)) === 0) bytes >>= 1;
      } catch {
        bytes >>= 1;
      }
    }
  } finally {
    closeSync(fd);
  }
}

function succeeds(command: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
