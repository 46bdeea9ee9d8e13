import type { Executable } from '../../model/executable.ts';
import type { FileId } from '../../model/file-id.ts';
import { fnv128a, parseFileId } from '../../model/file-id.ts';
import { attributeNames } from '../attribute-names.ts';

/** The file of a mapping, under whose ID the store keeps names. */
export interface MappingFile {
  readonly fileId: FileId;
  readonly executable: Executable;
  /** True for a range of memory; false for a mapping that is only there to carry a file ID. */
  readonly isLoaded: boolean;
}

/**
 * The file of a mapping: by its htlhash, or else by a hash of its GNU build ID, as collectors of raw frames derive the ID.
 * `undefined` for a mapping with neither. `textOf` gives the text of the mapping's first attribute with a key, or an empty
 * text.
 */
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
