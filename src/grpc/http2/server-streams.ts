// hot
import { EndedStreams } from './ended-streams.ts';
import type { FloodGuard } from './flood-guard.ts';
import type { FrameSender } from './frame-sender.ts';
import { broken, defaultWindowBytes, errorCodes, Http2Fault } from './frames.ts';
import type { Headers, OutgoingHeaders } from './header-codec.ts';
import type { HeaderFault } from './header-rules.ts';
import { isRequest, isTrailer } from './header-rules.ts';
import { InboundWindow, SharedWindow } from './inbound-window.ts';
import type { StreamConnection } from './server-stream.ts';
import { ServerStream } from './server-stream.ts';

export interface StreamLimits {
  /** Flow-control window of each stream and of the connection. */
  readonly windowBytes: number;
  readonly maxConcurrentStreams: number;
}

export interface StreamsParts {
  readonly sender: FrameSender;
  readonly guard: FloodGuard;
  /** A request begins; it waits until it is resumed. */
  readonly onStream: (stream: ServerStream) => void;
  /** A request was not looked at, because as many as may be are open. */
  readonly onStreamRefused: () => void;
  /** Called when a stream has ended. */
  readonly onEnded: () => void;
}

/** Of a stream. */
export const highestId: number = 2 ** 31 - 1;
/** Bytes of requests that wait for their readers, in windows, for which a client still gets room on the connection: others go on. */
const mostWaitingWindows = 4;

/** The streams that clients have begun on a connection, each in the state that RFC 9113 (5.1) gives it. */
export class ServerStreams implements StreamConnection, Iterable<ServerStream> {
  readonly #limits: StreamLimits;
  readonly #parts: StreamsParts;
  readonly #sender: FrameSender;
  readonly #guard: FloodGuard;
  readonly #streams = new Map<number, ServerStream>();
  readonly #ended = new EndedStreams();
  /** For all requests. */
  readonly #window: SharedWindow;
  #lastId = 0;
  /** Streams behind it are not looked at. */
  #mostId = highestId;
  /** Streams that are closed while something is still done for them. */
  #lingeringCount = 0;
  /** The client knows what windows streams begin with. */
  #areSettingsKnown = false;
  #hasPiece = false;

  constructor(limits: StreamLimits, parts: StreamsParts) {
    this.#limits = limits;
    this.#parts = parts;
    this.#sender = parts.sender;
    this.#guard = parts.guard;
    const sharedBytes = Math.max(limits.windowBytes, defaultWindowBytes);
    this.#window = new SharedWindow(sharedBytes, mostWaitingWindows * sharedBytes);
  }

  get size(): number {
    return this.#streams.size;
  }

  [Symbol.iterator](): Iterator<ServerStream> {
    return this.#streams.values();
  }

  /** The highest number of a stream that the client has begun. */
  get lastId(): number {
    return this.#lastId;
  }

  /** Takes no more. */
  end(): void {
    this.#mostId = this.#lastId;
  }

  /** Notes that the client knows the settings. */
  noteSettingsKnown(): void {
    this.#areSettingsKnown = true;
  }

  /** True where pieces of requests have come since this was asked last. */
  takeHasPiece(): boolean {
    const hasPiece = this.#hasPiece;
    this.#hasPiece = false;
    return hasPiece;
  }

  closeAll(): void {
    for (const stream of this.#streams.values()) this.#finish(stream, true);
  }

  onData(id: number, data: Buffer, sizeBytes: number, isLast: boolean): void {
    const stream = this.#known(id);
    if (!this.#window.receive(sizeBytes)) throw overflow();
    if (data.length > 0) this.#guard.noteUse();
    else if (!isLast) this.#guard.noteFrame();
    if (stream === undefined) this.#answerLate(id);
    else if (stream.hasEnded) this.#break(stream, errorCodes.STREAM_CLOSED);
    else this.#take(stream, data, sizeBytes, isLast);
    this.#sender.sendWindow(0, this.#window.settle());
  }

  #take(stream: ServerStream, data: Buffer, sizeBytes: number, isLast: boolean): void {
    stream.expectedBytes -= data.length;
    if (!stream.window.receive(sizeBytes)) this.#break(stream, errorCodes.FLOW_CONTROL_ERROR);
    else if (stream.expectedBytes < 0 || (isLast && stream.expectedBytes > 0)) {
      this.#break(stream, errorCodes.PROTOCOL_ERROR);
    } else {
      this.#hasPiece = true;
      if (isLast) stream.hasEnded = true;
      else if (sizeBytes > data.length) this.consume(stream, sizeBytes - data.length);
      if (data.length > 0) stream.push(data);
      if (isLast) stream.pushEnd();
    }
  }

  /** A frame with a part of a request that has ended. @throws Http2Fault where the client has ended it */
  #answerLate(id: number): void {
    this.#guard.noteFrame();
    const end = id > this.#mostId ? 'late' : this.#ended.endOf(id);
    if (end === 'closed') throw new Http2Fault(errorCodes.STREAM_CLOSED, 'more of a stream that was closed');
    if (end === 'unknown') this.#sender.answerReset(id, errorCodes.STREAM_CLOSED);
  }

