import type { Logger } from 'pino';
import type { FileId } from '../model/file-id.ts';
import { fileIdsEqual } from '../model/file-id.ts';
import type { FrameSymbol } from '../model/frame-symbol.ts';
import type { ProcessIdentity } from '../model/process.ts';
import type { Clock } from '../support/clock.ts';
import { inTime } from '../support/clock.ts';
import type { Component } from '../support/lifecycle.ts';
import type { Code, CodeHints, MemoryOwner, UnnamedReason } from './code-needs.ts';
import { CodeNeeds, maxBatch } from './code-needs.ts';
import type { DebuginfodClient } from './files/debuginfod.ts';
import type { SymbolizerMetrics } from './symbolizer-metrics.ts';
import type { SymbolizeReply, SymbolizeRequest } from './worker/messages.ts';
import type { SymbolizerReply, SymbolizerWorker } from './worker/symbolizer-worker.ts';

/** Receives names. A name that a collector gave takes precedence there. */
export interface NameSink {
  learnSymbol(fileId: FileId, addressHigh: number, addressLow: number, symbol: FrameSymbol): void;
  /** `isNew` is false for code that had a name before: the later one is right. */
  learnCode(owner: MemoryOwner, code: NamedCode, isNew: boolean): void;
}

/** A range of generated code. */
export interface NamedCode {
  readonly start: bigint;
  readonly length: bigint;
  /** An address in it that samples have. */
  readonly addressHigh: number;
  readonly addressLow: number;
  readonly symbol: FrameSymbol;
}

/** The address that a frame has, with hints for finding its code. */
export interface NeedHints extends CodeHints {
  /** The process that the owner, a file ID, stands for the memory of; `undefined` for a file ID of a file. */
  readonly memoryOf?: ProcessIdentity;
}

export interface SymbolizerParts {
  readonly worker: Pick<SymbolizerWorker, 'ask' | 'stop'>;
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
const maxCodes = 4096;
/** Addresses known to have no name, of all files. */
const maxUnnamed = 262_144;
/** Names enter the store in slices, so that nothing else waits for longer. */
const sliceMs = 2;
/** Upper words of addresses that are exact numbers; neither files nor programs have others. */
const maxHigh = 2 ** 21;
/** Upper words from here on are those of kernels, and exact as numbers with a sign. */
const firstKernelHigh = 2 ** 32 - maxHigh;

/**
 * Asks for the names of native frames as soon as a sample has one without: one file at a time, the one with most addresses first. What
 * was answered, also that there is no name, is not asked again as long as its file is in use. The running kernel and the generated code of a
 * process are asked for alike.
 */
export class NativeSymbolizer implements Component {
  readonly id: string;
  readonly #parts: SymbolizerParts;
  /** In the order of their last need. */
  readonly #codes = new Map<number | string, CodeNeeds>();
  readonly #stopping = new AbortController();
  #pending = 0;
  #unnamed = 0;
  #requests = 0;
  #loop: Promise<void> | undefined;
  readonly #warned = new Set<Code['kind']>();

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

