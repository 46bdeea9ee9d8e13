import type { Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { AdmissionRefusal } from '../model/admission.ts';
import type { Clock, Random } from '../support/clock.ts';
import type { Component } from '../support/lifecycle.ts';
import type { MemoryLimiterConfig } from './memory-limiter-config.ts';
import type { MemoryLimits } from './memory-limits.ts';
import { memoryLimitsOf } from './memory-limits.ts';
import type { MemorySource } from './process-memory.ts';

export interface MemoryLimiterParts {
  readonly memory: MemorySource;
  readonly clock: Clock;
  readonly random: Random;
  readonly meter: Meter;
  readonly logger: Logger;
}

/** Memory in use, and its level between the limits. */
interface Usage {
  readonly usedBytes: number;
  readonly heapBytes: number;
  readonly level: 'within' | 'above_soft' | 'above_hard';
}

/** Memory falls when queues are sent or garbage is collected, which takes some seconds. */
const retryDelayMs = 5_000;
/** Buffers are freed beside the collection, and counted until then. */
const settleMs = 100;
/** Memory that goes up and down about the limit must not fill the log. */
const logIntervalMs = 10_000;

const mebibyte = 1024 * 1024;

/**
 * Refuses new data while the process holds more memory than the soft limit, also after a collection. Resident memory alone would
 * lock the service out: what was freed once stays resident (after 400 MB of buffers had gone, all but 60 MB of them did), but
 * is used again before there is more. So what counts is what the heap, those of the threads, and their buffers hold, and what the process had besides when it
 * started, and never more than is resident. While it refuses, it collects from time to time: without new data V8 would not.
 *
 * It rests once an interval has passed within the limits and without new data, so that an idle process is not woken for it. The next admission asked for wakes it.
 */
export class MemoryLimiter implements Component {
  readonly id: string;
  #config: MemoryLimiterConfig;
  readonly #parts: MemoryLimiterParts;
  #limits: MemoryLimits;
  readonly #stopping = new AbortController();
  readonly #countCollection: () => void;
  #loop: Promise<void> = Promise.resolve();
  #isResting = true;
  /** True if an admission was asked for since the last check. */
  #isAsked = false;
  #lastCheckMs = -Infinity;
  /**
   * Memory at the start beside heap and buffers: code, threads, native memory, and some megabytes of free pages. Without these, a
   * collection of garbage would be a sixth of the start.
   */
  #baseBytes = 0;
  #usage: Usage = { usedBytes: 0, heapBytes: 0, level: 'within' };
  #lastCollectionMs = -Infinity;
  #isRefusing = false;
  #isTold = false;
  #tellAfterMs = 0;

  constructor(id: string, config: MemoryLimiterConfig, parts: MemoryLimiterParts) {
    this.id = id;
    this.#config = config;
    this.#parts = parts;
    this.#limits = memoryLimitsOf(config, parts.memory);
    const collections = parts.meter.createCounter('framekeeper_memory_limiter_collections', {
      description: 'Garbage collections that the memory limiter forced.',
      unit: '{collection}',
    });
    this.#countCollection = () => collections.add(1, { processor: id });
    collections.add(0, { processor: id });
    this.#observe();
  }

  /** Refuses new data while memory is above the soft limit; `undefined` otherwise. */
  readonly admission = (): AdmissionRefusal | undefined => {
    this.#isAsked = true;
    this.#wake();
    if (!this.#isRefusing) return undefined;
    const reason = 'data refused due to high memory usage; send it again later';
    return { reason, retryDelayMs: Math.round(retryDelayMs * (0.5 + this.#parts.random())) };
  };

  /** Takes other limits and intervals, from the next check on. */
  reconfigure(config: MemoryLimiterConfig): void {
    this.#config = config;
    this.#limits = memoryLimitsOf(config, this.#parts.memory);
    this.#wake();
  }

  start(): Promise<void> {
    const { memory, logger } = this.#parts;
    const { rssBytes, heapBytes, externalBytes, threadBytes } = memory.read();
    this.#baseBytes = Math.max(0, rssBytes - heapBytes - externalBytes - threadBytes);
    const { all, heap } = this.#limits;
    const limits = {
      limit_mib: toMib(all.hardBytes),
      soft_limit_mib: toMib(all.softBytes),
      heap_soft_limit_mib: toMib(heap.softBytes),
      in_use_mib: toMib(rssBytes),
    };
    logger.info(limits, 'Memory limiter configured');
    if (rssBytes > all.softBytes) {
      logger.warn(limits, 'The idle service is above the soft limit; raise limit_mib or limit_percentage.');
    }
    this.#lastCheckMs = this.#parts.clock.nowMs();
    this.#wake();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    this.#isRefusing = false;
  }

  #wake(): void {
    if (!this.#isResting || this.#stopping.signal.aborted) return;
    this.#isResting = false;
    this.#loop = this.#run();
  }

  /** Checks at each interval until nothing comes in; at once where the last check is older than that. */
  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { clock, logger } = this.#parts;
    while (!this.#isResting) {
      const dueMs = this.#lastCheckMs + this.#config.checkIntervalMs;
      const isStopped = await clock.sleep(Math.max(0, dueMs - clock.nowMs()), signal).then(
        () => false,
        () => true,
      );
      if (isStopped) return;
      const isAsked = this.#isAsked;
      this.#isAsked = false;
      try {
        await this.#check();
      } catch (error) {
        if (!signal.aborted) logger.error({ err: error }, 'Memory could not be checked.');
      }
      this.#lastCheckMs = clock.nowMs();
      this.#isResting = !isAsked && !this.#isAsked && !this.#isRefusing && !this.#isTold;
    }
  }

  async #check(): Promise<void> {
    this.#usage = this.#measure();
    if (this.#mayCollect(this.#usage)) {
      await this.#collect();
      this.#usage = this.#measure();
    }
    this.#isRefusing = this.#usage.level !== 'within';
    this.#tell();
  }

  #measure(): Usage {
    const { rssBytes, heapBytes, externalBytes, threadBytes } = this.#parts.memory.read();
    const usedBytes = Math.min(rssBytes, heapBytes + externalBytes + threadBytes + this.#baseBytes);
    const { all, heap } = this.#limits;
    const isAbove = (limit: 'softBytes' | 'hardBytes'): boolean => usedBytes >= all[limit] || heapBytes >= heap[limit];
    const level = isAbove('hardBytes') ? 'above_hard' : isAbove('softBytes') ? 'above_soft' : 'within';
    return { usedBytes, heapBytes, level };
  }

  #mayCollect({ level }: Usage): boolean {
    if (level === 'within') return false;
    const { minGcIntervalSoftMs, minGcIntervalHardMs } = this.#config;
    const intervalMs = level === 'above_hard' ? minGcIntervalHardMs : minGcIntervalSoftMs;
    return this.#parts.clock.nowMs() - this.#lastCollectionMs >= intervalMs;
  }

  async #collect(): Promise<void> {
    const { memory, clock } = this.#parts;
    this.#countCollection();
    await memory.collectGarbage();
    await clock.sleep(settleMs, this.#stopping.signal);
    this.#lastCollectionMs = clock.nowMs();
  }

  #tell(): void {
    const { clock, logger } = this.#parts;
    if (this.#isRefusing === this.#isTold || clock.nowMs() < this.#tellAfterMs) return;
    const { usedBytes, heapBytes, level } = this.#usage;
    const fields = { cur_mem_mib: toMib(usedBytes), heap_mib: toMib(heapBytes) };
    const limit = level === 'above_hard' ? 'hard' : 'soft';
    if (this.#isRefusing) logger.warn(fields, `Memory usage is above ${limit} limit. Refusing data.`);
    else logger.info(fields, 'Memory usage back within limits. Resuming normal operation.');
    this.#isTold = this.#isRefusing;
    this.#tellAfterMs = clock.nowMs() + logIntervalMs;
  }

  #observe(): void {
    const { meter } = this.#parts;
    const gauge = (name: string, unit: string, description: string, read: () => number): void =>
      meter
        .createObservableGauge(`framekeeper_memory_limiter_${name}`, { unit, description })
        .addCallback((result) => result.observe(read(), { processor: this.id }));
    gauge(
      'used_bytes',
      'By',
      'Memory in use at the last check, as the limiter counts it.',
      () => (this.#isResting ? this.#measure() : this.#usage).usedBytes,
    );
    gauge('soft_limit_bytes', 'By', 'Above it new data is refused.', () => this.#limits.all.softBytes);
    gauge('limit_bytes', 'By', 'The hard limit.', () => this.#limits.all.hardBytes);
    gauge('refusing', '1', '1 while new data is refused, else 0.', () => Number(this.#isRefusing));
  }
}

function toMib(bytes: number): number {
  return Math.round(bytes / mebibyte);
}
