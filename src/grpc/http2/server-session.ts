// hot
import type { Socket } from 'node:net';
import type { Clock } from '../../support/clock.ts';
import { FloodGuard } from './flood-guard.ts';
import type { FrameListener } from './frame-parser.ts';
import { FrameParser } from './frame-parser.ts';
import { FrameSender } from './frame-sender.ts';
import { broken, defaultWindowBytes, errorCodes, Http2Fault, settingIds, settingsFrame } from './frames.ts';
import type { Headers } from './header-codec.ts';
import { maxDecodedBytes } from './header-codec.ts';
import type { HeaderFault } from './header-rules.ts';
import { freeRecord } from './reused-reads.ts';
import type { ServerStream } from './server-stream.ts';
import type { StreamLimits } from './server-streams.ts';
import { highestId, ServerStreams } from './server-streams.ts';

export interface ServerSessionOptions extends StreamLimits {
  readonly clock: Pick<Clock, 'nowMs' | 'after'>;
}

export interface ServerSessionEvents {
  /** A request begins; it waits until it is resumed. */
  readonly onStream: (stream: ServerStream) => void;
  /** A request was not looked at, because as many as may be are open. */
  readonly onStreamRefused: () => void;
  /** The client has said its settings. */
  readonly onSettings: () => void;
  /** Pieces of requests have come. */
  readonly onPieces: () => void;
  /** The connection ends because the client asked for too much. */
  readonly onFlood: () => void;
  /** Called once, when all streams are closed. */
  readonly onClose: () => void;
}

/** A client that has been told the end of the connection closes it; the socket of one that does not is closed after this time. */
const lingerMs = 1_000;
/** The same for a client that still has responses to read. */
const readingLingerMs = 10_000;
/** Work for one connection, after which others have their turn: up to 2 MiB of one socket are read in one turn of the loop. */
const mostWorkMs = 4;
/** Requests that begin before others have their turn: 64 KiB of one read may hold thousands. */
const mostBegun = 200;

/**
 * The server's side of a connection of HTTP/2 (RFC 9113), for calls of gRPC: no pushes, no priorities, no upgrade from HTTP/1. What a
 * client may ask for is bounded in each direction; one that does not read is not read any more.
 */
export class ServerSession implements FrameListener {
  readonly #socket: Socket;
  readonly #options: ServerSessionOptions;
  readonly #events: ServerSessionEvents;
  readonly #sender: FrameSender;
  readonly #parser = new FrameParser('client', this);
  readonly #guard: FloodGuard;
  readonly #streams: ServerStreams;
  readonly #pings: (() => void)[] = [];
  /** Time of work since others had their turn. */
  #workMs = 0;
  #begunCount = 0;
  #isLeaving = false;
  /** Nothing is read any more, and nothing follows what was written. */
  #hasEnded = false;
  #isClosed = false;