  onHeaders(id: number, headers: Headers, isLast: boolean, fault: HeaderFault | undefined): void {
    if (id % 2 === 0) throw broken('a stream of the server');
    const stream = this.#streams.get(id);
    if (stream !== undefined) this.#takeTrailers(stream, fault === undefined && isTrailer(headers) && isLast);
    else if (id > this.#lastId) this.#begin(id, headers, isLast, fault);
    else if (this.#ended.endOf(id) === 'unknown') throw broken('a stream that was passed over');
    else this.#answerLate(id);
  }

  /** Nothing is read of them: gRPC has none. */
  #takeTrailers(stream: ServerStream, isSound: boolean): void {
    if (stream.hasEnded) this.#break(stream, errorCodes.STREAM_CLOSED);
    else if (!isSound || stream.expectedBytes > 0) this.#break(stream, errorCodes.PROTOCOL_ERROR);
    else {
      stream.hasEnded = true;
      stream.pushEnd();
    }
  }

  #begin(id: number, headers: Headers, isLast: boolean, fault: HeaderFault | undefined): void {
    // The client hears, or has heard, that it is not looked at.
    if (id > this.#mostId) {
      this.#guard.noteFrame();
      return;
    }
    this.#lastId = id;
    const stream = new ServerStream(id, headers, this.#newWindow(), this);
    const refusal = this.#refusalOf(stream, isLast, fault);
    if (refusal !== undefined) {
      if (refusal === errorCodes.REFUSED_STREAM) this.#parts.onStreamRefused();
      this.#break(stream, refusal);
      return;
    }
    this.#guard.noteUse();
    this.#streams.set(id, stream);
    this.#sender.begin(stream.body);
    stream.hasEnded = isLast;
    this.#parts.onStream(stream);
    if (isLast && !stream.isClosed) stream.pushEnd();
  }

  #newWindow(): InboundWindow {
    const { windowBytes } = this.#limits;
    return new InboundWindow(
      windowBytes,
      this.#areSettingsKnown ? windowBytes : Math.max(windowBytes, defaultWindowBytes),
    );
  }

  /** The code to reset a new stream with. */
  #refusalOf(
    { headers, expectedBytes }: ServerStream,
    isLast: boolean,
    fault: HeaderFault | undefined,
  ): number | undefined {
    if (fault === 'too_large') return errorCodes.ENHANCE_YOUR_CALM;
    if (fault !== undefined || !isRequest(headers) || (isLast && expectedBytes > 0)) return errorCodes.PROTOCOL_ERROR;
    const openCount = this.#streams.size + this.#lingeringCount;
    return openCount < this.#limits.maxConcurrentStreams ? undefined : errorCodes.REFUSED_STREAM;
  }

  onReset(id: number): void {
    const stream = this.#known(id);
    if (stream === undefined) {
      this.#guard.noteFrame();
      return;
    }
    this.#guard.noteReset();
    this.#finish(stream, false);
    this.#parts.onEnded();
  }

  onWindow(id: number, bytes: number): void {
    const stream = this.#known(id);
    const fault = stream && this.#sender.widenStream(stream.body, bytes);
    if (fault !== undefined) this.#break(stream!, fault);
  }

  /** The stream of an ID; `undefined` for one that has ended. @throws Http2Fault for one that was not begun */
  #known(id: number): ServerStream | undefined {
    if (id % 2 === 0 || (id > this.#lastId && id <= this.#mostId))
      throw broken(`a frame of the stream ${id}, which was not begun`);
    return this.#streams.get(id);
  }

  sendHeaders({ id }: ServerStream, headers: OutgoingHeaders, isLast: boolean): void {
    this.#sender.sendHeaders(id, headers, isLast);
  }

  send({ body }: ServerStream): void {
    this.#sender.send(body);
  }

  wait(bytes: number): void {
    this.#window.wait(bytes);
    if (bytes < 0) this.#sender.sendWindow(0, this.#window.settle());
  }

  consume(stream: ServerStream, bytes: number): void {
    if (!stream.hasEnded && !stream.isClosed) this.#sender.sendWindow(stream.id, stream.window.consume(bytes));
  }

  endWork(): void {
    this.#lingeringCount--;
  }

  /** A response that is whole before its request ends the stream without an error (RFC 9113, 8.1). */
  finish(stream: ServerStream): void {
    if (stream.isClosed) return;
    if (!stream.hasEnded) this.#sender.sendReset(stream.id, errorCodes.NO_ERROR);
    this.#finish(stream, !stream.hasEnded);
    this.#parts.onEnded();
  }

  reset(stream: ServerStream, code: number): void {
    this.#sender.sendReset(stream.id, code);
    this.#finish(stream, true);
    this.#parts.onEnded();
  }

  /** Ends a stream for a fault of the client. */
  #break(stream: ServerStream, code: number): void {
    this.#guard.noteReset();
    this.#sender.answerReset(stream.id, code);
    this.#finish(stream, true);
    this.#parts.onEnded();
  }

  /** `isTold`: the client hears of the end later. */
  #finish(stream: ServerStream, isTold: boolean): void {
    if (stream.isClosed) return;
    stream.isClosed = true;
    this.#ended.add(stream.id, isTold);
    this.#streams.delete(stream.id);
    if (stream.workCount > 0) this.#lingeringCount++;
    this.#sender.forget(stream.body);
    stream.drop();
    stream.reader?.onClose();
  }
}

function overflow(): Http2Fault {
  return new Http2Fault(errorCodes.FLOW_CONTROL_ERROR, 'more was sent than the window has');
}
