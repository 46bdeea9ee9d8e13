// hot
import { notPlain } from './not-plain.ts';
import type { TableScan } from './table-scan.ts';
import { tables, use } from './table-scan.ts';
import { walkValue } from './value-walk.ts';

export function scanLink({ walk, columns, hash }: TableScan, index: number, end: number): void {
  hash.start(tables.link);
  for (let last = 0; walk.position < end; ) {
    const tag = walk.tagAbove(last);
    last = tag;
    if (tag !== 0x0a && tag !== 0x12) throw notPlain('encoding');
    const idEnd = walk.fieldEnd(end);
    const sizeBytes = idEnd - walk.position;
    if (sizeBytes === 0) continue;
    if (index === 0 || sizeBytes !== (tag === 0x0a ? 16 : 8)) throw notPlain('reference');
    hash.word(tag);
    hash.bytes(walk.bytes, walk.view, walk.position, idEnd);
    walk.position = idEnd;
  }
  if (columns.others.intern(hash.a, hash.b) !== index) throw notPlain('duplicate');
}

export function scanAttribute({ walk, columns, hash }: TableScan, index: number, end: number): void {
  hash.start(tables.attribute);
  columns.attributeKey[index] = 0;
  columns.attributeTextStart[index] = 0;
  columns.attributeTextEnd[index] = 0;
  let hasValue = false;
  for (let last = 0; walk.position < end; ) {
    const tag = walk.tagAbove(last);
    last = tag;
    if (tag === 0x08 || tag === 0x18) {
      const text = walk.index(end);
      use(columns, tables.string, text);
      if (tag === 0x08) columns.attributeKey[index] = text;
      if (text === 0) continue;
      hash.word(tag);
      hash.word(text);
      if (index === 0) throw notPlain('reference');
    } else if (tag === 0x12) {
      const valueEnd = walk.fieldEnd(end);
      const start = walk.position;
      if (start === valueEnd) continue;
      hasValue = true;
      walkValue(walk, valueEnd);
      if (walk.bytes[start] === 0x0a) {
        walk.position = start + 1;
        columns.attributeTextEnd[index] = walk.fieldEnd(valueEnd);
        columns.attributeTextStart[index] = walk.position;
        walk.position = valueEnd;
      }
      hash.word(tag);
      hash.bytes(walk.bytes, walk.view, start, valueEnd);
    } else throw notPlain('encoding');
  }
  if (index === 0 && hasValue) throw notPlain('reference');
  if (columns.others.intern(hash.a, hash.b) !== index) throw notPlain('duplicate');
}

export function scanStack({ walk, columns, hash }: TableScan, index: number, end: number): void {
  hash.start(tables.stack);
  const count = columns.counts[tables.location]!;
  const used = columns.used[tables.location]!;
  if (walk.position < end) {
    if (walk.tag(0) !== 0x0a) throw notPlain('encoding');
    const listEnd = walk.fieldEnd(end);
    if (index === 0 && walk.position < listEnd) throw notPlain('reference');
    while (walk.position < listEnd) {
      const location = walk.index(listEnd);
      if (location >= count) throw notPlain('reference');
      used[location] = 1;
      hash.word(location);
    }
  }
  if (columns.others.intern(hash.a, hash.b) !== index) throw notPlain('duplicate');
}
