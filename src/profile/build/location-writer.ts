// hot
import { formatFileId } from '../../model/file-id.ts';
import type { FrameKind } from '../../model/frame-kind.ts';
import { frameTypeName } from '../../model/frame-kind.ts';
import { attributeNames } from '../attribute-names.ts';
import type { InternedDictionary } from '../dictionary/dictionary.ts';
import { SymbolLines } from '../names/symbol-lines.ts';
import type { WindowContents } from './window-contents.ts';

/** Stands for an entry that is not written yet; -1, because 0 is an index. */
const missing = -1;
/** A file that is told by something else than an attribute. The attribute with this index says nothing. */
const noAttribute = 0;
/** Writing a location costs as much as looking up this many. */
const newLocationWork = 32;

/** Writes frames, stacks and mappings of one window into the columns of a dictionary, each once and only when something uses it. */
export class LocationWriter {
  readonly #contents: WindowContents;
  readonly #dictionary: InternedDictionary;
  readonly #lines: SymbolLines;
  readonly #locationByFrame: Int32Array;
  readonly #stackByStack: Int32Array;
  readonly #mappingByMapping: Int32Array;
  readonly #mappingByFile: Int32Array;
  readonly #fileAttributeByFile: Int32Array;
  /** By kind: attribute of the frame type. */
  readonly #typeByKind: number[] = [];
  #work = 0;

  constructor(contents: WindowContents, dictionary: InternedDictionary) {
    const { frames, stacks, mappings, files } = contents;
    this.#contents = contents;
    this.#dictionary = dictionary;
    this.#lines = new SymbolLines(dictionary);
    this.#locationByFrame = new Int32Array(frames.count).fill(missing);
    this.#stackByStack = new Int32Array(stacks.count).fill(missing);
    this.#mappingByMapping = new Int32Array(mappings.length).fill(missing);
    this.#mappingByFile = new Int32Array(files.length).fill(missing);
    this.#fileAttributeByFile = new Int32Array(files.length).fill(missing);
  }

  /** Makes room in the dictionary for all frames and stacks. */
  makeRoom(): void {
    const { frames, stacks } = this.#contents;
    this.#dictionary.reserveStacks({
      locations: frames.count + 1,
      lines: frames.count,
      stacks: stacks.count + 1,
      stackLocations: stacks.startOf(stacks.count),
    });
  }

  /** Work done so far, in look-ups of locations. */
  get work(): number {
    return this.#work;
  }

  /** Index in the dictionary's stack table of a window's stack. */
  stack(stack: number): number {
    const known = this.#stackByStack[stack]!;
    if (known !== missing) return known;
    const { stacks } = this.#contents;
    const { lists } = this.#dictionary.tables.stackTable;
    const locations = this.#locationByFrame;
    const start = stacks.startOf(stack);
    const end = stacks.startOf(stack + 1);
    this.#work += end - start;
    for (let at = start; at < end; at++) {
      const frame = stacks.frameAt(at);
      const location = locations[frame]!;
      lists.push(location === missing ? this.#addLocation(frame) : location);
    }
    const index = this.#dictionary.closeStack();
    this.#stackByStack[stack] = index;
    return index;
  }

  #addLocation(frame: number): number {
    this.#work += newLocationWork;
    const { frames, symbols } = this.#contents;
    const { attributes } = this.#dictionary.tables.locationTable;
    const file = frames.file(frame);
    const symbol = symbols[frame];
    attributes.push(this.#type(frames.kind(frame)));
    if (symbol === undefined || this.#lines.add(symbol) === 0) {
      const fileAttribute = this.#fileAttribute(file);
      if (fileAttribute !== noAttribute) attributes.push(fileAttribute);
    }
    const mapping = this.#mappingOf(frames.mapping(frame), file);
    const location = this.#dictionary.closeLocation(mapping, frames.addressLow(frame), frames.addressHigh(frame));
    this.#locationByFrame[frame] = location;
    return location;
  }

  #type(kind: FrameKind): number {
    this.#typeByKind[kind] ??= this.#dictionary.attribute(attributeNames.frameType, frameTypeName(kind));
    return this.#typeByKind[kind];
  }

  /**
   * Attribute with the ID of a file that is told by nothing else: without the ID, two frames of different files at the same
   * address would be one location, and two stacks one stack.
   */
  #fileAttribute(file: number): number {
    const known = this.#fileAttributeByFile[file]!;
    if (known !== missing) return known;
    const { fileId, executable } = this.#contents.files[file]!;
    const isTold =
      executable !== undefined &&
      (executable.fileName !== '' ||
        executable.gnuBuildId !== '' ||
        executable.goBuildId !== '' ||
        executable.hasHtlHash);
    const attribute =
      fileId === undefined || isTold
        ? noAttribute
        : this.#dictionary.attribute(attributeNames.fileId, formatFileId(fileId));
    this.#fileAttributeByFile[file] = attribute;
    return attribute;
  }

  /** `mapping` and `file` are those of a frame. */
  #mappingOf(mapping: number, file: number): number {
    // A frame without a mapping still needs its file: a backend symbolizes by build ID.
    const indices = mapping < 0 ? this.#mappingByFile : this.#mappingByMapping;
    const at = mapping < 0 ? file : mapping;
    const known = indices[at]!;
    if (known !== missing) return known;
    const index = this.#addMapping(mapping, file);
    indices[at] = index;
    return index;
  }

  #addMapping(mapping: number, file: number): number {
    if (mapping < 0) return this.#mapping(file, 0n, 0n, 0n);
    const { file: mapped, start, end, fileOffset } = this.#contents.mappings[mapping]!;
    return this.#mapping(mapped, start, end, fileOffset);
  }

  #mapping(fileIndex: number, memoryStart: bigint, memoryLimit: bigint, fileOffset: bigint): number {
    const { fileId, executable } = this.#contents.files[fileIndex]!;
    const attributeIndices: number[] = [];
    const add = (key: string, value: string): void => {
      if (value !== '') attributeIndices.push(this.#dictionary.attribute(key, value));
    };
    add(attributeNames.gnuBuildId, executable?.gnuBuildId ?? '');
    add(attributeNames.goBuildId, executable?.goBuildId ?? '');
    if (executable?.hasHtlHash && fileId !== undefined) add(attributeNames.htlHash, formatFileId(fileId));
    const filenameStrindex = this.#dictionary.string(executable?.fileName ?? '');
    return this.#dictionary.mapping({ memoryStart, memoryLimit, fileOffset, filenameStrindex, attributeIndices });
  }
}
