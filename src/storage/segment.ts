import { setImmediate } from 'node:timers/promises';
import type { Steps } from '../support/steps.ts';
import type { LogFileSystem } from './log-file-system.ts';
import { deleteFile, writeAll } from './log-file-system.ts';
import type { RecordHeader } from './record-header.ts';
import { crcInSteps, encodeRecordHeader, finishedState, headerBytes, headerOf, stateOffset } from './record-header.ts';
import type { LogDamage } from './segment-scan.ts';
import { scanSegment } from './segment-scan.ts';
import type { StagedRecord } from './staged-record.ts';

/** A record that is kept. Its sample count is known without reading the payload. */
export interface LogRecord {
  readonly segment: Segment;
  /** Place in the file. */
  readonly offset: number;
  readonly header: RecordHeader;
}

export interface SegmentName {
  readonly path: string;
  readonly number: number;
}

/**
 * One file of records, written at its end only; but for the state byte of a record and its sample count, what is written never changes.
 * Invariant: `sizeBytes` is where the last whole record ends, `unfinishedCount` is how many of its records are not finished.
 */
export class Segment {
  readonly path: string;
  /** Higher than that of every file before it. */
  readonly number: number;
  readonly #fs: LogFileSystem;
  readonly #fd: number;
  #sizeBytes = 0;
  #unfinishedCount = 0;

  private constructor(fs: LogFileSystem, { path, number }: SegmentName, fd: number) {
    this.#fs = fs;
    this.path = path;
    this.number = number;
    this.#fd = fd;
  }

  /** @throws ErrnoException, also when there is such a file already */
  static create(fs: LogFileSystem, name: SegmentName): Segment {
    // For the owner alone: profiles carry command lines.
    return new Segment(fs, name, fs.openSync(name.path, 'wx+', 0o600));
  }

  /** Opens what an earlier run left, and cuts off what was never written to its end. @throws ErrnoException */
  static open(fs: LogFileSystem, name: SegmentName): { segment: Segment; records: LogRecord[]; damage: LogDamage } {
    const segment = new Segment(fs, name, fs.openSync(name.path, 'r+'));
    const { records, wholeBytes, ...damage } = scanSegment(fs, segment.#fd);
    fs.ftruncateSync(segment.#fd, wholeBytes);
    segment.#sizeBytes = wholeBytes;
    const unfinished = records.filter(({ header }) => !header.isFinished);
    segment.#unfinishedCount = unfinished.length;
    return { segment, records: unfinished.map((record) => ({ ...record, segment })), damage };
  }

  /**
   * Makes a file of records of the file of a staged one: its header comes last, and its name after that. After an error there is
   * nothing of it. @throws ErrnoException
   */
  static adopt(
    fs: LogFileSystem,
    name: SegmentName,
    staged: StagedRecord,
    { header, isSynced }: { readonly header: RecordHeader; readonly isSynced: boolean },
  ): LogRecord {
    const segment = new Segment(fs, name, staged.take());
    try {
      writeAll(fs, segment.#fd, [encodeRecordHeader(header, 0)], 0);
      if (isSynced) fs.fdatasyncSync(segment.#fd);
      fs.renameSync(staged.path, name.path);
    } catch (error) {
      segment.close();
      deleteFile(fs, staged.path);
      throw error;
    }
    segment.#sizeBytes = staged.sizeBytes;
    segment.#unfinishedCount = 1;
    return { segment, offset: 0, header };
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get unfinishedCount(): number {
    return this.#unfinishedCount;
  }

  /** Writes a record behind the others; after an error there is nothing of it. @throws ErrnoException */
  append(payload: readonly Uint8Array[], sampleCount: number, isSynced: boolean): LogRecord {
    const offset = this.#sizeBytes;
    const header = headerOf(payload, sampleCount);
    try {
      writeAll(this.#fs, this.#fd, [encodeRecordHeader(header, offset), ...payload], offset);
      if (isSynced) this.#fs.fdatasyncSync(this.#fd);
    } catch (error) {
      this.#cutTo(offset);
      throw error;
    }
    this.#sizeBytes = offset + headerBytes + header.payloadBytes;
    this.#unfinishedCount += 1;
    return { segment: this, offset, header };
  }

  /** The bytes of a record; `undefined` when they are damaged. @throws ErrnoException */
  async read({ offset, header }: LogRecord): Promise<Uint8Array | undefined> {
    const payload = Buffer.alloc(header.payloadBytes);
    let length = 0;
    while (length < payload.length) {
      const bytesRead = await readAt(this.#fs, this.#fd, payload.subarray(length), offset + headerBytes + length);
      if (bytesRead === 0) return undefined;
      length += bytesRead;
    }
    return (await inTurns(crcInSteps(payload))) === header.payloadCrc ? payload : undefined;
  }

  /** Notes that a record need not be kept. Call once a record. @throws ErrnoException; then it comes back after a restart */
  finish({ offset }: LogRecord): void {
    this.#unfinishedCount -= 1;
    // Never synced: what is lost with the power is a note, and costs a duplicate.
    this.#fs.writeSync(this.#fd, Uint8Array.of(finishedState), 0, 1, offset + stateOffset);
  }

  /** Lets go of a record and notes nothing. Call once a record, instead of `finish`. */
  forget(): void {
    this.#unfinishedCount -= 1;
  }

  /** Writes another sample count over that of a record, which takes no room. @throws ErrnoException */
  amend({ offset, header }: LogRecord, sampleCount: number): LogRecord {
    const amended = { ...header, sampleCount };
    writeAll(this.#fs, this.#fd, [encodeRecordHeader(amended, offset)], offset);
    return { segment: this, offset, header: amended };
  }

  close(): void {
    this.#fs.closeSync(this.#fd);
  }

  #cutTo(sizeBytes: number): void {
    try {
      this.#fs.ftruncateSync(this.#fd, sizeBytes);
    } catch {
      // Opening the file cuts it too, unless the record is whole after all: then it is sent although it was refused.
    }
  }
}

/** A turn of the event loop for every two mebibytes. */
async function inTurns<T>(steps: Steps<T>): Promise<T> {
  for (let count = 1; ; count++) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (count % 8 === 0) await setImmediate();
  }
}

function readAt(fs: LogFileSystem, fd: number, buffer: Buffer, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(fd, buffer, 0, buffer.length, position, (error, bytesRead) => {
      if (error === null) resolve(bytesRead);
      else reject(error);
    });
  });
}
