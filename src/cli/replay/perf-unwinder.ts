import { frameKinds } from '../../model/frame-kind.ts';
import type { FrameSymbol } from '../../model/frame-symbol.ts';
import type { RuntimeName } from '../../native/tables/runtime-names.ts';
import { parseRuntimeName, runtimeKind } from '../../native/tables/runtime-names.ts';
import type { CollectedFrame, CollectedStub, FrameName, Remarks } from './collected.ts';
import type { Executables } from './executables.ts';
import { elfAddressOf } from './executables.ts';
import type { KernelFiles } from './kernel-files.ts';
import { isKernelAddress, kernelModuleOf } from './kernel-files.ts';
import type { PerfFrame, PerfSample } from './perf-entries.ts';
import type { RecordedProcess } from './process-table.ts';
import { RecordedFrames } from './recorded-frames.ts';

// Depth at which the kernel cuts a call chain (perf_event_max_stack).
const maxDepth = 127;
// No code is in the first 64 KiB (vm.mmap_min_addr), nor above what five levels of page tables can hold.
const firstUserAddress = 0x1_0000n;
const userAddressEnd = 1n << 56n;

export interface PerfStack {
  readonly frames: readonly CollectedFrame[];
  readonly truncated: boolean;
}

/**
 * Turns the frames that perf printed into our own, with the names that perf gave them. As in `Unwinder`, every address
 * but a leaf is a return address and moves to the call before it. A frame of which perf knows nothing keeps its address and
 * its place; only words that can be no address of code are left out.
 */
export class PerfUnwinder {
  readonly #executables: Executables;
  readonly #kernel: KernelFiles;
  readonly #remarks: Remarks;
  readonly #table = new RecordedFrames();

  constructor(executables: Executables, kernel: KernelFiles, remarks: Remarks) {
    this.#executables = executables;
    this.#kernel = kernel;
    this.#remarks = remarks;
  }

  unwind({ frames: printed }: PerfSample, process: RecordedProcess): PerfStack {
    const frames: CollectedFrame[] = [];
    const inlined: FrameSymbol[] = [];
    const depth = printed.filter(({ isInlined }) => !isInlined).length;
    let isUserLeaf = true;
    let truncated = depth >= maxDepth;
    for (const frame of printed) {
      if (frame.isInlined) {
        inlined.push(symbolOf(frame, []));
        continue;
      }
      const name = frame.symbol === '' ? undefined : symbolOf(frame, inlined.splice(0));
      if (isKernel(frame)) {
        frames.push(this.#kernelFrame(frame, frames.length === 0 ? 0n : 1n, name));
      } else if (isImpossible(frame)) {
        this.#remarks.add('frames whose address is none of code (broken frame pointers)');
        truncated = true;
      } else {
        frames.push(this.#userFrame(frame, isUserLeaf ? 0n : 1n, name, process));
        isUserLeaf = false;
      }
    }
    return { frames, truncated };
  }

  #kernelFrame({ address: printed, path }: PerfFrame, back: bigint, symbol: FrameSymbol | undefined): CollectedFrame {
    const address = callBefore(printed, back);
    const mapping = this.#table.internMapping(this.#kernel.mappingOf(address, kernelModuleOf(path)));
    const frame = { owner: mapping.executable.fileId, address, kind: frameKinds.kernel, mapping };
    return this.#table.intern(frame, () => nameOf(symbol));
  }

  #userFrame(
    frame: PerfFrame,
    back: bigint,
    symbol: FrameSymbol | undefined,
    process: RecordedProcess,
  ): CollectedFrame {
    const { address: printed, path } = frame;
    if (isNowhere(path)) {
      const address = callBefore(printed, back);
      const owned = { owner: process, address, kind: frameKinds.native, mapping: undefined };
      return this.#table.intern(owned, () => symbol && stubOf(address, parseRuntimeName(frame.symbol, owned.kind)));
    }
    if (isGenerated(path)) return this.#generatedFrame(frame, back, process);
    const { mapping, fileOffset } = process.space.locate(path, printed);
    const executable = this.#executables.find(path, mapping?.buildId ?? '');
    const start = elfAddressOf(executable, mapping?.fileOffset ?? 0n);
    const fileMapping = this.#table.internMapping({
      executable,
      start: mapping === undefined ? 0n : start,
      end: mapping === undefined ? 0n : start + mapping.end - mapping.start,
      fileOffset: mapping?.fileOffset ?? 0n,
    });
    const address = callBefore(elfAddressOf(executable, fileOffset), back);
    const inFile = { owner: executable.fileId, address, kind: frameKinds.native, mapping: fileMapping };
    return this.#table.intern(inFile, () => nameOf(symbol ?? this.#executables.nameAt(executable, address)));
  }

  #generatedFrame(
    { address: printed, symbol: text }: PerfFrame,
    back: bigint,
    process: RecordedProcess,
  ): CollectedFrame {
    const kind = runtimeKind(process.space.paths, [text]);
    const address = callBefore(printed, back);
    return this.#table.intern({ owner: process, address, kind, mapping: undefined }, () =>
      text === '' ? undefined : stubOf(address, parseRuntimeName(text, kind)),
    );
  }
}

/** The call before a return address; nothing is before 0. */
function callBefore(address: bigint, back: bigint): bigint {
  return address === 0n ? 0n : address - back;
}

/** perf does not print where generated code ends: each address is a range of its own. */
function stubOf(address: bigint, name: RuntimeName): CollectedStub {
  return { kind: 'stub', start: address, length: 1n, ...name };
}

function isKernel({ address, path }: PerfFrame): boolean {
  if (path.startsWith('[vsyscall')) return false;
  return isKernelAddress(address) || kernelModuleOf(path) !== undefined;
}

/** True if perf found no file for the address. */
function isNowhere(path: string): boolean {
  return path === '[unknown]' || path === '';
}

function isImpossible({ address, path }: PerfFrame): boolean {
  return path === '[unknown]' && (address < firstUserAddress || address >= userAddressEnd);
}

function isGenerated(path: string): boolean {
  return /\/perf-\d+\.map$|^\/\/anon|^\/memfd:|^\[anon|^anon$|\/jitted-\d+-\d+\.so$/.test(path);
}

function symbolOf({ symbol, sourceFile, sourceLine }: PerfFrame, inlined: readonly FrameSymbol[]): FrameSymbol {
  return {
    functionName: symbol,
    systemName: '',
    filePath: sourceFile,
    line: sourceLine,
    column: 0,
    startLine: 0,
    inlined,
  };
}

function nameOf(symbol: FrameSymbol | undefined): FrameName | undefined {
  return symbol === undefined ? undefined : { kind: 'symbol', symbol };
}
