// hot
import {
  broken,
  defaultFrameBytes,
  errorCodes,
  flags,
  frameHeadBytes,
  frameTypes,
  Http2Fault,
  preface,
} from './frames.ts';
import type { Headers } from './header-codec.ts';
import { HeaderDecoder } from './header-codec.ts';
import type { HeaderFault } from './header-rules.ts';

/** Receives what frames say, in their order. Buffers are lent until the call returns. */
export interface FrameListener {
  /** Called for each part of a frame as it comes. `sizeBytes` is that of the part with padding, `isLast` told with the last of the stream. */
  onData(streamId: number, data: Buffer, sizeBytes: number, isLast: boolean): void;
  /** `fault`: headers are those before it. */
  onHeaders(streamId: number, headers: Headers, isLast: boolean, fault: HeaderFault | undefined): void;
  onReset(streamId: number, code: number): void;
  /** `streamId` 0 is the connection. */
  onWindow(streamId: number, bytes: number): void;
  /** Pairs of an ID and a value. */
  onSettings(settings: readonly (readonly [id: number, value: number])[], isAnswer: boolean): void;
  onPing(payload: Buffer, isAnswer: boolean): void;
  onGoaway(lastStreamId: number, code: number, text: string): void;
  /** A frame that asks for nothing: a priority, or of a type that is not known. */
  onOther(): void;
  /** Asked after a frame: the rest of the piece is to come later. */
  readonly isSated: boolean;
}

/** Of one header block. */
const maxBlockBytes = 65_536;
/** CONTINUATION frames of a block, which is copied with each. */
const mostContinuations = 64;
/** Fields of a HEADERS frame that nobody uses any more (RFC 9113, 6.2). */
const priorityBytes = 5;
const highBit = 0x8000_0000;

interface OpenHeaders {
  readonly streamId: number;
  readonly isLast: boolean;
  readonly block: Buffer;
  readonly continuations: number;
}

/** A frame of DATA without padding, of which a part is still to come. */
interface OpenData {
  readonly streamId: number;
  readonly isLast: boolean;
  leftBytes: number;
}

/**
 * Reads the frames of a peer, however its bytes are cut. Bodies are given on as they come; of other frames, what has come in part is
 * copied. Nothing can be read after a fault.
 */
export class FrameParser {
  readonly #listener: FrameListener;
  readonly #decoder = new HeaderDecoder();
  /** A frame of which a part has come. */
  #rest: Buffer | undefined;
  /** Of the preface of a client, which is still to come. */
  #prefaceLeftBytes: number;
  #data: OpenData | undefined;
  /** Headers that go on in CONTINUATION frames, with no other between. */
  #open: OpenHeaders | undefined;
  #hasSettings = false;

  /** `peer`: a client begins with the preface. */
  constructor(peer: 'client' | 'server', listener: FrameListener) {
    this.#prefaceLeftBytes = peer === 'client' ? preface.length : 0;
    this.#listener = listener;
  }

  /** The peer has said its settings: it speaks HTTP/2. */
  get hasSettings(): boolean {
    return this.#hasSettings;
  }

