import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countProfiles } from '../../../src/otlp/protobuf/count-profiles.ts';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { arbitraryProfiles } from '../arbitrary-profiles.ts';

test('countProfiles finds the resources and profiles of any request that the encoder writes', () => {
  fc.assert(
    fc.property(arbitraryProfiles, (data) => {
      const profiles = data.resourceProfiles.flatMap(({ scopeProfiles }) =>
        scopeProfiles.flatMap((each) => each.profiles),
      );
      assert.deepEqual(countProfiles(encodeProfilesData(data)), {
        resources: data.resourceProfiles.length,
        profiles: profiles.length,
      });
    }),
    { endOnFailure: true },
  );
});
