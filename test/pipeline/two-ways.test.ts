import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeProfilesJson } from '../../src/otlp/json/encode-profiles-json.ts';
import type { NotPassableReason } from '../../src/otlp/passable/not-passable.ts';
import type { ProfilesData, ProfilesDictionary } from '../../src/otlp/profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { enrichProfiles } from '../../src/profile/names/enrich-profiles.ts';
import { exampleProfiles } from '../interop/example-profiles.ts';
import { arbitraryProfiles } from '../otlp/arbitrary-profiles.ts';
import { arbitraryRequest } from '../otlp/arbitrary-request.ts';
import type { Mutable } from '../otlp/good-profiles.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { encodeWithReferences, reorderFields } from '../otlp/other-encoders.ts';
import { encodeOldWire } from '../otlp/protobuf/encode-old-wire.ts';
import { realRequests } from '../otlp/real-requests.ts';
import { soundProfiles } from '../otlp/sound-profiles.ts';
import { TwoWays } from '../support/two-ways.ts';
import { withLists } from '../support/with-lists.ts';

// Far fewer might miss one of the ways that must be seen.
const numRuns = Number(process.env.PROPERTY_RUNS ?? 100);

const nobody = {
  learnExecutable() {},
  learnSymbol() {},
  openFile: () => undefined,
  reasonUnknown: () => 'never_submitted',
};

function contentOf(bytes: Uint8Array, encoding: 'protobuf' | 'json' = 'protobuf', isVersionDeclared = true) {
  return { encoding, bytes, isVersionDeclared };
}

/** As a careful sender has it: nothing in the dictionary twice or in vain, no resource twice. */
function tidied(data: ProfilesData): ProfilesData {
  return enrichProfiles(data, nobody).data;
}

function waysOf(messages: readonly ProfilesData[], encode = encodeProfilesData, isDeclared = true): string[] {
  const ways = new TwoWays();
  return messages.map((message) => ways.pass(contentOf(encode(message), 'protobuf', isDeclared)));
}

function withoutLines(data: ProfilesData): ProfilesData {
  const locationTable = [...data.dictionary.locationTable].map((location) => ({ ...location, lines: [] }));
  return tidied({ ...data, dictionary: { ...data.dictionary, locationTable } });
}

test('a tidy request is passed on as it was, and with names where it lacks those of an earlier one', () => {
  assert.deepEqual(waysOf([tidied(exampleProfiles())]), ['as_it_was']);
  assert.deepEqual(waysOf([tidied(goodProfiles()), withoutLines(goodProfiles())]), ['as_it_was', 'named']);
});

test('whatever way requests go, the result is the same but for the order of the dictionary', () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(arbitraryRequest, { minLength: 1, maxLength: 4 }), fc.boolean(), (requests, isTidy) => {
      const messages = requests.flatMap((request) => [request, withoutLines(request)]);
      for (const way of waysOf(isTidy ? messages.map(tidied) : messages)) seen.set(way, (seen.get(way) ?? 0) + 1);
    }),
    { endOnFailure: true, numRuns },
  );
  for (const way of ['as_it_was', 'named', 'same_location']) assert.ok(seen.has(way), way);
  // A few in a hundred runs.
  assert.ok(numRuns < 1000 || seen.has('same_resource'));
});

test('so it is for fields in any order, which does not change the way', () => {
  const orders = [(a: number, b: number) => b - a, (a: number, b: number) => ((a * 3) % 8) - ((b * 3) % 8)];
  fc.assert(
    fc.property(arbitraryRequest, fc.constantFrom(...orders), fc.boolean(), (request, order, isDeclared) => {
      const messages = [tidied(request), withoutLines(request)];
      const ways = waysOf(messages, encodeProfilesData, isDeclared);
      assert.deepEqual(
        waysOf(messages, (data) => reorderFields(encodeProfilesData(data), order), isDeclared),
        ways,
      );
    }),
    { endOnFailure: true, numRuns: Math.ceil(numRuns / 2) },
  );
});

test('so it is for resources that refer to the string table, whose texts take the place of the references', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(arbitraryRequest, fc.boolean(), (request, isReordered) => {
      const encode = (data: ProfilesData): Uint8Array => {
        const bytes = encodeWithReferences(data);
        return isReordered ? reorderFields(bytes, (a, b) => b - a) : bytes;
      };
      for (const way of waysOf([tidied(request), withoutLines(request)], encode)) seen.add(way);
    }),
    { endOnFailure: true, numRuns: Math.ceil(numRuns / 2), examples: [[goodProfiles(), false]] },
  );
  for (const way of ['inlined', 'named']) assert.ok(seen.has(way), way);
  for (const way of ['as_it_was', 'string_reference', 'encoding', 'orphan']) assert.ok(!seen.has(way), way);
});

