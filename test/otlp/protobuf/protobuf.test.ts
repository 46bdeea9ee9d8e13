import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeProfilesData } from '../../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { withLists } from '../../support/with-lists.ts';
import { arbitraryProfiles } from '../arbitrary-profiles.ts';
import { oracleDecode, oracleEncode } from './protobuf-oracle.ts';

const numRuns = Number(process.env.PROPERTY_RUNS ?? 100);

test('protobufjs decodes what encodeProfilesData wrote', () => {
  fc.assert(
    fc.property(arbitraryProfiles, (data) => {
      assert.deepEqual(oracleDecode(encodeProfilesData(data)), data);
    }),
    { endOnFailure: true, numRuns },
  );
});

test('decodeProfilesData decodes what protobufjs wrote', () => {
  fc.assert(
    fc.property(arbitraryProfiles, (data) => {
      assert.deepEqual(withLists(decodeProfilesData(oracleEncode(data))), data);
    }),
    { endOnFailure: true, numRuns },
  );
});

test('decodeProfilesData decodes what encodeProfilesData wrote', () => {
  fc.assert(
    fc.property(arbitraryProfiles, (data) => {
      assert.deepEqual(withLists(decodeProfilesData(encodeProfilesData(data))), data);
    }),
    { endOnFailure: true, numRuns },
  );
});
