import fc from 'fast-check';
import type { AnyValue, KeyValue, ProfilesData } from '../../src/otlp/profiles-data.ts';
import { anyText } from '../support/any-text.ts';

// Well formed, not meaningful: indices point anywhere, because the wire must carry them all the same.
const index = fc.oneof(fc.nat(300), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
const count = fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
const uint64 = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.constantFrom(0n, 1n, 127n, 128n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n),
);
const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, -1n, 1n, -128n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)),
);
const text = fc.oneof(
  anyText(40),
  fc.constantFrom('', 'a'.repeat(127), 'é'.repeat(64), 'ÿ'.repeat(200), '\ufffd', '\u0000', '\ufeffbom', '🙂'),
);
const bytes = fc.uint8Array({ maxLength: 20 });
const indices = fc.array(index, { maxLength: 5 });
const anyValue: fc.Arbitrary<AnyValue> = fc.letrec<{ value: AnyValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.oneof(
      text,
      fc.boolean(),
      int64,
      fc.double(),
      fc.constantFrom(-0, Number.NaN, -Infinity),
      bytes,
      fc.constant(undefined),
    ),
    fc.array(tie('value'), { maxLength: 3 }),
    record({ entries: fc.array(record({ key: text, value: tie('value') }), { maxLength: 3 }) }),
  ),
})).value;

// Null prototypes would differ from what a decoder makes, without meaning anything.
function record<T>(fields: { [Key in keyof T]: fc.Arbitrary<T[Key]> }): fc.Arbitrary<T> {
  return fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

const valueType = record({ typeStrindex: index, unitStrindex: index });
const sample = record({
  stackIndex: index,
  attributeIndices: indices,
  linkIndex: index,
  values: fc.array(int64, { maxLength: 3 }),
  timestampsUnixNano: fc.array(uint64, { maxLength: 3 }),
});
const profile = record({
  sampleType: valueType,
  samples: fc.array(sample, { maxLength: 4 }),
  timeUnixNano: uint64,
  durationNano: uint64,
  periodType: valueType,
  period: int64,
  profileId: bytes,
  droppedAttributesCount: count,
  originalPayloadFormat: text,
  originalPayload: bytes,
  attributeIndices: indices,
});
const attributeList: fc.Arbitrary<KeyValue[]> = fc.array(record({ key: text, value: anyValue }), { maxLength: 3 });
const scopeProfiles = record({
  scope: record({ name: text, version: text, attributes: attributeList, droppedAttributesCount: count }),
  profiles: fc.array(profile, { maxLength: 2 }),
  schemaUrl: text,
});
const dictionary = record({
  mappingTable: fc.array(
    record({
      memoryStart: uint64,
      memoryLimit: uint64,
      fileOffset: uint64,
      filenameStrindex: index,
      attributeIndices: indices,
    }),
    { maxLength: 3 },
  ),
  locationTable: fc.array(
    record({
      mappingIndex: index,
      address: uint64,
      lines: fc.array(record({ functionIndex: index, line: int64, column: int64 }), { maxLength: 3 }),
      attributeIndices: indices,
    }),
    { maxLength: 3 },
  ),
  functionTable: fc.array(
    record({ nameStrindex: index, systemNameStrindex: index, filenameStrindex: index, startLine: int64 }),
    { maxLength: 3 },
  ),
  linkTable: fc.array(record({ traceId: bytes, spanId: bytes }), { maxLength: 3 }),
  stringTable: fc.array(text, { maxLength: 5 }),
  attributeTable: fc.array(record({ keyStrindex: index, value: anyValue, unitStrindex: index }), { maxLength: 3 }),
  stackTable: fc.array(record({ locationIndices: indices }), { maxLength: 3 }),
});

/** Any `ProfilesData` that the wire can carry. */
export const arbitraryProfiles: fc.Arbitrary<ProfilesData> = record({
  resourceProfiles: fc.array(
    record({
      resource: record({ attributes: attributeList, droppedAttributesCount: count }),
      scopeProfiles: fc.array(scopeProfiles, { maxLength: 2 }),
      schemaUrl: text,
    }),
    { maxLength: 3 },
  ),
  dictionary,
});
