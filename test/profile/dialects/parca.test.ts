import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ProfilesData } from '../../../src/otlp/profiles-data.ts';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { withFunctionsTwice } from '../../../src/profile/dialects/parca.ts';
import { mergeProfiles } from '../../../src/profile/join/profiles-joiner.ts';
import { splitProfiles } from '../../../src/profile/split/split-profiles.ts';
import { arbitraryRequest } from '../../otlp/arbitrary-request.ts';
import { buildData } from '../../support/build-data.ts';

const numRuns = Math.ceil(Number(process.env.PROPERTY_RUNS ?? 200) / 4);

test('a reader by index and a reader of the entry before see the same names', () => {
  fc.assert(
    fc.property(arbitraryRequest, (data) => {
      const twice = withFunctionsTwice(data);
      assert.deepEqual(stacksOf(twice, 0), stacksOf(data, 0));
      assert.deepEqual(stacksOf(twice, 1), stacksOf(data, 0));
      assert.deepEqual(withFunctionsTwice(twice), twice, 'a second application changes nothing');
    }),
    { numRuns },
  );
});

test('parts have each function twice, keep the limit and their sizes, and name every frame for both readers', () => {
  fc.assert(
    fc.property(arbitraryRequest, fc.integer({ min: 700, max: 3000 }), (data, maxBytes) => {
      const { parts, tooLargeSampleCount } = splitProfiles(withFunctionsTwice(data), {
        maxBytes,
        functionsTwice: true,
      });
      for (const { data: part, sizeBytes } of parts) {
        assert.equal(encodeProfilesData(part).length, sizeBytes);
        assert.ok(sizeBytes <= maxBytes);
        assert.deepEqual(stacksOf(part, 1), stacksOf(part, 0));
      }
      if (tooLargeSampleCount > 0) return;
      const found = parts.flatMap(({ data: part }) => stacksOf(part, 0));
      assert.deepEqual(found, stacksOf(data, 0));
    }),
    { numRuns },
  );
});

test('merging undoes it, so that it can be done anew as the last step', () => {
  const data = buildData({ samples: [{ at: [1], stack: [{ names: ['leaf', 'caller'] }, { names: ['main'] }] }] });
  const merged = mergeProfiles([withFunctionsTwice(data), withFunctionsTwice(data)]);
  assert.equal(merged.dictionary.functionTable.length, 4);
  assert.equal(withFunctionsTwice(merged).dictionary.functionTable.length, 7);
  assert.deepEqual(new Set(stacksOf(withFunctionsTwice(merged), 1)), new Set(stacksOf(data, 0)));
});

/** Names of the frames of each sample, for a reader who takes the entry `before` places before the one that a line names. */
function stacksOf({ resourceProfiles, dictionary }: ProfilesData, before: number): string[] {
  const nameOf = (functionIndex: number): string =>
    dictionary.stringTable.at(dictionary.functionTable.at(functionIndex - before)!.nameStrindex)!;
  return resourceProfiles
    .flatMap(({ scopeProfiles }) => scopeProfiles)
    .flatMap(({ profiles }) => profiles.flatMap(({ samples }) => [...samples]))
    .map(({ stackIndex }) =>
      dictionary.stackTable
        .at(stackIndex)!
        .locationIndices.map((index) =>
          dictionary.locationTable.at(index)!.lines.map(({ functionIndex }) => nameOf(functionIndex)),
        )
        .join(';'),
    );
}
