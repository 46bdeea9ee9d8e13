import { fnv128a } from '../../model/file-id.ts';
import { frameKinds } from '../../model/frame-kind.ts';
import type { FrameSymbol } from '../../model/frame-symbol.ts';
import type { KernelSymbols } from '../../native/tables/kallsyms.ts';
import type { PerfMapRange } from '../../native/tables/perf-map.ts';
import { parseRuntimeName } from '../../native/tables/runtime-names.ts';
import type { MemoryMapping } from './address-space.ts';
import type { CollectedFrame, CollectedStub, FrameName } from './collected.ts';
import type { Executables, RecordedExecutable } from './executables.ts';
import { elfAddressOf } from './executables.ts';
import type { KernelFiles } from './kernel-files.ts';
import type { PythonCode } from './python-code.ts';
import type { RawSample } from './raw-records.ts';
import { RecordedFrames } from './recorded-frames.ts';
import type { RuntimeImage } from './runtime-images.ts';

/** Depth at which the recorder stopped following the interpreter's frames. */
const maxPythonDepth = 96;

export interface UnwoundStack {
  readonly frames: readonly CollectedFrame[];
  readonly truncated: boolean;
  /** User addresses that were left out because one of them lies in no mapping. */
  readonly unmappedFrames: number;
}

/**
 * Turns the addresses of a sample into frames. Every address but a leaf is a return address: the instruction behind a
 * call, which may belong to the next line or even the next function, so one is subtracted before anything is looked up.
 */
export class Unwinder {
  readonly #executables: Executables;
  readonly #kernel: KernelFiles;
  readonly #kernelSymbols: KernelSymbols;
  readonly #maxDepth: number;
  readonly #table = new RecordedFrames();
  readonly #stubs = new Map<PerfMapRange, CollectedStub>();

  constructor(executables: Executables, kernel: KernelFiles, kernelSymbols: KernelSymbols, maxDepth: number) {
    this.#executables = executables;
    this.#kernel = kernel;
    this.#kernelSymbols = kernelSymbols;
    this.#maxDepth = maxDepth;
  }

  /** `codeAt` finds a code object by its address in the sample's process. */
  unwind(sample: RawSample, image: RuntimeImage, codeAt: (address: string) => PythonCode | undefined): UnwoundStack {
    const frames = sample.k.map((address, index) => this.#kernelFrame(instructionOf(address, index)));
    let isCut = sample.k.length >= this.#maxDepth || sample.u.length >= this.#maxDepth;
    let unmappedFrames = 0;
    for (const [index, text] of sample.u.entries()) {
      const address = instructionOf(text, index);
      const mapping = image.process.space.find(address, sample.t);
      if (mapping === undefined) {
        // Code without frame pointers: the addresses that follow are arbitrary words of the stack.
        unmappedFrames = sample.u.length - index;
        isCut = true;
        break;
      }
      frames.push(this.#userFrame(address, mapping, image));
    }
    for (const [code, byteOffset] of sample.py) frames.push(this.#pythonFrame(codeAt(code), byteOffset));
    // The interpreter knows its frames to the root, however the native stack below them ends.
    const truncated = sample.py.length > 0 ? sample.py.length >= maxPythonDepth : isCut;
    return { frames, truncated, unmappedFrames };
  }

  #kernelFrame(address: bigint): CollectedFrame {
    const found = this.#kernelSymbols.find(address);
    const mapping = this.#table.internMapping(this.#kernel.mappingOf(address, found?.module));
    const frame = { owner: mapping.executable.fileId, address, kind: frameKinds.kernel, mapping };
    return this.#table.intern(frame, () => found && symbolName(found.name));
  }

  #userFrame(address: bigint, mapping: MemoryMapping, image: RuntimeImage): CollectedFrame {
    const generated = this.#generatedCode(address, mapping, image);
    if (generated !== undefined) {
      const frame = { owner: image.process, address: generated.address, kind: image.runtimeKind, mapping: undefined };
      return this.#table.intern(frame, () => generated.range && this.#stub(generated.range, image));
    }
    const executable = this.#executableOf(mapping);
    const start = elfAddressOf(executable, mapping.fileOffset);
    const fileMapping = this.#table.internMapping({
      executable,
      start,
      end: start + (mapping.end - mapping.start),
      fileOffset: mapping.fileOffset,
    });
    const inFile = elfAddressOf(executable, address - mapping.start + mapping.fileOffset);
    const frame = { owner: executable.fileId, address: inFile, kind: frameKinds.native, mapping: fileMapping };
    return this.#table.intern(frame, () => nameOf(this.#executables.nameAt(executable, inFile)));
  }

  /**
   * Code that a runtime made for itself: what its perf map names, and what lies in anonymous memory. V8 maps the builtins
   * of its own file a second time and names them where they were first; the perf map holds for that copy too.
   */
  #generatedCode(
    address: bigint,
    mapping: MemoryMapping,
    { perfMap, process: { space } }: RuntimeImage,
  ): { address: bigint; range: PerfMapRange | undefined } | undefined {
    const range = perfMap?.find(address);
    if (range !== undefined) return { address, range };
    if (isAnonymous(mapping)) return { address, range: undefined };
    for (const other of perfMap === undefined ? [] : space.mappings) {
      if (other === mapping || other.path !== mapping.path) continue;
      const twin = address - mapping.start + mapping.fileOffset - other.fileOffset + other.start;
      const twinRange = twin >= other.start && twin < other.end ? perfMap?.find(twin) : undefined;
      if (twinRange !== undefined) return { address: twin, range: twinRange };
    }
    return undefined;
  }

  #stub(range: PerfMapRange, { runtimeKind }: RuntimeImage): CollectedStub {
    let stub = this.#stubs.get(range);
    if (stub === undefined) {
      const length = range.end - range.start;
      stub = { kind: 'stub', start: range.start, length, ...parseRuntimeName(range.name, runtimeKind) };
      this.#stubs.set(range, stub);
    }
    return stub;
  }

  #pythonFrame(code: PythonCode | undefined, recordedOffset: number): CollectedFrame {
    const owner = code?.fileId ?? unknownCodeFileId;
    // Before its first instruction a frame says -2, recorded as 32 bits without sign.
    const byteOffset = Math.max(0, recordedOffset | 0);
    const frame = { owner, address: BigInt(byteOffset), kind: frameKinds.cpython, mapping: undefined };
    return this.#table.intern(frame, () => code?.nameAt(byteOffset));
  }

  /** The kernel's own code in user memory has no file; it is the same wherever the kernel is. */
  #executableOf({ path, buildId }: MemoryMapping): RecordedExecutable {
    if (!path.startsWith('[')) return this.#executables.find(path, buildId);
    const fileId = fnv128a(path, this.#kernel.fileId);
    return { fileId, fileIdIsHtlhash: false, fileName: path, gnuBuildId: '', loads: [] };
  }
}

const unknownCodeFileId = fnv128a('unknown Python code object');

function instructionOf(address: string, index: number): bigint {
  const value = BigInt(`0x${address}`);
  return index === 0 || value === 0n ? value : value - 1n;
}

function isAnonymous({ path }: MemoryMapping): boolean {
  return path === '' || path.startsWith('//anon') || path.startsWith('/memfd:') || path.startsWith('[anon');
}

function symbolName(functionName: string): FrameName | undefined {
  return nameOf({ functionName, systemName: '', filePath: '', line: 0, column: 0, startLine: 0, inlined: [] });
}

function nameOf(symbol: FrameSymbol | undefined): FrameName | undefined {
  return symbol && { kind: 'symbol', symbol };
}
