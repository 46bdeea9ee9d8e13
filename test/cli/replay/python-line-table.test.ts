import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pythonPositionAt } from '../../../src/cli/replay/python-line-table.ts';

interface Vector {
  readonly qualname: string;
  readonly firstLine: number;
  readonly lineTable: string;
  /** One a code unit: line, end line, and columns counted from 0; null where there is none. */
  readonly positions: readonly (readonly [number | null, number | null, number | null, number | null])[];
}

const fixture = join(import.meta.dirname, 'fixtures/python-line-tables.json');
const vectors = JSON.parse(readFileSync(fixture, 'utf8')) as Vector[];

for (const { qualname, firstLine, lineTable, positions } of vectors) {
  test(`pythonPositionAt reads ${qualname} as CPython does`, () => {
    const table = Buffer.from(lineTable, 'hex');
    const read = positions.map((_, unit) => pythonPositionAt(table, firstLine, unit * 2));
    const expected = positions.map(([line, endLine, column, endColumn]) => ({
      line: line ?? 0,
      endLine: endLine ?? 0,
      column: column === null ? 0 : column + 1,
      endColumn: endColumn === null ? 0 : endColumn + 1,
    }));
    assert.deepEqual(read, expected);
  });
}

test('the vectors have every form of entry that CPython writes', () => {
  const heads = vectors.flatMap(({ lineTable }) => [...Buffer.from(lineTable, 'hex')].filter((byte) => byte >= 128));
  const forms = new Set(heads.map((head) => (head >> 3) & 15));
  for (const form of [0, 10, 11, 12, 13, 14, 15]) assert.ok(forms.has(form), `no entry of form ${form}`);
});

test('pythonPositionAt knows nothing behind the end of a table, or in a broken one', () => {
  assert.equal(pythonPositionAt(Buffer.from('8000', 'hex'), 7, 2).line, 0);
  assert.equal(pythonPositionAt(Buffer.from('f0', 'hex'), 7, 0).line, 7);
  assert.equal(pythonPositionAt(Buffer.alloc(0), 7, 0).line, 0);
});
