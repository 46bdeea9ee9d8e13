import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FunctionColumns, functionColumnsOf } from '../../src/otlp/function-columns.ts';
import { LocationColumns, locationColumnsOf } from '../../src/otlp/location-columns.ts';
import type { Entries, FunctionEntry, Line, Location, Stack } from '../../src/otlp/profiles-data.ts';
import { entryOf } from '../../src/otlp/profiles-data.ts';
import { StackColumns, stackColumnsOf } from '../../src/otlp/stack-columns.ts';
import { StringColumns, stringColumnsOf } from '../../src/otlp/string-columns.ts';

const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const index = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const indices = fc.array(index, { maxLength: 5 });
const plain = { noNullPrototype: true } as const;

const line: fc.Arbitrary<Line> = fc.record({ functionIndex: index, line: int64, column: int64 }, plain);
const location: fc.Arbitrary<Location> = fc.record(
  { mappingIndex: index, address: uint64, lines: fc.array(line, { maxLength: 3 }), attributeIndices: indices },
  plain,
);
const called: fc.Arbitrary<FunctionEntry> = fc.record(
  { nameStrindex: index, systemNameStrindex: index, filenameStrindex: index, startLine: int64 },
  plain,
);
const stack: fc.Arbitrary<Stack> = fc.record({ locationIndices: indices }, plain);

interface Columns<Entry> extends Entries<Entry> {
  add(entry: Entry): void;
}

function sayTheSame<Entry>(
  name: string,
  entry: fc.Arbitrary<Entry>,
  columnsOf: (list: Entries<Entry>) => Columns<Entry>,
  { create, removeLast }: { create: () => Columns<Entry>; removeLast: (columns: Columns<Entry>) => void },
): void {
  const list = fc.array(entry, { maxLength: 30 });
  test(`columns of ${name} say the same as the objects they were made of`, () => {
    fc.assert(
      fc.property(list, fc.integer({ min: -35, max: 35 }), (entries, place) => {
        const columns = columnsOf(entries);
        assert.deepEqual([...columns], entries);
        assert.deepEqual([...columns.entries()], [...entries.entries()]);
        assert.deepEqual([columns.at(place), columns.length], [entries.at(place), entries.length]);
        assert.deepEqual(entryOf(columns, place), entries[place]);
        assert.equal(columnsOf(columns), columns);
      }),
      { endOnFailure: true },
    );
  });

  test(`the last of ${name} is removed with all its elements, and nothing of it is in the next`, () => {
    fc.assert(
      fc.property(list, list, (kept, removed) => {
        const columns = create();
        for (const each of kept) columns.add(each);
        for (const each of removed) {
          columns.add(each);
          removeLast(columns);
        }
        for (const each of kept) columns.add(each);
        assert.deepEqual([...columns], [...kept, ...kept]);
      }),
      { endOnFailure: true },
    );
  });
}

sayTheSame('locations', location, locationColumnsOf, {
  create: () => new LocationColumns(),
  removeLast: (columns) => (columns as LocationColumns).removeLast(),
});
sayTheSame('functions', called, functionColumnsOf, {
  create: () => new FunctionColumns(),
  removeLast: (columns) => (columns as FunctionColumns).removeLast(),
});
sayTheSame('stacks', stack, stackColumnsOf, {
  create: () => new StackColumns(),
  removeLast: (columns) => (columns as StackColumns).lists.removeLast(),
});

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 80 }), fc.constantFrom('', 'a', 'é', '日本', '😀'));
sayTheSame('strings', text, stringColumnsOf, {
  create: () => new StringColumns(),
  removeLast: (columns) => (columns as StringColumns).removeLast(),
});

test('texts of two tables are compared by their bytes, whatever their hashes say', () => {
  fc.assert(
    fc.property(
      fc.array(text, { minLength: 1, maxLength: 10 }),
      fc.array(text, { minLength: 1, maxLength: 10 }),
      (a, b) => {
        const [ours, theirs] = [stringColumnsOf(a), stringColumnsOf(b)];
        for (const [i, one] of a.entries()) {
          for (const [j, other] of b.entries()) {
            assert.equal(ours.equals(i, theirs, j), one === other);
            if (one === other) assert.equal(ours.hash(i), theirs.hash(j));
          }
        }
        const copy = new StringColumns();
        for (const i of a.keys()) copy.addFrom(ours, i);
        assert.deepEqual([...copy], a);
      },
    ),
  );
});

test('texts of a message lie in it, and others are added beside them without a change of its bytes', () => {
  const message = Buffer.from('xhandleRequesty');
  const columns = new StringColumns(message);
  assert.equal(columns.addPlace(1, 14), true);
  columns.add('é');
  assert.deepEqual([...columns], ['handleRequest', 'é']);
  assert.equal(message.toString(), 'xhandleRequesty');
});
