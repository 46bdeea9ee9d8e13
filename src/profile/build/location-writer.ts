import { formatFileId } from '../../model/file-id.ts';
import { frameTypeName } from '../../model/frame-kind.ts';
import type { FrameSymbol } from '../../model/frame-symbol.ts';
import type { Line } from '../../otlp/profiles-data.ts';
import { attributeNames } from '../attribute-names.ts';
import type { InternedDictionary } from '../dictionary/dictionary.ts';
import { LentLists } from '../dictionary/lent-lists.ts';
import { linesOf } from '../names/symbol-lines.ts';
import type { WindowContents, WindowFrame } from './window-contents.ts';

/** Writes frames, stacks and mappings of one window into a dictionary, each once and only when something uses it. */
export class LocationWriter {
  readonly #contents: WindowContents;
  readonly #dictionary: InternedDictionary;
  readonly #locationByFrame: Int32Array;
  readonly #stackByStack: Int32Array;
  readonly #mappingByMapping: Int32Array;
  readonly #mappingByFile: Int32Array;
  readonly #locations = new LentLists();

  constructor(contents: WindowContents, dictionary: InternedDictionary) {
    this.#contents = contents;
    this.#dictionary = dictionary;
    this.#locationByFrame = new Int32Array(contents.frames.count).fill(-1);
    this.#stackByStack = new Int32Array(contents.stacks.count).fill(-1);
    this.#mappingByMapping = new Int32Array(contents.mappings.length).fill(-1);
    this.#mappingByFile = new Int32Array(contents.files.length).fill(-1);
  }

  /** Index in the dictionary's stack table of a window's stack. */
  stack(stack: number): number {
    const known = this.#stackByStack[stack]!;
    if (known >= 0) return known;
    const { stacks } = this.#contents;
    const start = stacks.startOf(stack);
    const locations = this.#locations.of(stacks.startOf(stack + 1) - start);
    for (let i = 0; i < locations.length; i++) locations[i] = this.#location(stacks.frameAt(start + i));
    const index = this.#dictionary.stack(locations);
    this.#stackByStack[stack] = index;
    return index;
  }

  #location(frameIndex: number): number {
    // Called for each frame of each stack, so a known one costs not even a closure.
    const known = this.#locationByFrame[frameIndex]!;
    if (known >= 0) return known;
    return memoized(this.#locationByFrame, frameIndex, () => {
      const frame = this.#contents.frames.frame(frameIndex);
      const type = this.#dictionary.attribute(attributeNames.frameType, frameTypeName(frame.kind));
      const lines = frame.symbol === undefined ? [] : this.#lines(frame.symbol);
      const fileId = lines.length === 0 ? this.#unknownFile(frame) : '';
      const attributes = fileId === '' ? [type] : [type, this.#dictionary.attribute(attributeNames.fileId, fileId)];
      return this.#dictionary.location({
        mappingIndex: this.#mappingOf(frame),
        address: frame.address,
        lines,
        attributeIndices: attributes,
      });
    });
  }

  /**
   * File ID of a frame whose file is told by nothing else: without the ID, two frames of different files at the same
   * address would be one location, and two stacks one stack.
   */
  #unknownFile({ file }: WindowFrame): string {
    const { fileId, executable } = this.#contents.files[file]!;
    const isTold =
      executable !== undefined &&
      (executable.fileName !== '' ||
        executable.gnuBuildId !== '' ||
        executable.goBuildId !== '' ||
        executable.hasHtlHash);
    return fileId === undefined || isTold ? '' : formatFileId(fileId);
  }

  #lines(symbol: FrameSymbol): Line[] {
    return linesOf(symbol, (name, systemName, filePath, startLine) =>
      this.#dictionary.function(name, systemName, filePath, BigInt(startLine)),
    );
  }

  #mappingOf(frame: WindowFrame): number {
    if (frame.mapping >= 0) {
      const { file, start, end, fileOffset } = this.#contents.mappings[frame.mapping]!;
      return memoized(this.#mappingByMapping, frame.mapping, () => this.#mapping(file, start, end, fileOffset));
    }
    // A frame without a mapping still needs its file: a backend symbolizes by build ID.
    return memoized(this.#mappingByFile, frame.file, () => this.#mapping(frame.file, 0n, 0n, 0n));
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

/** The number at `index`, computed at its first use; -1 marks a missing number. */
function memoized(numbers: Int32Array, index: number, compute: () => number): number {
  const known = numbers[index]!;
  if (known >= 0) return known;
  const computed = compute();
  numbers[index] = computed;
  return computed;
}
