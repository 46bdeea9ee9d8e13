// hot
import type { FileId } from '../../model/file-id.ts';
import { readFileId } from '../../model/file-id.ts';
import type { Collector } from '../../model/frame-batch.ts';
import type { Process } from '../../model/process.ts';
import { isToldAlike } from '../../model/process.ts';
import { uint64Of } from '../../support/halves.ts';
import type { TextRepairs } from './wire-reader.ts';
import { readString } from './wire-reader.ts';

// A host has hundreds of executables, and a JVM thousands of methods in use.
const fileIdSlotBits = 13;
// Names of threads, functions of collectors that send each name once, paths.
const textSlots = 4_096;
/** A longer text is made anew each time. */
const longestText = 64;
const processSlots = 1_024;
/** Letters of a process with its labels; a longer one is made anew each time. */
const longestProcess = 2_048;
const collectorSlots = 16;
const longestCollector = 4_096;

/** A process that is being read. */
export type ProcessFields = { -readonly [K in keyof Process]: Process[K] };

/**
 * Gives the same object for an entry that was in an earlier batch, as nearly all were: making them again would be most of what
 * decoding leaves for the garbage collector. Entries are compared whole. One entry a slot, and of texts two a pair of slots; a newer one takes it; so 1 MiB of file
 * IDs, 0.7 MiB of texts, 4 MiB of processes and 16 collectors at most.
 */
export class RepeatedEntries {
  readonly #fileIds: (FileId | undefined)[] = new Array(2 ** fileIdSlotBits).fill(undefined);
  readonly #texts: (string | undefined)[] = new Array(textSlots).fill(undefined);
  readonly #textSizes = new Uint8Array(textSlots);
  /** Bytes of the texts, `longestText` a slot. */
  readonly #textBytes = new Uint8Array(longestText * textSlots);
  readonly #processes: (Process | undefined)[] = new Array(processSlots).fill(undefined);
  /** Start times of the processes, in halves: low, high. */
  readonly #startTimes = new Uint32Array(2 * processSlots);
  readonly #collectors: ({ readonly bytes: Buffer; readonly collector: Collector } | undefined)[] = [];

  /** The file ID of the 16 bytes at `offset`. */
  fileId(bytes: Buffer, view: DataView, offset: number): FileId {
    const word3 = view.getUint32(offset + 12);
    const word0 = view.getUint32(offset);
    const slot = Math.imul(word0 ^ word3, 0x9e3779b1) >>> (32 - fileIdSlotBits);
    const known = this.#fileIds[slot];
    if (
      known !== undefined &&
      known.word3 === word3 &&
      known.word0 === word0 &&
      known.word1 === view.getUint32(offset + 4) &&
      known.word2 === view.getUint32(offset + 8)
    ) {
      return known;
    }
    const fileId = readFileId(bytes, offset);
    this.#fileIds[slot] = fileId;
    return fileId;
  }

  /** The text of bytes `start .. end`; `repairs` counts what is not UTF-8 or too long in it. */
  text(bytes: Buffer, start: number, end: number, repairs: TextRepairs): string {
    const size = end - start;
    if (size > longestText || size === 0) return readString(bytes, start, end, repairs);
    let hash = size;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
    const slot = (hash ^ (hash >>> 15)) & (textSlots - 1);
    if (this.#hasText(slot, bytes, start, size)) return this.#texts[slot]!;
    // A host with a few hundred names has some that meet in one slot, in each batch.
    if (this.#hasText(slot ^ 1, bytes, start, size)) return this.#texts[slot ^ 1]!;
    return this.#keepText(slot, bytes, start, end, repairs);
  }

  #hasText(slot: number, bytes: Buffer, start: number, size: number): boolean {
    if (this.#textSizes[slot] !== size) return false;
    const own = this.#textBytes;
    const first = slot * longestText;
    let i = 0;
    while (i < size && own[first + i] === bytes[start + i]) i++;
    return i === size;
  }

  /**
   * The process with these fields, whose start time is given as its halves: the one of an earlier batch if there was an equal one, else
   * a copy.
   */
  process(fields: ProcessFields, startTime: Uint32Array): Process {
    const slot = fields.pid % processSlots;
    const known = this.#processes[slot];
    const isSameStart =
      known !== undefined &&
      this.#startTimes[2 * slot] === startTime[0] &&
      this.#startTimes[2 * slot + 1] === startTime[1];
    // A number of 64 bits takes memory, and nearly every process has one already.
    fields.startTimeNano = isSameStart ? known.startTimeNano : uint64Of(startTime[1]!, startTime[0]!);
    if (isSameStart && isToldAlike(known, fields) && isSameInOrder(known.labels, fields.labels)) return known;
    const process = { ...fields };
    if (lengthOf(process) <= longestProcess) {
      this.#processes[slot] = process;
      this.#startTimes[2 * slot] = startTime[0]!;
      this.#startTimes[2 * slot + 1] = startTime[1]!;
    }
    return process;
  }

  /** The collector of bytes `start .. end`, which `read` reads; one with texts that had to be repaired is read each time. */
  collector(bytes: Buffer, start: number, end: number, repairs: TextRepairs, read: () => Collector): Collector {
    const slot = (bytes[start + 2] ?? 0) % collectorSlots;
    const known = this.#collectors[slot];
    if (known !== undefined && known.bytes.compare(bytes, start, end) === 0) return known.collector;
    const { mendedCount, cutCount } = repairs;
    const collector = read();
    const isWhole = repairs.mendedCount === mendedCount && repairs.cutCount === cutCount;
    if (isWhole && end - start <= longestCollector) {
      this.#collectors[slot] = { bytes: Buffer.from(bytes.subarray(start, end)), collector };
    }
    return collector;
  }

  #keepText(slot: number, bytes: Buffer, start: number, end: number, repairs: TextRepairs): string {
    const { mendedCount } = repairs;
    const text = readString(bytes, start, end, repairs);
    // A text that was mended has to be counted each time.
    if (repairs.mendedCount !== mendedCount) return text;
    // The newer one takes the slot, and the one that was there its neighbour's.
    const own = this.#textBytes;
    if (this.#textSizes[slot] !== 0) {
      this.#texts[slot ^ 1] = this.#texts[slot];
      this.#textSizes[slot ^ 1] = this.#textSizes[slot]!;
      own.copyWithin((slot ^ 1) * longestText, slot * longestText, (slot + 1) * longestText);
    }
    this.#texts[slot] = text;
    this.#textSizes[slot] = end - start;
    bytes.copy(own, slot * longestText, start, end);
    return text;
  }
}

function lengthOf({ comm, executablePath, containerId, serviceName, labels }: Process): number {
  let length = comm.length + executablePath.length + containerId.length + serviceName.length;
  for (const [key, value] of labels) length += key.length + value.length + labelLength;
  return length;
}

/** Room of a label beside its texts, in letters. */
const labelLength = 32;

function isSameInOrder(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  if (a.size !== b.size) return false;
  if (a.size === 0) return true;
  const others = b.entries();
  for (const [key, value] of a) {
    const [otherKey, otherValue] = others.next().value!;
    if (key !== otherKey || value !== otherValue) return false;
  }
  return true;
}
