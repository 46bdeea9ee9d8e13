import { accessSync, constants, mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Clock } from '../support/clock.ts';
import type { Component } from '../support/component.ts';
import type { DirectoryLock } from './directory-lock.ts';
import { lockDirectory } from './directory-lock.ts';
import type { FileStorageConfig } from './file-storage-config.ts';
import { systemFileSystem } from './log-file-system.ts';
import { SegmentLog } from './segment-log.ts';

/** Who keeps records in a storage. */
export type StorageUser = 'exporter' | 'pipeline';

/** A directory for sending queues and journals. Starts before the parts that use it, and stops after them. */
export class FileStorage implements Component {
  readonly id: string;
  readonly #config: FileStorageConfig;
  readonly #logger: Logger;
  readonly #clock: Clock;
  #lock: DirectoryLock | undefined;

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
      throw new Error(`${section}.directory: cannot use ${directory} (${(cause as Error).message}); ${remedy}.`, {
        cause,
      });
    }
    const owner = { pid: process.pid, host: hostname(), extension: this.id };
    try {
      this.#lock = await lockDirectory(directory, owner, { timeoutMs, clock: this.#clock });
    } catch (cause) {
      const remedy = 'give each process and each extension a directory of its own';
      throw new Error(`${section}.directory: ${directory} ${(cause as Error).message}; ${remedy}.`, { cause });
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