  /** Takes the socket over, whose 'data' may be lent: nothing of it is held on to. */
  constructor(socket: Socket, options: ServerSessionOptions, events: ServerSessionEvents) {
    this.#socket = socket;
    this.#options = options;
    this.#events = events;
    this.#sender = new FrameSender(socket);
    this.#guard = new FloodGuard(options.clock);
    this.#streams = new ServerStreams(options, {
      sender: this.#sender,
      guard: this.#guard,
      onStream: events.onStream,
      onStreamRefused: events.onStreamRefused,
      onEnded: () => this.#endIfDone(),
    });
    socket.on('data', (chunk: Buffer) => this.#push(chunk));
    socket.on('drain', () => socket.resume());
    socket.on('error', () => this.destroy());
    // A client that says nothing more waits for no response.
    socket.on('end', () => this.destroy());
    socket.on('close', () => this.destroy());
    const { windowBytes, maxConcurrentStreams } = options;
    const settings: [number, number][] = [
      [settingIds.MAX_CONCURRENT_STREAMS, maxConcurrentStreams],
      [settingIds.INITIAL_WINDOW_SIZE, windowBytes],
      [settingIds.MAX_HEADER_LIST_SIZE, maxDecodedBytes],
    ];
    this.#sender.write(settingsFrame(settings));
    this.#sender.sendWindow(0, Math.max(0, windowBytes - defaultWindowBytes));
  }

  /** True where others have their turn, or the client has to read before it is answered again. */
  get isSated(): boolean {
    return this.#begunCount >= mostBegun || this.#sender.isFull;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** `onAnswer` is called when the client answers. */
  ping(onAnswer: () => void): void {
    if (this.#hasEnded || this.#isClosed) return;
    this.#pings.push(onAnswer);
    this.#sender.sendPing();
  }

  /** Takes no new streams, but for those that are on their way, and ends with the last that is open. */
  close(): void {
    if (this.#isLeaving || this.#isClosed) return;
    this.#isLeaving = true;
    if (this.#streams.size > 0) {
      this.#sender.sendGoaway(errorCodes.NO_ERROR, highestId);
      // Behind the answer, the client begins no stream any more.
      this.ping(() => this.#takeNoMore());
    } else this.#endIfDone();
  }

  #takeNoMore(): void {
    this.#streams.end();
    this.#sender.sendGoaway(errorCodes.NO_ERROR, this.#streams.lastId);
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (this.#isLeaving && this.#streams.size === 0) this.#end(errorCodes.NO_ERROR);
  }

  /** Says the end of the connection, and closes it when the client has heard that. */
  #end(code: number): void {
    if (this.#hasEnded || this.#isClosed) return;
    this.#hasEnded = true;
    this.#sender.sendGoaway(code, this.#streams.lastId);
    this.#streams.closeAll();
    const isReading = code === errorCodes.NO_ERROR && this.#socket.writableLength > 0;
    const ms = isReading ? readingLingerMs : lingerMs;
    const withdraw = this.#options.clock.after(ms, () => this.#socket.destroy());
    this.#socket.once('close', withdraw);
    // Bytes that are unread when a socket is closed make the kernel drop those that were written.
    this.#socket.end();
    this.#socket.resume();
  }

  /** Ends the connection and all of its streams. */
  destroy(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isLeaving = true;
    // Calls that are not looked at can be made again elsewhere.
    if (!this.#hasEnded) this.#sender.sendGoaway(errorCodes.NO_ERROR, this.#streams.lastId);
    this.#socket.destroy();
    this.#streams.closeAll();
    this.#events.onClose();
  }

  #push(chunk: Buffer): void {
    if (this.#hasEnded || this.#isClosed) return;
    const { clock } = this.#options;
    const beganMs = clock.nowMs();
    let takenBytes = chunk.length;
    try {
      takenBytes = this.#parser.push(chunk);
    } catch (error) {
      if (!(error instanceof Http2Fault)) throw error;
      if (error.code === errorCodes.ENHANCE_YOUR_CALM) this.#events.onFlood();
      this.#end(error.code);
    }
    if (this.#streams.takeHasPiece()) this.#events.onPieces();
    this.#workMs += clock.nowMs() - beganMs;
    if (!this.#hasEnded) this.#rest();
    if (takenBytes < chunk.length && !this.#hasEnded && !this.#isClosed) {
      this.#socket.unshift(Buffer.from(chunk.subarray(takenBytes)));
    }
    freeRecord(chunk);
  }

  /** Reads nothing while the client does not read, until 'drain', and while others have their turn. */
  #rest(): void {
    const isLong = this.#workMs >= mostWorkMs || this.#begunCount >= mostBegun;
    if (isLong || this.#sender.isFull) this.#socket.pause();
    if (!isLong) return;
    this.#workMs = 0;
    this.#begunCount = 0;
    setImmediate(goOn, this.#socket, this.#sender);
  }

  onData(id: number, data: Buffer, sizeBytes: number, isLast: boolean): void {
    this.#streams.onData(id, data, sizeBytes, isLast);
  }

  onHeaders(id: number, headers: Headers, isLast: boolean, fault: HeaderFault | undefined): void {
    this.#begunCount++;
    if (!this.#hasEnded && !this.#isClosed) this.#streams.onHeaders(id, headers, isLast, fault);
  }

  onReset(id: number): void {
    this.#streams.onReset(id);
  }

  onWindow(id: number, bytes: number): void {
    // A client with small windows widens them for each frame that it gets.
    this.#guard.noteUse(this.#sender.takeDataCount());
    this.#guard.noteFrame();
    if (id === 0) this.#sender.widen(bytes);
    else this.#streams.onWindow(id, bytes);
  }

  onSettings(settings: readonly (readonly [id: number, value: number])[], isAnswer: boolean): void {
    this.#guard.noteFrame();
    if (isAnswer) {
      this.#streams.noteSettingsKnown();
      return;
    }
    for (const [id, value] of settings) {
      this.#guard.noteFrame();
      if (id === settingIds.ENABLE_PUSH && value > 1) throw broken('pushes by halves');
    }
    this.#sender.takeSettings(settings, this.#streams);
    this.#events.onSettings();
  }

  onPing(payload: Buffer, isAnswer: boolean): void {
    this.#guard.noteFrame();
    if (isAnswer) this.#pings.shift()?.();
    else this.#sender.answerPing(payload);
  }

  /** The client begins no more. */
  onGoaway(): void {
    this.#guard.noteFrame();
    this.#isLeaving = true;
    this.#endIfDone();
  }

  onOther(): void {
    this.#guard.noteFrame();
  }
}

function goOn(socket: Socket, sender: FrameSender): void {
  if (!sender.isFull) socket.resume();
}
