import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeExportResponseJson, encodeExportResponseJson } from '../../../src/otlp/json/export-response-json.ts';
import { ProfilesSerializer } from '../../../src/otlp/profiles-serializer.ts';
import { decodeExportResponse, encodeExportResponse } from '../../../src/otlp/protobuf/export-response.ts';
import { exportResponseType } from './protobuf-oracle.ts';

for (const { name, response } of [
  { name: 'full success', response: { rejectedProfiles: 0n, errorMessage: '' } },
  { name: 'a rejection', response: { rejectedProfiles: 3n, errorMessage: 'too old' } },
  { name: 'a warning', response: { rejectedProfiles: 0n, errorMessage: 'naïve ☕' } },
  { name: 'an absurd number', response: { rejectedProfiles: 2n ** 63n - 1n, errorMessage: 'x'.repeat(200) } },
]) {
  test(`an export response carries ${name}`, () => {
    const bytes = encodeExportResponse(response);
    assert.deepEqual(decodeExportResponse(bytes), response);
    assert.deepEqual(decodeExportResponseJson(encodeExportResponseJson(response)), response);
    const plain = exportResponseType.toObject(exportResponseType.decode(bytes), { longs: String });
    const isEmpty = response.rejectedProfiles === 0n && response.errorMessage === '';
    assert.equal(plain.partialSuccess === undefined, isEmpty, 'partial_success is set only when it says something');
    if (isEmpty) return;
    assert.equal(plain.partialSuccess.rejectedProfiles ?? '0', String(response.rejectedProfiles));
    assert.equal(plain.partialSuccess.errorMessage, response.errorMessage);
  });
}

test('ProfilesSerializer gives OpenTelemetry JS a response that it can print', () => {
  const bytes = encodeExportResponse({ rejectedProfiles: 2n, errorMessage: 'no' });
  const response = ProfilesSerializer.deserializeResponse(bytes);
  assert.equal(JSON.stringify(response), '{"partialSuccess":{"rejectedProfiles":2,"errorMessage":"no"}}');
  assert.deepEqual(ProfilesSerializer.deserializeResponse(new Uint8Array(0)), {});
});

test('decodeExportResponse refuses what is not a response', () => {
  assert.throws(() => decodeExportResponse(Uint8Array.of(0x0a, 0x7f)), { name: 'InvalidMessage' });
});
