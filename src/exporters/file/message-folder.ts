import { open, readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Clock } from '../../support/clock.ts';
import { messageOf } from '../../support/error-text.ts';
import type { Retention } from './backups.ts';
import { compressionSuffixes, formatTimestamp, isTooOld, parseTimestamp } from './backups.ts';
import type { MessageSink } from './file-client.ts';
import type { FileConfig } from './file-config.ts';

/** `profiles-20261123T020212.123Z-000001.otlp`: the time of writing, and a number that never returns in a folder. */
const namePattern = /^profiles-(\d{8}T\d{6}\.\d{3}Z)-(\d{6,})\.(?:otlp|json)(?:\.zst|\.gz)?$/;
const temporaryPattern = /^\.profiles-.*\.tmp$/;

/** A folder with one file a message. A file has its name only once it is whole and on disk. */
export class MessageFolder implements MessageSink {
  readonly #config: FileConfig;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #retention: Retention | undefined;
  /** Of the files that are kept, oldest first; empty when all are, so that memory does not grow with them. */
  #names: string[] = [];
  #lastNumber = 0;

  constructor(config: FileConfig, logger: Logger, clock: Clock) {
    this.#config = config;
    const { maxBackups = 0, maxBackupAgeMs = 0 } = config.rotation ?? {};
    this.#retention = maxBackups > 0 || maxBackupAgeMs > 0 ? { maxBackups, maxBackupAgeMs } : undefined;
    this.#logger = logger;
    this.#clock = clock;
  }

  async open(): Promise<void> {
    const names = await readdir(this.#config.path);
    for (const name of names.filter((name) => temporaryPattern.test(name))) await unlink(this.#pathOf(name));
    const written = names.filter((name) => namePattern.test(name)).sort();
    for (const name of written) this.#lastNumber = Math.max(this.#lastNumber, Number(namePattern.exec(name)![2]));
    await this.#refuseUnwritable();
    if (this.#retention === undefined) return;
    this.#names = written;
    await this.#dropOld(this.#retention);
  }

  async write(message: Uint8Array): Promise<void> {
    const extension = this.#config.format === 'proto' ? 'otlp' : 'json';
    const timestamp = formatTimestamp(this.#unixMs);
    const number = String(this.#lastNumber + 1).padStart(6, '0');
    const name = `profiles-${timestamp}-${number}.${extension}${compressionSuffixes[this.#config.compression]}`;
    await this.#writeAtomically(name, message);
    this.#lastNumber += 1;
    if (this.#retention === undefined) return;
    this.#names.push(name);
    await this.#dropOld(this.#retention);
  }

  async close(): Promise<void> {}

  async #writeAtomically(name: string, message: Uint8Array): Promise<void> {
    const temporary = this.#pathOf(`.${name}.tmp`);
    try {
      const handle = await open(temporary, 'w', 0o600);
      try {
        await handle.writeFile(message);
        await handle.datasync();
      } finally {
        await handle.close();
      }
      await rename(temporary, this.#pathOf(name));
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      throw error;
    }
  }

  async #refuseUnwritable(): Promise<void> {
    const probe = this.#pathOf('.profiles-probe.tmp');
    const handle = await open(probe, 'w', 0o600);
    await handle.close();
    await unlink(probe);
  }

  /** A file that cannot be deleted is tried again with the next message. */
  async #dropOld(retention: Retention): Promise<void> {
    try {
      while (this.#isSurplus(retention)) {
        await unlink(this.#pathOf(this.#names[0]!)).catch((error: NodeJS.ErrnoException) => {
          // Somebody took it away already.
          if (error.code !== 'ENOENT') throw error;
        });
        this.#names.shift();
      }
    } catch (error) {
      this.#logger.warn({ error: messageOf(error) }, 'Cannot delete old files.');
    }
  }

  /** True when the oldest file is one too many, or too old. */
  #isSurplus(retention: Retention): boolean {
    const [oldest] = this.#names;
    if (oldest === undefined) return false;
    const isOneTooMany = retention.maxBackups > 0 && this.#names.length > retention.maxBackups;
    return isOneTooMany || isTooOld(parseTimestamp(namePattern.exec(oldest)![1]!) ?? 0, retention, this.#unixMs);
  }

  get #unixMs(): number {
    return Number(this.#clock.unixNano() / 1_000_000n);
  }

  #pathOf(name: string): string {
    return join(this.#config.path, name);
  }
}
