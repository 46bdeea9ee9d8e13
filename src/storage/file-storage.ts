import { accessSync, constants, mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { ComponentType } from '../config/component-type.ts';
import type { Clock } from '../support/clock.ts';
import { messageOf } from '../support/error-text.ts';
import type { FileLock, LockOwner } from '../support/file-lock.ts';
import { describeLockOwner, tryLockFile } from '../support/file-lock.ts';
import type { Component } from '../support/lifecycle.ts';
import type { FileStorageConfig } from './file-storage-config.ts';
import { fileStorageTable } from './file-storage-config.ts';
import { systemFileSystem } from './log-file-system.ts';
import { SegmentLog } from './segment-log.ts';

/** Kind of component that keeps records in a storage. */
export type StorageUser = 'exporter' | 'pipeline';

const pollMs = 100;

/** A directory for sending queues and journals. Starts before the parts that use it, and stops after them. */
export class FileStorage implements Component {
  readonly id: string;
  readonly #config: FileStorageConfig;
  readonly #logger: Logger;
  readonly #clock: Clock;
  #lock: FileLock | undefined;

  constructor(id: string, config: FileStorageConfig, logger: Logger, clock: Clock) {
    this.id = id;
    this.#config = config;
    this.#logger = logger;
    this.#clock = clock;
  }

  async start(): Promise<void> {
    const { section, directory, createDirectory, directoryMode, timeoutMs } = this.#config;
    try {
      if (createDirectory) mkdirSync(directory, { recursive: true, mode: directoryMode });
      accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch (cause) {
      const remedy = 'name a directory that exists and can be written, or set create_directory: true';
      throw new Error(`${section}.directory: cannot use ${directory} (${messageOf(cause)}); ${remedy}.`, {
        cause,
      });
    }
    const owner = { pid: process.pid, host: hostname(), component: this.id };
    try {
      this.#lock = await lockDirectory(directory, owner, { timeoutMs, clock: this.#clock });
    } catch (cause) {
      const remedy = 'give each process and each extension a directory of its own';
      throw new Error(`${section}.directory: ${directory} ${messageOf(cause)}; ${remedy}.`, { cause });
    }
    this.#logger.info({ directory }, 'The storage is ready.');
  }

  /** The log of one user. It is to be opened after the start. */
  logOf(user: StorageUser, id: string): SegmentLog {
    const { directory, directoryMode, maxBytes, isSynced } = this.#config;
    // A name may hold a slash or a dot; encoded it stands for itself alone.
    const folder = join(directory, `${user}_${encodeURIComponent(id)}`);
    return new SegmentLog({ directory: folder, directoryMode, maxBytes, isSynced }, systemFileSystem);
  }

  async stop(): Promise<void> {
    this.#lock?.release();
    this.#lock = undefined;
  }
}

/**
 * Takes a directory, waiting for up to `timeoutMs` while another process or extension has it.
 * @throws Error that names both sides
 */
async function lockDirectory(
  directory: string,
  owner: LockOwner,
  { timeoutMs, clock }: { readonly timeoutMs: number; readonly clock: Clock },
): Promise<FileLock> {
  const giveUpAtMs = clock.nowMs() + timeoutMs;
  for (;;) {
    const lock = await tryLockFile(join(directory, 'lock'), owner);
    if ('release' in lock) return lock;
    if (clock.nowMs() + pollMs > giveUpAtMs) {
      throw new Error(`is in use by ${lock.heldBy}, so ${describeLockOwner(owner)} cannot use it`);
    }
    await clock.sleep(pollMs);
  }
}

/** FileStorageType describes the extension `file_storage`. */
interface FileStorageType extends ComponentType<FileStorageConfig> {
  readonly kind: 'extension';
  create(
    id: string,
    config: FileStorageConfig,
    parts: { readonly logger: Logger; readonly clock: Clock },
  ): { readonly storage: FileStorage };
}

export const fileStorageType: FileStorageType = {
  kind: 'extension',
  type: 'file_storage',
  aliases: [],
  stability: 'alpha',
  table: fileStorageTable,
  provides: () => ['storage'],
  needs: ({ directory, createDirectory }) =>
    createDirectory ? [] : [{ path: 'directory', file: directory, kind: 'writable folder' }],
  create: (id, config, { logger, clock }) => ({ storage: new FileStorage(id, config, logger, clock) }),
};
