// hot
import type { Socket } from 'node:net';
import { messageOf } from '../../support/error-text.ts';
import type { StreamEnd, StreamReader, StreamSender } from './client-stream.ts';
import { ClientStream } from './client-stream.ts';
import type { FrameListener } from './frame-parser.ts';
import { FrameParser } from './frame-parser.ts';
import { FrameSender } from './frame-sender.ts';
import { broken, defaultWindowBytes, errorCodes, Http2Fault, preface, settingIds, settingsFrame } from './frames.ts';
import type { Headers, OutgoingHeaders } from './header-codec.ts';
import { maxDecodedBytes } from './header-codec.ts';
import type { HeaderFault } from './header-rules.ts';
import { InboundWindow } from './inbound-window.ts';

export interface SessionEvents {
  /** The peer takes no new streams. */
  readonly onGoaway: (code: number, text: string) => void;
  /** The last stream that there may be has begun. */
  readonly onExhausted: () => void;
  /** Called once. `error`: the connection was lost for it. */
  readonly onClose: (error: Error | undefined) => void;
}

/** Of the client: no pushes. */
const ownSettings = settingsFrame([[settingIds.ENABLE_PUSH, 0]]);
const lastStreamId = 2 ** 31 - 1;

/**
 * The client's side of a connection of HTTP/2 (RFC 9113), for calls of gRPC: no pushes, no priorities. A stream of node:http2 costs nearly a third of
 * all that a request costs, much of it for objects that only a collection of the whole heap frees.
 */
export class ClientSession implements StreamSender, FrameListener {
  readonly #socket: Socket;
  readonly #events: SessionEvents;
  readonly #sender: FrameSender;
  readonly #parser = new FrameParser('server', this);
  readonly #streams = new Map<number, ClientStream>();
  /** Streams that wait for a place among those that the peer takes at the same time. */
  readonly #unopened = new Set<ClientStream>();
  #maxStreams = Number.POSITIVE_INFINITY;
  readonly #pings: (() => void)[] = [];
  readonly #ready = Promise.withResolvers<void>();
  #nextId: number;
  /** For all responses. */
  readonly #window = new InboundWindow(defaultWindowBytes);
  #isLeaving = false;
  /** No stream begins any more, not even one that waits. */
  #isExhausted = false;
  #hasEnded = false;
  #isClosed = false;
  #fault: Error | undefined;

