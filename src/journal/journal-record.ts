import type { LogRecord } from '../storage/segment.ts';

/** Kind of the request of a record. */
export type RequestKind = 'frames' | 'otlp';

/** Beginning of a record: number of its file, and offset. */
export interface Position {
  readonly segment: number;
  readonly offset: number;
}

/** Says that everything up to a position is reported, but for the events that wait for one more cycle. */
export interface Mark {
  readonly kind: 'mark';
  /** The last record that it speaks of. */
  readonly upTo: Position;
  readonly held: readonly HeldRecord[];
}

export interface HeldRecord {
  readonly position: Position;
  /** Numbers of the events of the record that wait, rising. */
  readonly events: Uint32Array;
}

/** A request as its receiver got it. */
export interface KeptBody {
  readonly kind: RequestKind;
  /** Identifier of the receiver. */
  readonly source: string;
  readonly body: Buffer;
}

/** Version of the bytes before the bodies, and of the marks; a journal of another version is not read. */
const formatVersion = 1;
const kindBytes: readonly ('mark' | RequestKind)[] = ['mark', 'frames', 'otlp'];
// Version u8, kind u8; of a request also the length of its source u16, little-endian like all that follows.
const markHeadBytes = 2;
const requestHeadBytes = 4;

export function positionOf({ segment, offset }: LogRecord): Position {
  return { segment: segment.number, offset };
}

export function isAfter(a: Position, b: Position): boolean {
  return a.segment === b.segment ? a.offset > b.offset : a.segment > b.segment;
}

/** Bytes before the body of a request. */
export function encodeRequestHead(kind: RequestKind, source: string): Buffer {
  const name = Buffer.from(source);
  const head = Buffer.alloc(requestHeadBytes);
  head[0] = formatVersion;
  head[1] = kindBytes.indexOf(kind);
  head.writeUInt16LE(name.length, 2);
  return Buffer.concat([head, name]);
}

/** Words of 32 bits: file and offset of `upTo`, and for each held record file, offset, number of events, events. */
export function encodeMark({ upTo, held }: Omit<Mark, 'kind'>): Buffer {
  const words = [upTo.segment, upTo.offset];
  for (const { position, events } of held) {
    words.push(position.segment, position.offset, events.length);
    for (const event of events) words.push(event);
  }
  const bytes = Buffer.alloc(markHeadBytes + 4 * words.length);
  bytes[0] = formatVersion;
  bytes[1] = kindBytes.indexOf('mark');
  for (const [index, word] of words.entries()) bytes.writeUInt32LE(word, markHeadBytes + 4 * index);
  return bytes;
}

/** `undefined` when the record is of another version, or none of a journal. */
export function parseJournalRecord(bytes: Buffer): Mark | KeptBody | undefined {
  if (bytes.length < markHeadBytes || bytes[0] !== formatVersion) return undefined;
  const kind = kindBytes[bytes[1]!];
  if (kind === undefined) return undefined;
  if (kind === 'mark') return parseMark(bytes.subarray(markHeadBytes));
  const bodyStart = bytes.length < requestHeadBytes ? Infinity : requestHeadBytes + bytes.readUInt16LE(2);
  if (bodyStart > bytes.length) return undefined;
  return { kind, source: bytes.toString('utf8', requestHeadBytes, bodyStart), body: bytes.subarray(bodyStart) };
}

function parseMark(bytes: Buffer): Mark | undefined {
  const words = Uint32Array.from({ length: bytes.length >>> 2 }, (_, index) => bytes.readUInt32LE(4 * index));
  if (words.length < 2) return undefined;
  const held: HeldRecord[] = [];
  for (let at = 2; at < words.length; ) {
    const [segment, offset, count] = words.subarray(at, at + 3);
    if (count === undefined || at + 3 + count > words.length) return undefined;
    held.push({
      position: { segment: segment!, offset: offset! },
      events: words.subarray(at + 3, at + 3 + count),
    });
    at += 3 + count;
  }
  return { kind: 'mark', upTo: { segment: words[0]!, offset: words[1]! }, held };
}

/** A record, and which events of a window came with it: those from `firstEvent` on, up to that of the next entry with one. */
export interface WindowEntry {
  readonly record: LogRecord;
  /** `undefined`: none. */
  readonly firstEvent: number | undefined;
  /** Numbers of these events in the record, rising; `undefined`: all of them. */
  readonly events: Uint32Array | undefined;
}

/**
 * The entries of the events that wait in the next window, where they come first. `all` are those of the window that they
 * came from, `held` their numbers there, rising.
 */
export function carryEntries(all: readonly WindowEntry[], held: readonly number[]): WindowEntry[] {
  const entries = all.filter((entry): entry is WindowEntry & { firstEvent: number } => entry.firstEvent !== undefined);
  const carried: WindowEntry[] = [];
  let at = 0;
  for (let index = 0; index < held.length; ) {
    // The last entry that begins at the event or before it: one without events begins where the next one does.
    while (at + 1 < entries.length && entries[at + 1]!.firstEvent <= held[index]!) at++;
    const { record, firstEvent, events } = entries[at]!;
    const end = entries[at + 1]?.firstEvent ?? Infinity;
    const start = index;
    while (index < held.length && held[index]! < end) index++;
    const numbers = Uint32Array.from(held.slice(start, index), (event) => event - firstEvent);
    carried.push({ record, firstEvent: start, events: events ? numbers.map((number) => events[number]!) : numbers });
  }
  return carried;
}
