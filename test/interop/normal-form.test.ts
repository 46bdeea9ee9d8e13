import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Entries, ProfilesData, ProfilesDictionary, Sample } from '../../src/otlp/profiles-data.ts';
import { exampleProfiles } from './example-profiles.ts';
import { assertSameProfiles, normalForm } from './normal-form.ts';

const example = exampleProfiles();
const expected = normalForm([example]);

test('normalForm ignores the order of resources, samples and strings', () => {
  const { stringTable, functionTable } = example.dictionary;
  // Function names move to the end of the string table; everything else stays.
  const moved = {
    stringTable: [...stringTable, ...[...functionTable].map(({ nameStrindex }) => stringTable.at(nameStrindex)!)],
  };
  const reordered: ProfilesData = {
    resourceProfiles: example.resourceProfiles.toReversed().map((resource) => ({
      ...resource,
      scopeProfiles: resource.scopeProfiles.map((scope) => ({
        ...scope,
        profiles: scope.profiles
          .toReversed()
          .map((profile) => ({ ...profile, samples: [...profile.samples].toReversed() })),
      })),
    })),
    dictionary: {
      ...example.dictionary,
      ...moved,
      functionTable: [...functionTable].map((entry, i) => ({ ...entry, nameStrindex: stringTable.length + i })),
    },
  };
  assertSameProfiles(normalForm([reordered]), expected);
});

test('normalForm ignores how profiles are split into messages', () => {
  const messages = example.resourceProfiles.map((resource) => ({ ...example, resourceProfiles: [resource] }));
  assertSameProfiles(normalForm(messages), expected);
});

test('normalForm counts samples that occur twice', () => {
  assert.throws(() => assertSameProfiles(normalForm([example, example]), expected), /1 too many/);
});

for (const { name, changed } of [
  { name: 'a value', changed: withSample({ values: [1n, 2n], timestampsUnixNano: [] }) },
  { name: 'which stack a sample has', changed: withSample({ stackIndex: 2 }) },
  { name: 'an attribute of a sample', changed: withSample({ attributeIndices: [3] }) },
  { name: 'the kind of an attribute value', changed: withTable('attributeTable', 4, { value: '4711' }) },
  { name: 'a function name', changed: withTable('functionTable', 1, { nameStrindex: 2 }) },
  { name: 'an address in its lowest bit', changed: withTable('locationTable', 2, { address: 0xffff_ffff_8123_4566n }) },
  { name: 'the lines of a location', changed: withTable('locationTable', 1, { lines: [] }) },
  { name: 'the file of a mapping', changed: withTable('mappingTable', 1, { filenameStrindex: 0 }) },
  { name: 'a span', changed: withTable('linkTable', 1, { spanId: new Uint8Array(8) }) },
]) {
  test(`normalForm tells ${name} apart`, () => {
    assert.throws(() => assertSameProfiles(normalForm([changed]), expected), /lines differ/);
  });
}

function withTable(name: keyof ProfilesDictionary, index: number, change: object): ProfilesData {
  const table = Array.from(example.dictionary[name] as Entries<unknown>, (entry, i) =>
    i === index ? Object.assign({}, entry, change) : entry,
  );
  return { ...example, dictionary: { ...example.dictionary, [name]: table } };
}

/** Changes the first sample of each profile. */
function withSample(change: Partial<Sample>): ProfilesData {
  const resourceProfiles = example.resourceProfiles.map((resource) => ({
    ...resource,
    scopeProfiles: resource.scopeProfiles.map((scope) => ({
      ...scope,
      profiles: scope.profiles.map((profile) => ({
        ...profile,
        samples: [...profile.samples].map((sample, i) => (i === 0 ? { ...sample, ...change } : sample)),
      })),
    })),
  }));
  return { ...example, resourceProfiles };
}
