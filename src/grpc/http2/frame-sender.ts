// hot
import type { Socket } from 'node:net';
import {
  broken,
  defaultFrameBytes,
  defaultWindowBytes,
  errorCodes,
  flags,
  frameHeadBytes,
  frameOf,
  frameTypes,
  Http2Fault,
  maxWindowBytes,
  numberFrame,
  settingIds,
  writeFrameHead,
} from './frames.ts';
import type { OutgoingHeaders } from './header-codec.ts';
import { HeaderEncoder } from './header-codec.ts';
import type { OutgoingBody } from './outgoing-body.ts';

/** Bytes that wait for a peer that does not read; bodies stay with their streams beyond them, and end with these. */
const mostQueuedBytes = 1024 * 1024;
/** Answers to pings and settings that wait for a peer that does not read. */
const mostAnswers = 1_000;
/** To write so much as one piece, copied, costs less than to write each of its pieces. */
const mostMergedBytes = 16 * 1024;

/** Writes the frames of a connection: headers, and bodies as far as the windows of the peer allow. */
export class FrameSender {
  readonly encoder = new HeaderEncoder();
  readonly #socket: Socket;
  /** Bodies that wait for a window or for the socket; the one that was served last is the last. */
  readonly #blocked = new Set<OutgoingBody>();
  #window = defaultWindowBytes;
  #windowOfStreams = defaultWindowBytes;
  #mostFrameBytes = defaultFrameBytes;
  /** Frames of this turn of the loop, which leave together. */
  #pieces: Uint8Array[] = [];
  #pieceBytes = 0;
  /** Called when they have left. */
  #onLeft: (() => void)[] = [];
  /** Called when the kernel has them, or when it will not get them. */
  #onWritten: (() => void)[] = [];
  #answerCount = 0;
  /** Of those that wait, the ones of this turn. */
  #newAnswers = 0;
  #dataCount = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('drain', () => this.sendBlocked());
  }

  /** Writes of one turn of the loop leave together; none leaves once the socket is closed. */
  write(bytes: Uint8Array): void {
    if (!this.#socket.writable) return;
    if (this.#pieces.length === 0) process.nextTick(flush, this);
    this.#pieces.push(bytes);
    this.#pieceBytes += bytes.length;
  }

  flush(): void {
    if (this.#pieces.length === 0) return;
    const pieces = this.#pieces;
    const onWritten = this.#takeOnWritten();
    const onLeft = this.#onLeft;
    const sizeBytes = this.#pieceBytes;
    this.#pieces = [];
    this.#pieceBytes = 0;
    this.#onLeft = [];
    if (!this.#socket.writable) onWritten?.();
    else if (pieces.length === 1) this.#socket.write(pieces[0]!, onWritten);
    else if (sizeBytes <= mostMergedBytes) this.#socket.write(Buffer.concat(pieces, sizeBytes), onWritten);
    else {
      this.#socket.cork();
      const last = pieces.pop()!;
      for (const piece of pieces) this.#socket.write(piece);
      this.#socket.write(last, onWritten);
      this.#socket.uncork();
    }
    for (const call of onLeft) call();
  }

  #takeOnWritten(): (() => void) | undefined {
    const answers = this.#newAnswers;
    const calls = this.#onWritten;
    if (answers === 0 && calls.length === 0) return undefined;
    this.#newAnswers = 0;
    this.#onWritten = [];
    return () => {
      this.#answerCount -= answers;
      for (const call of calls) call();
    };
  }

  /** @throws Http2Fault when too many answers wait */
  answer(frame: Uint8Array): void {
    if (this.#answerCount >= mostAnswers) {
      throw new Http2Fault(errorCodes.ENHANCE_YOUR_CALM, `it does not read ${mostAnswers} answers`);
    }
    this.#answerCount++;
    this.#newAnswers++;
    this.write(frame);
  }

  /** `lastStreamId`: the last stream of the peer that was looked at. */
  sendGoaway(code: number, lastStreamId = 0): void {
    const payload = Buffer.alloc(8);
    payload.writeUInt32BE(lastStreamId);
    payload[7] = code;
    this.write(frameOf({ type: frameTypes.GOAWAY }, payload));
    this.flush();
  }

  /** Begins the body of a stream that has its ID. */
  begin(body: OutgoingBody): void {
    body.window = this.#windowOfStreams;
  }

  /** Sends what a body holds, or lets it wait for a window or for the socket. */
  send(body: OutgoingBody): void {
    while (body.isWaiting) {
      const { heldBytes, trailers } = body;
      const room = this.isFull ? 0 : Math.min(body.window, this.#window, this.#mostFrameBytes);
      if (room <= 0 && heldBytes > 0) {
        // The next room of the connection is for another.
        if (this.#window <= 0) this.#blocked.delete(body);
        this.#blocked.add(body);
        return;
      }
      // The end alone needs no window, which may be less than nothing.
      if (heldBytes > 0 || trailers === undefined)
        this.#sendData(body, heldBytes === 0 ? 0 : Math.min(room, heldBytes));
      else {
        this.sendHeaders(body.id, trailers, true);
        body.noteSent();
      }
    }
    this.#blocked.delete(body);
  }

  #sendData(body: OutgoingBody, sizeBytes: number): void {
    const isLast = body.endsWith(sizeBytes);
    const head = Buffer.allocUnsafe(frameHeadBytes);
    const own = isLast ? flags.END_STREAM : 0;
    writeFrameHead(head, 0, { sizeBytes, type: frameTypes.DATA, flags: own, streamId: body.id });
    const pieces: Uint8Array[] = [head];
    body.take(sizeBytes, pieces);
    for (const piece of pieces) this.write(piece);
    body.takeMarks(this.#onLeft);
    body.window -= sizeBytes;
    this.#window -= sizeBytes;
    this.#dataCount++;
    if (!isLast) return;
    this.#onWritten.push(body.onWritten);
    body.noteSent();
  }

  /** Lets go of the body of a stream that has ended. */
  forget(body: OutgoingBody): void {
    this.#blocked.delete(body);
    body.drop();
  }

  /** Does what settings of the peer ask for that are not about streams, and answers them. `open`: of which streams are open. */
  takeSettings(settings: readonly (readonly [id: number, value: number])[], open: Iterable<HasBody>): void {
    for (const [id, value] of settings) {
      if (id === settingIds.HEADER_TABLE_SIZE) this.encoder.setMaxBytes(value);
      else if (id === settingIds.INITIAL_WINDOW_SIZE) this.#setWindowOfStreams(value, open);
      else if (id === settingIds.MAX_FRAME_SIZE) this.#setMostFrameBytes(value);
    }
    // A peer holds to its former settings until they are answered.
    this.answer(frameOf({ type: frameTypes.SETTINGS, flags: flags.ACK }));
    this.sendBlocked();
  }

  #setMostFrameBytes(bytes: number): void {
    if (bytes < defaultFrameBytes || bytes > 0xff_ffff) throw broken(`a frame of ${bytes} bytes`);
    this.#mostFrameBytes = bytes;
  }

  /** The window that streams begin with; those that are open get the difference (RFC 9113, 6.9.2). */
  #setWindowOfStreams(bytes: number, open: Iterable<HasBody>): void {
    if (bytes > maxWindowBytes) throw tooWide();
    const more = bytes - this.#windowOfStreams;
    this.#windowOfStreams = bytes;
    for (const { body } of open) {
      body.window += more;
      if (body.window > maxWindowBytes) throw tooWide();
    }
  }

  /** More room on the connection. */
  widen(bytes: number): void {
    if (bytes === 0) throw broken('a window wider by nothing');
    this.#window += bytes;
    if (this.#window > maxWindowBytes) throw tooWide();
    this.sendBlocked();
  }

  /** More room for a stream; a code to reset it with where the peer must not give it. */
  widenStream(body: OutgoingBody, bytes: number): number | undefined {
    if (bytes === 0) return errorCodes.PROTOCOL_ERROR;
    body.window += bytes;
    if (body.window > maxWindowBytes) return errorCodes.FLOW_CONTROL_ERROR;
    if (body.isWaiting) this.send(body);
    return undefined;
  }

  /** Tells the peer that there is room again; nothing where `bytes` is 0. */
  sendWindow(streamId: number, bytes: number): void {
    if (bytes > 0) this.write(numberFrame(frameTypes.WINDOW_UPDATE, streamId, bytes));
  }

  /** Resets a stream for what the peer has sent. @throws Http2Fault when too many answers wait */
  answerReset(streamId: number, code: number): void {
    this.answer(numberFrame(frameTypes.RST_STREAM, streamId, code));
  }

  sendReset(streamId: number, code: number): void {
    this.write(numberFrame(frameTypes.RST_STREAM, streamId, code));
  }

  sendPing(payload: Uint8Array = new Uint8Array(8)): void {
    this.write(frameOf({ type: frameTypes.PING }, payload));
  }

  /** @throws Http2Fault when too many answers wait */
  answerPing(payload: Uint8Array): void {
    this.answer(frameOf({ type: frameTypes.PING, flags: flags.ACK }, payload));
  }

  /** Frames of bodies that were sent since this was asked last. */
  takeDataCount(): number {
    const count = this.#dataCount;
    this.#dataCount = 0;
    return count;
  }

  /** Sends what bodies may send now that wait. */
  sendBlocked(): void {
    for (const body of this.#blocked) {
      if (this.#window <= 0 || this.isFull) return;
      this.send(body);
    }
  }

  /** The peer does not read what it is sent; it gets no bodies until there is room again. */
  get isFull(): boolean {
    return this.#pieceBytes + this.#socket.writableLength >= mostQueuedBytes;
  }

  /** `isLast`: there is no body, or nothing behind it. */
  sendHeaders(id: number, headers: OutgoingHeaders, isLast = false): void {
    const frame = this.encoder.encode(headers, frameHeadBytes);
    const most = this.#mostFrameBytes;
    const first = Math.min(most, frame.length - frameHeadBytes);
    let at = frameHeadBytes + first;
    const own = (at === frame.length ? flags.END_HEADERS : 0) | (isLast ? flags.END_STREAM : 0);
    writeFrameHead(frame, 0, { sizeBytes: first, type: frameTypes.HEADERS, streamId: id, flags: own });
    this.write(frame.subarray(0, at));
    while (at < frame.length) {
      const part = frame.subarray(at, at + most);
      at += part.length;
      const ownOfPart = at === frame.length ? flags.END_HEADERS : 0;
      this.write(frameOf({ type: frameTypes.CONTINUATION, flags: ownOfPart, streamId: id }, part));
    }
  }
}

/** A stream. */
interface HasBody {
  readonly body: OutgoingBody;
}

function tooWide(): Http2Fault {
  return new Http2Fault(errorCodes.FLOW_CONTROL_ERROR, 'a window is wider than 2^31-1');
}

function flush(sender: FrameSender): void {
  sender.flush();
}
