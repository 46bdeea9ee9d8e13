import fc from 'fast-check';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { tableLists } from '../support/with-lists.ts';

/** Tables that get an entry in no use. */
export const orphans: fc.Arbitrary<string[]> = fc.subarray(
  ['text', 'function', 'location', 'stack', 'link', 'attribute', 'mapping'],
  {
    minLength: 1,
  },
);

/** `data` with one entry in no use in each of the tables. */
export function withOrphans(data: ProfilesData, names: readonly string[]): ProfilesData {
  const tables = tableLists(data.dictionary);
  const ids = { traceId: new Uint8Array(16).fill(7), spanId: new Uint8Array(8).fill(7) };
  const address = 0xffff_ffff_0000_0007n;
  if (names.includes('text')) tables.stringTable.push('of no use');
  if (names.includes('function')) {
    tables.functionTable.push({ nameStrindex: 1, systemNameStrindex: 1, filenameStrindex: 1, startLine: address });
  }
  if (names.includes('location')) {
    tables.locationTable.push({ mappingIndex: 0, address, lines: [], attributeIndices: [] });
  }
  if (names.includes('stack')) tables.stackTable.push({ locationIndices: Array(7).fill(1) });
  if (names.includes('link')) tables.linkTable.push(ids);
  if (names.includes('attribute')) tables.attributeTable.push({ keyStrindex: 1, value: address, unitStrindex: 1 });
  if (names.includes('mapping')) {
    const memory = { memoryStart: address, memoryLimit: 7n, fileOffset: 7n };
    tables.mappingTable.push({ ...memory, filenameStrindex: 1, attributeIndices: [] });
  }
  return { ...data, dictionary: tables };
}
