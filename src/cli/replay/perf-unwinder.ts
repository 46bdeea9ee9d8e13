import { frameKinds } from '../../model/frame-kind.ts';
import type { FrameSymbol } from '../../model/frame-symbol.ts';
import { parseRuntimeName, runtimeKind } from '../../native/tables/runtime-names.ts';
import type { CollectedFrame, FrameName } from './collected.ts';
import type { Executables, RecordedKernel } from './executables.ts';
import { elfAddressOf } from './executables.ts';
import { FrameTable } from './frame-table.ts';
import type { PerfProcess } from './perf-process.ts';
import type { PerfFrame, PerfSample } from './perf-script.ts';
import type { UnwoundStack } from './unwinder.ts';

// Where the kernel cuts a call chain (perf_event_max_stack).
const maxDepth = 127;
const firstKernelAddress = 0xffff_8000_0000_0000n;

/**
 * Turns the frames that perf printed into our own, with the names that perf gave them. As in `Unwinder`, every address
 * but a leaf is a return address and moves to the call before it.
 */
export class PerfUnwinder {
  readonly #executables: Executables;
  readonly #table = new FrameTable();

  constructor(executables: Executables) {
    this.#executables = executables;
  }

  unwind({ frames: printed }: PerfSample, process: PerfProcess, kernel: RecordedKernel): UnwoundStack {
    const frames: CollectedFrame[] = [];
    const inlined: FrameSymbol[] = [];
    const depth = printed.filter(({ isInlined }) => !isInlined).length;
    let isUserLeaf = true;
    for (const [index, frame] of printed.entries()) {
      if (frame.isInlined) {
        inlined.push(symbolOf(frame.symbol, []));
        continue;
      }
      const name = frame.symbol === '' ? undefined : symbolOf(frame.symbol, inlined.splice(0));
      if (isKernel(frame)) {
        frames.push(this.#kernelFrame(frame.address - (frames.length === 0 ? 0n : 1n), name, kernel));
        continue;
      }
      if (frame.path === '[unknown]') return { frames, truncated: true, unmappedFrames: printed.length - index };
      frames.push(this.#userFrame(frame, isUserLeaf ? 0n : 1n, name, process));
      isUserLeaf = false;
    }
    return { frames, truncated: depth >= maxDepth, unmappedFrames: 0 };
  }

  #kernelFrame(address: bigint, symbol: FrameSymbol | undefined, kernel: RecordedKernel): CollectedFrame {
    const { executable, textStart, textEnd } = kernel;
    const mapping = this.#table.internMapping({ executable, start: textStart, end: textEnd, fileOffset: 0n });
    const frame = { owner: executable.fileId, address, kind: frameKinds.kernel, mapping };
    return this.#table.intern(frame, () => nameOf(symbol));
  }

  #userFrame(
    { address: printed, path, symbol: text }: PerfFrame,
    back: bigint,
    symbol: FrameSymbol | undefined,
    process: PerfProcess,
  ): CollectedFrame {
    if (isGenerated(path)) {
      const kind = runtimeKind(process.paths, [text]);
      const address = printed - back;
      const frame = { owner: process, address, kind, mapping: undefined };
      // perf does not print where the code ends: each address is a range of its own.
      return this.#table.intern(frame, () =>
        text === '' ? undefined : { kind: 'stub', start: address, length: 1n, ...parseRuntimeName(text, kind) },
      );
    }
    const { mapping, fileOffset } = process.locate(path, printed);
    const executable = this.#executables.find(path, mapping?.buildId ?? '');
    const start = elfAddressOf(executable, mapping?.fileOffset ?? 0n);
    const fileMapping = this.#table.internMapping({
      executable,
      start: mapping === undefined ? 0n : start,
      end: mapping === undefined ? 0n : start + mapping.size,
      fileOffset: mapping?.fileOffset ?? 0n,
    });
    const address = elfAddressOf(executable, fileOffset) - back;
    const frame = { owner: executable.fileId, address, kind: frameKinds.native, mapping: fileMapping };
    return this.#table.intern(frame, () => nameOf(symbol));
  }
}

function isKernel({ address, path }: PerfFrame): boolean {
  return path !== '[unknown]' && address >= firstKernelAddress && !path.startsWith('[vsyscall');
}

function isGenerated(path: string): boolean {
  return /\/perf-\d+\.map$|^\/\/anon|^\/memfd:|^anon$|\/jitted-\d+-\d+\.so$/.test(path);
}

function symbolOf(functionName: string, inlined: readonly FrameSymbol[]): FrameSymbol {
  return { functionName, systemName: '', filePath: '', line: 0, column: 0, startLine: 0, inlined };
}

function nameOf(symbol: FrameSymbol | undefined): FrameName | undefined {
  return symbol === undefined ? undefined : { kind: 'symbol', symbol };
}
