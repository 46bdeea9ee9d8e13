// hot
import type { Executable } from '../model/executable.ts';
import type { FileId } from '../model/file-id.ts';
import type { TraceLink } from '../model/frame-batch.ts';
import type { FrameSymbol } from '../model/frame-symbol.ts';
import type { ProcessIdentity } from '../model/process.ts';
import { isToldAlike } from '../model/process.ts';
import type { ProfileType } from '../model/profile-type.ts';
import type { WindowMapping, WindowResource } from '../profile/build/window-contents.ts';
import { QuadIndex } from '../support/quad-index.ts';
import type { Steps } from '../support/steps.ts';
import { Uint32List } from '../support/uint32-list.ts';
import { EventColumns } from './event-columns.ts';
import { SampleTable } from './sample-table.ts';
import type { FrameAddresses } from './window-tables.ts';
import { FrameTable, StackTable } from './window-tables.ts';

export type FileOwner =
  | { readonly kind: 'file'; readonly fileId: FileId }
  | { readonly kind: 'process'; readonly instanceId: string; readonly process: ProcessIdentity };

/** A file, or the address space of a process, that frames of a window belong to. */
export interface WindowFile {
  readonly owner: FileOwner;
  /** True for the address space of a process that is gone, of which no later name is one. */
  readonly isClosed?: true;
  /** Known only of files that were asked for as executables. */
  readonly executable: Executable | undefined;
}

/**
 * The trace events of one reporting cycle and everything that they refer to, each entry once. A frame keeps the symbol
 * that was found for it, and a file its executable, so no eviction can take them back before the report. Entries are numbered from 0; memory grows
 * with what is new in the window, and `sizeBytes` tells how far.
 */
export class SampleWindow {
  readonly events: EventColumns = new EventColumns();
  readonly samples: SampleTable = new SampleTable();
  readonly frames: FrameTable = new FrameTable();
  readonly stacks: StackTable = new StackTable();
  readonly resources: WindowResource[] = [];
  readonly profileTypes: ProfileType[] = [];
  readonly links: TraceLink[] = [];
  readonly threadNames: string[] = [];
  readonly labels: ReadonlyMap<string, string>[] = [];

  readonly #files: WindowFile[] = [];
  readonly #fileIndex = new QuadIndex();
  /** File by entry of the index: the list of files has address spaces too. */
  readonly #fileOfEntry = new Uint32List();
  readonly #entryByKey = new Map<string, number>();
  readonly #threadNameByText = new Map<string, number>();
  /** By file: the mapping that was added or found last. */
  readonly #mappingByFile: (number | undefined)[] = [];
  /** By process ID: the resource that was added or found last. */
  readonly #resourceByPid = new Map<number, number>();
  readonly #symbols: (FrameSymbol | undefined)[] = [];
  #symbolBytes = 0;
  #textLength = 0;
  #attributeCount = 0;
  readonly mappings: WindowMapping[] = [];

  get files(): readonly WindowFile[] {
    return this.#files;
  }

  /** Names of the frames, as far as known, in the order of their numbers. */
  get symbols(): readonly (FrameSymbol | undefined)[] {
    return this.#symbols;
  }

