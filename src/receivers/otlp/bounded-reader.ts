import { setImmediate as nextTurn } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import { InvalidMessage } from '../../model/invalid-message.ts';
import type { Clock } from '../../support/clock.ts';
import type { WorkerReply } from '../../support/worker-client.ts';
import { WorkerClient } from '../../support/worker-client.ts';
import type { MessageContent } from './decode-message.ts';
import { checkProtobufSize, mostElements } from './decode-message.ts';
import type { DecodingReply } from './decoding-thread.ts';
import type { ReadMessage } from './message-reader.ts';
import { MessageReader } from './message-reader.ts';

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

/** A larger message is counted in one turn of the loop and scanned in the next: each takes some 5 ms a MiB. */
const mostScannedAndCountedBytes = 4 * mebibyte;

/** Bytes of messages that wait for the decoding thread; one that finds it free may be larger. */
const mostWaitingBytes = 64 * 1024 * 1024;
const retryDelayMs = 2_000;

/** A message of 32 MiB takes seconds, and other processes may have the cores. */
const threadTimeoutMs = 60_000;
const threadIdleMs = 30_000;
/** Decoded data is old soon. */
const threadYoungMib = 16;

/** An empty message has two bytes, and becomes an object of some 100 bytes in a list, or the first element of one. */
const mostDecodedBytesAByte = 256;

/** Share of the heap that one message may take where its data is needed: joined with others, or in another dialect. */
const mostHeapShare = 0.25;
/** A thread holds the message, what is decoded of it, and the same with a dictionary written anew. */
const threadBytesADecodedByte = 2.5;

/**
 * Reads messages within bounds. Their elements are counted before anything is decoded, and the heap that they will take is held
 * against what there is. Those that take long are decoded by a thread with a heap of its own, which gives them back in the form that
 * passes undecoded: neither the loop nor the heap of the service feels them.
 */
export class BoundedReader {
  readonly #reader: MessageReader;
  readonly #ownIdPrefix: Uint8Array | undefined;
  readonly #memory: DecodingMemory;
  readonly #thread: WorkerClient<MessageContent, DecodingReply>;
  #waitingBytes = 0;

  /** `ownIdPrefix` begins the IDs of profiles that this process made; these are left out. */
  constructor(memory: DecodingMemory, clock: Clock, ownIdPrefix?: Uint8Array) {
    this.#reader = new MessageReader(ownIdPrefix);
    this.#ownIdPrefix = ownIdPrefix;
    this.#memory = memory;
    const maxHeapMib = Math.min(1024, Math.max(64, Math.floor(memory.heapLimitBytes / mebibyte / 2)));
    // Compiled, the file has another extension.
    const file = import.meta.url.endsWith('.ts') ? './decoding-thread.ts' : './decoding-thread.js';
    const limits = { timeoutMs: threadTimeoutMs, idleMs: threadIdleMs, maxHeapMib, youngMib: threadYoungMib };
    this.#thread = new WorkerClient(new URL(file, import.meta.url), limits, clock);
  }

  /** @throws InvalidMessage, or rejects with it, when the message cannot be read or is beyond the bounds */
  read(content: MessageContent): ReadMessage | Promise<ReadMessage | DecodingRefusal> | DecodingRefusal {
    const { encoding, bytes } = content;
    if (encoding === 'json') {
      return bytes.length > mostJsonAtOnceBytes
        ? this.#decodeInThread(content, bytes.length)
        : this.#reader.read(content);
    }
    const mostDecodedBytes = this.#memory.heapLimitBytes * mostHeapShare;
    if (bytes.length <= mostScannedAndCountedBytes) return this.#readProtobuf(content, mostDecodedBytes);
    // Two passes in one turn of the loop would be a stop twice as long.
    const decodedBytes = checkProtobufSize(bytes, mostDecodedBytes);
    return nextTurn().then(() => this.#readProtobuf(content, mostDecodedBytes, decodedBytes));
  }

  /** `countedBytes` is what the message takes when it is decoded, where that is known. */
  #readProtobuf(
    content: MessageContent,
    mostDecodedBytes: number,
    countedBytes?: number,
  ): ReadMessage | Promise<ReadMessage | DecodingRefusal> | DecodingRefusal {
    const { bytes } = content;
    const found = this.#reader.scan(content);
    // A scanned request is decoded only when its data is asked for. A small one cannot exceed the bound, so its size is not computed.
    const isSmall = bytes.length * mostDecodedBytesAByte <= mostDecodedBytes && bytes.length <= 2 * mostElements;
    if ('scan' in found && isSmall) return found;
    const decodedBytes = countedBytes ?? checkProtobufSize(bytes, mostDecodedBytes);
    if ('scan' in found) return found;
    if (decodedBytes <= mostDecodedAtOnceBytes) return this.#reader.decode(content, found.reason);
    return this.#decodeInThread(content, decodedBytes);
  }

  /** Reads a message that was taken before, whatever its size. @throws InvalidMessage when it cannot be read */
  readAgain(content: MessageContent): ReadMessage {
    return this.#reader.read(content);
  }

  /** Ends the decoding thread. */
  async stop(): Promise<void> {
    await this.#thread.stop();
  }

  #decodeInThread(
    content: MessageContent,
    decodedBytes: number,
  ): Promise<ReadMessage | DecodingRefusal> | DecodingRefusal {
    const { encoding, bytes, isVersionDeclared } = content;
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes.length > mostWaitingBytes) {
      return { reason: 'large messages wait to be decoded; send this one again later', retryDelayMs };
    }
    if (decodedBytes * threadBytesADecodedByte > this.#memory.availableBytes()) {
      return { reason: 'memory is too short to decode a message of this size; send it again later', retryDelayMs };
    }
    this.#waitingBytes += bytes.length;
    return this.#thread
      .ask({ encoding, bytes, isVersionDeclared, ownIdPrefix: this.#ownIdPrefix })
      .finally(() => {
        this.#waitingBytes -= bytes.length;
      })
      .then((answer) => this.#readReply(answer));
  }

  #readReply(answer: WorkerReply<DecodingReply>): ReadMessage {
    if (answer.kind === 'ended') {
      if (answer.reason === 'crashed') throw new Error(`the decoding thread ended: ${answer.problem}`);
      const limit = answer.reason === 'timeout' ? 'time' : 'memory';
      throw new InvalidMessage('', `takes more ${limit} to decode than is given`, 'send it in several requests');
    }
    const { reply } = answer;
    if (reply.kind === 'invalid') throw new InvalidMessage(reply.path, reply.problem, reply.remedy);
    const { bytes, kind, ...sorted } = reply;
    const read = this.#reader.read({ encoding: 'protobuf', bytes, isVersionDeclared: true });
    return Object.defineProperties(
      { ...sorted, scan: read.scan },
      { data: { get: () => read.data, enumerable: true } },
    ) as ReadMessage;
  }
}
