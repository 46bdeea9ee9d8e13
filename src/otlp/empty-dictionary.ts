import { noBytes, noElements } from './no-elements.ts';
import type { ProfilesDictionary } from './profiles-data.ts';

/** The seven tables while they are filled. */
export type DictionaryTables = { -readonly [T in keyof ProfilesDictionary]: ProfilesDictionary[T][number][] };

/** Tables that hold the zero value and nothing else. */
export function emptyDictionary(): DictionaryTables {
  return {
    mappingTable: [
      { memoryStart: 0n, memoryLimit: 0n, fileOffset: 0n, filenameStrindex: 0, attributeIndices: noElements },
    ],
    locationTable: [{ mappingIndex: 0, address: 0n, lines: noElements, attributeIndices: noElements }],
    functionTable: [{ nameStrindex: 0, systemNameStrindex: 0, filenameStrindex: 0, startLine: 0n }],
    linkTable: [{ traceId: noBytes, spanId: noBytes }],
    stringTable: [''],
    attributeTable: [{ keyStrindex: 0, value: undefined, unitStrindex: 0 }],
    stackTable: [{ locationIndices: noElements }],
  };
}
