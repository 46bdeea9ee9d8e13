import { constants } from 'node:fs';
import type { FileHandle, open } from 'node:fs/promises';
import { stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Clock } from '../../support/clock.ts';
import { dropOldBackups, putAside } from './backups.ts';
import type { FileConfig, RotationConfig } from './file-config.ts';
import type { MessageSink } from './message-sink.ts';
import { wholeSizeBytes } from './whole-size.ts';

export interface StreamFileDependencies {
  readonly logger: Logger;
  readonly clock: Clock;
  /** `open` of `node:fs/promises`. */
  readonly openFile: typeof open;
}

/**
 * One file that grows by whole messages, put aside under a name with its time when it is full.
 * Invariant: between two calls the file holds whole messages only, unless `#tornAtBytes` says where to cut it.
 */
export class StreamFile implements MessageSink {
  readonly #config: FileConfig;
  readonly #dependencies: StreamFileDependencies;
  #handle: FileHandle | undefined;
  #tornAtBytes: number | undefined;
  #isRegular = true;

  constructor(config: FileConfig, dependencies: StreamFileDependencies) {
    this.#config = config;
    this.#dependencies = dependencies;
  }

  async open(): Promise<void> {
    if (this.#config.append) await this.#putAsideTornFile();
    this.#handle = await this.#openHandle(!this.#config.append);
    this.#isRegular = (await this.#handle.stat()).isFile();
    if (!this.#isRegular && this.#config.rotation !== undefined) {
      throw new Error('is not a regular file, so it cannot be rotated');
    }
  }

  async write(message: Uint8Array): Promise<void> {
    this.#handle ??= await this.#openHandle(false);
    await this.#cutTorn(this.#handle);
    let { size } = await this.#handle.stat();
    const { rotation } = this.#config;
    if (rotation !== undefined && size > 0 && size + message.length > rotation.maxSizeBytes) {
      this.#handle = await this.#rotate(this.#handle, rotation);
      size = 0;
    }
    try {
      await writeAll(this.#handle, message);
    } catch (error) {
      if (this.#isRegular) this.#tornAtBytes = size;
      // Left for the next write when it fails, which has the same disk and says so.
      await this.#cutTorn(this.#handle).catch(() => undefined);
      throw error;
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle === undefined) return;
    try {
      if (this.#isRegular) await handle.datasync();
    } finally {
      await handle.close();
    }
  }

  #openHandle(isEmptied: boolean): Promise<FileHandle> {
    const { O_WRONLY, O_CREAT, O_APPEND, O_TRUNC } = constants;
    const flags = O_WRONLY | O_CREAT | O_APPEND | (isEmptied ? O_TRUNC : 0);
    // For the owner alone, as in the Collector: profiles carry command lines.
    return this.#dependencies.openFile(this.#config.path, flags, 0o600);
  }

  async #cutTorn(handle: FileHandle): Promise<void> {
    if (this.#tornAtBytes === undefined) return;
    await handle.truncate(this.#tornAtBytes);
    this.#tornAtBytes = undefined;
  }

  async #rotate(handle: FileHandle, { maxBackups }: RotationConfig): Promise<FileHandle> {
    this.#handle = undefined;
    try {
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await this.#putAside();
    const next = await this.#openHandle(false);
    if (maxBackups > 0) {
      await dropOldBackups(this.#config.path, maxBackups).catch((error: Error) => {
        this.#dependencies.logger.warn({ error: error.message }, 'Cannot delete old files.');
      });
    }
    return next;
  }

  /** A crash in mid-message leaves a file that cannot be written on: whatever followed would be read wrongly. */
  async #putAsideTornFile(): Promise<void> {
    const { path, format } = this.#config;
    const existing = await stat(path).catch(() => undefined);
    if (existing === undefined || !existing.isFile()) return;
    const wholeBytes = await wholeSizeBytes(path, format);
    if (wholeBytes === existing.size) return;
    const backup = await this.#putAside();
    const fields = { path, backup, whole_bytes: wholeBytes, size_bytes: existing.size };
    this.#dependencies.logger.warn(fields, 'The file ends in mid-message; it was put aside and a new one begins.');
  }

  #putAside(): Promise<string> {
    return putAside(this.#config.path, Number(this.#dependencies.clock.unixNano() / 1_000_000n));
  }
}

async function writeAll(handle: FileHandle, message: Uint8Array): Promise<void> {
  for (let offset = 0; offset < message.length; ) {
    const { bytesWritten } = await handle.write(message, offset);
    offset += bytesWritten;
  }
}