for (const { encoder, way } of [
  { encoder: 'profiler', way: 'as_it_was' },
  { encoder: 'collector', way: 'inlined' },
] as const) {
  for (const isDeclared of [true, false]) {
    test(`every request of a real ${encoder} passes undecoded, its version ${isDeclared ? '' : 'not '}declared`, () => {
      const ways = new TwoWays();
      const requests = realRequests(encoder);
      const taken = requests.map((bytes) => ways.pass(contentOf(bytes, 'protobuf', isDeclared)));
      assert.deepEqual(taken, Array(8).fill(way));
      const again = new TwoWays().pass(contentOf(reorderFields(requests[0]!, (a, b) => a - b)));
      assert.equal(again, way);
    });
  }
}

test('a request of an older version is rebuilt, where its sender does not declare another', () => {
  const old = encodeOldWire(exampleProfiles(), 'v1.9');
  assert.equal(new TwoWays().pass(contentOf(old, 'protobuf', false)), 'version');
});

test('so it is for any profiles that the wire can carry', () => {
  const seen = new Set<string>();
  for (const profiles of [arbitraryProfiles, soundProfiles, soundProfiles.map(tidied)]) {
    fc.assert(
      fc.property(fc.array(profiles, { minLength: 1, maxLength: 2 }), (messages) => {
        for (const way of waysOf(messages, encodeProfilesData, false)) seen.add(way);
      }),
      { endOnFailure: true, numRuns: Math.ceil(numRuns / 2) },
    );
  }
  for (const way of ['as_it_was', 'reference', 'incomplete']) assert.ok(seen.has(way), way);
});

const unknownField = Buffer.from([0x7a, 0x01, 0x00]);

/** Fields of a message within a request that holds nothing else. */
function message(field: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([(field << 3) | 2, content.length]), content]);
}

/** A tidy request with references to texts, of which the first is not at the end of its table. */
function withReferenceInside(): Uint8Array {
  const data = withLists(tidied(goodProfiles())) as Mutable<ProfilesData>;
  const { stringTable, functionTable } = data.dictionary;
  stringTable.push(data.resourceProfiles[0]!.resource.attributes[0]!.key);
  functionTable[1]!.systemNameStrindex = stringTable.push('after it') - 1;
  return encodeWithReferences(data);
}

function spoiled(change: (data: Mutable<ProfilesData>) => void): Uint8Array {
  const data = withLists(tidied(goodProfiles())) as Mutable<ProfilesData>;
  change(data);
  return encodeProfilesData(data);
}

const tidy = encodeProfilesData(tidied(goodProfiles()));

for (const { reason, name, bytes } of [
  { reason: 'encoding', name: 'with an unknown field', bytes: Buffer.concat([tidy, unknownField]) },
  { reason: 'encoding', name: 'with two dictionaries', bytes: Buffer.concat([tidy, message(2)]) },
  {
    reason: 'string_reference',
    name: 'with a text in use by references alone that is not at the end of its table',
    bytes: withReferenceInside(),
  },
  {
    reason: 'reference',
    name: 'with an index beyond its table',
    bytes: spoiled(({ dictionary }) => {
      dictionary.locationTable[1]!.mappingIndex = 99;
    }),
  },
  {
    reason: 'reference',
    name: 'with a head that is not zero',
    bytes: spoiled(({ dictionary }) => {
      dictionary.linkTable[0]!.traceId = new Uint8Array(16);
    }),
  },
  {
    reason: 'incomplete',
    name: 'without a table',
    bytes: spoiled(({ dictionary }) => {
      dictionary.linkTable = [];
    }),
  },
  {
    reason: 'incomplete',
    name: 'with a scope without profiles',
    bytes: spoiled(({ resourceProfiles: [entry] }) => {
      entry!.scopeProfiles.push({ ...entry!.scopeProfiles[0]!, profiles: [], schemaUrl: 'other' });
    }),
  },
  {
    reason: 'orphan',
    name: 'with a text that nobody uses',
    bytes: spoiled(({ dictionary }) => void dictionary.stringTable.push('of no use')),
  },
  {
    reason: 'duplicate',
    name: 'with a stack that comes twice',
    bytes: spoiled(({ dictionary, resourceProfiles: [entry] }) => {
      const [sample] = entry!.scopeProfiles[0]!.profiles[0]!.samples;
      dictionary.stackTable.push(dictionary.stackTable[sample!.stackIndex]!);
      sample!.stackIndex = dictionary.stackTable.length - 1;
      entry!.scopeProfiles[0]!.profiles[0]!.samples.push({ ...sample!, stackIndex: 1 });
    }),
  },
  {
    reason: 'same_resource',
    name: 'whose resource comes twice',
    bytes: spoiled(({ resourceProfiles }) => void resourceProfiles.push(resourceProfiles[0]!)),
  },
  {
    reason: 'same_resource',
    name: 'whose scope comes twice',
    bytes: spoiled(({ resourceProfiles: [entry] }) => {
      const [scope] = entry!.scopeProfiles;
      const profiles = scope!.profiles.map((each) => ({ ...each, timeUnixNano: each.timeUnixNano + 1n }));
      entry!.scopeProfiles.push({ ...scope!, profiles });
    }),
  },
  {
    reason: 'same_time',
    name: 'with two profiles of one resource and type that begin together',
    bytes: spoiled(({ resourceProfiles: [entry] }) => {
      const { profiles } = entry!.scopeProfiles[0]!;
      profiles.push({ ...profiles[0]!, period: 7n, profileId: new Uint8Array(16).fill(9) });
    }),
  },
] satisfies readonly { reason: NotPassableReason; name: string; bytes: Uint8Array }[]) {
  test(`a request ${name} is rebuilt: ${reason}`, () => {
    assert.equal(new TwoWays().pass(contentOf(bytes)), reason);
  });
}

