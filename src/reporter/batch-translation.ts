// hot
import type { FileId } from '../model/file-id.ts';
import type { FrameBatch } from '../model/frame-batch.ts';
import type { FrameKind } from '../model/frame-kind.ts';
import { frameKinds, isCollectorNamed, isFileNamed } from '../model/frame-kind.ts';
import type { SymbolLookup } from '../model/frame-symbol.ts';
import { isReusable, reusedLength } from '../support/reused-length.ts';
import type { NativeNames } from './native-names.ts';
import type { SampleKey } from './sample-table.ts';
import type { SampleWindow } from './sample-window.ts';
import type { SymbolSession } from './symbol-source.ts';

/**
 * Numbers of window entries by the indices of a batch, plus one; 0 while an entry was not needed. The arrays are used again for the
 * next batch: at a few samples a batch, new ones would cost more than the samples.
 */
export class TranslationColumns {
  readonly files = new ReusedColumn();
  /** 1 for each file that was looked up as an executable. */
  readonly executables = new ReusedColumn();
  readonly addressSpaces = new ReusedColumn();
  readonly mappings = new ReusedColumn();
  /** Places of frames, and of which kind and mapping they are: some for each file, and for each process. */
  readonly places = new ReusedColumn();
  readonly placeKeys = new ReusedColumn();
  readonly frames = new ReusedColumn();
  readonly stacks = new ReusedColumn();
  readonly resources = new ReusedColumn();
  readonly profileTypes = new ReusedColumn();
  readonly links = new ReusedColumn();
  readonly strings = new ReusedColumn();
  readonly comms = new ReusedColumn();
  readonly labelSets = new ReusedColumn();
  /** Stacks and frames that are new among the samples at hand. */
  readonly newStacks = new ReusedColumn();
  readonly newFrames = new ReusedColumn();
  readonly newEntries = new ReusedColumn();
  /** Frames of one stack. */
  readonly stackFrames = new ReusedColumn();
}

const leastLength = 64;

class ReusedColumn {
  #values = new Int32Array(leastLength);

  /** At least `length` elements, the first `length` of them zero. */
  zeroed(length: number): Int32Array {
    const values = this.#fitting(length);
    values.fill(0, 0, length);
    return values;
  }

  /** At least `length` elements with any content. */
  atLeast(length: number): Int32Array {
    return this.#fitting(length);
  }

  #fitting(length: number): Int32Array {
    if (!isReusable(this.#values.length, length)) this.#values = new Int32Array(reusedLength(length, leastLength));
    return this.#values;
  }
}

/** Places of one file, or process, that are found without a look-up; a file with more is looked up more often. */
const placesPerOwner = 8;
/** Frame kinds are fewer. */
const kindsInKey = 64;

/** Looking a frame up takes as long as to walk over this many. */
const firstUseWork = 4;

/** Mark of a stack that is new among the samples at hand; that of a frame is `-1 - process`, of the first sample that has it. */
const isNew = -1;

/**
 * Adds the samples of one batch to a window. Each entry of the batch is looked up once, at its first use, however
 * many samples refer to it. Looking a frame up also finds its name, or asks the collector for it; and asks for the
 * executable that tells where a frame is, when nothing is known of it.
 */
export class BatchTranslation {
  readonly #batch: FrameBatch;
  readonly #window: SampleWindow;
  readonly #store: SymbolSession;
  readonly #native: NativeNames | undefined;
  readonly #columns: TranslationColumns;
  readonly #files: Int32Array;
  readonly #executables: Int32Array;
  readonly #addressSpaces: Int32Array;
  /** Symbols of each file of the batch, and stubs of each process, where they were opened. */
  readonly #fileSymbols: (SymbolLookup | undefined)[] = [];
  readonly #processStubs: (SymbolLookup | undefined)[] = [];
  readonly #mappings: Int32Array;
  readonly #fileCount: number;
  readonly #places: Int32Array;
  readonly #placeKeys: Int32Array;
  readonly #frames: Int32Array;
  readonly #stacks: Int32Array;
  readonly #resources: Int32Array;
  readonly #profileTypes: Int32Array;
  readonly #links: Int32Array;
  readonly #strings: Int32Array;
  readonly #comms: Int32Array;
  readonly #labelSets: Int32Array;
  /** The sample at hand: an object for each would be most of the garbage. */
  readonly #key: SampleKey = {
    ...{ stack: 0, resource: 0, profileType: 0, link: -1 },
    ...{ threadId: 0, threadName: 0, cpu: -1, labels: -1 },
  };
  readonly #timeWords: Uint32Array;
  readonly #valueWords: Uint32Array;
  #stackWork = 0;