  /**
   * Bytes held at most. The names of frames are among them although the symbol store counts them as well: it may forget
   * them while the window holds on to them.
   */
  get sizeBytes(): number {
    // An entry of a map and its object; its text is there twice, as key and as value, with two bytes a letter at worst.
    const perEntry = 200;
    const perFrame = 8;
    return (
      4 * this.#textLength +
      bytesPerAttribute * this.#attributeCount +
      this.#symbolBytes +
      this.events.sizeBytes +
      this.stacks.sizeBytes +
      this.frames.sizeBytes +
      this.#fileIndex.sizeBytes +
      this.#symbols.length * perFrame +
      perEntry * this.#fileOfEntry.length +
      this.samples.sizeBytes +
      perEntry * (this.#entryByKey.size + this.threadNames.length)
    );
  }

  /** Makes room for so many more entries, in steps: large tables that double at once would stop the loop for long. */
  *makeRoom(more: { readonly frames: number; readonly stacks: number; readonly samples: number }): Steps<void> {
    yield* this.frames.makeRoom(more.frames);
    yield* this.stacks.makeRoom(more.stacks);
    yield* this.samples.makeRoom(more.samples);
  }

  /** The number of a file ID. */
  internFile(fileId: FileId): number {
    const entry = this.#fileIndex.intern(fileId.word0, fileId.word1, fileId.word2, fileId.word3);
    if (entry < this.#fileOfEntry.length) return this.#fileOfEntry.at(entry);
    const file = this.#files.push({ owner: { kind: 'file', fileId }, executable: undefined }) - 1;
    this.#fileOfEntry.push(file);
    return file;
  }

  /** The number of the address space of a process as one collector sees it. */
  internAddressSpace(instanceId: string, process: ProcessIdentity): number {
    const { pid, startTimeNano } = process;
    return this.#internInto<WindowFile>(this.#files, spaceKey(instanceId, process), () => ({
      // A copy without the rest: a process may have a great many labels.
      owner: { kind: 'process', instanceId, process: { pid, startTimeNano } },
      executable: undefined,
    }));
  }

  /** The process is gone: another one with its identity has an address space of its own. */
  closeAddressSpace(instanceId: string, process: ProcessIdentity): void {
    const key = spaceKey(instanceId, process);
    const file = this.#entryByKey.get(key);
    if (file === undefined) return;
    this.#entryByKey.delete(key);
    this.#files[file] = { ...this.#files[file]!, isClosed: true };
  }

  internMapping(file: number, start: bigint, end: bigint, fileOffset: bigint): number {
    // Nearly every file has one mapping: to compare two costs less than to write a key.
    const last = this.mappings[this.#mappingByFile[file] ?? -1];
    const isLast = last !== undefined && last.start === start && last.end === end && last.fileOffset === fileOffset;
    if (isLast) return this.#mappingByFile[file]!;
    const key = `mapping ${file} ${start} ${end} ${fileOffset}`;
    const index = this.#internInto(this.mappings, key, () => ({ file, start, end, fileOffset }));
    this.#mappingByFile[file] = index;
    return index;
  }

  /** The number of a frame; a new one has no symbol yet. `place` is of `frames`. */
  internFrame(place: number, addressHigh: number, addressLow: number): number {
    const index = this.frames.intern(place, addressHigh, addressLow);
    if (index === this.#symbols.length) this.#symbols.push(undefined);
    return index;
  }

  /** The same of many frames, as `FrameTable.internAll` does it. */
  internFrames(entries: Int32Array, frames: Int32Array, addresses: FrameAddresses): void {
    this.frames.internAll(entries, frames, addresses);
    while (this.#symbols.length < this.frames.count) this.#symbols.push(undefined);
  }

  /** Gives a frame the name that was found for it, unless it has one. */
  nameFrame(frame: number, symbol: FrameSymbol | undefined): void {
    if (symbol === undefined || this.#symbols[frame] !== undefined) return;
    this.#symbols[frame] = symbol;
    this.frames.markNamed(frame);
    this.#symbolBytes += bytesOf(symbol);
  }

  /**
   * Gives the frames at an address a name that was just submitted, where they have none yet: the samples that wait for it
   * get it now, whether or not the store has room to keep it.
   */
  nameFrames(fileId: FileId, addressHigh: number, addressLow: number, symbol: FrameSymbol): void {
    const file = this.#findFile(fileId);
    if (file === undefined) return;
    for (const frame of this.frames.at(file, addressHigh, addressLow)) this.nameFrame(frame, symbol);
  }

  /** Keeps what was found of a file as a file, unless something was before. */
  keepExecutable(file: number, executable: Executable | undefined): void {
    const known = this.#files[file]!;
    if (executable === undefined || known.executable !== undefined) return;
    this.#files[file] = { ...known, executable };
    this.#textLength += executable.fileName.length + executable.gnuBuildId.length + executable.goBuildId.length;
  }

  /** Keeps what was just submitted of a file, if samples that wait are in it. */
  setExecutable(fileId: FileId, executable: Executable): void {
    const file = this.#findFile(fileId);
    if (file !== undefined) this.keepExecutable(file, executable);
  }

  #findFile({ word0, word1, word2, word3 }: FileId): number | undefined {
    const entry = this.#fileIndex.find(word0, word1, word2, word3);
    return entry < 0 ? undefined : this.#fileOfEntry.at(entry);
  }

  internResource(resource: WindowResource): number {
    // Nearly every batch of a window has the processes of the one before: to compare two costs less than to write a key.
    const { pid } = resource.process;
    const last = this.#resourceByPid.get(pid);
    if (last !== undefined && isSameResource(this.resources[last]!, resource)) return last;
    const index = this.#internResource(resource);
    this.#resourceByPid.set(pid, index);
    return index;
  }

  #internResource(resource: WindowResource): number {
    const { collectorAttributes, scopeName, scopeVersion, process } = resource;
    const { pid, startTimeNano, comm, executablePath, containerId, serviceName, labels } = process;
    const own = [pid, `${startTimeNano}`, comm, executablePath, containerId, serviceName, ...sorted(labels)];
    const key = JSON.stringify([scopeName, scopeVersion, own, ...sorted(collectorAttributes)]);
    return this.#internInto(this.resources, `resource ${key}`, () => {
      this.#attributeCount += labels.size + collectorAttributes.size;
      return resource;
    });
  }

  internProfileType(type: ProfileType): number {
    const [first] = this.profileTypes;
    if (first !== undefined && isSameType(first, type)) return 0;
    const { sampleType, sampleUnit, periodType, periodUnit, period } = type;
    const key = `type ${JSON.stringify([sampleType, sampleUnit, periodType, periodUnit])} ${period}`;
    return this.#internInto(this.profileTypes, key, () => type);
  }

  internThreadName(text: string): number {
    const known = this.#threadNameByText.get(text);
    if (known !== undefined) return known;
    const index = this.threadNames.push(text) - 1;
    this.#threadNameByText.set(text, index);
    this.#textLength += text.length;
    return index;
  }

  internLabels(labels: ReadonlyMap<string, string>): number {
    return this.#internInto(this.labels, `labels ${JSON.stringify(sorted(labels))}`, () => {
      this.#attributeCount += labels.size;
      return labels;
    });
  }

  internLink(link: TraceLink): number {
    const key = `link ${Buffer.from(link.traceId).toString('hex')} ${Buffer.from(link.spanId).toString('hex')}`;
    // The bytes of a link are a view into the message; a copy does not keep the whole message alive.
    const create = (): TraceLink => ({ traceId: link.traceId.slice(), spanId: link.spanId.slice() });
    return this.#internInto(this.links, key, create);
  }

  #internInto<T>(entries: T[], key: string, create: () => T): number {
    const known = this.#entryByKey.get(key);
    if (known !== undefined) return known;
    const index = entries.push(create()) - 1;
    this.#entryByKey.set(key, index);
    this.#textLength += key.length;
    return index;
  }
}

