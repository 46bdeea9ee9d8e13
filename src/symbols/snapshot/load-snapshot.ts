import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { codeOf, messageOf } from '../../support/error-text.ts';
import { decodeEnd, decodeEntries } from './decode-entries.ts';
import type { EntryCounts } from './snapshot-format.ts';
import {
  checkSection,
  decodeHeader,
  decodeSectionHeader,
  headerBytes,
  SnapshotFault,
  sectionHeaderBytes,
  sectionKinds,
} from './snapshot-format.ts';
import type { StoreSink } from './store-sink.ts';

export interface LoadedSnapshot {
  readonly counts: EntryCounts;
  readonly bytes: number;
}

/**
 * Reads a snapshot section by section. `begin` is told when the walk began, in Unix nanoseconds, and gives what takes
 * the entries; it has all of them only once this resolves. Resolves to `undefined` when there is no such file.
 * @throws SnapshotFault
 */
export async function loadSnapshot(
  path: string,
  maxBytes: number,
  begin: (savedUnixNano: bigint) => StoreSink,
): Promise<LoadedSnapshot | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new SnapshotFault('unreadable', messageOf(error));
  }
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new SnapshotFault('unreadable', 'is no file');
    if (stats.size > maxBytes) {
      throw new SnapshotFault('too_large', `has ${stats.size} bytes, more than max_size_mib (${maxBytes} bytes)`);
    }
    return await readSections(new SnapshotFile(file, stats.size), begin);
  } catch (error) {
    if (error instanceof SnapshotFault) throw error;
    throw new SnapshotFault('unreadable', messageOf(error));
  } finally {
    await file.close();
  }
}

async function readSections(file: SnapshotFile, begin: (savedUnixNano: bigint) => StoreSink): Promise<LoadedSnapshot> {
  const sink = begin(decodeHeader(await file.read(Math.min(headerBytes, file.size))));
  const counts = { files: 0, symbols: 0, owners: 0, stubs: 0 };
  for (let number = 0; ; number++) {
    const at = file.position;
    try {
      const header = await file.read(sectionHeaderBytes);
      const { kind, length } = decodeSectionHeader(header, file.left);
      const payload = await file.read(length);
      checkSection(header, number, payload);
      if (kind === sectionKinds.end) {
        const told = decodeEnd(payload);
        checkEnd(told, counts, file.left);
        return { counts: told, bytes: file.size };
      }
      if (kind !== sectionKinds.entries) throw new SnapshotFault('damaged', `has the unknown kind ${kind}`);
      addCounts(counts, decodeEntries(payload, sink));
    } catch (error) {
      if (!(error instanceof SnapshotFault)) throw error;
      throw error.in(`section ${number} at byte ${at}`);
    }
  }
}

/** A file, read from begin to end. */
class SnapshotFile {
  readonly #file: FileHandle;
  readonly size: number;
  #position = 0;

  constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.size = size;
  }

  get position(): number {
    return this.#position;
  }

  get left(): number {
    return this.size - this.#position;
  }

  async read(length: number): Promise<Buffer> {
    if (length > this.left) throw new SnapshotFault('damaged', `ends after ${this.left} of ${length} bytes`);
    const bytes = Buffer.allocUnsafe(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await this.#file.read(bytes, done, length - done, this.#position + done);
      if (bytesRead === 0) throw new SnapshotFault('damaged', 'became shorter while it was read');
      done += bytesRead;
    }
    this.#position += length;
    return bytes;
  }
}

type MutableCounts = { -readonly [name in keyof EntryCounts]: number };

/** An owner is told again in each section that has stubs of it, so owners are not compared. */
function checkEnd(told: EntryCounts, read: EntryCounts, bytesLeft: number): void {
  if (told.files !== read.files || told.symbols !== read.symbols || told.stubs !== read.stubs) {
    throw new SnapshotFault('damaged', 'the file has other counts than it says');
  }
  if (bytesLeft > 0) throw new SnapshotFault('damaged', `${bytesLeft} bytes follow the end`);
}

function addCounts(sum: MutableCounts, counts: EntryCounts): void {
  sum.files += counts.files;
  sum.symbols += counts.symbols;
  sum.owners += counts.owners;
  sum.stubs += counts.stubs;
}