  constructor(
    batch: FrameBatch,
    window: SampleWindow,
    store: SymbolSession,
    columns: TranslationColumns = new TranslationColumns(),
    native?: NativeNames,
  ) {
    this.#batch = batch;
    this.#window = window;
    this.#store = store;
    this.#native = native;
    this.#columns = columns;
    this.#files = columns.files.zeroed(batch.fileIds.length);
    this.#executables = columns.executables.zeroed(batch.fileIds.length);
    this.#addressSpaces = columns.addressSpaces.zeroed(batch.processes.length);
    this.#mappings = columns.mappings.zeroed(batch.mappings.length);
    this.#fileCount = batch.fileIds.length;
    const placeCount = (batch.fileIds.length + batch.processes.length) * placesPerOwner;
    this.#places = columns.places.atLeast(placeCount);
    this.#placeKeys = columns.placeKeys.zeroed(placeCount);
    this.#frames = columns.frames.zeroed(batch.frames.count + 1);
    this.#stacks = columns.stacks.zeroed(batch.stacks.count + 1);
    this.#resources = columns.resources.zeroed(batch.processes.length);
    this.#profileTypes = columns.profileTypes.zeroed(batch.profileTypes.length);
    this.#links = columns.links.zeroed(batch.links.length);
    this.#strings = columns.strings.zeroed(batch.strings.length);
    this.#comms = columns.comms.zeroed(batch.processes.length);
    this.#labelSets = columns.labelSets.zeroed(batch.labelSets.length);
    const { timestampsUnixNano, values } = batch.samples;
    this.#timeWords = wordsOf(timestampsUnixNano);
    this.#valueWords = wordsOf(values);
  }

  /** Work of the call of `addSamples` before for stacks that were new in it: a frame of one of them is one, and its first use some more. */
  get stackWork(): number {
    return this.#stackWork;
  }