function isSameResource(a: WindowResource, b: WindowResource): boolean {
  return (
    isToldAlike(a.process, b.process) &&
    a.scopeName === b.scopeName &&
    a.scopeVersion === b.scopeVersion &&
    isSameMap(a.process.labels, b.process.labels) &&
    isSameMap(a.collectorAttributes, b.collectorAttributes)
  );
}

function isSameType(a: ProfileType, b: ProfileType): boolean {
  return (
    a.sampleType === b.sampleType &&
    a.sampleUnit === b.sampleUnit &&
    a.periodType === b.periodType &&
    a.periodUnit === b.periodUnit &&
    a.period === b.period
  );
}

function isSameMap(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [key, value] of a) if (b.get(key) !== value) return false;
  return true;
}

function spaceKey(instanceId: string, { pid, startTimeNano }: ProcessIdentity): string {
  return `process ${instanceId} ${pid} ${startTimeNano}`;
}

// An entry of a Map, and the headers of two texts.
const bytesPerAttribute = 96;
const bytesPerSymbol = 80;

/** At most, if it shares no text with another one. */
function bytesOf({ functionName, systemName, filePath, inlined }: FrameSymbol): number {
  let bytes = bytesPerSymbol + 2 * (functionName.length + systemName.length + filePath.length);
  for (let i = 0; i < inlined.length; i++) bytes += bytesOf(inlined[i]!);
  return bytes;
}

/** Attributes are a set: the same ones in another order are the same. */
function sorted(attributes: ReadonlyMap<string, string>): [string, string][] {
  return [...attributes].sort(([a], [b]) => (a < b ? -1 : 1));
}
