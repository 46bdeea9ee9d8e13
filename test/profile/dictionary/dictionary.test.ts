import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AnyValue, FunctionEntry, Line, Location } from '../../../src/otlp/profiles-data.ts';
import { entryEncoders } from '../../../src/otlp/protobuf/encode-dictionary.ts';
import { ProtobufWriter } from '../../../src/otlp/protobuf/protobuf-writer.ts';
import { InternedDictionary } from '../../../src/profile/dictionary/dictionary.ts';

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

/** What protobuf makes of an entry: two are equal when it makes the same of both. */
function bytesOf<T>(encode: (writer: ProtobufWriter, entry: T) => void, entry: T): string {
  const writer = new ProtobufWriter(256);
  encode(writer, entry);
  return writer.latin1();
}

for (const { table, entry } of [
  { table: 'locationTable', entry: location },
  { table: 'functionTable', entry: called },
] as const) {
  test(`InternedDictionary holds entries of ${table} once that protobuf cannot tell apart, and no others`, () => {
    fc.assert(
      fc.property(fc.array(entry as fc.Arbitrary<Location | FunctionEntry>, { maxLength: 40 }), (entries) => {
        const dictionary = new InternedDictionary();
        const encode = entryEncoders[table] as Parameters<typeof bytesOf<Location | FunctionEntry>>[0];
        const indexByBytes = new Map([['', 0]]);
        for (const each of entries) {
          const normal = 'lines' in each ? { ...each, attributeIndices: each.attributeIndices.toSorted() } : each;
          const key = bytesOf(encode, normal);
          const expected = indexByBytes.get(key) ?? indexByBytes.size;
          indexByBytes.set(key, expected);
          assert.equal(dictionary.add(table, each as never), expected);
        }
        assert.equal(dictionary.tables[table].length, indexByBytes.size);
      }),
      { numRuns: 300 },
    );
  });
}

test('InternedDictionary tells attribute values of different kinds apart', () => {
  const values: AnyValue[] = [undefined, '', 'u', '1', 1n, 1, 0, -0, true, false, Buffer.from('1'), ['1'], [], [[]]];
  const dictionary = new InternedDictionary();
  const indices = values.map((value) => dictionary.add('attributeTable', { keyStrindex: 0, value, unitStrindex: 0 }));
  assert.deepEqual(indices, [...values.keys()]);
});

test('InternedDictionary tells how much memory it holds, at most', () => {
  const dictionary = new InternedDictionary();
  const before = dictionary.sizeBytes;
  dictionary.add('stringTable', 'x'.repeat(1000));
  dictionary.add('stackTable', { locationIndices: Array.from({ length: 100 }, (_, i) => i) });
  const after = dictionary.sizeBytes;
  dictionary.add('stringTable', 'x'.repeat(1000));
  assert.ok(after - before >= 2 * 1000 + 8 * 100);
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