  /**
   * Adds the events of the samples from `from` on and before `most`, as long as their new stacks are no more than `mostWork` together; of
   * one sample at least. Returns their end.
   */
  addSamples(from: number, most: number, mostWork: number): number {
    const to = this.#translateStacks(from, most, mostWork);
    const { events, samples } = this.#window;
    const { stack, process, profileType, link, threadId, cpuPlusOne, labelSet, momentStart } = this.#batch.samples;
    const stacks = this.#stacks;
    const resources = this.#resources;
    const profileTypes = this.#profileTypes;
    const key = this.#key;
    for (let i = from; i < to; i++) {
      key.stack = stacks[stack[i]!]! - 1;
      key.resource = (resources[process[i]!]! || this.#resource(process[i]!)) - 1;
      key.profileType = (profileTypes[profileType[i]!]! || this.#profileType(profileType[i]!)) - 1;
      key.link = link[i] === 0 ? -1 : this.#link(link[i]!);
      key.threadId = threadId[i]!;
      key.threadName = this.#threadName(i) - 1;
      key.cpu = cpuPlusOne[i]! - 1;
      key.labels = labelSet[i] === 0 ? -1 : this.#labelSet(labelSet[i]!);
      events.add(samples.intern(key), this.#timeWords, this.#valueWords, momentStart[i]!, momentStart[i + 1]!);
    }
    return to;
  }

  /** Gives the stacks of samples their numbers, and first the frames of those that are new. Returns the end of the samples. */
  #translateStacks(from: number, most: number, mostWork: number): number {
    const { samples, stacks: batchStacks } = this.#batch;
    const { start, frames: frameOf, truncated } = batchStacks;
    const { stack, process } = samples;
    const stacks = this.#stacks;
    const frames = this.#frames;
    const newStacks = this.#columns.newStacks.atLeast(Math.min(most - from, batchStacks.count));
    let stackCount = 0;
    let depth = 0;
    let work = 0;
    let to = from;
    for (; to < most; to++) {
      const index = stack[to]!;
      if (stacks[index] !== 0) continue;
      const first = start[index]!;
      const end = start[index + 1]!;
      if (depth > 0 && work + end - first > mostWork) break;
      depth += end - first;
      work += end - first;
      stacks[index] = isNew;
      newStacks[stackCount++] = index;
      const mark = -1 - process[to]!;
      for (let at = first; at < end; at++) {
        // Without a branch: nobody can predict which frames are new.
        const frame = frameOf[at]!;
        const known = frames[frame]!;
        const isFirst = 1 + ((known | -known) >> 31);
        frames[frame] = known | Math.imul(mark, isFirst);
        work += isFirst * firstUseWork;
      }
    }
    this.#stackWork = work;
    this.#translateFrames(newStacks, stackCount, depth);
    for (let i = 0; i < stackCount; i++) {
      const index = newStacks[i]!;
      const first = start[index]!;
      const length = start[index + 1]! - first;
      const scratch = this.#columns.stackFrames.atLeast(length);
      for (let at = 0; at < length; at++) scratch[at] = frames[frameOf[first + at]!]! - 1;
      stacks[index] = this.#window.stacks.intern(scratch, length, truncated[index] === 1) + 1;
    }
    return to;
  }

  /** Gives the frames that are marked as new their numbers, and looks for the names that the window lacks. */
  #translateFrames(newStacks: Int32Array, stackCount: number, depth: number): void {
    const { fileId, process, addressHigh, addressLow, kind, mapping } = this.#batch.frames;
    const frames = this.#frames;
    const places = this.#places;
    const placeKeys = this.#placeKeys;
    const fileCount = this.#fileCount;
    const newFrames = this.#columns.newFrames.atLeast(this.#batch.frames.count);
    const entries = this.#columns.newEntries.atLeast(this.#batch.frames.count);
    const count = this.#listNewFrames(newFrames, newStacks, stackCount, depth);
    for (let i = 0; i < count; i++) {
      const index = newFrames[i]!;
      const frameKind = kind[index]! as FrameKind;
      const key = mapping[index]! * kindsInKey + frameKind + 1;
      const slot =
        (fileId[index]! || fileCount + process[index]!) * placesPerOwner + (frameKind & (placesPerOwner - 1));
      entries[i] = placeKeys[slot] === key ? places[slot]! : this.#place(index, slot, key);
    }
    this.#window.internFrames(entries, newFrames, { addressHigh, addressLow, count });
    for (let i = 0; i < count; i++) {
      const index = newFrames[i]!;
      const entry = entries[i]!;
      // One of two stacks is listed twice, and has its number by then.
      if (entry < 0 && frames[index]! < 0) this.#findName(-1 - entry, index);
      frames[index] = Math.abs(entry);
    }
  }

  /** Lists the frames that are marked as new in the order of the batch's table, whose columns lie in the cache then; or, of few stacks, in theirs. */
  #listNewFrames(newFrames: Int32Array, newStacks: Int32Array, stackCount: number, depth: number): number {
    const frames = this.#frames;
    const { count: frameCount } = this.#batch.frames;
    const { start, frames: frameOf } = this.#batch.stacks;
    let count = 0;
    if (depth >= frameCount) {
      for (let frame = 1; frame <= frameCount; frame++) if (frames[frame]! < 0) newFrames[count++] = frame;
      return count;
    }
    for (let i = 0; i < stackCount; i++) {
      const end = start[newStacks[i]! + 1]!;
      for (let at = start[newStacks[i]!]!; at < end; at++) {
        if (frames[frameOf[at]!]! < 0) newFrames[count++] = frameOf[at]!;
      }
    }
    return count;
  }

