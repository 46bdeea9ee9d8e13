import { createHash } from 'node:crypto';
import type { ByteSource } from './byte-source.ts';
import { checkRange, readBytes } from './byte-source.ts';
import type { ElfFile } from './elf-file.ts';
import { sectionTypes, segmentTypes } from './elf-file.ts';

export interface BuildIds {
  /** Hexadecimal; empty when the file has none. */
  readonly gnu: string;
  /** Go's own; empty when the file has none. */
  readonly go: string;
}

// Notes have some hundred bytes; those of a core file or of a kernel more, and theirs come first.
const maxNoteBytes = 65_536;

/** The build IDs in the notes of a file: in its segments, or in its sections, whose headers alone are true in a debug file. */
export function readBuildIds(elf: ElfFile): BuildIds {
  const ranges = [
    ...elf.sections
      .filter(({ type }) => type === sectionTypes.note)
      .map(({ offset, sizeBytes }): NoteRange => ({ offset, sizeBytes })),
    ...elf.segments
      .filter(({ type }) => type === segmentTypes.note)
      .map(({ offset, fileBytes }): NoteRange => ({ offset: Number(offset), sizeBytes: Number(fileBytes) })),
  ];
  let found: BuildIds = { gnu: '', go: '' };
  for (const range of ranges.slice(0, 32)) {
    const { gnu, go } = readNotes(elf.source, range);
    found = { gnu: found.gnu || gnu, go: found.go || go };
    if (found.gnu !== '' && found.go !== '') break;
  }
  return found;
}

/**
 * The OpenTelemetry file ID as 32 hexadecimal digits: the first half of SHA-256 over the first 4,096 bytes, the last 4,096
 * bytes and the length (https://opentelemetry.io/docs/specs/semconv/resource/process/, `process.executable.build_id.htlhash`).
 */
export function htlhashOf(source: ByteSource): string {
  const { sizeBytes } = source;
  const partBytes = Math.min(sizeBytes, 4096);
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(sizeBytes));
  return createHash('sha256')
    .update(readBytes(source, 0, partBytes))
    .update(readBytes(source, sizeBytes - partBytes, partBytes))
    .update(length)
    .digest('hex')
    .slice(0, 32);
}

interface NoteRange {
  readonly offset: number;
  readonly sizeBytes: number;
}

function readNotes(source: ByteSource, range: NoteRange): BuildIds {
  const sizeBytes = Math.min(range.sizeBytes, maxNoteBytes);
  try {
    checkRange(source, range.offset, sizeBytes);
  } catch {
    // Program headers of debug files lie about what is in the file.
    return { gnu: '', go: '' };
  }
  return buildIdsIn(Buffer.from(readBytes(source, range.offset, sizeBytes).buffer));
}

/** The build IDs in bytes of notes, as a file has them or `/sys/kernel/notes`. */
export function buildIdsIn(notes: Buffer): BuildIds {
  let gnu = '';
  let go = '';
  for (let at = 0; at + 12 <= notes.length; ) {
    const nameAt = at + 12;
    const name = notes.toString('latin1', nameAt, nameAt + 4);
    const contentAt = nameAt + align4(notes.readUInt32LE(at));
    const content = notes.subarray(contentAt, contentAt + notes.readUInt32LE(at + 4));
    const type = notes.readUInt32LE(at + 8);
    if (type === 3 && name === 'GNU\0' && gnu === '') gnu = content.toString('hex');
    if (type === 4 && name === 'Go\0\0' && go === '') go = content.toString('latin1');
    at = contentAt + align4(notes.readUInt32LE(at + 4));
  }
  return { gnu, go };
}

/** Not by bit operators: a size of nearly 2^32 would become negative, and the walk go back. */
function align4(size: number): number {
  return Math.ceil(size / 4) * 4;
}
