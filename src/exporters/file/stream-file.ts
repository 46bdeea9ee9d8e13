import { constants } from 'node:fs';
import type { FileHandle, open } from 'node:fs/promises';
import { stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Clock } from '../../support/clock.ts';
import { dropOldBackups, putAside } from './backups.ts';
import type { MessageSink } from './file-client.ts';
import type { FileConfig } from './file-config.ts';
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
  /** When the first message of the file was written; `undefined` while it has none. */
  #begunUnixMs: number | undefined;

  constructor(config: FileConfig, dependencies: StreamFileDependencies) {
    this.#config = config;
    this.#dependencies = dependencies;
  }

  async open(): Promise<void> {
    const { existingFile, rotation } = this.#config;
    if (existingFile === 'appended') await this.#putAsideTornFile();
    if (existingFile === 'put_aside') await this.#putAsideExistingFile();
    this.#handle = await this.#openHandle(existingFile === 'emptied');
    const existing = await this.#handle.stat();
    this.#isRegular = existing.isFile();
    if (!this.#isRegular && rotation !== undefined) {
      throw new Error('is not a regular file, so it cannot be rotated');
    }
    if (existing.size > 0) this.#begunUnixMs = existing.birthtimeMs;
    await this.#dropOldBackups();
  }

  async write(message: Uint8Array): Promise<void> {
    this.#handle ??= await this.#openHandle(false);
    await this.#cutTorn(this.#handle);
    let { size } = await this.#handle.stat();
    if (size > 0 && this.#isFull(size + message.length)) {
      this.#handle = await this.#rotate(this.#handle);
      size = 0;
    }
    try {
      if (size === 0) this.#begunUnixMs = this.#unixMs;
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

  get #unixMs(): number {
    return Number(this.#dependencies.clock.unixNano() / 1_000_000n);
  }

  /** True when a message that makes the file so large belongs into a new file. */
  #isFull(sizeBytes: number): boolean {
    const { rotation } = this.#config;
    if (rotation === undefined) return false;
    const ageMs = this.#unixMs - (this.#begunUnixMs ?? this.#unixMs);
    return sizeBytes > rotation.maxSizeBytes || (rotation.maxAgeMs > 0 && ageMs > rotation.maxAgeMs);
  }

  async #rotate(handle: FileHandle): Promise<FileHandle> {
    this.#handle = undefined;
    try {
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await this.#putAside();
    const next = await this.#openHandle(false);
    await this.#dropOldBackups();
    return next;
  }

  async #dropOldBackups(): Promise<void> {
    const { path, rotation } = this.#config;
    if (rotation === undefined) return;
    await dropOldBackups(path, rotation, this.#unixMs).catch((error: Error) => {
      this.#dependencies.logger.warn({ error: error.message }, 'Cannot delete old files.');
    });
  }

  async #putAsideExistingFile(): Promise<void> {
    const existing = await stat(this.#config.path).catch(() => undefined);
    if (existing?.isFile() && existing.size > 0) await this.#putAside();
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
    return putAside(this.#config.path, this.#unixMs);
  }
}

async function writeAll(handle: FileHandle, message: Uint8Array): Promise<void> {
  for (let offset = 0; offset < message.length; ) {
    const { bytesWritten } = await handle.write(message, offset);
    offset += bytesWritten;
  }
}
