// hot
import type { FileId } from '../model/file-id.ts';
import type { FrameBatch } from '../model/frame-batch.ts';
import type { FrameKind } from '../model/frame-kind.ts';
import { frameKinds, isCollectorNamed, isFileNamed } from '../model/frame-kind.ts';
import type { SymbolLookup } from '../model/frame-symbol.ts';
import type { NativeNames } from './native-names.ts';
import type { SampleWindow } from './sample-window.ts';
import type { SymbolSession } from './symbol-source.ts';

/**
 * The indices of one batch as indices of the window: each entry is looked up once a batch, at its first use, however
 * many samples refer to it. Looking a frame up also finds its name, or asks the collector for it; and asks for the
 * executable that tells where a frame is, when nothing is known of it.
 */
export class BatchTranslation {
  readonly #batch: FrameBatch;
  readonly #window: SampleWindow;
  readonly #store: SymbolSession;
  readonly #native: NativeNames | undefined;

  /** Window index plus one of each entry of the batch; 0 while it was not needed. */
  readonly #files: Uint32Array;
  /** 1 for each file that was looked up as an executable. */
  readonly #executables: Uint8Array;
  readonly #addressSpaces: Uint32Array;
  /** Symbols of each file of the batch, and stubs of each process, where they were opened. */
  readonly #fileSymbols: (SymbolLookup | undefined)[];
  readonly #processStubs: (SymbolLookup | undefined)[];
  readonly #mappings: Uint32Array;
  readonly #frames: Uint32Array;
  readonly #stacks: Uint32Array;
  readonly #resources: Uint32Array;
  readonly #profileTypes: Uint32Array;
  readonly #links: Uint32Array;
  readonly #strings: Uint32Array;
  readonly #comms: Uint32Array;
  readonly #labelSets: Uint32Array;
  #scratch = new Uint32Array(64);
  /** Process ID of the sample whose stack is translated. */
  #pid = 0;

  constructor(batch: FrameBatch, window: SampleWindow, store: SymbolSession, native?: NativeNames) {
    this.#batch = batch;
    this.#window = window;
    this.#store = store;
    this.#native = native;
    this.#files = new Uint32Array(batch.fileIds.length);
    this.#executables = new Uint8Array(batch.fileIds.length);
    this.#addressSpaces = new Uint32Array(batch.processes.length);
    this.#fileSymbols = new Array(batch.fileIds.length);
    this.#processStubs = new Array(batch.processes.length);
    this.#mappings = new Uint32Array(batch.mappings.length);
    this.#frames = new Uint32Array(batch.frames.count + 1);
    this.#stacks = new Uint32Array(batch.stacks.count + 1);
    this.#resources = new Uint32Array(batch.processes.length);
    this.#profileTypes = new Uint32Array(batch.profileTypes.length);
    this.#links = new Uint32Array(batch.links.length);
    this.#strings = new Uint32Array(batch.strings.length);
    this.#comms = new Uint32Array(batch.processes.length);
    this.#labelSets = new Uint32Array(batch.labelSets.length);
  }

