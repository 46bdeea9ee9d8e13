import type { LogFileSystem } from './log-file-system.ts';
import type { RecordHeader } from './record-header.ts';
import { headerBytes, magic, parseRecordHeader } from './record-header.ts';

/** A record of a file, by where it begins. */
export interface ScannedRecord {
  readonly offset: number;
  readonly header: RecordHeader;
}

/** Loss that shows when files are opened; damaged payloads show when they are read. */
export interface LogDamage {
  /** Stretches that should hold records and do not, and files that are empty: each was made for a record. */
  readonly damagedCount: number;
  /** Files that end within a record: a kill while it was written does that, or the end of the file is lost. */
  readonly cutCount: number;
  /** Bytes of all of these, as far as they are there. */
  readonly damagedBytes: number;
}

export interface SegmentScan extends LogDamage {
  /** In the order of the file. Payloads are not looked at: that is done when they are read. */
  readonly records: readonly ScannedRecord[];
  /** End of the last whole record; bytes behind it were never written to their end, or are damaged. */
  readonly wholeBytes: number;
}

/** Reads the headers of a file: one small read a record, and where one is damaged, on to the next good one. */
export function scanSegment(fs: LogFileSystem, fd: number): SegmentScan {
  const sizeBytes = fs.fstatSync(fd).size;
  const records: ScannedRecord[] = [];
  const damage = { damagedCount: sizeBytes === 0 ? 1 : 0, cutCount: 0, damagedBytes: 0 };
  let wholeBytes = 0;
  for (let offset = 0; offset < sizeBytes; ) {
    const header = readHeader(fs, fd, offset);
    const end = header === undefined ? Infinity : offset + headerBytes + header.payloadBytes;
    if (header !== undefined && end <= sizeBytes) {
      records.push({ offset, header });
      wholeBytes = end;
      offset = end;
      continue;
    }
    const isCut = header !== undefined || sizeBytes - offset < headerBytes;
    const next = isCut ? sizeBytes : nextRecord(fs, fd, offset + 1, sizeBytes);
    if (header?.isFinished !== true) {
      damage.damagedBytes += next - offset;
      if (isCut) damage.cutCount += 1;
      else damage.damagedCount += 1;
    }
    offset = next;
  }
  return { records, ...damage, wholeBytes };
}

function readHeader(fs: LogFileSystem, fd: number, offset: number): RecordHeader | undefined {
  const bytes = Buffer.alloc(headerBytes);
  const length = fs.readSync(fd, bytes, 0, headerBytes, offset);
  return parseRecordHeader(bytes.subarray(0, length), offset);
}

const chunkBytes = 64 << 10;

/** Beginning of the next good header; `sizeBytes` when there is none. */
function nextRecord(fs: LogFileSystem, fd: number, from: number, sizeBytes: number): number {
  const chunk = Buffer.alloc(chunkBytes);
  let start = from;
  while (start + headerBytes <= sizeBytes) {
    const found = chunk.subarray(0, fs.readSync(fd, chunk, 0, chunkBytes, start));
    for (let at = found.indexOf(magic); at >= 0; at = found.indexOf(magic, at + 1)) {
      if (readHeader(fs, fd, start + at) !== undefined) return start + at;
    }
    // A magic may lie across the end of the chunk.
    start += Math.max(1, found.length - magic.length + 1);
  }
  return sizeBytes;
}
