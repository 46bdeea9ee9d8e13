import type { Executable } from '../../model/executable.ts';
import type { FileId } from '../../model/file-id.ts';
import { parseFileId } from '../../model/file-id.ts';
import { fnv128a } from '../../model/fnv128a.ts';
import type { ProfilesDictionary } from '../../otlp/profiles-data.ts';
import { attributeNames } from '../attribute-names.ts';

/** The file of a mapping, by which names are kept. */
export interface MappingFile {
  readonly fileId: FileId;
  readonly executable: Executable;
  /** Whether the mapping is a range of memory, and not only there to carry a file ID. */
  readonly isLoaded: boolean;
}

/**
 * Which file a mapping of a dictionary is: by its htlhash, or else by a hash of its GNU build ID, as collectors of raw frames
 * derive it. `undefined` for one that has neither. The mapping's references must be sound.
 */
export function fileOfMapping(dictionary: ProfilesDictionary, index: number): MappingFile | undefined {
  const mapping = dictionary.mappingTable[index];
  if (mapping === undefined || index === 0) return undefined;
  const textOf = (key: string): string => textAttribute(dictionary, mapping.attributeIndices, key);
  const fileName = dictionary.stringTable[mapping.filenameStrindex] ?? '';
  return mappingFileOf(fileName, mapping.memoryLimit !== 0n, textOf);
}

/** The same from what a mapping says; `textOf` gives the text of its first attribute with a key, and else an empty one. */
export function mappingFileOf(
  fileName: string,
  isLoaded: boolean,
  textOf: (key: string) => string,
): MappingFile | undefined {
  const gnuText = textOf(attributeNames.gnuBuildId).toLowerCase();
  const gnuBuildId = /^(?:[0-9a-f]{2})+$/.test(gnuText) ? gnuText : '';
  const hashed = parseFileId(textOf(attributeNames.htlHash));
  const fileId = hashed ?? (gnuBuildId === '' ? undefined : parseFileId(fnv128a(gnuBuildId)));
  if (fileId === undefined) return undefined;
  const executable = {
    fileName,
    gnuBuildId,
    goBuildId: textOf(attributeNames.goBuildId),
    hasHtlHash: hashed !== undefined,
  };
  return { fileId, executable, isLoaded };
}

/** The text that a list of attributes has under a key; empty when there is none. */
export function textAttribute(dictionary: ProfilesDictionary, indices: readonly number[], key: string): string {
  for (const index of indices) {
    const { keyStrindex, value } = dictionary.attributeTable[index] ?? { keyStrindex: 0, value: undefined };
    if (typeof value === 'string' && dictionary.stringTable[keyStrindex] === key) return value;
  }
  return '';
}
