import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeProfilesData } from '../../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData, leastSizeBytes } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { syntheticProfiles } from '../../bench/synthetic-profiles.ts';
import { withLists } from '../../support/with-lists.ts';
import { goodProfiles } from '../good-profiles.ts';
import { realRequests } from '../real-requests.ts';
import { exportRequestType, oracleDecode, profilesDataType } from './protobuf-oracle.ts';

// A length needs one more byte at each of these.
for (const length of [0, 1, 31, 32, 33, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152]) {
  test(`text and bytes of length ${length} are carried`, () => {
    const data = goodProfiles();
    data.dictionary.stringTable.push('x'.repeat(length), 'é'.repeat(length >>> 1));
    data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!.originalPayload = new Uint8Array(length).fill(1);
    const bytes = encodeProfilesData(data);
    assert.deepEqual(oracleDecode(bytes), data);
    assert.deepEqual(withLists(decodeProfilesData(bytes)), data);
  });
}

test('64-bit values are exact at their extremes', () => {
  const data = goodProfiles();
  const profile = data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!;
  const signed = [0n, -1n, 1n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n)];
  const unsigned = [0n, 1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n];
  // Every number of bytes that a varint can have.
  for (let bits = 7n; bits < 63n; bits += 7n) signed.push(2n ** bits - 1n, 2n ** bits);
  profile.samples[0]!.values = signed;
  profile.samples[0]!.timestampsUnixNano = unsigned;
  profile.timeUnixNano = 2n ** 64n - 1n;
  profile.durationNano = 2n ** 64n - 1n;
  profile.period = -(2n ** 63n);
  data.dictionary.locationTable[1]!.address = 2n ** 64n - 1n;
  data.dictionary.mappingTable[1]!.memoryLimit = 2n ** 63n;
  const bytes = encodeProfilesData(data);
  assert.deepEqual(oracleDecode(bytes), data);
  assert.deepEqual(withLists(decodeProfilesData(bytes)), data);
});

test('timestamps of a sample that has many are exact, wherever they begin in the columns', () => {
  const data = goodProfiles();
  const profile = data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!;
  const counts = [1, 1000, 31, 32, 33, 0, 500];
  const template = { ...profile.samples[0]!, values: [1n] };
  profile.samples = counts.map((count, sample) => ({
    ...template,
    timestampsUnixNano: Array.from({ length: count }, (_, i) => 2n ** 64n - 1n - BigInt(i * 2 ** 31 + sample)),
  }));
  const bytes = encodeProfilesData(data);
  assert.deepEqual(oracleDecode(bytes), data);
  // Decoded, the lists of all samples are parts of one column.
  assert.deepEqual(oracleDecode(encodeProfilesData(decodeProfilesData(bytes))), data);
});

test('submessages that some receivers dereference are present even when they are empty', () => {
  const data = goodProfiles();
  const { resource, scopeProfiles } = data.resourceProfiles[0]!;
  resource.attributes = [];
  scopeProfiles[0]!.scope = { name: '', version: '', attributes: [], droppedAttributesCount: 0 };
  const none = { typeStrindex: 0, unitStrindex: 0 };
  Object.assign(scopeProfiles[0]!.profiles[0]!, { sampleType: none, periodType: none });
  const message = profilesDataType.toObject(profilesDataType.decode(encodeProfilesData(data)));
  assert.deepEqual(message.resourceProfiles[0].resource, {});
  assert.deepEqual(message.resourceProfiles[0].scopeProfiles[0].scope, {});
  assert.deepEqual(message.resourceProfiles[0].scopeProfiles[0].profiles[0].sampleType, {});
  assert.deepEqual(message.resourceProfiles[0].scopeProfiles[0].profiles[0].periodType, {});
  const empty = { ...data, resourceProfiles: [], dictionary: decodeProfilesData(new Uint8Array(0)).dictionary };
  assert.deepEqual(profilesDataType.toObject(profilesDataType.decode(encodeProfilesData(empty))), { dictionary: {} });
});

test('the zero entry of each table is on the wire, and its link is empty', () => {
  const message = profilesDataType.toObject(profilesDataType.decode(encodeProfilesData(goodProfiles())));
  for (const [name, table] of Object.entries<unknown[]>(message.dictionary)) {
    assert.deepEqual(table[0], name === 'stringTable' ? '' : {}, name);
  }
});

test('repeated numbers are packed', () => {
  const data = goodProfiles();
  data.resourceProfiles = [];
  for (const table of Object.values(data.dictionary)) table.length = 0;
  data.dictionary.stackTable = [{ locationIndices: [1, 2, 300] }];
  assert.equal(Buffer.from(encodeProfilesData(data)).toString('hex'), '12083a060a040102ac02');
});

test('half a surrogate pair leaves as a replacement character, so that the bytes are valid UTF-8', () => {
  const data = goodProfiles();
  data.dictionary.stringTable[1] = 'a\ud800b';
  assert.equal(decodeProfilesData(encodeProfilesData(data)).dictionary.stringTable.at(1), 'a\ufffdb');
});

test('ExportProfilesServiceRequest has the same bytes', () => {
  const bytes = encodeProfilesData(goodProfiles());
  const request = exportRequestType.toObject(exportRequestType.decode(bytes));
  assert.deepEqual(request, profilesDataType.toObject(profilesDataType.decode(bytes)));
});

test('the least size of data is no more than that of its bytes, and close to it where samples have many moments', () => {
  const inputs = [goodProfiles(), syntheticProfiles()].map(encodeProfilesData);
  for (const bytes of [...inputs, ...realRequests('profiler'), ...realRequests('collector')]) {
    const data = decodeProfilesData(bytes);
    assert.ok(leastSizeBytes(data) <= encodeProfilesData(data).length);
  }
  const data = goodProfiles();
  const sample = data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!.samples[0]!;
  sample.timestampsUnixNano = Array.from({ length: 10_000 }, (_, i) => BigInt(i + 1));
  sample.values = [];
  const bytes = encodeProfilesData(data);
  const least = leastSizeBytes(decodeProfilesData(bytes));
  assert.ok(least > 80_000 && least <= bytes.length, `${least} of ${bytes.length} bytes`);
});
