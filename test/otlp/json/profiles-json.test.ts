import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeJson } from '../../../src/otlp/json/decode-profiles-json.ts';
import { encodeProfilesJson } from '../../../src/otlp/json/encode-profiles-json.ts';
import type { AnyValue } from '../../../src/otlp/profiles-data.ts';
import { decodeProfilesJson } from '../../support/decode-json.ts';
import { arbitraryProfiles } from '../arbitrary-profiles.ts';
import { goodProfiles } from '../good-profiles.ts';

test('decodeProfilesJson reads what encodeProfilesJson wrote', () => {
  fc.assert(
    fc.property(arbitraryProfiles, (data) => {
      assert.deepEqual(decodeProfilesJson(encodeProfilesJson(data)), data);
    }),
    { endOnFailure: true },
  );
});

test('encodeProfilesJson writes what the Collector writes', () => {
  const json = JSON.parse(encodeProfilesJson(goodProfiles()));
  const { resource, scopeProfiles } = json.resourceProfiles[0];
  assert.deepEqual(resource, { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] });
  const profile = scopeProfiles[0].profiles[0];
  assert.equal(profile.timeUnixNano, '1767225600000000000', '64-bit integers are strings');
  assert.equal(profile.profileId, '000102030405060708090a0b0c0d0e0f', 'IDs are hexadecimal');
  assert.deepEqual(profile.samples[0].timestampsUnixNano, ['1767225600000000000', '1767225600050000000']);
  assert.equal('linkIndex' in profile.samples[0], false, 'zero values are left out');
  assert.deepEqual(json.dictionary.mappingTable[0], {}, 'the zero entry stays');
  assert.deepEqual(json.dictionary.attributeTable[0], { value: {} });
});

test('encodeProfilesJson writes doubles as protobuf does: no infinities, and zero with its sign', () => {
  const attribute = (value: AnyValue) => ({ key: 'a', value });
  const attributes = [1.5, -0, 0, Number.NaN, Infinity, -Infinity].map(attribute);
  const resource = { attributes, droppedAttributesCount: 0 };
  const data = { ...goodProfiles(), resourceProfiles: [{ resource, scopeProfiles: [], schemaUrl: '' }] };
  const written = encodeProfilesJson(data).match(/(?<="doubleValue":)[^}]+/g);
  assert.deepEqual(written, ['1.5', '-0', '0', '"NaN"', '"Infinity"', '"-Infinity"']);
});

test('submessages that some receivers dereference are present even when they are empty', () => {
  const empty = decodeProfilesJson('{"resourceProfiles":[{"scopeProfiles":[{"profiles":[{}]}]}]}');
  assert.equal(
    encodeProfilesJson(empty),
    '{"resourceProfiles":[{"resource":{},"scopeProfiles":[{"scope":{},"profiles":[{"sampleType":{},"periodType":{}}]}]}],' +
      '"dictionary":{}}',
  );
});

test('decodeProfilesJson takes snake_case, numbers for strings, capital hex, null and unknown fields', () => {
  const text = `{"resource_profiles":[{"resource":null,"future":[1],"scope_profiles":[{"profiles":[{
    "time_unix_nano":1767225600000000001,"period":"-7","profile_id":"0A0B","samples":[{"stack_index":"3","values":[5]}]}]}]}]}`;
  const profile = decodeProfilesJson(text).resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!;
  assert.equal(profile.timeUnixNano, 1767225600000000001n, 'a number beyond 2^53 is exact');
  assert.equal(profile.period, -7n);
  assert.deepEqual(profile.profileId, Uint8Array.of(10, 11));
  assert.equal(profile.samples.at(0)!.stackIndex, 3);
  assert.deepEqual(profile.samples.at(0)!.values, [5n]);
});

test('decodeProfilesJson resolves references at any depth', () => {
  const text = `{"resourceProfiles":[{"resource":{"attributes":[
    {"keyStrindex":1,"value":{"kvlistValue":{"values":[{"keyStrindex":2,"value":{"arrayValue":{"values":[
      {"stringValueStrindex":3},{"stringValueStrindex":0}]}}}]}}},
    {"key":"inline","keyStrindex":0,"value":{"stringValue":""}}]}}],
    "dictionary":{"stringTable":["","outer","inner","leaf"]}}`;
  const { data, referencedStrings } = decodeJson(text);
  const inner: AnyValue = { entries: [{ key: 'inner', value: ['leaf', ''] }] };
  assert.deepEqual(data.resourceProfiles[0]!.resource.attributes, [
    { key: 'outer', value: inner },
    { key: 'inline', value: '' },
  ]);
  assert.deepEqual([...referencedStrings].sort(), [1, 2, 3]);
});

