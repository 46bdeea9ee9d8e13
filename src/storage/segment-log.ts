import { join } from 'node:path';
import { codeOf } from '../support/error-text.ts';
import { sizeOf } from '../support/gather-bytes.ts';
import type { Steps } from '../support/steps.ts';
import type { LogFileSystem } from './log-file-system.ts';
import { deleteFile } from './log-file-system.ts';
import { headerBytes, headerOf, prepareHeaderOf } from './record-header.ts';
import type { LogRecord, SegmentName } from './segment.ts';
import { Segment } from './segment.ts';
import type { LogDamage } from './segment-scan.ts';
import { StagedRecord } from './staged-record.ts';

export interface SegmentLogConfig {
  /** A folder that belongs to this log alone. */
  readonly directory: string;
  /** Permissions of the folder if it is to be created. */
  readonly directoryMode: number;
  /** Bound on the bytes of all files. */
  readonly maxBytes: number;
  /** True if a record counts as written only once it is on the disk itself, and not just with the system. */
  readonly isSynced: boolean;
}

export interface OpenedLog {
  /** Records that earlier runs have not finished, in the order in which they were appended. */
  readonly records: readonly LogRecord[];
  readonly damage: LogDamage;
}

// Large enough that files come and go seldom, small enough that one unfinished record does not hold much else on disk.
const maxSegmentBytes = 16 << 20;
const segmentsInFullLog = 16;
// Less is written within some milliseconds.
const leastStagedBytes = 2 << 20;
/** Of the record that is staged, which no run before has acknowledged. */
const stagedName = 'staged';
const namePattern = /^(\d{10})\.segment$/;

/**
 * Records on disk, each kept until it is finished: files that grow at the end and are deleted once all of their records
 * are finished. Every call but `read` is synchronous, so a record that `append` returns is written.
 * Invariant: `sizeBytes` is the sum over `#segments` and `#staged`, and every segment but `#active` has unfinished records or could not be
 * deleted.
 */
export class SegmentLog {
  readonly #config: SegmentLogConfig;
  readonly #fs: LogFileSystem;
  readonly #segmentBytes: number;
  readonly #segments = new Set<Segment>();
  /** The segment that is written to; `undefined` until the next append begins one. */
  #active: Segment | undefined;
  /** A record that is written ahead of its `append`, or is to be. */
  #staged: StagedRecord | undefined;
  #lastNumber = 0;
  #sizeBytes = 0;
  #recordCount = 0;

  constructor(config: SegmentLogConfig, fs: LogFileSystem) {
    this.#config = config;
    this.#fs = fs;
    this.#segmentBytes = Math.min(maxSegmentBytes, Math.ceil(config.maxBytes / segmentsInFullLog));
  }

  /** Bound on `sizeBytes`. */
  get maxBytes(): number {
    return this.#config.maxBytes;
  }

  /** Bytes of the largest record that there ever is room for. */
  get maxPayloadBytes(): number {
    return this.#config.maxBytes - headerBytes;
  }

  /** Bytes of all files. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Records that are not finished. */
  get recordCount(): number {
    return this.#recordCount;
  }