  /** The result is the number of bytes that were taken. @throws Http2Fault for bytes that are against the rules, and what the listener throws */
  push(piece: Buffer): number {
    let at = this.#prefaceLeftBytes === 0 ? 0 : this.#takePreface(piece);
    while (at < piece.length) {
      if (this.#data !== undefined) at = this.#takeData(this.#data, piece, at);
      else if (this.#rest !== undefined) at = this.#complete(this.#rest, piece, at);
      else at = this.#takeFrame(piece, at);
      if (this.#listener.isSated) break;
    }
    return at;
  }

  #takePreface(piece: Buffer): number {
    const end = Math.min(piece.length, this.#prefaceLeftBytes);
    const from = preface.length - this.#prefaceLeftBytes;
    if (preface.compare(piece, 0, end, from, from + end) !== 0) throw broken('its first bytes are not those of HTTP/2');
    this.#prefaceLeftBytes -= end;
    return end;
  }

  #takeData(data: OpenData, piece: Buffer, at: number): number {
    const end = Math.min(piece.length, at + data.leftBytes);
    data.leftBytes -= end - at;
    const isWhole = data.leftBytes === 0;
    if (isWhole) this.#data = undefined;
    this.#listener.onData(data.streamId, piece.subarray(at, end), end - at, isWhole && data.isLast);
    return end;
  }

  /** Takes the frame at `at`, or what there is of it. */
  #takeFrame(bytes: Buffer, at: number): number {
    const start = at + frameHeadBytes;
    if (start > bytes.length) return this.#keep(bytes, at);
    // Read byte by byte: these are the most frequent lines of a stream of small frames.
    const sizeBytes = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    const type = bytes[at + 3]!;
    const own = bytes[at + 4]!;
    const id = bytes.readUInt32BE(at + 5) & ~highBit;
    const end = start + sizeBytes;
    if (sizeBytes > defaultFrameBytes) throw wrongSize();
    if (type === frameTypes.DATA && (own & flags.PADDED) === 0 && sizeBytes > 0) {
      this.#check(type);
      this.#data = { streamId: id, isLast: (own & flags.END_STREAM) !== 0, leftBytes: sizeBytes };
      return start;
    }
    if (end > bytes.length) return this.#keep(bytes, at);
    this.#take(type, own, id, bytes.subarray(start, end));
    return end;
  }

  // A copy: the piece may be far larger than its part of a frame.
  #keep(bytes: Buffer, at: number): number {
    this.#rest = Buffer.from(bytes.subarray(at));
    return bytes.length;
  }

