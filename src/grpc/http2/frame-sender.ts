// hot
import type { Socket } from 'node:net';
import type { ClientStream } from './client-stream.ts';
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
  writeFrameHead,
} from './frames.ts';
import { HeaderEncoder } from './header-codec.ts';

/** Bytes that wait for a peer that does not read; bodies stay with their streams beyond them, and end with these. */
const mostQueuedBytes = 1024 * 1024;
/** Answers to pings and settings that wait for a peer that does not read. */
const mostAnswers = 1_000;

/** Writes the frames of a connection: headers, and bodies as far as the windows of the peer allow. */
export class FrameSender {
  readonly encoder = new HeaderEncoder();
  readonly #socket: Socket;
  /** Streams that wait for a window or for the socket; the one that was served last is the last. */
  readonly #blocked = new Set<ClientStream>();
  #window = defaultWindowBytes;
  #windowOfStreams = defaultWindowBytes;
  #mostFrameBytes = defaultFrameBytes;
  #answerCount = 0;
  #isCorked = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('drain', () => this.sendBlocked());
  }

  /** Writes of one turn of the loop leave together; none leaves once the socket is closed. */
  write(bytes: Uint8Array, onWritten?: (error?: Error | null) => void): void {
    if (!this.#socket.writable) return;
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
      process.nextTick(flush, this);
    }
    this.#socket.write(bytes, onWritten);
  }

  flush(): void {
    if (!this.#isCorked) return;
    this.#isCorked = false;
    this.#socket.uncork();
  }

  /** @throws Http2Fault when too many answers wait */
  answer(frame: Uint8Array): void {
    if (this.#answerCount === mostAnswers) {
      throw new Http2Fault(errorCodes.ENHANCE_YOUR_CALM, `it does not read ${mostAnswers} answers`);
    }
    this.#answerCount++;
    this.write(frame, () => {
      this.#answerCount--;
    });
  }

  sendGoaway(code: number): void {
    const payload = new Uint8Array(8);
    payload[7] = code;
    this.write(frameOf({ type: frameTypes.GOAWAY }, payload));
    this.flush();
  }

  /** Begins a stream that has its ID, and sends what it holds. */
  begin(stream: ClientStream): void {
    stream.window = this.#windowOfStreams;
    this.#sendHeaders(stream);
    this.send(stream);
  }

  /** Sends what a stream holds, or lets it wait for a window or for the socket. */
  send(stream: ClientStream): void {
    while (stream.isWaiting) {
      const room = this.#isFull ? 0 : Math.min(stream.window, this.#window, this.#mostFrameBytes);
      if (room <= 0 && stream.heldBytes > 0) {
        // The next room of the connection is for another.
        if (this.#window <= 0) this.#blocked.delete(stream);
        this.#blocked.add(stream);
        return;
      }
      // The end alone needs no window, which may be less than nothing.
      this.#sendData(stream, stream.heldBytes === 0 ? 0 : Math.min(room, stream.heldBytes));
    }
    this.#blocked.delete(stream);
  }

  #sendData(stream: ClientStream, sizeBytes: number): void {
    const head = Buffer.allocUnsafe(frameHeadBytes);
    const own = stream.endsWith(sizeBytes) ? flags.END_STREAM : 0;
    writeFrameHead(head, 0, { sizeBytes, type: frameTypes.DATA, flags: own, streamId: stream.id });
    this.write(head);
    const pieces: Uint8Array[] = [];
    stream.take(sizeBytes, pieces);
    const last = own === 0 ? undefined : pieces.pop();
    for (const piece of pieces) this.write(piece);
    if (last !== undefined) this.write(last, stream.onWritten);
    stream.window -= sizeBytes;
    this.#window -= sizeBytes;
  }

  /** Lets go of a stream that has ended. */
  forget(stream: ClientStream): void {
    this.#blocked.delete(stream);
  }

  setMostFrameBytes(bytes: number): void {
    if (bytes < defaultFrameBytes || bytes > 0xff_ffff) throw broken(`a frame of ${bytes} bytes`);
    this.#mostFrameBytes = bytes;
  }

  /** The window that streams begin with; those that are open get the difference (RFC 9113, 6.9.2), for `sendBlocked`. */
  setWindowOfStreams(bytes: number, open: Iterable<ClientStream>): void {
    if (bytes > maxWindowBytes) throw tooWide();
    const more = bytes - this.#windowOfStreams;
    this.#windowOfStreams = bytes;
    for (const stream of open) {
      stream.window += more;
      if (stream.window > maxWindowBytes) throw tooWide();
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
  widenStream(stream: ClientStream, bytes: number): number | undefined {
    if (bytes === 0) return errorCodes.PROTOCOL_ERROR;
    stream.window += bytes;
    if (stream.window > maxWindowBytes) return errorCodes.FLOW_CONTROL_ERROR;
    if (stream.isWaiting) this.send(stream);
    return undefined;
  }

  sendWindow(streamId: number, bytes: number): void {
    this.write(numberFrame(frameTypes.WINDOW_UPDATE, streamId, bytes));
  }

  sendReset(streamId: number, code: number): void {
    this.write(numberFrame(frameTypes.RST_STREAM, streamId, code));
  }

  /** Sends what streams may send now that wait. */
  sendBlocked(): void {
    for (const stream of this.#blocked) {
      if (this.#window <= 0 || this.#isFull) return;
      this.send(stream);
    }
  }

  get #isFull(): boolean {
    return this.#socket.writableLength >= mostQueuedBytes;
  }

  #sendHeaders({ id, headers }: ClientStream): void {
    const frame = this.encoder.encode(headers, frameHeadBytes);
    const most = this.#mostFrameBytes;
    const first = Math.min(most, frame.length - frameHeadBytes);
    let at = frameHeadBytes + first;
    const head = { sizeBytes: first, type: frameTypes.HEADERS, streamId: id };
    writeFrameHead(frame, 0, { ...head, flags: at === frame.length ? flags.END_HEADERS : 0 });
    this.write(frame.subarray(0, at));
    while (at < frame.length) {
      const part = frame.subarray(at, at + most);
      at += part.length;
      const own = at === frame.length ? flags.END_HEADERS : 0;
      this.write(frameOf({ type: frameTypes.CONTINUATION, flags: own, streamId: id }, part));
    }
  }
}

function tooWide(): Http2Fault {
  return new Http2Fault(errorCodes.FLOW_CONTROL_ERROR, 'a window is wider than 2^31-1');
}

function flush(sender: FrameSender): void {
  sender.flush();
}