  /** Reads what is there; call first, once. @throws ErrnoException */
  open(): OpenedLog {
    const records: LogRecord[] = [];
    const damage = { damagedCount: 0, cutCount: 0, damagedBytes: 0 };
    const { directory, directoryMode } = this.#config;
    this.#fs.mkdirSync(directory, { recursive: true, mode: directoryMode });
    deleteFile(this.#fs, join(directory, stagedName));
    const names = this.#fs.readdirSync(directory).filter((name) => namePattern.test(name));
    for (const name of names.sort()) {
      this.#lastNumber = Number(namePattern.exec(name)![1]);
      const opened = Segment.open(this.#fs, { path: join(directory, name), number: this.#lastNumber });
      this.#segments.add(opened.segment);
      this.#sizeBytes += opened.segment.sizeBytes;
      for (const record of opened.records) records.push(record);
      damage.damagedCount += opened.damage.damagedCount;
      damage.cutCount += opened.damage.cutCount;
      damage.damagedBytes += opened.damage.damagedBytes;
    }
    this.#recordCount = records.length;
    this.#deleteFinished();
    return { records, damage };
  }

  /**
   * Does in steps what takes long of `append` for a payload, which must not change: a large one is written, as far as there is room. What is never
   * appended makes place for the next. A failure is told by `append`.
   */
  *stage(payload: Uint8Array): Steps<void> {
    yield* prepareHeaderOf(payload);
    if (payload.length < leastStagedBytes) return;
    this.#dropStaged();
    if (this.#sizeBytes + headerBytes + payload.length > this.#config.maxBytes) return;
    try {
      const staged = new StagedRecord(this.#fs, join(this.#config.directory, stagedName), payload);
      this.#staged = staged;
      this.#sizeBytes += staged.sizeBytes;
      yield* staged.write(payload);
    } catch (error) {
      this.#dropStaged();
      if (codeOf(error) === undefined) throw error;
    }
  }

  /**
   * Keeps a record, whose payload may come in parts; `undefined` when there is no room.
   * @throws ErrnoException, and then there is nothing of the record
   */
  append(payload: Uint8Array | readonly Uint8Array[], sampleCount: number): LogRecord | undefined {
    if (payload instanceof Uint8Array && this.#staged?.isOf(payload) === true) {
      return this.#appendStaged(this.#staged, payload, sampleCount);
    }
    const parts = payload instanceof Uint8Array ? [payload] : payload;
    const neededBytes = headerBytes + sizeOf(parts);
    if (this.#sizeBytes + neededBytes > this.#config.maxBytes) this.#retireActive();
    if (this.#sizeBytes + neededBytes > this.#config.maxBytes) this.#dropStaged();
    if (this.#sizeBytes + neededBytes > this.#config.maxBytes) return undefined;
    const active = this.#activeFor(neededBytes);
    try {
      const record = active.append(parts, sampleCount, this.#config.isSynced);
      this.#sizeBytes += neededBytes;
      this.#recordCount += 1;
      return record;
    } catch (error) {
      // The state of a file after a failed write or sync is unknown, so nothing more is written to it.
      this.#retireActive();
      throw error;
    }
  }

  /** In a file of its own, behind all others. @throws ErrnoException, and then there is nothing of the record */
  #appendStaged(staged: StagedRecord, payload: Uint8Array, sampleCount: number): LogRecord {
    const { isSynced, directory } = this.#config;
    this.#staged = undefined;
    // Bytes of a segment from now on, or of nothing.
    this.#sizeBytes -= staged.sizeBytes;
    this.#retireActive();
    const header = headerOf([payload], sampleCount);
    const record = Segment.adopt(this.#fs, this.#nextName(), staged, { header, isSynced });
    this.#active = record.segment;
    this.#segments.add(record.segment);
    this.#sizeBytes += staged.sizeBytes;
    this.#recordCount += 1;
    try {
      if (isSynced) syncDirectory(this.#fs, directory);
    } catch (error) {
      this.#active = undefined;
      this.forget(record);
      throw error;
    }
    return record;
  }

  #dropStaged(): void {
    if (this.#staged === undefined) return;
    this.#sizeBytes -= this.#staged.sizeBytes;
    this.#staged.drop();
    this.#staged = undefined;
  }

  /** The bytes of a record; `undefined` when they are damaged. @throws ErrnoException */
  read(record: LogRecord): Promise<Uint8Array | undefined> {
    return record.segment.read(record);
  }

  /** Lets go of a record; once for each. @throws ErrnoException; then it may come back after a restart */
  finish(record: LogRecord): void {
    this.#recordCount -= 1;
    try {
      record.segment.finish(record);
    } finally {
      if (record.segment.unfinishedCount === 0) this.#deleteFinished();
    }
  }

  /**
   * Lets go of a record without a note of that, which costs nothing; once for each. It comes back after a restart unless
   * all records of its file were let go of.
   */
  forget(record: LogRecord): void {
    this.#recordCount -= 1;
    record.segment.forget();
    if (record.segment.unfinishedCount === 0) this.#deleteFinished();
  }

  /** Corrects the sample count of a record, in place. @throws ErrnoException; then the old one stands, or the record is damaged */
  amend(record: LogRecord, sampleCount: number): LogRecord {
    return record.segment.amend(record, sampleCount);
  }

  /** Begins a new file with the next record, so that what was kept so far can be let go of by itself. */
  rotate(): void {
    this.#retireActive();
  }

  /** Ends the use of the files, of which those that hold nothing are deleted. No read may be going on. */
  close(): void {
    this.#dropStaged();
    this.#retireActive();
    for (const segment of this.#segments) segment.close();
    this.#segments.clear();
  }

  #activeFor(neededBytes: number): Segment {
    const { sizeBytes = 0 } = this.#active ?? {};
    if (sizeBytes > 0 && sizeBytes + neededBytes > this.#segmentBytes) this.#retireActive();
    this.#active ??= this.#begin();
    return this.#active;
  }

  #begin(): Segment {
    const { directory, isSynced } = this.#config;
    const segment = Segment.create(this.#fs, this.#nextName());
    this.#segments.add(segment);
    if (isSynced) syncDirectory(this.#fs, directory);
    return segment;
  }

  #nextName(): SegmentName {
    this.#lastNumber += 1;
    const name = `${String(this.#lastNumber).padStart(10, '0')}.segment`;
    return { path: join(this.#config.directory, name), number: this.#lastNumber };
  }

  #retireActive(): void {
    this.#active = undefined;
    this.#deleteFinished();
  }

  /** Deletes finished segments, and tries again those that could not be deleted before. */
  #deleteFinished(): void {
    for (const segment of this.#segments) {
      if (segment.unfinishedCount > 0 || segment === this.#active) continue;
      if (!deleteFile(this.#fs, segment.path)) continue;
      segment.close();
      this.#segments.delete(segment);
      this.#sizeBytes -= segment.sizeBytes;
    }
  }
}

/** A new file is there after a power cut only if its folder is on the disk too. */
function syncDirectory(fs: LogFileSystem, directory: string): void {
  const fd = fs.openSync(directory, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}
