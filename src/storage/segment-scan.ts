import type { LogFileSystem } from './log-file-system.ts';
import type { RecordHeader } from './record-header.ts';
import { headerBytes, magic, parseRecordHeader } from './record-header.ts';

/** A record of a file, by where it begins. */
export interface ScannedRecord {
  readonly offset: number;
  readonly header: RecordHeader;
}

export interface SegmentScan {
  /** In the order of the file. Payloads are not looked at: that is done when they are read. */
  readonly records: readonly ScannedRecord[];
  /** Stretches between records that should hold records and do not. */
  readonly damagedCount: number;
  /** End of the last whole record; bytes behind it were never written to their end, or are damaged. */
  readonly wholeBytes: number;
}

/** Reads the headers of a file: one small read a record, and where one is damaged, on to the next good one. */
export function scanSegment(fs: LogFileSystem, fd: number): SegmentScan {
  const sizeBytes = fs.fstatSync(fd).size;
  const records: ScannedRecord[] = [];
  let damagedCount = 0;
  let wholeBytes = 0;
  for (let offset = 0; offset + headerBytes <= sizeBytes; ) {
    const header = readHeader(fs, fd, offset);
    if (header === undefined) {
      damagedCount += 1;
      offset = nextRecord(fs, fd, offset + 1, sizeBytes);
      continue;
    }
    const end = offset + headerBytes + header.payloadBytes;
    if (end <= sizeBytes) {
      records.push({ offset, header });
      wholeBytes = end;
      offset = end;
    } else break;
  }
  return { records, damagedCount, wholeBytes };
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
