import type { BatchReply } from './batch-reply.ts';
import { encodeReply } from './batch-reply.ts';

/** The newest batches of an instance that are told from new ones. Part of the protocol: frames.proto names it. */
export const rememberedSequences = 1_024;

export interface SequenceMemoryLimits {
  /** Collector instances. */
  readonly instances: number;
  /** Bytes of all instances; beyond them the largest instance gives its oldest batches up. */
  readonly totalBytes: number;
  /** Bytes of replies of each instance; beyond them, only the counts of its oldest replies are kept. */
  readonly replyBytes: number;
  /** An instance that sent twice and is silent for less is not forgotten for a new one. */
  readonly protectedMs: number;
}

/** A node has a few collectors, and a new instance for each of their starts. */
export const defaultSequenceMemoryLimits: SequenceMemoryLimits = {
  instances: 1_024,
  totalBytes: 16 * 1024 * 1024,
  replyBytes: 256 * 1024,
  protectedMs: 300_000,
};

/** Memory that was given up: of an instance that sent once, of one that was silent, or of a new one, for which there was no room. */
export type ForgetReason = 'sent_once' | 'silent' | 'no_room';

export interface SequenceMemoryEvents {
  instanceForgotten(reason: ForgetReason): void;
  /** The oldest batch of the instance that takes most. */
  batchForgotten(): void;
}

/**
 * Remembers which batches of which collector instance were counted, and the replies, so that a batch that is sent again
 * is answered as at the first time and not counted twice. A sender with many instances, or with an instance that takes
 * much, costs itself: instances that come again stay while they are heard of, and the largest one pays for the bytes.
 */
export class SequenceMemory {
  readonly #limits: SequenceMemoryLimits;
  readonly #events: SequenceMemoryEvents;
  /** Instances that sent once, and those that came again; in each the one that was silent for longest is first. */
  readonly #newcomers = new Map<string, InstanceMemory>();
  readonly #regulars = new Map<string, InstanceMemory>();
  #bytes = 0;

  constructor(limits: SequenceMemoryLimits, events: SequenceMemoryEvents) {
    this.#limits = limits;
    this.#events = events;
  }

  /** The reply to a batch that was counted before; `undefined` for a new one. */
  recall(instanceId: string, sequence: bigint): Buffer | undefined {
    return this.#find(instanceId)?.recall(sequence);
  }

  /** `bytes` is the reply as it was sent. */
  remember(instanceId: string, reply: BatchReply, bytes: Buffer, nowMs: number): void {
    const known = this.#find(instanceId);
    if (known === undefined && !this.#makeRoom(nowMs)) return;
    const instance = known ?? new InstanceMemory(this.#limits.replyBytes);
    this.#newcomers.delete(instanceId);
    this.#regulars.delete(instanceId);
    (known === undefined ? this.#newcomers : this.#regulars).set(instanceId, instance);
    const before = instance.bytes;
    instance.remember(reply, bytes, nowMs);
    this.#bytes += instance.bytes - before;
    while (this.#bytes > this.#limits.totalBytes) this.#shrinkLargest();
  }

  #find(instanceId: string): InstanceMemory | undefined {
    return this.#regulars.get(instanceId) ?? this.#newcomers.get(instanceId);
  }

  /** Room for one more instance; `false` when all are protected. */
  #makeRoom(nowMs: number): boolean {
    if (this.#newcomers.size + this.#regulars.size < this.#limits.instances) return true;
    const [once] = this.#newcomers;
    if (once !== undefined) {
      this.#forget(this.#newcomers, once, 'sent_once');
      return true;
    }
    const [oldest] = this.#regulars;
    if (oldest !== undefined && nowMs - oldest[1].lastMs >= this.#limits.protectedMs) {
      this.#forget(this.#regulars, oldest, 'silent');
      return true;
    }
    this.#events.instanceForgotten('no_room');
    return false;
  }

  #forget(from: Map<string, InstanceMemory>, [id, instance]: [string, InstanceMemory], reason: ForgetReason): void {
    from.delete(id);
    this.#bytes -= instance.bytes;
    this.#events.instanceForgotten(reason);
  }

  #shrinkLargest(): void {
    let largest: InstanceMemory | undefined;
    for (const instances of [this.#regulars, this.#newcomers]) {
      for (const instance of instances.values()) {
        if (largest === undefined || instance.bytes > largest.bytes) largest = instance;
      }
    }
    if (largest === undefined) return;
    this.#bytes -= largest.shrink();
    this.#events.batchForgotten();
  }
}

type Counts = Pick<BatchReply, 'acceptedSamples' | 'rejectedSamples'>;

/** Measured: a sequence number, its counts, and their places in the map. */
const countsBytes = 160;

/** The newest batches of one instance, the oldest first in both maps. */
class InstanceMemory {
  readonly #maxReplyBytes: number;
  readonly #counts = new Map<bigint, Counts>();
  /** The whole replies of the newest. */
  readonly #replies = new Map<bigint, Buffer>();
  #replyBytes = 0;
  lastMs = 0;

  constructor(maxReplyBytes: number) {
    this.#maxReplyBytes = maxReplyBytes;
  }

  get bytes(): number {
    return this.#counts.size * countsBytes + this.#replyBytes;
  }

  recall(sequence: bigint): Buffer | undefined {
    const counts = this.#counts.get(sequence);
    if (counts === undefined) return undefined;
    const noLists = { rejections: [], namesNeeded: [], executablesNeeded: [] };
    return this.#replies.get(sequence) ?? encodeReply({ sequence, ...counts, ...noLists, retryDelayMs: 0 });
  }

  remember({ sequence, acceptedSamples, rejectedSamples }: BatchReply, bytes: Buffer, nowMs: number): void {
    this.lastMs = nowMs;
    if (this.#counts.size === rememberedSequences) this.shrink();
    this.#counts.set(sequence, { acceptedSamples, rejectedSamples });
    this.#replies.set(sequence, bytes);
    this.#replyBytes += bytes.length;
    while (this.#replyBytes > this.#maxReplyBytes) this.#dropReply(this.#replies.keys().next().value!);
  }

  /** Forgets the oldest batch; returns how many bytes that gives back. */
  shrink(): number {
    const before = this.bytes;
    const oldest = this.#counts.keys().next().value!;
    this.#counts.delete(oldest);
    this.#dropReply(oldest);
    return before - this.bytes;
  }

  #dropReply(sequence: bigint): void {
    this.#replyBytes -= this.#replies.get(sequence)?.length ?? 0;
    this.#replies.delete(sequence);
  }
}
