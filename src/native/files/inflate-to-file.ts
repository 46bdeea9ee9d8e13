import { randomUUID } from 'node:crypto';
import { closeSync, constants, openSync, unlinkSync, writeSync } from 'node:fs';
import type { Transform } from 'node:stream';
import { createInflate, createZstdDecompress, constants as zlib } from 'node:zlib';
import { messageOf } from '../../support/error-text.ts';
import type { ByteSource } from '../elf/byte-source.ts';
import { release, UnreadableBytes } from '../elf/byte-source.ts';
import type { CompressedBytes, Inflate } from '../elf/section-reader.ts';
import { inflateInMemory } from '../elf/section-reader.ts';
import { FileSource } from './file-source.ts';

const chunkSize = 65_536;
/** Sections up to this size are decompressed in memory: what glibc does not map. */
const memoryBytes = 126_976;
// The window is memory: 8 MiB, enough for level 19; binutils and LLVM use 3 and 5.
const maxWindowLog = 23;

/** Decompressed sections of one object, on disk in files without a name. */
export class InflatedFiles {
  readonly #directory: string;
  readonly #descriptors: number[] = [];
  #room: number;
  #sizeBytes = 0;

  /** `maxBytes`: of all sections of the object together. */
  constructor(directory: string, maxBytes: number) {
    this.#directory = directory;
    this.#room = maxBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Never writes more than the section's header says. */
  readonly inflate: Inflate = async (bytes) => {
    if (bytes.sizeBytes <= memoryBytes && bytes.compressed.sizeBytes <= memoryBytes) return inflateInMemory(bytes);
    if (!(bytes.sizeBytes <= this.#room)) {
      throw new UnreadableBytes(
        `a section of ${bytes.sizeBytes} bytes is larger than max_inflated_mib leaves room for`,
      );
    }
    const descriptor = this.#createFile();
    await writeInflated(bytes, descriptor);
    this.#room -= bytes.sizeBytes;
    this.#sizeBytes += bytes.sizeBytes;
    return new FileSource(descriptor, bytes.sizeBytes);
  };

  close(): void {
    for (const descriptor of this.#descriptors.splice(0)) closeSync(descriptor);
    this.#sizeBytes = 0;
  }

  #createFile(): number {
    const path = `${this.#directory}/framekeeper-section-${randomUUID()}`;
    const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
    unlinkSync(path);
    this.#descriptors.push(descriptor);
    return descriptor;
  }
}

async function writeInflated(
  { compressed, compression, sizeBytes }: CompressedBytes,
  descriptor: number,
): Promise<void> {
  const stream =
    compression === 'zlib'
      ? createInflate({ chunkSize })
      : createZstdDecompress({ chunkSize, params: { [zlib.ZSTD_d_windowLogMax]: maxWindowLog } });
  let written = 0;
  try {
    void feed(stream, compressed);
    for await (const chunk of stream as AsyncIterable<Buffer<ArrayBuffer>>) {
      if (written + chunk.length > sizeBytes) throw new UnreadableBytes('it is larger than its header says');
      writeSync(descriptor, chunk);
      written += chunk.length;
      // The stream goes on with a buffer of its own until that is full.
      if (chunk.byteOffset + chunk.length === chunk.buffer.byteLength) release(chunk);
    }
  } catch (error) {
    throw new UnreadableBytes(`a compressed section is damaged: ${messageOf(error)}`);
  }
  if (written !== sizeBytes)
    throw new UnreadableBytes(`a section has ${written} bytes, and its header says ${sizeBytes}`);
}

/** Writes bytes into a stream, through one piece of memory; what cannot be read becomes the stream's error. */
async function feed(stream: Transform, source: ByteSource): Promise<void> {
  const piece = new Uint8Array(Math.min(chunkSize, source.sizeBytes));
  try {
    for (let at = 0; at < source.sizeBytes; at += piece.length) {
      const bytes = piece.subarray(0, source.sizeBytes - at);
      source.read(bytes, at);
      await new Promise<void>((resolve, reject) => {
        stream.write(bytes, (error) => (error ? reject(error) : resolve()));
      });
    }
    stream.end();
  } catch (error) {
    stream.destroy(error as Error);
  }
}
