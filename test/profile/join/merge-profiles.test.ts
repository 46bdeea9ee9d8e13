import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ProfilesData } from '../../../src/otlp/profiles-data.ts';
import { checkConformance } from '../../../src/profile/check/check-conformance.ts';
import { mergeProfiles } from '../../../src/profile/join/profiles-joiner.ts';
import { splitProfiles } from '../../../src/profile/split/split-profiles.ts';
import { assertSameProfiles, normalForm } from '../../interop/normal-form.ts';
import { arbitraryRequest, withoutIdentity } from '../../otlp/arbitrary-request.ts';
import { goodProfiles } from '../../otlp/good-profiles.ts';

// Each run merges several requests.
const numRuns = Math.ceil(Number(process.env.PROPERTY_RUNS ?? 200) / 10);

test('a merged request says what all of its requests say, and conforms', () => {
  fc.assert(
    fc.property(fc.array(arbitraryRequest, { minLength: 1, maxLength: 3 }), (requests) => {
      const merged = mergeProfiles(requests);
      assert.deepEqual(checkConformance(merged), []);
      assertSameProfiles(normalForm([withoutIdentity(merged)]), normalForm(requests.map(withoutIdentity)));
      assert.deepEqual(idsOf([merged]), idsOf(requests));
    }),
    { numRuns },
  );
});

test('requests that are merged and taken apart again have the same samples', () => {
  fc.assert(
    fc.property(
      fc.array(arbitraryRequest, { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 9 }),
      (requests, maxItems) => {
        const parts = splitProfiles(mergeProfiles(requests), { maxItems }).parts.map(({ data }) => data);
        assertSameProfiles(normalForm(parts.map(withoutIdentity)), normalForm(requests.map(withoutIdentity)));
      },
    ),
    { numRuns },
  );
});

test('equal resources, scopes and dictionary entries become one', () => {
  const [first, second] = [goodProfiles(), goodProfiles()];
  first.resourceProfiles[0]!.resource.attributes.push({ key: 'process.pid', value: 7n });
  second.resourceProfiles[0]!.resource.attributes.unshift({ key: 'process.pid', value: 7n });
  second.dictionary.stringTable.push('orphan');
  const merged = mergeProfiles([first, second]);
  assert.equal(merged.resourceProfiles.length, 1);
  assert.equal(merged.resourceProfiles[0]!.scopeProfiles.length, 1);
  assert.equal(merged.resourceProfiles[0]!.scopeProfiles[0]!.profiles.length, 2);
  const sizes = (tables: object): number[] => Object.values(tables).map((table: unknown[]) => table.length);
  assert.deepEqual(sizes(merged.dictionary), sizes(goodProfiles().dictionary));
});

for (const { name, spoil } of [
  { name: 'another attribute', spoil: { attributes: [{ key: 'service.name', value: 'till' }] } },
  {
    name: 'an attribute of another type',
    spoil: { attributes: [{ key: 'service.name', value: Buffer.from('shop') }] },
  },
  { name: 'another count of dropped attributes', spoil: { droppedAttributesCount: 1 } },
]) {
  test(`resources with ${name} stay apart`, () => {
    const other = goodProfiles();
    Object.assign(other.resourceProfiles[0]!.resource, spoil);
    assert.equal(mergeProfiles([goodProfiles(), other]).resourceProfiles.length, 2);
  });
}

test('what a sender wrote twice is written once, attributes in any order', () => {
  const data = goodProfiles();
  const { dictionary } = data;
  const name = dictionary.stringTable.push('worker') - 1;
  dictionary.stringTable.push('worker');
  dictionary.locationTable[1]!.attributeIndices = [1, 4];
  dictionary.locationTable.push({ ...dictionary.locationTable[1]!, attributeIndices: [4, 1] });
  dictionary.stackTable.push({ locationIndices: [4] }, { locationIndices: [1] });
  dictionary.functionTable[3]!.nameStrindex = name;
  const [sample] = data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!.samples;
  data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!.samples = [
    { ...sample!, stackIndex: 3 },
    { ...sample!, stackIndex: 4, attributeIndices: [] },
    { ...sample!, stackIndex: 1, attributeIndices: [] },
    { ...sample!, stackIndex: 2 },
  ];
  assert.notDeepEqual(checkConformance(data), []);
  assert.deepEqual(checkConformance(mergeProfiles([data])), []);
});

test('merging nothing gives an empty request with a dictionary of zero values', () => {
  const { resourceProfiles, dictionary } = mergeProfiles([]);
  assert.deepEqual(resourceProfiles, []);
  assert.deepEqual(
    Object.values(dictionary).map((table: unknown[]) => table.length),
    [1, 1, 1, 1, 1, 1, 1],
  );
});

function idsOf(requests: readonly ProfilesData[]): string[] {
  return requests
    .flatMap(({ resourceProfiles }) => resourceProfiles.flatMap(({ scopeProfiles }) => scopeProfiles))
    .flatMap(({ profiles }) => profiles.map(({ profileId, originalPayload }) => `${profileId} ${originalPayload}`))
    .sort();
}
