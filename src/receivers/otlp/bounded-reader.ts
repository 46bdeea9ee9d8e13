import { getHeapStatistics } from 'node:v8';
import { InvalidMessage } from '../../model/invalid-message.ts';
import { MemoryShortage } from '../../model/memory-shortage.ts';
import type { NotPassableReason } from '../../otlp/passable/not-passable.ts';
import { putTogether } from '../../otlp/passable/passable-parts.ts';
import { mostDecoded } from '../../otlp/survey-profiles.ts';
import { BytesThread, decodingHeapMib, mostWaitingBytes } from '../../support/bytes-thread.ts';
import type { Clock } from '../../support/clock.ts';
import { inTime } from '../../support/clock.ts';
import { threadModule } from '../../support/program-files.ts';
import { WorkQueue } from '../../support/steps.ts';
import type { WorkerReply } from '../../support/worker-client.ts';
import type { MessageContent } from './decode-message.ts';
import { checkProtobufSize } from './decode-message.ts';
import type { ThreadReply, ThreadRequest } from './decoding-thread.ts';
import type { ReadMessage } from './message-reader.ts';
import { largeNotPassable, largePassable, MessageReader } from './message-reader.ts';

/** A message that cannot be decoded at present, and is to be sent again. */
export interface DecodingRefusal {
  readonly reason: string;
  readonly retryDelayMs: number;
}

/** Memory of the process. */
export interface DecodingMemory {
  /** At this size of its heap V8 ends the process. */
  readonly heapLimitBytes: number;
  /** Bytes that the machine, or the control group of the process, has left. */
  readonly availableBytes: () => number;
}

export const processMemory: DecodingMemory = {
  heapLimitBytes: getHeapStatistics().heap_size_limit,
  availableBytes: () => process.availableMemory(),
};

const mebibyte = 1024 * 1024;

/** Up to these sizes a message is decoded at once: some milliseconds. The decoding thread has larger ones. */
const mostDecodedAtOnceBytes = 1024 * 1024;
const mostJsonAtOnceBytes = 64 * 1024;
/** The same where the columns of the scan serve: some 200 kB of what came in. */
const mostScannedDecodedAtOnceBytes = 2.5 * mebibyte;

/** Up to these sizes a message is scanned at once: some 20 ms. The scanning thread has larger ones. */
const mostScannedAtOnceBytes = 2.5 * mebibyte;
const mostScannedAtOnceElements = 131_072;

const retryDelayMs = 2_000;

const threadIdleMs = 30_000;

/** A message waits no longer than this for columns that others read. */
const mostTurnMs = 1_000;

/** Share of the heap that one message may take where its data is needed: joined with others, or in another dialect. */
const mostHeapShare = 0.25;
/** A thread holds the message, what is decoded of it, and the same with a dictionary written anew. */
const threadBytesADecodedByte = 2.5;

/** Scanning makes no objects; its columns are not on the heap. */
const scanningHeapMib = 64;

/**
 * Reads messages within bounds. Their elements are counted before anything is decoded, and the heap that they will take is held
 * against what there is. Those that take long are read by threads: the scanning thread finds what passes undecoded; the decoding thread,
 * with a heap of its own, gives the others back in that form. Neither the loop nor the heap of the service feels them, and those
 * that only have to be scanned do not wait for those that are decoded.
 */
export class BoundedReader {
  readonly #reader: MessageReader;
  readonly #ownIdPrefix: Uint8Array | undefined;
  readonly #memory: DecodingMemory;
  readonly #clock: Clock;
  readonly #scanning: MessageThread;
  readonly #decoding: MessageThread;

  /** `ownIdPrefix` begins the IDs of profiles that this process made; these are left out. */
  constructor(memory: DecodingMemory, clock: Clock, ownIdPrefix?: Uint8Array) {
    this.#reader = new MessageReader(ownIdPrefix);
    this.#ownIdPrefix = ownIdPrefix;
    this.#memory = memory;
    this.#clock = clock;
    this.#scanning = new MessageThread(scanningHeapMib, clock);
    this.#decoding = new MessageThread(decodingHeapMib(memory.heapLimitBytes), clock);
  }

  /** @throws InvalidMessage when the message cannot be read or is beyond the bounds, MemoryShortage; or rejects with them */
  read(content: MessageContent): ReadMessage | Promise<ReadMessage | DecodingRefusal> | DecodingRefusal {
    const { encoding, bytes } = content;
    if (encoding === 'json') {
      return bytes.length > mostJsonAtOnceBytes
        ? this.#decode(content, 'json', bytes.length)
        : this.#reader.read(content);
    }
    const mostDecodedBytes = this.#memory.heapLimitBytes * mostHeapShare;
    if (bytes.length > mostScannedAtOnceBytes) return this.#scan(content, mostDecodedBytes);
    return this.#reader.isBusy(bytes.length)
      ? this.#readInTurn(content, mostDecodedBytes)
      : this.#readNow(content, mostDecodedBytes);
  }

  async #readInTurn(content: MessageContent, mostDecodedBytes: number): Promise<ReadMessage | DecodingRefusal> {
    const reader = this.#reader;
    const endMs = this.#clock.nowMs() + mostTurnMs;
    for (let leftMs = mostTurnMs; leftMs > 0 && reader.isBusy(content.bytes.length); ) {
      await inTime(this.#clock, leftMs, reader.untilFree(), () => undefined);
      leftMs = endMs - this.#clock.nowMs();
    }
    return this.#readNow(content, mostDecodedBytes);
  }