  /** Asks for the name at an address. Costs little when it is asked already. */
  need(owner: MemoryOwner, addressHigh: number, addressLow: number, hints: NeedHints): void {
    if (this.#stopping.signal.aborted || !isExact(addressHigh)) return;
    const needs = this.#needsOf(owner, addressHigh, hints);
    if (needs === undefined) return;
    needs.describe(hints);
    const address = addressOf(addressHigh, addressLow);
    if (!needs.wants(address, this.#parts.clock.nowMs())) return;
    if (this.#pending >= this.#parts.maxPending) {
      this.#parts.metrics.addresses('bounded_out', 1);
      return;
    }
    needs.pending.add(address);
    this.#pending++;
    this.#loop ??= this.#run();
  }

  /** Notes that samples have generated code of an owner, named or not: its names are looked at again from time to time. */
  use(owner: MemoryOwner): void {
    const needs = this.#codes.get(keyOf(owner, 0));
    if (needs === undefined || needs.code.kind !== 'memory' || this.#stopping.signal.aborted) return;
    if (needs.use(this.#parts.clock.nowMs())) this.#loop ??= this.#run();
  }

  /** Resolves once nothing waits for an answer, or after `maxMs`. */
  async untilIdle(maxMs: number): Promise<void> {
    if (this.#loop === undefined) return;
    await inTime(this.#parts.clock, maxMs, this.#loop, () => undefined);
  }

  /** True while an address waits for its request, or for the reply. */
  isUnderWay(owner: MemoryOwner, addressHigh: number, addressLow: number): boolean {
    return this.#known(owner, addressHigh)?.waitsFor(addressOf(addressHigh, addressLow)) === true;
  }

  /** The reason for a missing name; `undefined` when the address is unknown. */
  reasonOf(owner: MemoryOwner, addressHigh: number, addressLow: number): UnnamedReason | undefined {
    return this.#known(owner, addressHigh)?.reasonOf(addressOf(addressHigh, addressLow));
  }

  /** The last request after another, until nothing waits. */
  async #run(): Promise<void> {
    // One turn of the event loop, so that the first request holds all addresses of a batch of samples.
    await this.#parts.clock.sleep(0);
    for (let needs = this.#next(); needs !== undefined && !this.#stopping.signal.aborted; needs = this.#next()) {
      await this.#ask(needs);
    }
    this.#loop = undefined;
  }

  /** The code that waits and whose last request was longest ago: a browser's thousands of addresses let a small program pass. */
  #next(): CodeNeeds | undefined {
    let next: CodeNeeds | undefined;
    for (const needs of this.#codes.values()) {
      if (needs.urgency > 0 && needs.lastRequest < (next?.lastRequest ?? Number.POSITIVE_INFINITY)) next = needs;
    }
    return next;
  }

  async #ask(needs: CodeNeeds): Promise<void> {
    const { worker, metrics, clock, logger } = this.#parts;
    const before = needs.pending.size;
    const request = needs.request(++this.#requests);
    this.#pending -= before - needs.pending.size;
    const count = before - needs.pending.size;
    const beganMs = clock.nowMs();
    const reply = await worker.ask(request);
    if (this.#stopping.signal.aborted) return;
    metrics.batch(clock.nowMs() - beganMs, reply.kind === 'answered' ? reply.stats : undefined);
    if (this.#waitForDebugFile(needs, reply)) return;
    switch (reply.kind) {
      case 'answered':
        await this.#learn(needs, request.addresses, { ...reply, isNew: count > 0 });
        return;
      case 'unchanged':
        needs.settle();
        needs.setChecked(clock.nowMs());
        return;
      case 'missing':
        metrics.fileMiss(reply.reason);
        metrics.addresses('no_file', count + this.#drop(needs));
        needs.miss(reply.reason, clock.nowMs());
        if (reply.reason === 'no_permission') this.#warn(needs.code.kind);
        return;
      default:
        if (reply.kind === 'ended') metrics.workerRestart(reply.reason);
        metrics.addresses(reply.reason === 'over_budget' ? 'bounded_out' : 'refused', count + this.#drop(needs));
        needs.refuse();
        logger.warn(
          { ...describe(request), reason: reply.reason, problem: reply.problem },
          'An executable is not read for names any more.',
        );
    }
  }

  /** Postpones the addresses of a file until its debug file is there or known to be nowhere; true if so. */
  #waitForDebugFile(needs: CodeNeeds, reply: SymbolizerReply): boolean {
    const { debuginfod, maxPending } = this.#parts;
    if (debuginfod === undefined || needs.code.kind !== 'file') return false;
    const { gnuBuildId = '' } = needs.executable ?? {};
    const buildId =
      reply.kind === 'answered' ? reply.lackingDebugFile : reply.kind === 'missing' ? gnuBuildId : undefined;
    if (buildId === undefined || !debuginfod.isWorthAsking(buildId)) return false;
    if (this.#pending + maxBatch > maxPending) return false;
    this.#pending += needs.putBack();
    needs.isWaiting = true;
    void debuginfod.fetch(buildId).then(() => {
      needs.isWaiting = false;
      if (!this.#stopping.signal.aborted) this.#loop ??= this.#run();
    });
    return true;
  }

  async #learn(needs: CodeNeeds, addresses: Float64Array, reply: Answer): Promise<void> {
    const { metrics, clock } = this.#parts;
    const counts = { named: 0, line_only: 0, no_symbol: 0 };
    if (reply.version !== undefined) this.#unnamed -= needs.setVersion(reply.version, clock.nowMs());
    let sliceBeganMs = clock.nowMs();
    for (const [index, symbol] of reply.symbols.entries()) {
      const address = addresses[index]!;
      // A line without a function is no name: a backend that has one would not look for its own.
      if (symbol === undefined || symbol.functionName === '') {
        counts[symbol === undefined ? 'no_symbol' : 'line_only']++;
        this.#markUnnamed(needs, address);
        continue;
      }
      counts.named++;
      this.#keep(needs, address, symbol, {
        start: reply.ranges?.[2 * index],
        end: reply.ranges?.[2 * index + 1],
        isNew: reply.isNew,
      });
      if (clock.nowMs() - sliceBeganMs < sliceMs) continue;
      await clock.sleep(0);
      sliceBeganMs = clock.nowMs();
    }
    needs.settle();
    if (!reply.isNew) return;
    metrics.addresses('named', counts.named);
    metrics.addresses('line_only', counts.line_only);
    metrics.addresses('no_symbol', counts.no_symbol);
    metrics.sources(reply.sources);
  }

  #keep(
    needs: CodeNeeds,
    address: number,
    symbol: FrameSymbol,
    { start = 0, end = 0, isNew }: { start: number | undefined; end: number | undefined; isNew: boolean },
  ): void {
    const { sink } = this.#parts;
    const { code } = needs;
    const [addressHigh, addressLow] = wordsOf(address);
    if (code.kind !== 'memory') {
      sink.learnSymbol(code.fileId, addressHigh, addressLow, symbol);
      return;
    }
    needs.keepNamed(address);
    const range = { start: BigInt(start), length: BigInt(end - start) };
    sink.learnCode(code.owner, { ...range, addressHigh, addressLow, symbol }, isNew);
  }

  /** Gives up the addresses that wait; how many. */
  #drop(needs: CodeNeeds): number {
    const count = needs.pending.size;
    this.#pending -= count;
    needs.pending.clear();
    return count;
  }

  #markUnnamed(needs: CodeNeeds, address: number): void {
    if (this.#unnamed >= maxUnnamed) {
      for (const { unnamed } of this.#codes.values()) unnamed.clear();
      this.#unnamed = 0;
    }
    if (needs.unnamed.has(address)) return;
    needs.unnamed.add(address);
    this.#unnamed++;
  }

  #warn(kind: Code['kind']): void {
    if (this.#warned.has(kind)) return;
    this.#warned.add(kind);
    this.#parts.logger.warn(warnings[kind]);
  }

  #known(owner: MemoryOwner, addressHigh: number): CodeNeeds | undefined {
    const needs = this.#codes.get(keyOf(owner, addressHigh));
    return needs !== undefined && belongsTo(needs, owner) ? needs : undefined;
  }

  /** `undefined` for a file whose place another one has: file IDs are hashes, two with 53 equal bits are made on purpose. */
  #needsOf(owner: MemoryOwner, addressHigh: number, { memoryOf }: NeedHints): CodeNeeds | undefined {
    const key = keyOf(owner, addressHigh);
    const known = this.#codes.get(key);
    if (known !== undefined && !belongsTo(known, owner)) return undefined;
    const needs = known ?? new CodeNeeds(codeOf(owner, addressHigh, memoryOf));
    this.#codes.delete(key);
    this.#codes.set(key, needs);
    if (this.#codes.size > maxCodes) this.#forgetOldest();
    return needs;
  }

  #forgetOldest(): void {
    for (const [key, needs] of this.#codes) {
      if (needs.isUnderWay) continue;
      this.#drop(needs);
      this.#unnamed -= needs.unnamed.size;
      this.#codes.delete(key);
      return;
    }
  }
}

type Answer = SymbolizeReply & { readonly kind: 'answered' } & { readonly isNew: boolean };

const warnings: Readonly<Record<Code['kind'], string>> = {
  file:
    'Executables of other processes cannot be opened, so their frames stay without names; run as root or with CAP_SYS_PTRACE ' +
    'and CAP_CHECKPOINT_RESTORE, in Kubernetes with hostPID: true.',
  kernel:
    'The kernel hides the addresses of its functions, so its frames stay without names; run with CAP_SYSLOG, and kernel.kptr_restrict below 2.',
  memory:
    'Perf maps of other processes cannot be read, so their generated code stays without names; run as root or with CAP_SYS_PTRACE. ' +
    'A perf map must belong to the user of its process, or to root.',
};

function codeOf(owner: MemoryOwner, addressHigh: number, memoryOf: ProcessIdentity | undefined): Code {
  if (owner.kind === 'process') return { kind: 'memory', owner, process: owner.process };
  if (memoryOf !== undefined) return { kind: 'memory', owner, process: memoryOf };
  return { kind: addressHigh >= firstKernelHigh ? 'kernel' : 'file', fileId: owner.fileId };
}

function belongsTo({ code }: CodeNeeds, owner: MemoryOwner): boolean {
  if (owner.kind === 'process') return true;
  if (code.kind !== 'memory') return fileIdsEqual(code.fileId, owner.fileId);
  return code.owner.kind === 'file' && fileIdsEqual(code.owner.fileId, owner.fileId);
}

function keyOf(owner: MemoryOwner, addressHigh: number): number | string {
  if (owner.kind === 'process') return `${owner.process.pid} ${owner.process.startTimeNano} ${owner.instanceId}`;
  const { word0, word1 } = owner.fileId;
  const key = word0 * 2 ** 21 + (word1 >>> 11);
  return addressHigh >= firstKernelHigh ? -1 - key : key;
}

function isExact(addressHigh: number): boolean {
  return addressHigh < maxHigh || addressHigh >= firstKernelHigh;
}

/** The address as an exact number, negative for one of a kernel. */
function addressOf(addressHigh: number, addressLow: number): number {
  const high = addressHigh >= firstKernelHigh ? addressHigh - 2 ** 32 : addressHigh;
  return high * 2 ** 32 + addressLow;
}

function wordsOf(address: number): [high: number, low: number] {
  const high = Math.floor(address / 2 ** 32);
  return [high >>> 0, address - high * 2 ** 32];
}

function describe(request: SymbolizeRequest): object {
  if ('file' in request) return request.file;
  return 'kernel' in request ? request.kernel : { pid: request.process.pid };
}
