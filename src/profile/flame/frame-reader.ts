import type { AnyValue, Line, Location, Mapping, ProfilesDictionary } from '../../otlp/profiles-data.ts';
import { entryOf } from '../../otlp/profiles-data.ts';

/** Frame as a person reads it: a location, or a function that was inlined there. */
export interface Frame {
  /** Empty when nobody named it. */
  readonly functionName: string;
  /** Source file; empty when unknown. */
  readonly filePath: string;
  /** 1-based; 0 when unknown. */
  readonly line: bigint;
  /** `profile.frame.type`; empty when the location does not say. */
  readonly frameType: string;
  /** File name of the mapping; empty when there is none. */
  readonly mappingFile: string;
  readonly address: bigint;
  /** True when the function was inlined into the next frame. */
  readonly isInlined: boolean;
}

/**
 * Reads the dictionary's locations as frames. Takes any data: the frame of an index that points nowhere is empty. Frames
 * are made once a location.
 */
export class FrameReader {
  readonly #dictionary: ProfilesDictionary;
  readonly #framesByLocation = new Map<number, readonly Frame[]>();

  constructor(dictionary: ProfilesDictionary) {
    this.#dictionary = dictionary;
  }

  text(strindex: number): string {
    return entryOf(this.#dictionary.stringTable, strindex) ?? '';
  }

  /** Frames of a stack, leaf first, inlined ones before the function that holds them. */
  stackFrames(stackIndex: number): Frame[] {
    const locations = entryOf(this.#dictionary.stackTable, stackIndex)?.locationIndices ?? [];
    return locations.flatMap((index) => this.locationFrames(index));
  }

  /** At least one frame, innermost first. */
  locationFrames(locationIndex: number): readonly Frame[] {
    let frames = this.#framesByLocation.get(locationIndex);
    if (frames === undefined) {
      frames = this.#readFrames(entryOf(this.#dictionary.locationTable, locationIndex));
      this.#framesByLocation.set(locationIndex, frames);
    }
    return frames;
  }

  /** The value of the first attribute with this key; `undefined` when there is none. */
  attribute(attributeIndices: readonly number[], key: string): AnyValue {
    for (const index of attributeIndices) {
      const entry = this.#dictionary.attributeTable[index];
      if (entry !== undefined && this.text(entry.keyStrindex) === key) return entry.value;
    }
    return undefined;
  }

  #readFrames(location: Location | undefined): readonly Frame[] {
    const frameType = this.attribute(location?.attributeIndices ?? [], 'profile.frame.type');
    const place = {
      frameType: typeof frameType === 'string' ? frameType : '',
      mappingFile: this.#mappingFile(this.#dictionary.mappingTable[location?.mappingIndex ?? 0]),
      address: location?.address ?? 0n,
    };
    const lines = location?.lines ?? [];
    if (lines.length === 0) return [{ functionName: '', filePath: '', line: 0n, ...place, isInlined: false }];
    return lines.map((line, index) => ({
      ...this.#readLine(line),
      ...place,
      isInlined: index < lines.length - 1,
    }));
  }

  #readLine({ functionIndex, line }: Line): Pick<Frame, 'functionName' | 'filePath' | 'line'> {
    const entry = entryOf(this.#dictionary.functionTable, functionIndex);
    const functionName = this.text(entry?.nameStrindex ?? 0) || this.text(entry?.systemNameStrindex ?? 0);
    return { functionName, filePath: this.text(entry?.filenameStrindex ?? 0), line };
  }

  #mappingFile(mapping: Mapping | undefined): string {
    return this.text(mapping?.filenameStrindex ?? 0);
  }
}

/** Label of a frame: its name, or its file and address (`libc.so.6+0x2a1f`). */
export function frameLabel(frame: Frame): string {
  if (frame.functionName !== '') return frame.functionName;
  const file = frame.mappingFile.slice(frame.mappingFile.lastIndexOf('/') + 1);
  return `${file || frame.frameType || 'unknown'}+0x${frame.address.toString(16)}`;
}