  /** Takes the socket over. Of the 2^30 streams of a connection, `firstId` is the first. */
  constructor(socket: Socket, events: SessionEvents, firstId = 1) {
    this.#socket = socket;
    this.#events = events;
    this.#nextId = firstId;
    this.#sender = new FrameSender(socket);
    this.#ready.promise.catch(() => undefined);
    socket.on('data', (piece: Buffer) => this.#push(piece));
    socket.on('error', (error) => this.destroy(error));
    // A peer that says nothing more answers no call, even if it does not read what keeps the socket open.
    socket.on('end', () => this.destroy());
    socket.on('close', () => this.destroy());
    this.#sender.write(preface);
    this.#sender.write(ownSettings);
  }

  /** Resolves once the peer has sent its settings; rejects when the connection is lost before that. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Never: answers of a receiver are little work. */
  get isSated(): boolean {
    return false;
  }

  /** Takes new streams. */
  get isOpen(): boolean {
    return !this.#isLeaving;
  }

  /** Begins a stream; `undefined` where the connection takes no more. */
  open(headers: OutgoingHeaders, reader: StreamReader): ClientStream | undefined {
    if (this.#isLeaving) return undefined;
    const stream = new ClientStream(headers, reader, this);
    if (this.#streams.size < this.#maxStreams) this.#begin(stream);
    else this.#unopened.add(stream);
    return stream;
  }

  /** `onAnswer` is called when the peer answers. */
  ping(onAnswer: () => void): void {
    if (this.#hasEnded || this.#isClosed) return;
    this.#pings.push(onAnswer);
    this.#sender.sendPing();
  }

  /** Takes no new streams, and ends with the last that is open or waits. */
  close(): void {
    this.#isLeaving = true;
    this.#endIfDone();
  }

  /** Ends the connection and all of its streams. */
  destroy(error: Error | undefined = this.#fault): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isLeaving = true;
    this.#isExhausted = true;
    this.#socket.destroy();
    const lost = error?.message ?? 'Connection dropped';
    for (const stream of this.#streams.values()) this.#finish(stream, { code: errorCodes.NO_ERROR, lost });
    this.#refuseUnopened();
    this.#ready.reject(error ?? new Error('Failed to connect: the connection was closed before HTTP/2 began'));
    this.#events.onClose(error);
  }

  send(stream: ClientStream): void {
    this.#sender.send(stream.body);
  }

  reset(stream: ClientStream, code: number): void {
    if (stream.id > 0) this.#sender.sendReset(stream.id, code);
    this.#finish(stream, { code });
  }

  #begin(stream: ClientStream): void {
    stream.body.id = this.#nextId;
    this.#nextId += 2;
    this.#streams.set(stream.id, stream);
    this.#sender.begin(stream.body);
    this.#sender.sendHeaders(stream.id, stream.headers);
    this.#sender.send(stream.body);
    if (this.#nextId <= lastStreamId) return;
    // The next one needs another connection.
    this.#isLeaving = true;
    this.#events.onExhausted();
    this.#refuseUnopened();
  }

  #finish(stream: ClientStream, end: StreamEnd): void {
    if (stream.isClosed) return;
    stream.isClosed = true;
    this.#sender.forget(stream.body);
    this.#streams.delete(stream.id);
    this.#unopened.delete(stream);
    stream.reader.onClose(end);
    this.#openNext();
    this.#endIfDone();
  }

  #openNext(): void {
    for (const stream of this.#unopened) {
      if (this.#isExhausted || this.#streams.size >= this.#maxStreams) return;
      this.#unopened.delete(stream);
      this.#begin(stream);
    }
  }

  #refuseUnopened(): void {
    this.#isExhausted = true;
    for (const stream of this.#unopened) this.#finish(stream, { code: errorCodes.REFUSED_STREAM });
  }

  #endIfDone(): void {
    if (!this.#isLeaving || this.#hasEnded || this.#isClosed) return;
    if (this.#streams.size > 0 || this.#unopened.size > 0) return;
    this.#hasEnded = true;
    this.#sender.sendGoaway(errorCodes.NO_ERROR);
    // A peer that does not read must not keep the process.
    this.#socket.unref().destroySoon();
  }

  #push(piece: Buffer): void {
    if (this.#hasEnded || this.#isClosed) return;
    try {
      this.#parser.push(piece);
    } catch (error) {
      this.#sender.sendGoaway(error instanceof Http2Fault ? error.code : errorCodes.PROTOCOL_ERROR);
      const what = this.#parser.hasSettings
        ? 'the receiver broke a rule of HTTP/2'
        : 'the receiver does not speak HTTP/2';
      this.destroy(new Error(`${what}: ${messageOf(error)}`));
    }
  }

  /** The stream of an ID; `undefined` for one that has ended. @throws Http2Fault for one that was not begun */
  #known(id: number): ClientStream | undefined {
    if (id % 2 === 0 || id >= this.#nextId) throw broken(`a frame of the stream ${id}, which was not begun`);
    return this.#streams.get(id);
  }

  onData(id: number, data: Buffer, sizeBytes: number, isLast: boolean): void {
    const stream = this.#known(id);
    this.#sender.sendWindow(0, this.#window.consume(sizeBytes));
    if (stream === undefined) return;
    if (!stream.hasHeaders) {
      this.reset(stream, errorCodes.PROTOCOL_ERROR);
      return;
    }
    stream.reader.onData(data);
    if (stream.isClosed) return;
    if (isLast) this.#endOf(stream);
    else this.#sender.sendWindow(id, stream.window.consume(sizeBytes));
  }

  onHeaders(id: number, headers: Headers, isLast: boolean, fault: HeaderFault | undefined): void {
    if (fault === 'too_large') {
      throw new Http2Fault(errorCodes.ENHANCE_YOUR_CALM, `headers have more than ${maxDecodedBytes} bytes`);
    }
    const stream = this.#known(id);
    if (stream === undefined) return;
    const isTrailer = stream.hasHeaders;
    const status = headers[':status'] ?? '';
    // Informational responses: nothing is asked for, and nothing read.
    if (!isTrailer && !isLast && /^1\d\d$/.test(status)) return;
    if (isTrailer ? !isLast : !/^[2-5]\d\d$/.test(status)) {
      this.reset(stream, errorCodes.PROTOCOL_ERROR);
      return;
    }
    stream.hasHeaders = true;
    stream.reader.onHeaders(headers, isTrailer);
    if (isLast && !stream.isClosed) this.#endOf(stream);
  }

  /** The response is whole: the rest of the request is of no use to a receiver that has answered. */
  #endOf(stream: ClientStream): void {
    if (!stream.body.isSent) this.#sender.sendReset(stream.id, errorCodes.CANCEL);
    this.#finish(stream, { code: errorCodes.NO_ERROR });
  }

  onReset(id: number, code: number): void {
    const stream = this.#known(id);
    if (stream !== undefined) this.#finish(stream, { code });
  }

  onWindow(id: number, bytes: number): void {
    if (id === 0) {
      this.#sender.widen(bytes);
      return;
    }
    const stream = this.#known(id);
    const fault = stream && this.#sender.widenStream(stream.body, bytes);
    if (fault !== undefined) this.reset(stream!, fault);
  }

  onSettings(settings: readonly (readonly [number, number])[], isAnswer: boolean): void {
    if (isAnswer) return;
    this.#sender.takeSettings(settings, this.#streams.values());
    for (const [id, value] of settings) if (id === settingIds.MAX_CONCURRENT_STREAMS) this.#maxStreams = value;
    this.#ready.resolve();
    this.#openNext();
  }

  onPing(payload: Buffer, isAnswer: boolean): void {
    if (isAnswer) this.#pings.shift()?.();
    else this.#sender.answerPing(payload);
  }

  onOther(): void {
    // Nothing is asked for.
  }

  /** Streams behind the last that the peer has seen can be made again elsewhere. */
  onGoaway(lastStreamId: number, code: number, text: string): void {
    this.#isLeaving = true;
    if (code !== errorCodes.NO_ERROR) this.#fault = new Error(`Session closed with error code ${code}`);
    this.#events.onGoaway(code, text);
    this.#refuseUnopened();
    for (const stream of this.#streams.values()) {
      if (stream.id > lastStreamId) this.#finish(stream, { code: errorCodes.REFUSED_STREAM });
    }
    this.#endIfDone();
  }
}
