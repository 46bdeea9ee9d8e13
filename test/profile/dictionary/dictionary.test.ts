import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { functionColumnsOf } from '../../../src/otlp/function-columns.ts';
import { locationColumnsOf } from '../../../src/otlp/location-columns.ts';
import type { AnyValue, FunctionEntry, Line, Location } from '../../../src/otlp/profiles-data.ts';
import { encodeFunction, encodeLocation } from '../../../src/otlp/protobuf/encode-dictionary.ts';
import { ProtobufWriter } from '../../../src/otlp/protobuf/protobuf-writer.ts';
import { InternedDictionary } from '../../../src/profile/dictionary/dictionary.ts';
import { tableLists } from '../../support/with-lists.ts';

const word = fc.constantFrom(0n, 1n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n, 2n ** 53n + 1n, -1n, 2n ** 63n - 1n);
const index = fc.nat(2);
const line: fc.Arbitrary<Line> = fc.record({ functionIndex: index, line: word, column: word });
const location: fc.Arbitrary<Location> = fc.record({
  mappingIndex: index,
  address: word.map((address) => BigInt.asUintN(64, address)),
  lines: fc.array(line, { maxLength: 2 }),
  attributeIndices: fc.uniqueArray(index, { maxLength: 3 }),
});
const called: fc.Arbitrary<FunctionEntry> = fc.record({
  nameStrindex: index,
  systemNameStrindex: index,
  filenameStrindex: index,
  startLine: word,
});

const forms = {
  locationTable: {
    entry: location,
    /** What protobuf makes of an entry: two are equal when it makes the same of both. */
    encode: (writer: ProtobufWriter, entry: Location) =>
      encodeLocation(writer, locationColumnsOf([{ ...entry, attributeIndices: entry.attributeIndices.toSorted() }]), 0),
    add: (dictionary: InternedDictionary, entry: Location) => dictionary.location(entry),
  },
  functionTable: {
    entry: called,
    encode: (writer: ProtobufWriter, entry: FunctionEntry) => encodeFunction(writer, functionColumnsOf([entry]), 0),
    add: (dictionary: InternedDictionary, entry: FunctionEntry) => {
      const columns = functionColumnsOf([entry]);
      const { nameStrindex, systemNameStrindex, filenameStrindex } = entry;
      const [low, high] = [columns.startLow(0), columns.startHigh(0)];
      return dictionary.addFunction(nameStrindex, systemNameStrindex, filenameStrindex, low, high);
    },
  },
};

function holdsEachOnce<Entry>(
  table: keyof typeof forms,
  entry: fc.Arbitrary<Entry>,
  encode: (writer: ProtobufWriter, entry: Entry) => void,
  add: (dictionary: InternedDictionary, entry: Entry) => number,
): void {
  test(`InternedDictionary holds entries of ${table} once that protobuf cannot tell apart, and no others`, () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 40 }), (entries) => {
        const dictionary = new InternedDictionary();
        const indexByBytes = new Map([['', 0]]);
        for (const each of entries) {
          const writer = new ProtobufWriter(256);
          encode(writer, each);
          const key = writer.latin1();
          const expected = indexByBytes.get(key) ?? indexByBytes.size;
          indexByBytes.set(key, expected);
          assert.equal(add(dictionary, each), expected);
        }
        assert.equal(dictionary.tables[table].length, indexByBytes.size);
      }),
      { numRuns: 300 },
    );
  });
}

holdsEachOnce('locationTable', forms.locationTable.entry, forms.locationTable.encode, forms.locationTable.add);
holdsEachOnce('functionTable', forms.functionTable.entry, forms.functionTable.encode, forms.functionTable.add);

test('InternedDictionary tells attribute values of different kinds apart', () => {
  const values: AnyValue[] = [undefined, '', 'u', '1', 1n, 1, 0, -0, true, false, Buffer.from('1'), ['1'], [], [[]]];
  const dictionary = new InternedDictionary();
  const indices = values.map((value) =>
    dictionary.addSmall('attributeTable', { keyStrindex: 0, value, unitStrindex: 0 }),
  );
  assert.deepEqual(indices, [...values.keys()]);
});

test('InternedDictionary tells how much memory it holds, at most', () => {
  const dictionary = new InternedDictionary();
  const before = dictionary.sizeBytes;
  dictionary.string('x'.repeat(1000));
  dictionary.stack(Array.from({ length: 100 }, (_, i) => i));
  const after = dictionary.sizeBytes;
  dictionary.string('x'.repeat(1000));
  assert.ok(after - before >= 1000 + 4 * 100);
  assert.equal(dictionary.sizeBytes, after);
});

test('InternedDictionary finds entry 0 for an entry that says nothing', () => {
  const dictionary = new InternedDictionary();
  const place = { memoryStart: 0n, memoryLimit: 0n, fileOffset: 0n };
  const noBytes = new Uint8Array(0);
  assert.deepEqual(
    [
      dictionary.string(''),
      dictionary.attribute('', undefined),
      dictionary.mapping({ ...place, filenameStrindex: 0, attributeIndices: [] }),
      dictionary.link({ traceId: noBytes, spanId: noBytes }),
      dictionary.function('', '', '', 0n),
      dictionary.location({ mappingIndex: 0, address: 0n, lines: [], attributeIndices: [] }),
      dictionary.stack([]),
    ],
    [0, 0, 0, 0, 0, 0, 0],
  );
});

test('InternedDictionary says the same where room was made for its entries', () => {
  fc.assert(
    fc.property(fc.array(location, { maxLength: 40 }), fc.array(fc.string({ maxLength: 9 })), (locations, texts) => {
      const [plain, roomy, small] = [new InternedDictionary(), new InternedDictionary(), new InternedDictionary()];
      const fill = (dictionary: InternedDictionary): number[] => [
        ...locations.map((each) => dictionary.location(each)),
        ...texts.map((each) => dictionary.string(each)),
        ...locations.map(({ attributeIndices }) => dictionary.stack(attributeIndices)),
        ...texts.map((each, i) => dictionary.function(each, '', texts[0]!, BigInt(i))),
      ];
      const expected = fill(plain);
      roomy.reserve(plain.tables);
      small.reserve(new InternedDictionary().tables);
      assert.deepEqual([fill(roomy), fill(small)], [expected, expected]);
      assert.deepEqual(tableLists(roomy.tables), tableLists(plain.tables));
      roomy.reserve(plain.tables);
      assert.deepEqual(fill(roomy), expected);
    }),
  );
});
