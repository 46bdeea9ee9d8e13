import type { FrameSymbol } from '../../model/frame-symbol.ts';
import type { DemanglerInstance } from '../demangle/demangler.ts';
import { Demangler, loadDemangler } from '../demangle/demangler.ts';
import { OverBudget } from '../elf/budget.ts';
import { UnreadableBytes } from '../elf/byte-source.ts';
import type { KernelFile } from '../files/kernel-names.ts';
import { KernelNames } from '../files/kernel-names.ts';
import type { AddressAnswer, NameSource } from '../object-file.ts';
import { nameGeneratedCode } from './generated-code.ts';
import type {
  FileRequest,
  KernelRequest,
  MemoryRequest,
  SymbolizeReply,
  SymbolizeRequest,
  WorkerOptions,
  WorkerStats,
} from './messages.ts';
import type { OpenObject } from './object-cache.ts';
import { ObjectCache } from './object-cache.ts';
import { textLength, toSymbol } from './to-symbol.ts';

/** Answers requests, one after the other. Keeps open files and their tables within bounds; answers are kept by who asks. */
export class Symbolizer {
  readonly #options: WorkerOptions;
  readonly #objects: ObjectCache;
  readonly #kernel: KernelNames;
  #demangler: DemanglerInstance | undefined;
  /** Budgets by file: the cost of a file's names counts for that file alone. */
  readonly #demanglers = new WeakMap<OpenObject, Demangler>();

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#objects = new ObjectCache(options);
    this.#kernel = new KernelNames(options.search.procRoot, options.search.sysRoot);
  }

  /** True if nothing is kept between requests. */
  get isEmpty(): boolean {
    return this.#objects.size === 0 && this.#kernel.sizeBytes === 0;
  }

  answer(request: SymbolizeRequest, nowMs: number): Promise<SymbolizeReply> | SymbolizeReply {
    if ('kernel' in request) return this.#nameKernel(request, nowMs);
    if ('process' in request) return this.#nameMemory(request);
    return this.#nameFile(request, nowMs);
  }

  #nameMemory(request: MemoryRequest): SymbolizeReply {
    const reply = nameGeneratedCode(this.#options.search.procRoot, request);
    return reply.kind === 'answered' ? { ...reply, stats: this.#stats(reply.stats.readBytes) } : reply;
  }

  /** Stats of everything that is kept between requests. */
  #stats(readBytes: number): WorkerStats {
    const { tableBytes, ...others } = this.#objects.stats(readBytes);
    return { ...others, tableBytes: tableBytes + this.#kernel.sizeBytes };
  }

  #nameKernel({ id, kernel, textStart, addresses }: KernelRequest, nowMs: number): SymbolizeReply {
    const found = this.#kernel.find(kernel, textStart, nowMs);
    if (typeof found === 'string') return { kind: 'missing', id, reason: found };
    const symbols = Array.from(addresses, (address) => kernelSymbol(found, BigInt.asUintN(64, BigInt(address))));
    const stats = this.#stats(0);
    const sources = { kallsyms: symbols.filter((symbol) => symbol !== undefined).length };
    return { kind: 'answered', id, symbols, sources, stats, lackingDebugFile: '' };
  }

  async #nameFile({ id, file, pids, addresses }: FileRequest, nowMs: number): Promise<SymbolizeReply> {
    const found = this.#objects.find(file, pids, nowMs);
    if (typeof found === 'string') return { kind: 'missing', id, reason: found };
    const before = found.readBytes;
    try {
      const answers = await found.object.answer(addresses, this.#options.debugInfo);
      const demangler = this.#options.demangle ? this.#demanglerOf(found) : undefined;
      const symbols = withinLength(answers.map((answer) => toSymbol(answer, demangler)));
      this.#objects.trim(nowMs);
      return {
        kind: 'answered',
        id,
        symbols,
        sources: count(answers),
        stats: this.#stats(found.readBytes - before),
        lackingDebugFile: found.lackingDebugFile,
      };
    } catch (error) {
      if (error instanceof OverBudget) return { kind: 'refused', id, reason: 'over_budget', problem: error.message };
      if (error instanceof UnreadableBytes) return { kind: 'refused', id, reason: 'failed', problem: error.message };
      throw error;
    }
  }

  #demanglerOf(open: OpenObject): Demangler {
    this.#demangler ??= loadDemangler();
    const known = this.#demanglers.get(open) ?? new Demangler(this.#demangler);
    this.#demanglers.set(open, known);
    return known;
  }

  /** Closes what nobody asked for lately. */
  rest(nowMs: number): void {
    this.#objects.trim(nowMs);
    this.#kernel.trim(nowMs - this.#options.idleMs);
  }
}

function kernelSymbol({ symbols, module }: KernelFile, address: bigint): FrameSymbol | undefined {
  const found = symbols.find(address);
  if (found === undefined || (module !== undefined && found.module !== module)) return undefined;
  const unknown = { systemName: '', filePath: '', line: 0, column: 0, startLine: 0, inlined: [] };
  return { functionName: found.name, ...unknown };
}

/** A batch of real C++ has a megabyte of text. A reply is copied to the other thread, and must not become as large as a file can make it. */
const maxReplyLength = 16 * 1024 * 1024;

/** The symbols without those that do not fit into a reply any more. */
function withinLength(symbols: readonly (FrameSymbol | undefined)[]): (FrameSymbol | undefined)[] {
  let room = maxReplyLength;
  return symbols.map((symbol) => {
    if (symbol === undefined) return undefined;
    room -= textLength(symbol);
    return room >= 0 ? symbol : undefined;
  });
}

function count(answers: readonly AddressAnswer[]): Partial<Record<NameSource, number>> {
  const counts: Partial<Record<NameSource, number>> = {};
  for (const { source } of answers) if (source !== undefined) counts[source] = (counts[source] ?? 0) + 1;
  return counts;
}
