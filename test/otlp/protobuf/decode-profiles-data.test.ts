import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InvalidMessage } from '../../../src/model/invalid-message.ts';
import type { AnyValue, ProfilesData } from '../../../src/otlp/profiles-data.ts';
import { decodeProfiles, decodeProfilesData } from '../../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { tableLists, withLists } from '../../support/with-lists.ts';
import { goodProfiles } from '../good-profiles.ts';
import { profilesDataType } from './protobuf-oracle.ts';

/** A length-delimited field. */
function field(number: number, ...parts: (readonly number[] | Uint8Array)[]): number[] {
  const body = parts.flatMap((part) => [...part]);
  assert.ok(body.length < 0x4000);
  const length = body.length < 0x80 ? [body.length] : [(body.length & 0x7f) | 0x80, body.length >>> 7];
  return [(number << 3) | 2, ...length, ...body];
}

const ascii = (text: string): Uint8Array => Buffer.from(text);
const decode = (...parts: (readonly number[])[]): ProfilesData => decodeProfilesData(Uint8Array.from(parts.flat()));

test('an empty message is empty data', () => {
  const { resourceProfiles, dictionary } = decode();
  assert.deepEqual(resourceProfiles, []);
  assert.deepEqual(Object.values(tableLists(dictionary)), [[], [], [], [], [], [], []]);
});

test('unpacked numbers are taken like packed ones, also mixed', () => {
  const sample = [...[0x10, 1], ...field(2, [2, 3]), 0x10, 4, 0x20, 5, ...field(4, [6]), 0x29, 7, 0, 0, 0, 0, 0, 0, 0];
  const data = decode(field(1, field(2, field(2, field(2, sample)))));
  const read = data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!.samples.at(0)!;
  assert.deepEqual(read.attributeIndices, [1, 2, 3, 4]);
  assert.deepEqual(read.values, [5n, 6n]);
  assert.deepEqual(read.timestampsUnixNano, [7n]);
});

test('unknown fields, groups and known fields of another wire type are passed over', () => {
  const group = [0x7b, 0x08, 1, 0x83, 0x01, 0x84, 0x01, ...field(1, [9]), 0x7c];
  const unknown = [...field(15, [1, 2]), 0x71, 1, 2, 3, 4, 5, 6, 7, 8, 0x75, 1, 2, 3, 4, ...group, 0xa8, 0xbb, 0x01, 5];
  const wrongType = [0x08, 3, 0x11, 1, 2, 3, 4, 5, 6, 7, 8];
  const data = decode(unknown, wrongType, field(2, field(5, ascii('kept')), wrongType, unknown), unknown);
  assert.deepEqual(data.resourceProfiles, []);
  assert.deepEqual([...data.dictionary.stringTable], ['kept']);
});

test('a message that comes in two parts is merged', () => {
  const first = field(2, field(5, ascii('a')));
  const second = field(2, field(5, ascii('b')));
  const scope = field(1, field(2, field(1, field(1, ascii('name'))), field(1, field(2, ascii('version')))));
  const data = decode(first, scope, second);
  assert.deepEqual([...data.dictionary.stringTable], ['a', 'b']);
  assert.deepEqual(data.resourceProfiles[0]!.scopeProfiles[0]!.scope, {
    name: 'name',
    version: 'version',
    attributes: [],
    droppedAttributesCount: 0,
  });
});

test('references to the string table are resolved at any depth, wherever the table stands', () => {
  const message = profilesDataType.fromObject({
    resourceProfiles: [
      {
        resource: {
          attributes: [
            { keyStrindex: 1, value: { stringValueStrindex: 2 } },
            { key: 'inline', keyStrindex: 0, value: { stringValueStrindex: 0 } },
            { key: 'list', value: { arrayValue: { values: [{ stringValueStrindex: 3 }, { intValue: 5 }] } } },
            { key: 'map', value: { kvlistValue: { values: [{ keyStrindex: 1, value: { stringValueStrindex: 1 } }] } } },
          ],
        },
        scopeProfiles: [{ scope: { attributes: [{ keyStrindex: 4, value: { boolValue: true } }] } }],
      },
    ],
    dictionary: {
      attributeTable: [{}, { keyStrindex: 1, value: { stringValueStrindex: 5 } }],
      stringTable: ['', 'one', 'two', 'three', 'four', 'five', 'six'],
    },
  });
  const { data, referencedStrings } = decodeProfiles(profilesDataType.encode(message).finish());
  const map: AnyValue = { entries: [{ key: 'one', value: 'one' }] };
  assert.deepEqual(data.resourceProfiles[0]!.resource.attributes, [
    { key: 'one', value: 'two' },
    { key: 'inline', value: '' },
    { key: 'list', value: ['three', 5n] },
    { key: 'map', value: map },
  ]);
  assert.deepEqual(data.resourceProfiles[0]!.scopeProfiles[0]!.scope.attributes, [{ key: 'four', value: true }]);
  assert.equal(data.dictionary.attributeTable[1]!.value, 'five');
  assert.deepEqual([...referencedStrings].sort(), [1, 2, 3, 4, 5]);
});