  /** The stack of a sample of a process: entry `process` of the batch. */
  stack(index: number, process: number): number {
    const known = this.#stacks[index]!;
    if (known !== 0) return known - 1;
    this.#pid = this.#batch.processes[process]?.pid ?? 0;
    const { start, frames, truncated } = this.#batch.stacks;
    const first = start[index]!;
    const length = start[index + 1]! - first;
    if (length > this.#scratch.length) this.#scratch = new Uint32Array(length * 2);
    for (let i = 0; i < length; i++) this.#scratch[i] = this.#frame(frames[first + i]!);
    const stack = this.#window.stacks.intern(this.#scratch, length, truncated[index] === 1);
    this.#stacks[index] = stack + 1;
    return stack;
  }

  resource(index: number): number {
    const known = this.#resources[index]!;
    if (known !== 0) return known - 1;
    return this.#once(this.#resources, index, () => {
      const { resourceAttributes, scopeName, scopeVersion } = this.#batch.collector;
      const process = this.#batch.processes[index]!;
      return this.#window.internResource({ collectorAttributes: resourceAttributes, scopeName, scopeVersion, process });
    });
  }

  profileType(index: number): number {
    const known = this.#profileTypes[index]!;
    if (known !== 0) return known - 1;
    return this.#once(this.#profileTypes, index, () =>
      this.#window.internProfileType(this.#batch.profileTypes[index]!),
    );
  }

  /** -1 for none. */
  link(index: number): number {
    return index === 0 ? -1 : this.#once(this.#links, index, () => this.#window.internLink(this.#batch.links[index]!));
  }

  /** Thread, CPU and labels of sample `index`. */
  context(index: number): number {
    const { threadId, threadName, process, cpuPlusOne, labelSet } = this.#batch.samples;
    // The kernel names a thread after its process until the thread names itself.
    const name = threadName[index] !== 0 ? this.#string(threadName[index]!) : this.#comm(process[index]!);
    const labels = labelSet[index] === 0 ? -1 : this.#labelSet(labelSet[index]!);
    return this.#window.internContext(threadId[index]!, name, cpuPlusOne[index]! - 1, labels);
  }

  #string(index: number): number {
    const known = this.#strings[index]!;
    if (known !== 0) return known - 1;
    return this.#once(this.#strings, index, () => this.#window.internString(this.#batch.strings[index]!));
  }

  #comm(process: number): number {
    const known = this.#comms[process]!;
    if (known !== 0) return known - 1;
    return this.#once(this.#comms, process, () => this.#window.internString(this.#batch.processes[process]!.comm));
  }

  #labelSet(index: number): number {
    return this.#once(this.#labelSets, index, () => this.#window.internLabels(this.#batch.labelSets[index]!));
  }

  #frame(index: number): number {
    const known = this.#frames[index]!;
    if (known !== 0) return known - 1;
    const { fileId, process, addressHigh, addressLow, kind, mapping } = this.#batch.frames;
    const file = fileId[index] !== 0 ? this.#file(fileId[index]!) : this.#addressSpace(process[index]!);
    const frameMapping = mapping[index] === 0 ? -1 : this.#mapping(mapping[index]!);
    const frameKind = kind[index]! as FrameKind;
    const frame = this.#window.internFrame(file, addressHigh[index]!, addressLow[index]!, frameKind, frameMapping);
    if (this.#window.symbols[frame] === undefined) {
      const symbols = fileId[index] !== 0 ? this.#fileSymbols[fileId[index]!] : this.#processStubs[process[index]!];
      const symbol = symbols?.find(addressHigh[index]!, addressLow[index]!);
      if (symbol !== undefined) this.#window.nameFrame(frame, symbol);
      else if (isCollectorNamed(frameKind)) this.#needName(file, addressHigh[index]!, addressLow[index]!, frameKind);
    }
    // Only such a frame's own file ID is that of an executable; others are of methods and code objects.
    if (mapping[index] === 0 && (frameKind === frameKinds.native || frameKind === frameKinds.kernel)) {
      this.#executableOf(fileId[index]!, file);
    }
    if (
      this.#native !== undefined &&
      this.#window.symbols[frame] === undefined &&
      isNodeNamed(frameKind, fileId[index]!)
    ) {
      this.#needNative(index, file);
    }
    this.#frames[index] = frame + 1;
    return frame;
  }

  #needNative(index: number, file: number): void {
    const { addressHigh, addressLow, mapping } = this.#batch.frames;
    const { owner, executable } = this.#window.files[file]!;
    const start = this.#batch.mappings[mapping[index]!]?.start ?? 0n;
    this.#native!.need(owner, addressHigh[index]!, addressLow[index]!, { pid: this.#pid, executable, start });
  }

  #needName(file: number, addressHigh: number, addressLow: number, kind: FrameKind): void {
    const { owner } = this.#window.files[file]!;
    this.#store.needName(this.#batch.collector.instanceId, owner, addressHigh, addressLow, kind);
  }

  #file(index: number): number {
    const known = this.#files[index]!;
    if (known !== 0) return known - 1;
    return this.#once(this.#files, index, () => {
      const fileId = this.#batch.fileIds[index]!;
      this.#fileSymbols[index] = this.#store.openFile(fileId);
      return this.#window.internFile(fileId);
    });
  }

  /** `index` is that of the batch, 0 for none; `file` the window's. */
  #executableOf(index: number, file: number): void {
    if (index === 0 || this.#executables[index] === 1) return;
    this.#executables[index] = 1;
    this.#findExecutable(this.#batch.fileIds[index]!, file);
  }

  #findExecutable(fileId: FileId, file: number): void {
    if (this.#window.files[file]!.executable !== undefined) return;
    const executable = this.#store.executable(fileId);
    if (executable !== undefined) this.#window.keepExecutable(file, executable);
    else this.#store.needExecutable(this.#batch.collector.instanceId, fileId);
  }

  #addressSpace(index: number): number {
    const known = this.#addressSpaces[index]!;
    if (known !== 0) return known - 1;
    return this.#once(this.#addressSpaces, index, () => {
      const process = this.#batch.processes[index]!;
      const { instanceId } = this.#batch.collector;
      this.#processStubs[index] = this.#store.openProcess(instanceId, process);
      const space = this.#window.internAddressSpace(instanceId, process);
      this.#native?.use(this.#window.files[space]!.owner);
      return space;
    });
  }

  #mapping(index: number): number {
    const known = this.#mappings[index]!;
    if (known !== 0) return known - 1;
    return this.#once(this.#mappings, index, () => {
      const { fileId, start, end, fileOffset } = this.#batch.mappings[index]!;
      const file = this.#window.internFile(fileId);
      this.#findExecutable(fileId, file);
      return this.#window.internMapping(file, start, end, fileOffset);
    });
  }

  /** Callers on the hot path look for themselves first: a closure is most of the cost of a call. */
  #once(indices: Uint32Array, index: number, compute: () => number): number {
    const known = indices[index]!;
    if (known !== 0) return known - 1;
    const computed = compute();
    indices[index] = computed + 1;
    return computed;
  }
}

/** True if this node may know the name of a frame: of code in a file or in the kernel, or of any code in the memory of a process. */
function isNodeNamed(kind: FrameKind, fileId: number): boolean {
  return fileId === 0 || isFileNamed(kind) || kind === frameKinds.kernel;
}
