import {
  attributes,
  countOf,
  endOf,
  mappingAttributeStart,
  mappingAttributes,
  mappingFile,
  mappingIsLoaded,
  mappings,
  otherSet,
  startOf,
  strings,
  use,
} from './columns.ts';
import { addToSet, feed, pair, startHash } from './hash.ts';
import { addPair, clearSet, pairsOf, placesOf } from './pair-sets.ts';
import { duplicate, encoding, reference, refuse } from './refuse.ts';
import { behind, fieldEnd, once, readIndex, readWords } from './varint.ts';

/** Fills the columns of mappings, which are few. */
export function scanMappings(): void {
  const end = endOf(mappings);
  const mask = clearSet(otherSet, countOf(mappings));
  const places = placesOf(otherSet);
  const pairs = pairsOf(otherSet);
  store<u32>(mappingAttributeStart, 0);
  let position = startOf(mappings);
  for (let index: u32 = 0; position < end; index++) {
    const entryEnd = fieldEnd(position + 1, end);
    scanMapping(index, behind, entryEnd);
    if (!addPair(places, mask, pairs, pair(), index)) refuse(duplicate);
    position = entryEnd;
  }
}

/** Leaves what the mapping says in the hash. */
function scanMapping(index: u32, start: usize, end: usize): void {
  const attributesStart = load<u32>(mappingAttributeStart + 4 * index);
  let attributesEnd = attributesStart;
  let file: u32 = 0;
  let memoryStart: u64 = 0;
  let memoryLimit: u64 = 0;
  let fileOffset: u64 = 0;
  let set: i32 = 0;
  let seen: u32 = 0;
  let position = start;
  while (position < end) {
    const tag: u32 = load<u8>(position++);
    seen = once(seen, tag);
    if (tag === 0x20) {
      file = readIndex(position, end);
      use(strings, file);
      position = behind;
    } else if (tag === 0x2a) {
      const listEnd = fieldEnd(position, end);
      position = behind;
      while (position < listEnd) {
        const attribute = readIndex(position, listEnd);
        use(attributes, attribute);
        set = addToSet(set, attribute);
        store<u32>(mappingAttributes + 4 * attributesEnd++, attribute);
        position = behind;
      }
    } else if (tag === 0x08 || tag === 0x10 || tag === 0x18) {
      const value = readWords(position, end);
      if (tag === 0x08) memoryStart = value;
      else if (tag === 0x10) memoryLimit = value;
      else fileOffset = value;
      position = behind;
    } else refuse(encoding);
  }
  store<u32>(mappingFile + 4 * index, file);
  store<u32>(mappingIsLoaded + 4 * index, memoryLimit === 0 ? 0 : 1);
  store<u32>(mappingAttributeStart + 4 * index + 4, attributesEnd);
  const isZero = file === 0 && attributesEnd === 0 && (memoryStart | memoryLimit | fileOffset) === 0;
  if (index === 0 && !isZero) refuse(reference);
  startHash(mappings);
  feed(file);
  feed(attributesEnd - attributesStart);
  feed(set);
  feedWords(memoryStart);
  feedWords(memoryLimit);
  feedWords(fileOffset);
}

function feedWords(value: u64): void {
  feed(<i32>value);
  feed(<i32>(value >>> 32));
}
