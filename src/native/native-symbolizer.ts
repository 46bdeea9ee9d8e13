import type { Logger } from 'pino';
import type { Executable } from '../model/executable.ts';
import type { FileId } from '../model/file-id.ts';
import { fileIdsEqual, formatFileId } from '../model/file-id.ts';
import type { FrameSymbol } from '../model/frame-symbol.ts';
import type { Clock } from '../support/clock.ts';
import type { Component } from '../support/component.ts';
import type { UnnamedReason } from './file-needs.ts';
import { FileNeeds, maxBatch } from './file-needs.ts';
import type { DebuginfodClient } from './files/debuginfod.ts';
import type { SymbolizerMetrics } from './symbolizer-metrics.ts';
import type { SymbolizeReply } from './worker/messages.ts';
import type { WorkerClient, WorkerReply } from './worker/worker-client.ts';

/** Receives names. A name that a collector gave takes precedence there. */
export interface NameSink {
  learnSymbol(fileId: FileId, addressHigh: number, addressLow: number, symbol: FrameSymbol): void;
}

export interface SymbolizerParts {
  readonly worker: Pick<WorkerClient, 'ask' | 'stop'>;
  readonly sink: NameSink;
  readonly metrics: SymbolizerMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Downloads debug files that this node does not have; `undefined` where no server is named. */
  readonly debuginfod?: Pick<DebuginfodClient, 'isWorthAsking' | 'fetch' | 'stop'> | undefined;
  /** Addresses that wait. */
  readonly maxPending: number;
}

/** A program maps some hundred files; a node runs some hundred programs that share most of them. */
const maxFiles = 4096;
/** Addresses known to have no name, of all files. */
const maxUnnamed = 262_144;
/** Names enter the store in slices, so that nothing else waits for longer. */
const sliceMs = 2;
/** Upper words of addresses that are exact numbers; no file has others. */
const maxHigh = 2 ** 21;

/**
 * Asks for the names of native frames as soon as a sample has one without: one file at a time, the one with most addresses first. What
 * was answered, also that there is no name, is not asked again as long as its file is in use.
 */
export class NativeSymbolizer implements Component {
  readonly id: string;
  readonly #parts: SymbolizerParts;
  /** In the order of their last need. */
  readonly #files = new Map<number, FileNeeds>();
  readonly #stopping = new AbortController();
  #pending = 0;
  #unnamed = 0;
  #requests = 0;
  #loop: Promise<void> | undefined;
  #hasWarned = false;

  constructor(id: string, parts: SymbolizerParts) {
    this.id = id;
    this.#parts = parts;
  }

  get pending(): number {
    return this.#pending;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#parts.debuginfod?.stop();
    await this.#parts.worker.stop();
    await this.#loop;
  }

