import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { exampleProfiles } from './example-profiles.ts';
import { profcheck } from './profcheck.ts';

const good = exampleProfiles();

test('profcheck accepts the example', async () => {
  const { hasPassed, output } = await profcheck(encodeProfilesData(good));
  assert.ok(hasPassed, output);
});

// Each shows that a check of profcheck is on, and that what it says about real exports means something.
for (const { name, message, complaint } of [
  {
    name: 'a string that is in the table twice',
    message: withDictionary({ stringTable: [...good.dictionary.stringTable, 'main'] }),
    complaint: /duplicate string at index \d+/,
  },
  {
    name: 'a table without its zero value',
    message: withDictionary({ stackTable: [...good.dictionary.stackTable].slice(1) }),
    complaint: /stack_table: must have zero value/,
  },
  {
    name: 'an index beyond its table',
    message: withDictionary({ stackTable: [...good.dictionary.stackTable].slice(0, 2) }),
    complaint: /stack_index: index 2 is out of range \[0\.\.2\)/,
  },
  {
    name: 'a timestamp outside its profile',
    message: withFirstProfile((profile) => ({ ...profile, durationNano: 7n })),
    complaint: /is outside profile time range/,
  },
  {
    name: 'two shapes of sample in one profile',
    message: withFirstProfile((profile) => ({
      ...profile,
      samples: [...profile.samples].map((sample, i) => (i === 0 ? sample : { ...sample, values: [1n] })),
    })),
    complaint: /does not match expected sample shape/,
  },
]) {
  test(`profcheck refuses ${name}`, async () => {
    const { hasPassed, output } = await profcheck(encodeProfilesData(message));
    assert.equal(hasPassed, false);
    assert.match(output, complaint);
  });
}

function withDictionary(changed: Partial<ProfilesData['dictionary']>): ProfilesData {
  return { ...good, dictionary: { ...good.dictionary, ...changed } };
}

type AnyProfile = ProfilesData['resourceProfiles'][number]['scopeProfiles'][number]['profiles'][number];

function withFirstProfile(change: (profile: AnyProfile) => AnyProfile): ProfilesData {
  const [first, ...rest] = good.resourceProfiles;
  const [scope] = first!.scopeProfiles;
  const [profile, ...profiles] = scope!.profiles;
  const scopeProfiles = [{ ...scope!, profiles: [change(profile!), ...profiles] }];
  return { ...good, resourceProfiles: [{ ...first!, scopeProfiles }, ...rest] };
}
