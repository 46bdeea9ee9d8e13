import type { BatchReply } from './batch-reply.ts';
import { encodeReply } from './batch-reply.ts';

/** The newest batches of an instance that are told from new ones. Part of the protocol: frames.proto names it. */
export const rememberedSequences = 1_024;

export interface SequenceMemoryLimits {
  /** Collector instances; the one that was silent for longest is forgotten first. */
  readonly instances: number;
  /** Bytes of replies, for each instance; beyond it, of its oldest ones only the numbers are kept. */
  readonly replyBytes: number;
}

/** A node has a few collectors, and a new instance for each of their starts; 64 × 256 KiB is 16 MiB at worst. */
export const defaultSequenceMemoryLimits: SequenceMemoryLimits = { instances: 64, replyBytes: 256 * 1024 };

/**
 * Remembers which batches of which collector instance were counted, and what was replied, so that a batch that is
 * sent again is answered as at the first time and not counted twice.
 */
export class SequenceMemory {
  readonly #limits: SequenceMemoryLimits;
  readonly #onForget: () => void;
  readonly #instances = new Map<string, InstanceMemory>();

  /** `onForget` is called when an instance is forgotten because there are too many. */
  constructor(limits: SequenceMemoryLimits, onForget: () => void) {
    this.#limits = limits;
    this.#onForget = onForget;
  }

  /** The reply to a batch that was counted before; `undefined` for a new one. */
  recall(instanceId: string, sequence: bigint): Buffer | undefined {
    return this.#instances.get(instanceId)?.recall(sequence);
  }

  /** `bytes` is the reply as it was sent. */
  remember(instanceId: string, reply: BatchReply, bytes: Buffer): void {
    const instance = this.#instances.get(instanceId) ?? new InstanceMemory(this.#limits.replyBytes);
    // Sets it to the end: the first key is the instance that was silent for longest.
    this.#instances.delete(instanceId);
    this.#instances.set(instanceId, instance);
    instance.remember(reply, bytes);
    if (this.#instances.size <= this.#limits.instances) return;
    this.#instances.delete(this.#instances.keys().next().value!);
    this.#onForget();
  }
}

interface Remembered {
  readonly sequence: bigint;
  readonly acceptedSamples: number;
  readonly rejectedSamples: number;
  /** The whole reply; `undefined` once there was no room for it, and the numbers have to do. */
  bytes: Buffer | undefined;
}

/** A ring of the newest batches of one instance, oldest overwritten first. */
class InstanceMemory {
  readonly #mostBytes: number;
  readonly #ring: Remembered[] = [];
  readonly #bySequence = new Map<bigint, Remembered>();
  #next = 0;
  // The newest so many have their whole reply; together they have so many bytes.
  #wholeCount = 0;
  #wholeBytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  recall(sequence: bigint): Buffer | undefined {
    const remembered = this.#bySequence.get(sequence);
    if (remembered === undefined) return undefined;
    const noLists = { rejections: [], namesNeeded: [], executablesNeeded: [] };
    return remembered.bytes ?? encodeReply({ ...remembered, ...noLists, retryDelayMs: 0 });
  }

  remember({ sequence, acceptedSamples, rejectedSamples }: BatchReply, bytes: Buffer): void {
    const overwritten = this.#ring[this.#next];
    if (overwritten !== undefined) {
      this.#bySequence.delete(overwritten.sequence);
      this.#shorten(overwritten);
    }
    const remembered: Remembered = { sequence, acceptedSamples, rejectedSamples, bytes };
    this.#ring[this.#next] = remembered;
    this.#bySequence.set(sequence, remembered);
    this.#next = (this.#next + 1) % rememberedSequences;
    this.#wholeCount++;
    this.#wholeBytes += bytes.length;
    while (this.#wholeBytes > this.#mostBytes) {
      this.#shorten(this.#ring[(this.#next - this.#wholeCount + rememberedSequences) % rememberedSequences]!);
    }
  }

  #shorten(remembered: Remembered): void {
    if (remembered.bytes === undefined) return;
    this.#wholeBytes -= remembered.bytes.length;
    this.#wholeCount--;
    remembered.bytes = undefined;
  }
}