test('decodeProfilesJson takes base64 of both alphabets, with and without padding', () => {
  for (const text of ['+/8A/g==', '-_8A_g==', '+/8A/g', '-_8A_g']) {
    const json = `{"resourceProfiles":[{"scopeProfiles":[{"profiles":[{"originalPayload":"${text}"}]}]}]}`;
    const [profile] = decodeProfilesJson(json).resourceProfiles[0]!.scopeProfiles[0]!.profiles;
    assert.deepEqual(profile!.originalPayload, Uint8Array.of(0xfb, 0xff, 0x00, 0xfe));
  }
});

test('decodeProfilesJson takes an original payload of many megabytes', () => {
  const text = 'A'.repeat(16 << 20);
  const json = `{"resourceProfiles":[{"scopeProfiles":[{"profiles":[{"originalPayload":"${text}"}]}]}]}`;
  const [profile] = decodeProfilesJson(json).resourceProfiles[0]!.scopeProfiles[0]!.profiles;
  assert.equal(profile!.originalPayload.length, 12 << 20);
});

for (const { name, text, message } of [
  { name: 'text that is not JSON', text: '{', message: /^is not JSON/ },
  { name: 'a list', text: '[]', message: 'is a list where an object belongs' },
  {
    name: 'a wrong type deep inside',
    text: '{"resourceProfiles":[{"scopeProfiles":[{"profiles":[{"samples":[{},{"values":["x"]}]}]}]}]}',
    message:
      'resource_profiles[0]: scope_profiles[0]: profiles[0]: samples[1]: values[0]: is "x" where a whole number belongs',
  },
  {
    name: 'an integer that does not fit',
    text: '{"dictionary":{"mappingTable":[{"memoryStart":"18446744073709551616"}]}}',
    message: 'dictionary: mapping_table[0]: memory_start: is 18446744073709551616, outside 0..18446744073709551615',
  },
  {
    name: 'an index that is not whole',
    text: '{"dictionary":{"stackTable":[{"locationIndices":[1.5]}]}}',
    message: 'dictionary: stack_table[0]: location_indices[0]: is "1.5" where a whole number belongs',
  },
  {
    name: 'an ID that is not hexadecimal',
    text: '{"dictionary":{"linkTable":[{"traceId":"xyz"}]}}',
    message: 'dictionary: link_table[0]: trace_id: is "xyz" where hex belongs',
  },
  {
    name: 'base64 that ends within a byte',
    text: '{"resourceProfiles":[{"scopeProfiles":[{"profiles":[{"originalPayload":"AAAAA"}]}]}]}',
    message: 'resource_profiles[0]: scope_profiles[0]: profiles[0]: original_payload: is "AAAAA" where base64 belongs',
  },
  {
    name: 'half a surrogate pair',
    text: '{"dictionary":{"stringTable":["\\ud800"]}}',
    message: 'dictionary: string_table[0]: holds half of a surrogate pair, which is not valid Unicode',
  },
  {
    name: 'a reference out of range',
    text: '{"resourceProfiles":[{"resource":{"attributes":[{"keyStrindex":4}]}}],"dictionary":{"stringTable":[""]}}',
    message: 'resource_profiles[0]: resource: attributes[0]: key_strindex: index 4 is out of range [0..1)',
  },
  {
    name: 'a value nested without end',
    text: `{"resourceProfiles":[{"resource":{"attributes":[{"value":${'{"arrayValue":{"values":['.repeat(3000)}${']}}'.repeat(3000)}}]}}]}`,
    message: /is nested deeper than 100 messages$/,
  },
]) {
  test(`decodeProfilesJson refuses ${name}`, () => {
    assert.throws(() => decodeProfilesJson(text), { name: 'InvalidMessage', message });
  });
}
