import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../../support/clock.ts';
import { messageOf } from '../../support/error-text.ts';
import { gathered } from '../../support/gather-bytes.ts';
import { WorkQueue } from '../../support/steps.ts';
import { compress } from '../compression.ts';
import type { ExportClient, SendResult } from '../export-client.ts';
import { fullyAccepted } from '../export-client.ts';
import type { ExportRequest } from '../export-request.ts';
import { jsonOf, LargeRequests } from '../large-requests.ts';
import type { FileConfig } from './file-config.ts';

// Errors that pass by themselves or once there is room. The others, such as a missing folder or right, need a person.
const retryableErrors = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EBUSY', 'EINTR']);

/** Takes encoded messages. Calls do not overlap. Errors are those of `node:fs`. */
export interface MessageSink {
  open(): Promise<void>;
  /** Writes the whole message, or nothing of it. */
  write(message: Uint8Array): Promise<void>;
  /** Makes sure that all is on disk, as far as the system can say. */
  close(): Promise<void>;
}

const newline = Buffer.from('\n');

/** Writes each request as one message. */
export class FileClient implements ExportClient {
  readonly #config: FileConfig;
  readonly #sink: MessageSink;
  readonly #work: WorkQueue;
  readonly #large: LargeRequests;
  readonly sendsProtobuf: boolean;

  constructor(config: FileConfig, sink: MessageSink, clock: Clock) {
    this.sendsProtobuf = config.format !== 'json';
    this.#work = new WorkQueue(clock);
    this.#large = new LargeRequests(clock);
    this.#config = config;
    this.#sink = sink;
  }

  async start(): Promise<void> {
    const { section, path, layout, createDirectory, directoryMode } = this.#config;
    try {
      const folder = layout === 'stream' ? dirname(path) : path;
      if (createDirectory) await mkdir(folder, { recursive: true, mode: directoryMode });
      await this.#sink.open();
    } catch (cause) {
      const remedy =
        layout === 'stream'
          ? 'name a file in a folder that exists and can be written, or set create_directory: true'
          : 'name a folder that exists and can be written, or set create_directory: true';
      throw new Error(`${section}.path: cannot write ${path} (${messageOf(cause)}); ${remedy}.`, { cause });
    }
  }

  readonly send = async (request: ExportRequest): Promise<SendResult> => {
    const { compression, compressionLevel } = this.#config;
    const message = await compress(await this.#encode(request), compression, compressionLevel);
    try {
      await this.#sink.write(message);
      return fullyAccepted;
    } catch (error) {
      const { code, message: reason } = error as NodeJS.ErrnoException;
      // Without a code it did not come from the file system: a fault of our own.
      if (code === undefined) throw error;
      return { kind: retryableErrors.has(code) ? 'retryable' : 'permanent', errorType: code, reason };
    }
  };

  async close(): Promise<void> {
    await this.#large.stop();
    await this.#sink.close();
  }

  async #encodeJson(request: ExportRequest): Promise<Uint8Array> {
    const written = await jsonOf(request, this.#large);
    return gathered([written, newline], this.#work);
  }

  #encode(request: ExportRequest): Uint8Array | Promise<Uint8Array> {
    const { format, layout } = this.#config;
    if (format === 'json') return this.#encodeJson(request);
    const bytes = request.encoded();
    if (layout === 'per_message') return bytes;
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return gathered([length, bytes], this.#work);
  }
}