  /** The number of the place of a frame of the batch: its file, kind and mapping. */
  #place(index: number, slot: number, key: number): number {
    const { fileId, process, kind, mapping } = this.#batch.frames;
    const owner = fileId[index]!;
    const frameKind = kind[index]! as FrameKind;
    const file = owner !== 0 ? (this.#files[owner]! || this.#file(owner)) - 1 : this.#addressSpace(process[index]!);
    const inBatch = mapping[index]!;
    const frameMapping = inBatch === 0 ? -1 : (this.#mappings[inBatch]! || this.#mapping(inBatch)) - 1;
    // Only such a frame's own file ID is that of an executable; others are of methods and code objects.
    if (inBatch === 0 && (frameKind === frameKinds.native || frameKind === frameKinds.kernel)) {
      this.#executableOf(owner, file);
    }
    const place = this.#window.frames.internPlace(file, frameKind, frameMapping);
    this.#places[slot] = place;
    this.#placeKeys[slot] = key;
    return place;
  }

  /** Looks for the name of a frame of the batch in the store, and asks for it; `frame` is the window's, and that of the batch still marked as new. */
  #findName(frame: number, index: number): void {
    const { fileId, process, addressHigh, addressLow, kind } = this.#batch.frames;
    const symbols = fileId[index] !== 0 ? this.#fileSymbols[fileId[index]!] : this.#processStubs[process[index]!];
    const symbol = symbols?.find(addressHigh[index]!, addressLow[index]!);
    this.#window.nameFrame(frame, symbol);
    if (symbol !== undefined) return;
    const frameKind = kind[index]! as FrameKind;
    const { owner, executable } = this.#window.files[this.#window.frames.file(frame)]!;
    if (isCollectorNamed(frameKind)) {
      const { instanceId } = this.#batch.collector;
      this.#store.needName(instanceId, owner, addressHigh[index]!, addressLow[index]!, frameKind);
    }
    if (this.#native !== undefined && isNodeNamed(frameKind, fileId[index]!)) {
      const start = this.#batch.mappings[this.#batch.frames.mapping[index]!]?.start ?? 0n;
      const { pid } = this.#batch.processes[-1 - this.#frames[index]!]!;
      this.#native.need(owner, addressHigh[index]!, addressLow[index]!, { pid, executable, start });
    }
  }

  // The methods from here on give a number plus one where the name does not say otherwise, and keep it for the next use.

  #resource(index: number): number {
    const { resourceAttributes, scopeName, scopeVersion } = this.#batch.collector;
    const process = this.#batch.processes[index]!;
    const resource = { collectorAttributes: resourceAttributes, scopeName, scopeVersion, process };
    return keep(this.#resources, index, this.#window.internResource(resource));
  }

  #profileType(index: number): number {
    return keep(this.#profileTypes, index, this.#window.internProfileType(this.#batch.profileTypes[index]!));
  }

  /** Of the thread of sample `index`. */
  #threadName(index: number): number {
    const { threadName, process } = this.#batch.samples;
    const text = threadName[index]!;
    // The kernel names a thread after its process until the thread names itself.
    return text === 0 ? this.#comm(process[index]!) : this.#strings[text]! || this.#string(text);
  }

  #string(index: number): number {
    return keep(this.#strings, index, this.#window.internThreadName(this.#batch.strings[index]!));
  }

  #comm(process: number): number {
    return (
      this.#comms[process]! ||
      keep(this.#comms, process, this.#window.internThreadName(this.#batch.processes[process]!.comm))
    );
  }

  #file(index: number): number {
    const fileId = this.#batch.fileIds[index]!;
    this.#fileSymbols[index] = this.#store.openFile(fileId);
    return keep(this.#files, index, this.#window.internFile(fileId));
  }

  #mapping(index: number): number {
    const { fileId, start, end, fileOffset } = this.#batch.mappings[index]!;
    const file = this.#window.internFile(fileId);
    this.#findExecutable(fileId, file);
    return keep(this.#mappings, index, this.#window.internMapping(file, start, end, fileOffset));
  }

  /** The number of a link. */
  #link(index: number): number {
    const known = this.#links[index]!;
    return (known || keep(this.#links, index, this.#window.internLink(this.#batch.links[index]!))) - 1;
  }

  /** The number of labels. */
  #labelSet(index: number): number {
    const known = this.#labelSets[index]!;
    return (known || keep(this.#labelSets, index, this.#window.internLabels(this.#batch.labelSets[index]!))) - 1;
  }

  /** The number of the address space of a process. */
  #addressSpace(index: number): number {
    const known = this.#addressSpaces[index]!;
    if (known !== 0) return known - 1;
    const process = this.#batch.processes[index]!;
    const { instanceId } = this.#batch.collector;
    this.#processStubs[index] = this.#store.openProcess(instanceId, process);
    const space = this.#window.internAddressSpace(instanceId, process);
    this.#native?.use(this.#window.files[space]!.owner);
    this.#addressSpaces[index] = space + 1;
    return space;
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
}

function keep(column: Int32Array, index: number, number: number): number {
  column[index] = number + 1;
  return number + 1;
}

/** The same memory as 32-bit words. */
function wordsOf({ buffer, byteOffset, length }: BigUint64Array | BigInt64Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, 2 * length);
}

/** True if this node may know the name of a frame: of code in a file or in the kernel, or of any code in the memory of a process. */
function isNodeNamed(kind: FrameKind, fileId: number): boolean {
  return fileId === 0 || isFileNamed(kind) || kind === frameKinds.kernel;
}
