import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PassableScanner } from '../../../src/otlp/passable/passable-scanner.ts';
import type { ProfilesData } from '../../../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { mergeProfiles } from '../../../src/profile/join/profiles-joiner.ts';
import { withoutOrphans } from '../../../src/profile/join/without-orphans.ts';
import { arbitraryRequest } from '../../otlp/arbitrary-request.ts';
import { profilesApart } from '../../otlp/sound-profiles.ts';
import { orphans, withOrphans } from '../../otlp/with-orphans.ts';
import { withLists } from '../../support/with-lists.ts';

/** Without each second sample, and with names of functions in the system, so that entries are first used in another order than that of their tables. */
function halved(data: ProfilesData): ProfilesData {
  const { resourceProfiles, dictionary } = withLists(data);
  const texts = dictionary.stringTable.length;
  const functionTable = dictionary.functionTable.map((entry, index) =>
    index === 0 ? entry : { ...entry, systemNameStrindex: texts - 1 - (index % (texts - 1)) },
  );
  for (const { scopeProfiles } of resourceProfiles) {
    for (const { profiles } of scopeProfiles) {
      for (const profile of profiles) {
        const samples = [...profile.samples].reverse().filter((_, index) => index % 2 === 0);
        Object.assign(profile, { samples });
      }
    }
  }
  return { resourceProfiles, dictionary: { ...dictionary, functionTable } };
}

test('withoutOrphans writes what mergeProfiles does, where a scan has found no two equal entries', () => {
  const scanner = new PassableScanner();
  let seen = 0;
  fc.assert(
    fc.property(fc.oneof(arbitraryRequest, profilesApart), orphans, fc.boolean(), (request, names, isHalved) => {
      const tidy = withOrphans(mergeProfiles([request]), names);
      const bytes = encodeProfilesData(isHalved ? halved(tidy) : tidy);
      const scan = scanner.scan(bytes, true);
      if (scan.kind === 'not_passable' && scan.reason !== 'orphan') return;
      seen++;
      const data = decodeProfilesData(bytes);
      const lineless: number[] = [];
      const merged = mergeProfiles([data], () => (location) => void lineless.push(location));
      const found: number[] = [];
      const written = withoutOrphans(data, (location) => void found.push(location));
      assert.deepEqual(withLists(written), withLists(merged));
      assert.deepEqual(encodeProfilesData(written), encodeProfilesData(merged));
      assert.deepEqual(found, lineless);
      // What is written goes on to others: into a batch, or apart.
      assert.deepEqual(withLists(mergeProfiles([written, data])), withLists(mergeProfiles([merged, data])));
    }),
    { numRuns: Number(process.env.PROPERTY_RUNS ?? 200), endOnFailure: true },
  );
  assert.ok(seen > 30, `${seen} seen`);
});
