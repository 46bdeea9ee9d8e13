import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeExportResponseJson, encodeExportResponseJson } from '../../src/otlp/json/export-response-json.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { decodeExportResponse, encodeExportResponse } from '../../src/otlp/protobuf/export-response.ts';
import { decodeProfilesJson } from '../support/decode-json.ts';
import { withLists } from '../support/with-lists.ts';
import { render, renderAll } from './pdata.ts';

/** A request of one profile with these fields, and one attribute of its resource. */
function request(profile: string, attribute = '{}', dictionary = '{"stringTable":["","one"]}'): string {
  return `{"resourceProfiles":[{"resource":{"attributes":[${attribute}]},"scopeProfiles":[{"profiles":[${profile}]}]}],"dictionary":${dictionary}}`;
}
const value = (text: string): string => request('{}', `{"key":"a","value":${text}}`);

const readAlike = [
  {
    name: 'unknown fields of every kind',
    text: request('{"future":[{"a":[1,null,"x"]}],"period":"7","later":{"b":1e9}}'),
  },
  {
    name: 'snake_case names',
    text: `{"resource_profiles":[{"schema_url":"u","scope_profiles":[{"profiles":[{
      "time_unix_nano":"5","original_payload_format":"pprof","original_payload":"AAH/","samples":[{"stack_index":1}]}]}]}]}`,
  },
  {
    name: 'integers as text',
    text: request('{"period":"-9223372036854775808","durationNano":"18446744073709551615"}'),
  },
  { name: 'integers as numbers', text: request('{"period":-9223372036854775808,"durationNano":18446744073709551615}') },
  { name: 'indices as text', text: request('{"attributeIndices":["1",0,"-1"],"droppedAttributesCount":"4294967295"}') },
  { name: 'empty lists and messages', text: request('{"samples":[],"attributeIndices":[],"sampleType":{}}') },
  { name: 'zero values that are written out', text: request('{"period":"0","profileId":"","originalPayload":""}') },
  { name: 'IDs in capitals', text: request('{"profileId":"000102030405060708090A0B0C0D0E0F"}') },
  { name: 'null for a message and for a list', text: request('{"sampleType":null,"samples":null}') },
  { name: 'NaN', text: value('{"doubleValue":"NaN"}') },
  {
    name: 'infinities',
    text: value('{"arrayValue":{"values":[{"doubleValue":"Infinity"},{"doubleValue":"-Infinity"}]}}'),
  },
  {
    name: 'doubles as text',
    text: value('{"arrayValue":{"values":[{"doubleValue":"-1.5e-7"},{"doubleValue":"-0"}]}}'),
  },
  { name: 'a double without a fraction', text: value('{"doubleValue":3}') },
  { name: 'negative zero', text: value('{"doubleValue":-0}') },
  { name: 'a double of 17 digits', text: value('{"doubleValue":0.30000000000000004}') },
  { name: 'bytes in base64', text: value('{"bytesValue":"+/8A"}') },
  { name: 'a value that is not set', text: value('{}') },
  {
    name: 'empty text, list, map and bytes',
    text: value(
      '{"arrayValue":{"values":[{"stringValue":""},{"arrayValue":{}},{"kvlistValue":{}},{"bytesValue":""}]}}',
    ),
  },
  { name: 'references', text: request('{}', '{"keyStrindex":1,"value":{"stringValueStrindex":1}}') },
  {
    name: 'a reference to index 0',
    text: request('{}', '{"key":"a","keyStrindex":0,"value":{"stringValueStrindex":0}}'),
  },
  { name: 'references in snake_case', text: request('{}', '{"key_strindex":1,"value":{"string_value_strindex":1}}') },
  {
    name: 'escapes and characters beyond the basic plane',
    text: value('{"stringValue":"\\u0000\\ud83d\\ude42\\/\\b🙂\\u2028"}'),
  },
  { name: 'an empty request', text: '{}' },
];

test('requests as others may write them are read as the Collector reads them', async (t) => {
  const theirs = await renderAll(
    'request',
    'proto',
    readAlike.map(({ text }) => text),
  );
  for (const [i, { name, text }] of readAlike.entries()) {
    await t.test(name, () => {
      const { stringTable, ...tables } = decodeProfilesJson(text).dictionary;
      const read = withLists(decodeProfilesData(theirs[i]!));
      assert.deepEqual(decodeProfilesJson(text).resourceProfiles, read.resourceProfiles);
      // The Collector may have put strings of attributes behind the others, and the empty one in front of none.
      const { stringTable: longer, ...theirTables } = read.dictionary;
      assert.deepEqual(
        { ...tables, stringTable },
        { ...theirTables, stringTable: longer.slice(0, stringTable.length) },
      );
    });
  }
});

const refusedByBoth = [
  { name: 'text that is cut off', text: '{"resourceProfiles":[' },
  { name: 'a word where an integer belongs', text: request('{"period":"seven"}') },
  { name: 'an integer beyond 64 bits', text: request('{"durationNano":"18446744073709551616"}') },
  { name: 'a negative time', text: request('{"timeUnixNano":"-1"}') },
  { name: 'an index beyond 32 bits', text: request('{"attributeIndices":[2147483648]}') },
  { name: 'a fraction where an integer belongs', text: request('{"period":1.5}') },
  { name: 'an ID that is not hexadecimal', text: request('{"profileId":"zz0102030405060708090a0b0c0d0e0f"}') },
  { name: 'bytes that are not base64', text: request('{"originalPayload":"*"}') },
  { name: 'a list where a message belongs', text: request('[]') },
  { name: 'a reference beyond the table', text: request('{}', '{"keyStrindex":2}') },
  { name: 'a negative reference', text: request('{}', '{"key":"a","value":{"stringValueStrindex":-1}}') },
];

test('requests that the Collector refuses are refused', async (t) => {
  const theirs = await render(
    'request',
    'proto',
    refusedByBoth.map(({ text }) => text),
  );
  for (const [i, { name, text }] of refusedByBoth.entries()) {
    await t.test(name, () => {
      assert.ok('error' in theirs[i]!, 'the Collector takes it');
      assert.throws(() => decodeProfilesJson(text), { name: 'InvalidMessage' });
    });
  }
});

test("answers in JSON are the Collector's, and each side reads the other's", async () => {
  const answers = [
    { rejectedProfiles: 3n, errorMessage: 'three had no samples' },
    { rejectedProfiles: 0n, errorMessage: 'a warning' },
    { rejectedProfiles: 1n, errorMessage: '' },
    { rejectedProfiles: 2n ** 63n - 1n, errorMessage: '"✓"' },
  ];
  const theirs = (await renderAll('response', 'json', answers.map(encodeExportResponse))).map(String);
  assert.deepEqual(answers.map(encodeExportResponseJson), theirs);
  assert.deepEqual(theirs.map(decodeExportResponseJson), answers);
  const read = await renderAll('response', 'proto', theirs);
  assert.deepEqual(
    read.map((bytes) => decodeExportResponse(bytes)),
    answers,
  );

  // Full success has no partialSuccess, as the specification wants it; the Collector writes an empty one.
  const none = { rejectedProfiles: 0n, errorMessage: '' };
  const [full] = await renderAll('response', 'json', [encodeExportResponse(none)]);
  assert.deepEqual([full!.toString(), encodeExportResponseJson(none)], ['{"partialSuccess":{}}', '{}']);
  assert.deepEqual([decodeExportResponseJson(full!.toString()), decodeExportResponseJson('{}')], [none, none]);
});
