import type { MemoryMapping } from './address-space.ts';

/** Linux `perf script` text, one entry after the other. Addresses are as printed. */
export type PerfEntry = PerfMapping | PerfSample | PerfTask | PerfLoss;

/** An executable mapping, from `--show-mmap-events`. */
export interface PerfMapping extends MemoryMapping {
  readonly kind: 'mapping';
  /** -1 for the kernel's. */
  readonly pid: number;
  readonly tid: number;
  readonly comm: string;
}

export interface PerfSample {
  readonly kind: 'sample';
  readonly timeNano: bigint;
  /** `undefined` when only the thread is printed. */
  readonly pid: number | undefined;
  readonly tid: number;
  /** -1 when not printed. */
  readonly cpu: number;
  readonly comm: string;
  /** Event count between samples, in nanoseconds for clock events; 0 when not printed. */
  readonly period: bigint;
  /** Name with its modifiers; empty when not printed. */
  readonly event: string;
  /** Leaf first. */
  readonly frames: readonly PerfFrame[];
}

export interface PerfFrame {
  readonly address: bigint;
  /** Empty when perf did not know. */
  readonly symbol: string;
  /** Bytes from the symbol's start. */
  readonly symbolOffset: bigint;
  readonly path: string;
  /** The function was inlined into that of the frame below it, which has the same address. */
  readonly isInlined: boolean;
  /** From `-F +srcline`; empty and 0 when not printed. */
  readonly sourceFile: string;
  readonly sourceLine: number;
}

/** Fork, exec, a new thread name or exit, from `--show-task-events`. */
export interface PerfTask {
  readonly kind: 'fork' | 'exec' | 'name' | 'exit';
  readonly timeNano: bigint;
  readonly pid: number;
  readonly tid: number;
  /** Of `fork`; 0 otherwise. */
  readonly parentPid: number;
  /** Of `exec` and `name`; empty otherwise. */
  readonly comm: string;
}

export interface PerfLoss {
  readonly kind: 'loss';
  readonly count: bigint;
}
