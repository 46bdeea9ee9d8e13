import type { ByteWalk } from './byte-walk.ts';
import type { DictionaryColumns } from './dictionary-columns.ts';
import type { Edit } from './edits.ts';

/** Messages on the way from a request to the references in its attributes: what a field holds, by its tag. */
const grammar: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  resourceProfiles: { 10: 'resource', 18: 'scopeProfiles' },
  scopeProfiles: { 10: 'scope' },
  resource: { 10: 'keyValue' },
  scope: { 26: 'keyValue' },
  keyValue: { 18: 'value', 24: 'reference' },
  value: { 42: 'array', 50: 'keyValueList', 64: 'reference' },
  array: { 10: 'value' },
  keyValueList: { 10: 'keyValue' },
};

/**
 * Edits that put texts in place of the references to the string table, in a scanned entry of `resource_profiles` that lies
 * between the walk's position and `end`. Samples are passed over. Key and text value have field 1 where they are inline.
 */
export function inlineReferences(
  walk: ByteWalk,
  columns: DictionaryColumns,
  end: number,
  message = 'resourceProfiles',
): Edit[] {
  const { bytes } = walk;
  const edits: Edit[] = [];
  while (walk.position < end) {
    const start = walk.position;
    const tag = walk.tag();
    const content = grammar[message]![tag];
    if (content === 'reference') {
      const index = walk.index(end);
      const text = bytes.subarray(columns.stringStart[index], columns.stringEnd[index]);
      edits.push({ start, end: walk.position, write: (writer) => writer.explicitBytes(1, text) });
    } else if ((tag & 7) === 2) {
      const fieldEnd = walk.fieldEnd(end);
      const bodyStart = walk.position;
      const within = content === undefined ? [] : inlineReferences(walk, columns, fieldEnd, content);
      if (within.length > 0) edits.push({ start, bodyStart, end: fieldEnd, field: tag >>> 3, edits: within });
      walk.position = fieldEnd;
    } else if ((tag & 7) === 1) walk.skip(8, end);
    else walk.skipVarint(end);
  }
  return edits;
}
