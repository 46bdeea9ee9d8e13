import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeProfilesJson } from '../../src/otlp/json/encode-profiles-json.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { surveyJson, surveyProtobuf } from '../../src/otlp/survey-profiles.ts';
import { deepJson, emptyResources, emptySamples, emptyStacks } from '../abuse/payloads.ts';
import { goodProfiles } from './good-profiles.ts';

test('surveyProtobuf counts the messages and texts of a request', () => {
  const { elements } = surveyProtobuf(encodeProfilesData(goodProfiles()));
  const { resourceProfiles, dictionary } = goodProfiles();
  const inTables = Object.values(dictionary).reduce((sum, table) => sum + table.length, 0);
  const lines = dictionary.locationTable.reduce((sum, { lines }) => sum + lines.length, 0);
  const profiles = resourceProfiles.flatMap(({ scopeProfiles }) => scopeProfiles.flatMap(({ profiles }) => profiles));
  const samples = profiles.reduce((sum, { samples }) => sum + samples.length, 0);
  // Resources and scopes come with their messages and texts: 5 at least.
  assert.ok(elements >= inTables + lines + samples + profiles.length + 3, `${elements} elements`);
  assert.ok(elements <= inTables + lines + samples + profiles.length + 20, `${elements} elements`);
});

// An object of five fields has 64 bytes on the heap of V8, one of a list 40 and more.
for (const { name, bytes, least } of [
  { name: 'empty samples', bytes: emptySamples(100_000), least: 64 },
  { name: 'empty stacks', bytes: emptyStacks(100_000), least: 40 },
]) {
  test(`surveyProtobuf knows what ${name} become`, () => {
    const { elements, decodedBytes } = surveyProtobuf(bytes);
    assert.ok(elements >= 100_000 && elements < 100_010);
    assert.ok(decodedBytes >= 100_000 * least && decodedBytes < 100_000 * 4 * least, `${decodedBytes} bytes`);
  });
}

test('surveyProtobuf stops at the bound, and at bytes that are no protobuf', () => {
  assert.ok(surveyProtobuf(emptySamples(100_000), 1_000).elements < 1_010);
  for (const bytes of [[0x0a], [0x0a, 0x80], [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f], [0x0b, 0x0c], [0xff, 0xff]]) {
    assert.ok(surveyProtobuf(Uint8Array.from(bytes)).elements <= 1);
  }
});

test('surveyJson counts objects, lists and texts, and knows their depth', () => {
  const { elements, depth } = surveyJson(Buffer.from('{"a":[{},{"b\\"{[":1}],"c":"{{{"}'));
  // Three objects, a list, four texts and two commas.
  assert.deepEqual({ elements, depth }, { elements: 10, depth: 3 });
  assert.ok(surveyJson(emptyResources(300_000)).elements > 200_000);
  assert.ok(surveyJson(emptyResources(300_000), 1_000).elements < 1_010);
  assert.equal(surveyJson(deepJson(1_000)).depth, 1_001);
  assert.ok(surveyJson(Buffer.from(encodeProfilesJson(goodProfiles()))).depth < 20);
});