  /** Asks for the name at an address of a file that process `pid` has mapped; 0 for an unknown one. Costs little when it is asked already. */
  need(
    fileId: FileId,
    addressHigh: number,
    addressLow: number,
    source: { pid: number; executable: Executable | undefined },
  ): void {
    if (addressHigh >= maxHigh || this.#stopping.signal.aborted) return;
    const file = this.#fileOf(fileId);
    if (file === undefined) return;
    file.describe(source.pid, source.executable);
    const address = addressHigh * 2 ** 32 + addressLow;
    if (!file.wants(address, this.#parts.clock.nowMs())) return;
    if (this.#pending >= this.#parts.maxPending) {
      this.#parts.metrics.addresses('bounded_out', 1);
      return;
    }
    file.pending.add(address);
    this.#pending++;
    this.#loop ??= this.#run();
  }

  /** Resolves once nothing waits for an answer, or after `maxMs`. */
  async untilIdle(maxMs: number): Promise<void> {
    if (this.#loop === undefined) return;
    const ending = new AbortController();
    const late = this.#parts.clock.sleep(maxMs, ending.signal).catch(() => undefined);
    await Promise.race([this.#loop, late]);
    ending.abort();
  }

  /** True while an address waits for its request, or for the reply. */
  isUnderWay(fileId: FileId, addressHigh: number, addressLow: number): boolean {
    return this.#known(fileId)?.waitsFor(addressHigh * 2 ** 32 + addressLow) === true;
  }

  /** The reason for a missing name; `undefined` when the address is unknown. */
  reasonOf(fileId: FileId, addressHigh: number, addressLow: number): UnnamedReason | undefined {
    return this.#known(fileId)?.reasonOf(addressHigh * 2 ** 32 + addressLow);
  }

  /** The last request after another, until nothing waits. */
  async #run(): Promise<void> {
    // One turn of the event loop, so that the first request holds all addresses of a batch of samples.
    await this.#parts.clock.sleep(0);
    for (let file = this.#next(); file !== undefined && !this.#stopping.signal.aborted; file = this.#next()) {
      await this.#ask(file);
    }
    this.#loop = undefined;
  }

  /** The file for which most addresses wait. */
  #next(): FileNeeds | undefined {
    let most: FileNeeds | undefined;
    for (const file of this.#files.values()) {
      if (!file.isWaiting && file.pending.size > (most?.pending.size ?? 0)) most = file;
    }
    return most;
  }

  async #ask(file: FileNeeds): Promise<void> {
    const { worker, metrics, clock, logger } = this.#parts;
    const addresses = file.take();
    this.#pending -= addresses.length;
    const { gnuBuildId = '', fileName = '' } = file.executable ?? {};
    const wanted = { fileId: formatFileId(file.fileId), gnuBuildId, fileName };
    const beganMs = clock.nowMs();
    const reply = await worker.ask({ id: ++this.#requests, file: wanted, pids: file.pids, addresses });
    if (this.#stopping.signal.aborted) return;
    metrics.batch(clock.nowMs() - beganMs, reply.kind === 'answered' ? reply.stats : undefined);
    if (this.#waitForDebugFile(file, reply, gnuBuildId)) return;
    switch (reply.kind) {
      case 'answered':
        await this.#learn(file, addresses, reply);
        return;
      case 'missing':
        metrics.fileMiss(reply.reason);
        metrics.addresses('no_file', addresses.length + this.#drop(file));
        file.miss(reply.reason, clock.nowMs());
        if (reply.reason === 'no_permission') this.#warn();
        return;
      default:
        if (reply.kind === 'ended') metrics.workerRestart(reply.reason);
        metrics.addresses(
          reply.reason === 'over_budget' ? 'bounded_out' : 'refused',
          addresses.length + this.#drop(file),
        );
        file.refuse();
        logger.warn(
          { ...wanted, reason: reply.reason, problem: reply.problem },
          'An executable is not read for names any more.',
        );
    }
  }

  /** Postpones the addresses of a file until its debug file is there or known to be nowhere; true if so. */
  #waitForDebugFile(file: FileNeeds, reply: WorkerReply, gnuBuildId: string): boolean {
    const { debuginfod, maxPending } = this.#parts;
    const buildId =
      reply.kind === 'answered' ? reply.lackingDebugFile : reply.kind === 'missing' ? gnuBuildId : undefined;
    if (debuginfod === undefined || buildId === undefined || !debuginfod.isWorthAsking(buildId)) return false;
    if (this.#pending + maxBatch > maxPending) return false;
    this.#pending += file.putBack();
    file.isWaiting = true;
    void debuginfod.fetch(buildId).then(() => {
      file.isWaiting = false;
      if (!this.#stopping.signal.aborted) this.#loop ??= this.#run();
    });
    return true;
  }

  async #learn(file: FileNeeds, addresses: Float64Array, reply: SymbolizeReply & { kind: 'answered' }): Promise<void> {
    const { sink, metrics, clock } = this.#parts;
    const counts = { named: 0, line_only: 0, no_symbol: 0 };
    let sliceBeganMs = clock.nowMs();
    for (const [index, symbol] of reply.symbols.entries()) {
      const address = addresses[index]!;
      // A line without a function is no name: a backend that has one would not look for its own.
      if (symbol === undefined || symbol.functionName === '') {
        counts[symbol === undefined ? 'no_symbol' : 'line_only']++;
        this.#markUnnamed(file, address);
        continue;
      }
      counts.named++;
      sink.learnSymbol(file.fileId, Math.floor(address / 2 ** 32), address % 2 ** 32, symbol);
      if (clock.nowMs() - sliceBeganMs < sliceMs) continue;
      await clock.sleep(0);
      sliceBeganMs = clock.nowMs();
    }
    file.settle();
    metrics.addresses('named', counts.named);
    metrics.addresses('line_only', counts.line_only);
    metrics.addresses('no_symbol', counts.no_symbol);
    metrics.sources(reply.sources);
  }

  /** Gives up the addresses of a file that wait; how many. */
  #drop(file: FileNeeds): number {
    const count = file.pending.size;
    this.#pending -= count;
    file.pending.clear();
    return count;
  }

  #markUnnamed(file: FileNeeds, address: number): void {
    if (this.#unnamed >= maxUnnamed) {
      for (const { unnamed } of this.#files.values()) unnamed.clear();
      this.#unnamed = 0;
    }
    file.unnamed.add(address);
    this.#unnamed++;
  }

  #warn(): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#parts.logger.warn(
      'Executables of other processes cannot be opened, so their frames stay without names; run as root or with CAP_SYS_PTRACE ' +
        'and CAP_CHECKPOINT_RESTORE, in Kubernetes with hostPID: true.',
    );
  }

  #known(fileId: FileId): FileNeeds | undefined {
    const file = this.#files.get(keyOf(fileId));
    return file !== undefined && fileIdsEqual(file.fileId, fileId) ? file : undefined;
  }

  /** `undefined` for a file whose place another one has: file IDs are hashes, two with 53 equal bits are made on purpose. */
  #fileOf(fileId: FileId): FileNeeds | undefined {
    const key = keyOf(fileId);
    const known = this.#files.get(key);
    if (known !== undefined && !fileIdsEqual(known.fileId, fileId)) return undefined;
    const file = known ?? new FileNeeds(fileId);
    this.#files.delete(key);
    this.#files.set(key, file);
    if (this.#files.size > maxFiles) this.#forgetOldest();
    return file;
  }

  #forgetOldest(): void {
    for (const [key, file] of this.#files) {
      if (file.isUnderWay) continue;
      this.#drop(file);
      this.#unnamed -= file.unnamed.size;
      this.#files.delete(key);
      return;
    }
  }
}

function keyOf({ word0, word1 }: FileId): number {
  return word0 * 2 ** 21 + (word1 >>> 11);
}