test('index 0 leaves the inline key, and is empty text as a value: the Collector writes it so', () => {
  const data = decode(
    field(1, field(1, field(1, field(1, ascii('inline')), [0x18, 0], field(2, [0x40, 0])))),
    field(2, field(5, []), field(5, ascii('one'))),
  );
  assert.deepEqual(data.resourceProfiles[0]!.resource.attributes, [{ key: 'inline', value: '' }]);
});

const deepValue = (depth: number): number[] => (depth === 0 ? [] : field(5, field(1, deepValue(depth - 1))));
const attribute = (value: readonly number[]): number[] => field(1, field(1, field(1, field(2, value))));

test('values are taken as deep as protobuf itself takes them', () => {
  const data = decode(attribute(deepValue(48)));
  let value = data.resourceProfiles[0]!.resource.attributes[0]!.value;
  let depth = 0;
  for (; Array.isArray(value); depth++) value = value[0];
  assert.equal(depth, 48);
});

for (const { name, bytes, message } of [
  {
    name: 'a length beyond the message',
    bytes: field(2, [0x2a, 9]),
    message: 'dictionary: field 5: has length 9 beyond its message (byte 4)',
  },
  {
    name: 'a nested length beyond the message around it, although the bytes go on',
    bytes: [...field(1, [0x0a, 3, 0]), 0, 0],
    message: 'resource_profiles[0]: field 1: has length 3 beyond its message (byte 4)',
  },
  {
    name: 'a number that goes on beyond its message',
    bytes: [...field(1, field(1, [0x10, 0x80])), ...field(1, [])],
    message: 'resource_profiles[0]: resource: field 2: ends inside a number (byte 5)',
  },
  { name: 'a length of 4 GiB', bytes: [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f], message: /has length 4294967295 beyond/ },
  { name: 'a length of 64 bits', bytes: [0x0a, ...Array(9).fill(0xff), 1], message: /has a length beyond 32 bits/ },
  { name: 'a number without end', bytes: [0x18, ...Array(11).fill(0x80)], message: /a number of more than 10 bytes/ },
  { name: 'field number 0', bytes: [0x02, 0], message: 'has field number 0 (byte 1)' },
  { name: 'a field number of 33 bits', bytes: [0xf8, 0xff, 0xff, 0xff, 0xff, 0x01], message: /field number beyond/ },
  { name: 'wire type 6', bytes: [0x1e], message: /field 3: has wire type 6/ },
  { name: 'the end of a group that did not begin', bytes: [0x1c], message: /field 3: has wire type 4/ },
  { name: 'a group that does not end', bytes: [0x1b, 0x08, 1], message: /begins a group that does not end/ },
  { name: 'groups without end', bytes: Array(200).fill(0x1b), message: /nested deeper than 100 groups/ },
  { name: 'the end of another group', bytes: [0x1b, 0x24], message: /ends group 4 inside group 3/ },
  { name: 'a value nested too deep', bytes: attribute(deepValue(60)), message: /is nested deeper than 100 messages/ },
  {
    name: 'a reference to a string that is not there',
    bytes: field(1, field(1, field(1, [0x18, 2]))),
    message: 'resource_profiles[0]: resource: attributes[0]: key_strindex: index 2 is out of range [0..0)',
  },
  {
    name: 'a negative reference',
    bytes: attribute([0x40, ...Array(9).fill(0xff), 0x01]),
    message: /value: string_value_strindex: index -1 is out of range/,
  },
]) {
  test(`decodeProfilesData refuses ${name}`, () => {
    assert.throws(() => decodeProfilesData(Uint8Array.from(bytes)), { name: 'InvalidMessage', message });
  });
}

test('decodeProfiles mends text that is not UTF-8, and counts it', () => {
  const { data, mendedTexts } = decodeProfiles(Uint8Array.from(field(2, field(5, [0xc3, 0x28]))));
  assert.deepEqual([[...data.dictionary.stringTable], mendedTexts], [['\ufffd('], 1]);
});

test('every truncation of a message is refused or is a shorter message', () => {
  const bytes = encodeProfilesData(goodProfiles());
  let shorter = 0;
  for (let end = 0; end < bytes.length; end++) {
    // A copy, so that reading beyond the end finds nothing.
    shorter += takes(bytes.slice(0, end)) ? 1 : 0;
  }
  assert.equal(shorter, 2, 'before the first field, and between resource_profiles and dictionary');
});

test('no mutation makes the decoder do worse than refuse', () => {
  const bytes = encodeProfilesData(goodProfiles());
  const change = fc.record({ at: fc.nat(bytes.length - 1), to: fc.nat(255) });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
      const mutated = bytes.slice();
      for (const { at, to } of changes) mutated[at] = to;
      takes(mutated);
    }),
    { numRuns: 3000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      takes(noise);
    }),
    { numRuns: 1000 },
  );
});

test('a Buffer that is a part of a larger one is read as that part', () => {
  const bytes = encodeProfilesData(goodProfiles());
  const larger = Buffer.concat([Buffer.from([0xff, 0xff]), bytes, Buffer.from([0xff])]);
  assert.deepEqual(withLists(decodeProfilesData(larger.subarray(2, 2 + bytes.length))), goodProfiles());
});

function takes(bytes: Uint8Array): boolean {
  try {
    decodeProfilesData(bytes);
    return true;
  } catch (error) {
    assert.ok(error instanceof InvalidMessage, String(error));
    return false;
  }
}
