// hot
import { broken, defaultFrameBytes, errorCodes, flags, frameHeadBytes, frameTypes, Http2Fault } from './frames.ts';
import type { Headers } from './header-codec.ts';
import { HeaderDecoder } from './header-codec.ts';

/** Receives what frames say, in their order. Buffers are lent until the call returns. */
export interface FrameListener {
  /** `sizeBytes` is that of the frame, with its padding. */
  onData(streamId: number, data: Buffer, sizeBytes: number, isLast: boolean): void;
  onHeaders(streamId: number, headers: Headers, isLast: boolean): void;
  onReset(streamId: number, code: number): void;
  /** `streamId` 0 is the connection. */
  onWindow(streamId: number, bytes: number): void;
  /** Pairs of an ID and a value. */
  onSettings(settings: readonly (readonly [id: number, value: number])[]): void;
  onPing(payload: Buffer, isAnswer: boolean): void;
  onGoaway(lastStreamId: number, code: number, text: string): void;
}

/** Of one header block: a receiver tells a status in it. */
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

/** Reads the frames that a server sends, however its bytes are cut. Nothing can be read after a fault. */
export class FrameParser {
  readonly #listener: FrameListener;
  readonly #decoder = new HeaderDecoder();
  #rest: Buffer | undefined;
  /** Headers that go on in CONTINUATION frames, with no other between. */
  #open: OpenHeaders | undefined;
  #hasSettings = false;

  constructor(listener: FrameListener) {
    this.#listener = listener;
  }

  /** The peer has said its settings: it speaks HTTP/2. */
  get hasSettings(): boolean {
    return this.#hasSettings;
  }

  /** @throws Http2Fault for bytes that are against the rules, and what the listener throws */
  push(piece: Buffer): void {
    const bytes = this.#rest === undefined ? piece : Buffer.concat([this.#rest, piece]);
    let at = 0;
    while (bytes.length - at >= frameHeadBytes) {
      const sizeBytes = bytes.readUIntBE(at, 3);
      if (sizeBytes > defaultFrameBytes) throw wrongSize();
      const end = at + frameHeadBytes + sizeBytes;
      if (end > bytes.length) break;
      const streamId = bytes.readUInt32BE(at + 5) & ~highBit;
      this.#take(bytes[at + 3]!, bytes[at + 4]!, streamId, bytes.subarray(at + frameHeadBytes, end));
      at = end;
    }
    // A copy: the piece may be far larger than its part of a frame.
    this.#rest = at === bytes.length ? undefined : Buffer.from(bytes.subarray(at));
  }

  #take(type: number, own: number, id: number, payload: Buffer): void {
    if (!this.#hasSettings && type !== frameTypes.SETTINGS) throw broken('its first frame is not SETTINGS');
    if (this.#open !== undefined && type !== frameTypes.CONTINUATION) throw broken('headers are not whole');
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
      // Priorities, and types that are not known.
      default:
    }
  }

  #beginHeaders(streamId: number, own: number, payload: Buffer): void {
    const unpadded = withoutPadding(payload, own);
    const block = (own & flags.PRIORITY) === 0 ? unpadded : unpadded.subarray(priorityBytes);
    const isLast = (own & flags.END_STREAM) !== 0;
    if ((own & flags.END_HEADERS) === 0) this.#open = { streamId, isLast, block: Buffer.from(block), continuations: 0 };
    else this.#listener.onHeaders(streamId, this.#decoder.decode(block), isLast);
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
    this.#listener.onHeaders(streamId, this.#decoder.decode(block), open.isLast);
  }

  #takeOfConnection(type: 4 | 6 | 7, isAnswer: boolean, payload: Buffer): void {
    if (type === frameTypes.SETTINGS) {
      this.#hasSettings = true;
      if (!isAnswer) this.#listener.onSettings(settingsIn(payload));
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