  /** Adds to a frame what it lacks, first of its head. */
  #complete(rest: Buffer, piece: Buffer, at: number): number {
    const wholeBytes = rest.length < frameHeadBytes ? frameHeadBytes : frameHeadBytes + rest.readUIntBE(0, 3);
    const end = Math.min(piece.length, at + wholeBytes - rest.length);
    const bytes = Buffer.concat([rest, piece.subarray(at, end)]);
    this.#rest = undefined;
    if (bytes.length < wholeBytes) this.#rest = bytes;
    else this.#takeFrame(bytes, 0);
    return end;
  }

  #check(type: number): void {
    if (!this.#hasSettings && type !== frameTypes.SETTINGS) throw broken('its first frame is not SETTINGS');
    if (this.#open !== undefined && type !== frameTypes.CONTINUATION) throw broken('headers are not whole');
  }

  #take(type: number, own: number, id: number, payload: Buffer): void {
    this.#check(type);
    switch (type) {
      case frameTypes.DATA:
        this.#listener.onData(id, withoutPadding(payload, own), payload.length, (own & flags.END_STREAM) !== 0);
        break;
      case frameTypes.HEADERS:
        this.#beginHeaders(id, own, payload);
        break;
      case frameTypes.CONTINUATION:
        this.#goOn(id, own, payload);
        break;
      case frameTypes.RST_STREAM:
        if (id === 0) throw broken('a reset of the connection');
        this.#listener.onReset(id, numberIn(payload));
        break;
      case frameTypes.WINDOW_UPDATE:
        this.#listener.onWindow(id, numberIn(payload) & ~highBit);
        break;
      case frameTypes.PUSH_PROMISE:
        throw broken('a push that nobody asked for');
      case frameTypes.SETTINGS:
      case frameTypes.PING:
      case frameTypes.GOAWAY:
        if (id !== 0) throw broken('a frame of the connection in a stream');
        this.#takeOfConnection(type, (own & flags.ACK) !== 0, payload);
        break;
      case frameTypes.PRIORITY:
        if (payload.length !== priorityBytes) throw wrongSize();
        this.#checkPriority(id, payload);
        this.#listener.onOther();
        break;
      // Types that are not known.
      default:
        this.#listener.onOther();
    }
  }

  #checkPriority(id: number, payload: Buffer): void {
    if (id === 0) throw broken('a priority of the connection');
    if ((payload.readUInt32BE(0) & ~highBit) === id) throw broken('a stream that depends on itself');
  }

  #beginHeaders(streamId: number, own: number, payload: Buffer): void {
    if (streamId === 0) throw broken('headers of the connection');
    let block = withoutPadding(payload, own);
    if ((own & flags.PRIORITY) !== 0) {
      if (block.length < priorityBytes) throw wrongSize();
      this.#checkPriority(streamId, block);
      block = block.subarray(priorityBytes);
    }
    const isLast = (own & flags.END_STREAM) !== 0;
    if ((own & flags.END_HEADERS) === 0) this.#open = { streamId, isLast, block: Buffer.from(block), continuations: 0 };
    else this.#tellHeaders(streamId, block, isLast);
  }

  #goOn(streamId: number, own: number, payload: Buffer): void {
    const open = this.#open;
    if (open === undefined || open.streamId !== streamId) throw broken('headers go on that have not begun');
    const block = Buffer.concat([open.block, payload]);
    const continuations = open.continuations + 1;
    if (block.length > maxBlockBytes || continuations > mostContinuations) {
      const bounds = `${maxBlockBytes} bytes or ${mostContinuations + 1} frames`;
      throw new Http2Fault(errorCodes.ENHANCE_YOUR_CALM, `headers of more than ${bounds}`);
    }
    if ((own & flags.END_HEADERS) === 0) {
      this.#open = { ...open, block, continuations };
      return;
    }
    this.#open = undefined;
    this.#tellHeaders(streamId, block, open.isLast);
  }

  #tellHeaders(streamId: number, block: Buffer, isLast: boolean): void {
    const headers = this.#decoder.decode(block);
    this.#listener.onHeaders(streamId, headers, isLast, this.#decoder.fault);
  }

  #takeOfConnection(type: 4 | 6 | 7, isAnswer: boolean, payload: Buffer): void {
    if (type === frameTypes.SETTINGS) {
      if (isAnswer && payload.length > 0) throw wrongSize();
      if (isAnswer && !this.#hasSettings) throw broken('its first frame is not SETTINGS');
      this.#hasSettings = true;
      this.#listener.onSettings(settingsIn(payload), isAnswer);
      return;
    }
    if (type === frameTypes.PING ? payload.length !== 8 : payload.length < 8) throw wrongSize();
    if (type === frameTypes.PING) this.#listener.onPing(payload, isAnswer);
    else {
      const lastStreamId = payload.readUInt32BE(0) & ~highBit;
      this.#listener.onGoaway(lastStreamId, payload.readUInt32BE(4), payload.toString('latin1', 8));
    }
  }
}

/** The payload of a DATA or HEADERS frame without its padding (RFC 9113, 6.1). */
function withoutPadding(payload: Buffer, own: number): Buffer {
  if ((own & flags.PADDED) === 0) return payload;
  const padding = payload[0];
  if (padding === undefined || padding >= payload.length) throw broken('more padding than bytes');
  return payload.subarray(1, payload.length - padding);
}

function settingsIn(payload: Buffer): [number, number][] {
  if (payload.length % 6 !== 0) throw wrongSize();
  return Array.from({ length: payload.length / 6 }, (_, index) => [
    payload.readUInt16BE(6 * index),
    payload.readUInt32BE(6 * index + 2),
  ]);
}

function numberIn(payload: Buffer): number {
  if (payload.length !== 4) throw wrongSize();
  return payload.readUInt32BE(0);
}

function wrongSize(): Http2Fault {
  return new Http2Fault(errorCodes.FRAME_SIZE_ERROR, 'a frame has the wrong size');
}