for (const { table, use } of [
  {
    table: 'mappingTable',
    use: ({ dictionary: { locationTable } }, index) => void Object.assign(locationTable[1]!, { mappingIndex: index }),
  },
  {
    table: 'locationTable',
    use: ({ dictionary: { stackTable } }, index) => stackTable[1]!.locationIndices.push(index),
  },
  {
    table: 'functionTable',
    use: ({ dictionary: { locationTable } }, functionIndex) =>
      locationTable.at(-1)!.lines.push({ functionIndex, line: 1n, column: 1n }),
  },
  {
    table: 'linkTable',
    use: ({ resourceProfiles: [entry] }, linkIndex) =>
      entry!.scopeProfiles[0]!.profiles[0]!.samples.push({
        ...entry!.scopeProfiles[0]!.profiles[0]!.samples[0]!,
        linkIndex,
      }),
  },
  {
    table: 'stringTable',
    use: ({ resourceProfiles: [entry] }, index) =>
      void Object.assign(entry!.scopeProfiles[0]!.profiles[0]!.sampleType, { unitStrindex: index }),
  },
  {
    table: 'attributeTable',
    use: ({ resourceProfiles: [entry] }, index) =>
      void Object.assign(entry!.scopeProfiles[0]!.profiles[0]!, { attributeIndices: [index] }),
  },
] satisfies readonly { table: keyof ProfilesDictionary; use: (data: Mutable<ProfilesData>, index: number) => void }[]) {
  test(`a request with an entry of ${table} that comes twice is rebuilt: duplicate`, () => {
    const bytes = spoiled((data) => {
      const samples = data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!.samples;
      const links = data.dictionary.linkTable;
      if (links.length === 1) {
        links.push({ traceId: new Uint8Array(16).fill(1), spanId: new Uint8Array(8).fill(1) });
        samples.push({ ...samples[0]!, linkIndex: 1 });
      }
      const entries = data.dictionary[table] as unknown[];
      use(data, entries.push(entries[1]!) - 1);
    });
    assert.equal(new TwoWays().pass(contentOf(bytes)), 'duplicate');
  });
}

/** The smallest request that is passed on as it was, with an unknown field in one of its messages. */
function smallest(unknownIn = ''): Uint8Array {
  const part = (name: string, field: number, ...parts: readonly Uint8Array[]): Buffer =>
    message(field, ...parts, ...(name === unknownIn ? [unknownField] : []));
  const profile = [part('sample_type', 1), part('sample', 2), part('period_type', 5)];
  const scopeProfiles = part('scope_profiles', 2, part('scope', 1), part('profile', 2, ...profile));
  const tables = ['mapping', 'location', 'function', 'link', '', 'attribute', 'stack'];
  const dictionary = tables.map((name, index) => part(name || 'no message', index + 1));
  return Buffer.concat([
    part('resource_profiles', 1, part('resource', 1), scopeProfiles),
    part('dictionary', 2, ...dictionary),
  ]);
}

test('an unknown field in any message has a request rebuilt without it', () => {
  assert.equal(new TwoWays().pass(contentOf(smallest())), 'as_it_was');
  for (const name of [
    ...['resource_profiles', 'resource', 'scope_profiles', 'scope', 'profile', 'sample_type', 'sample', 'period_type'],
    ...['dictionary', 'mapping', 'location', 'function', 'link', 'attribute', 'stack'],
  ]) {
    assert.equal(new TwoWays().pass(contentOf(smallest(name))), 'encoding', name);
  }
});

test('a request in JSON is rebuilt', () => {
  const bytes = Buffer.from(encodeProfilesJson(tidied(goodProfiles())));
  assert.equal(new TwoWays().pass(contentOf(bytes, 'json')), 'json');
});

test('a request is rebuilt where a name makes a location equal to another one', () => {
  const both = withLists(tidied(goodProfiles())) as Mutable<ProfilesData>;
  const { locationTable, stackTable } = both.dictionary;
  const named = locationTable.findIndex(({ lines, mappingIndex }) => lines.length > 0 && mappingIndex > 0);
  locationTable.push({ ...locationTable[named]!, lines: [] });
  stackTable[1]!.locationIndices.push(locationTable.length - 1);
  assert.deepEqual(waysOf([both]), ['same_location']);
});