  #readNow(
    content: MessageContent,
    mostDecodedBytes: number,
  ): ReadMessage | Promise<ReadMessage | DecodingRefusal> | DecodingRefusal {
    const { bytes } = content;
    const found = this.#reader.scan(content, mostScannedAtOnceElements);
    if (found === undefined) return this.#scan(content, mostDecodedBytes);
    if ('scan' in found) return this.#checked(found, bytes, mostDecodedBytes);
    const { decodedBytes } = checkProtobufSize(bytes, mostDecodedBytes);
    const mostAtOnceBytes = found.profiles === undefined ? mostDecodedAtOnceBytes : mostScannedDecodedAtOnceBytes;
    if (decodedBytes <= mostAtOnceBytes) return this.#reader.decode(content, found);
    return this.#decode(content, found.reason, decodedBytes);
  }

  /** A scanned message is decoded only when its data is asked for: its size then is computed where it may be beyond the bound. */
  #checked(found: ReadMessage, bytes: Uint8Array, mostDecodedBytes: number): ReadMessage {
    const { scan } = found;
    if (scan.kind !== 'passable' || mostDecoded(scan.profiles.elements, bytes.length) <= mostDecodedBytes) return found;
    try {
      checkProtobufSize(bytes, mostDecodedBytes);
    } catch (error) {
      found.release?.('columns');
      throw error;
    }
    return found;
  }

  /** Reads a message that was taken before, whatever its size. @throws InvalidMessage when it cannot be read */
  readAgain(content: MessageContent): ReadMessage {
    return this.#reader.read(content);
  }

  /** Ends the threads. */
  async stop(): Promise<void> {
    await Promise.all([this.#scanning.stop(), this.#decoding.stop()]);
  }

  /** The part of a message that a thread needs. */
  #own({ encoding, bytes, isVersionDeclared }: MessageContent): MessageContent {
    return { encoding, bytes, isVersionDeclared, ownIdPrefix: this.#ownIdPrefix };
  }

  #scan(content: MessageContent, mostDecodedBytes: number): Promise<ReadMessage | DecodingRefusal> | DecodingRefusal {
    const reply = this.#scanning.ask({ step: 'scan', content: this.#own(content), mostDecodedBytes });
    if (!(reply instanceof Promise)) return reply;
    return reply.then((found) => {
      if (found.kind === 'passable') return largePassable(putTogether(found.scanned, content.bytes));
      if (found.kind === 'not_passable') return this.#decode(content, found.reason, found.decodedBytes);
      throw wrongReply(found);
    });
  }

  #decode(
    content: MessageContent,
    reason: NotPassableReason,
    decodedBytes: number,
  ): Promise<ReadMessage | DecodingRefusal> | DecodingRefusal {
    if (decodedBytes * threadBytesADecodedByte > this.#memory.availableBytes()) {
      throw new MemoryShortage('decode a message of this size');
    }
    const reply = this.#decoding.ask({ step: 'decode', content: this.#own(content), reason });
    if (!(reply instanceof Promise)) return reply;
    return reply.then((decoded) => {
      if (decoded.kind !== 'decoded') throw wrongReply(decoded);
      const { bytes, kind, scanned, ...sorted } = decoded;
      if (typeof scanned === 'string') return largeNotPassable(bytes, scanned, sorted);
      return largePassable(putTogether(scanned, bytes), sorted);
    });
  }
}

/** A thread that reads one message after the other. */
class MessageThread {
  readonly #thread: BytesThread<ThreadRequest, ThreadReply>;

  constructor(maxHeapMib: number, clock: Clock) {
    const limits = { idleMs: threadIdleMs, maxHeapMib };
    this.#thread = new BytesThread(threadModule('receivers/otlp/decoding-thread'), limits, clock, new WorkQueue(clock));
  }

  /** Rejects with InvalidMessage when the message cannot be read or is beyond the bounds, and with MemoryShortage. */
  ask(request: ThreadRequest): Promise<ThreadReply> | DecodingRefusal {
    const { content } = request;
    const { waitingBytes } = this.#thread;
    if (waitingBytes > 0 && waitingBytes + content.bytes.length > mostWaitingBytes) {
      return { reason: 'large messages wait to be decoded; send this one again later', retryDelayMs };
    }
    const requestWith = ([bytes]: readonly Uint8Array[]): ThreadRequest => ({
      ...request,
      content: { ...content, bytes: bytes! },
    });
    return this.#thread.ask([content.bytes], requestWith).then(replyOf);
  }

  stop(): Promise<void> {
    return this.#thread.stop();
  }
}

function replyOf(answer: WorkerReply<ThreadReply>): ThreadReply {
  if (answer.kind === 'ended') {
    if (answer.reason === 'crashed') throw new Error(`the decoding thread ended: ${answer.problem}`);
    const limit = answer.reason === 'timeout' ? 'time' : 'memory';
    throw new InvalidMessage('', `takes more ${limit} to decode than is given`, 'send it in several requests');
  }
  const { reply } = answer;
  if (reply.kind === 'memory_shortage') throw new MemoryShortage(reply.purpose);
  if (reply.kind === 'invalid') throw new InvalidMessage(reply.path, reply.problem, reply.remedy);
  return reply;
}

function wrongReply({ kind }: ThreadReply): Error {
  return new Error(`the decoding thread gave a reply of kind ${kind}`);
}
