import { randomUUID } from 'node:crypto';
import { closeSync, constants, openSync, unlinkSync, writeSync } from 'node:fs';
import { Readable } from 'node:stream';
import { createInflate, createZstdDecompress, constants as zlib } from 'node:zlib';
import { messageOf } from '../../support/error-text.ts';
import type { ByteSource } from '../elf/byte-source.ts';
import { readBytes, UnreadableBytes } from '../elf/byte-source.ts';
import type { CompressedBytes, Inflate } from '../elf/section-reader.ts';
import { inflateInMemory } from '../elf/section-reader.ts';
import { FileSource } from './file-source.ts';

const readBytesAtOnce = 65_536;
/** Sections up to this size are decompressed in memory. */
const memoryBytes = 1_048_576;
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
      ? createInflate()
      : createZstdDecompress({ params: { [zlib.ZSTD_d_windowLogMax]: maxWindowLog } });
  let written = 0;
  try {
    const input = Readable.from(chunksOf(compressed));
    input.on('error', (error) => stream.destroy(error));
    for await (const chunk of input.pipe(stream) as AsyncIterable<Buffer>) {
      if (written + chunk.length > sizeBytes) throw new UnreadableBytes('it is larger than its header says');
      writeSync(descriptor, chunk);
      written += chunk.length;
    }
  } catch (error) {
    throw new UnreadableBytes(`a compressed section is damaged: ${messageOf(error)}`);
  }
  if (written !== sizeBytes)
    throw new UnreadableBytes(`a section has ${written} bytes, and its header says ${sizeBytes}`);
}

function* chunksOf(source: ByteSource): Generator<Uint8Array> {
  for (let at = 0; at < source.sizeBytes; at += readBytesAtOnce) {
    yield readBytes(source, at, Math.min(readBytesAtOnce, source.sizeBytes - at));
  }
}
