import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Profile, ProfilesData, Sample } from '../../../src/otlp/profiles-data.ts';
import { checkConformance } from '../../../src/profile/check/check-conformance.ts';
import type { JoinOptions } from '../../../src/profile/join/profiles-joiner.ts';
import { ProfilesJoiner } from '../../../src/profile/join/profiles-joiner.ts';
import { arbitraryRequest } from '../../otlp/arbitrary-request.ts';
import type { Mutable } from '../../otlp/good-profiles.ts';
import { goodProfiles } from '../../otlp/good-profiles.ts';
import { observations } from '../../otlp/observations.ts';
import { setApart, soundProfiles } from '../../otlp/sound-profiles.ts';

const newId = new Uint8Array(16).fill(0xee);

function join(requests: readonly ProfilesData[], options?: JoinOptions): ProfilesData {
  const joiner = new ProfilesJoiner(() => newId);
  for (const request of requests) joiner.add(request, options);
  return joiner.build();
}

function profilesOf({ resourceProfiles }: ProfilesData): Profile[] {
  return resourceProfiles.flatMap(({ scopeProfiles }) => scopeProfiles.flatMap(({ profiles }) => profiles));
}

function spoiled(change: (profile: Mutable<Profile>, data: Mutable<ProfilesData>) => void): Mutable<ProfilesData> {
  const data = goodProfiles();
  change(data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!, data);
  return data;
}

/** Some of the requests tell sums. */
const request = fc.tuple(arbitraryRequest, fc.boolean()).map(([data, hasSums]) => {
  if (!hasSums) return data;
  const toSum = (sample: Sample): Sample => ({
    ...sample,
    values: [BigInt(sample.timestampsUnixNano.length)],
    timestampsUnixNano: [],
  });
  const resourceProfiles = data.resourceProfiles.map((resource) => ({
    ...resource,
    scopeProfiles: resource.scopeProfiles.map((scope) => ({
      ...scope,
      profiles: scope.profiles.map((profile) => ({ ...profile, samples: [...profile.samples].map(toSum) })),
    })),
  }));
  return { ...data, resourceProfiles };
});

test('joined requests have every observation of all of them and no other, and conform', () => {
  fc.assert(
    fc.property(fc.array(request, { minLength: 1, maxLength: 4 }), (requests) => {
      const joined = join(requests);
      assert.deepEqual(checkConformance(joined), []);
      const expected = observations(requests);
      assert.deepEqual(observations([joined]), expected);
      assert.deepEqual(observations([join([joined])]), expected);
    }),
    { endOnFailure: true, numRuns: 20 },
  );
});

test('requests of any shape are joined without a loss, and no table has duplicates or what nobody uses', () => {
  fc.assert(
    fc.property(fc.array(soundProfiles, { maxLength: 3 }).map(setApart), (requests) => {
      const joined = join(requests);
      assert.deepEqual(observations([joined]), observations(requests));
      const aboutTables = checkConformance(joined).filter(({ problem }) =>
        /referred to by nothing|is the same as|out of range|not the zero value/.test(problem),
      );
      assert.deepEqual(aboutTables, []);
    }),
    { numRuns: 100, endOnFailure: true },
  );
});

test('a joiner knows how many observations it holds', () => {
  fc.assert(
    fc.property(fc.array(request, { maxLength: 3 }), (requests) => {
      const joiner = new ProfilesJoiner(() => newId);
      for (const each of requests) joiner.add(each);
      const samples = requests.flatMap(profilesOf).flatMap(({ samples }) => [...samples]);
      const expected = samples.reduce((sum, sample) => sum + Math.max(1, sample.timestampsUnixNano.length), 0);
      assert.equal(joiner.timestampCount, expected);
    }),
    { endOnFailure: true, numRuns: 20 },
  );
});

test('profiles of one kind become one, with a new ID and the time of all of them', () => {
  const later = spoiled((profile) => {
    profile.timeUnixNano += 3_000_000_000n;
    profile.durationNano = 9_000_000_000n;
    profile.droppedAttributesCount = 2;
    profile.profileId = new Uint8Array(16).fill(3);
  });
  const [joined, ...others] = profilesOf(join([later, goodProfiles()]));
  const [good] = profilesOf(goodProfiles());
  assert.deepEqual(others, []);
  assert.deepEqual(joined!.profileId, newId);
  assert.equal(joined!.timeUnixNano, good!.timeUnixNano);
  assert.equal(joined!.durationNano, 12_000_000_000n);
  assert.equal(joined!.droppedAttributesCount, 2);
  const moments = [...good!.samples].map(({ timestampsUnixNano: own }) => [...own, ...own]);
  assert.deepEqual(
    [...joined!.samples].map(({ timestampsUnixNano }) => timestampsUnixNano),
    moments,
  );
});

test('a profile that is joined with no other keeps its ID and its time', () => {
  const [joined] = profilesOf(join([goodProfiles()]));
  const [good] = profilesOf(goodProfiles());
  assert.deepEqual(joined!.profileId, good!.profileId);
  assert.deepEqual([joined!.timeUnixNano, joined!.durationNano], [good!.timeUnixNano, good!.durationNano]);
});

test('a joined profile holds a moment at the end of one of its profiles, which does not count it in', () => {
  const atEnd = spoiled((profile) => {
    profile.samples[0]!.timestampsUnixNano = [profile.timeUnixNano + profile.durationNano];
  });
  const joined = join([atEnd, goodProfiles()]);
  assert.deepEqual(checkConformance(joined), []);
  assert.equal(profilesOf(joined)[0]!.durationNano, 5_000_000_001n);
  assert.equal(profilesOf(join([goodProfiles(), goodProfiles()]))[0]!.durationNano, 5_000_000_000n);
  // One that is joined with no other stays as it is.
  assert.equal(profilesOf(join([atEnd]))[0]!.durationNano, 5_000_000_000n);
});

for (const { name, change } of [
  {
    name: 'has an original payload',
    change: (profile: Mutable<Profile>) => {
      profile.originalPayloadFormat = 'jfr';
      profile.originalPayload = Buffer.from('payload');
    },
  },
  {
    name: 'has another sample type',
    change: (profile: Mutable<Profile>) => {
      profile.sampleType.unitStrindex = 1;
    },
  },
  {
    name: 'has another period',
    change: (profile: Mutable<Profile>) => {
      profile.period += 1n;
    },
  },
  {
    name: 'has another attribute',
    change: (profile: Mutable<Profile>) => {
      profile.attributeIndices = [4];
    },
  },
  {
    name: 'does not say when it began',
    change: (profile: Mutable<Profile>) => {
      profile.timeUnixNano = 0n;
    },
  },
  {
    name: 'has values',
    change: (profile: Mutable<Profile>) => {
      for (const sample of profile.samples) sample.values = sample.timestampsUnixNano.map(() => 5n);
    },
  },
  {
    name: 'has sums',
    change: (profile: Mutable<Profile>) => {
      for (const sample of profile.samples) Object.assign(sample, { values: [5n], timestampsUnixNano: [] });
    },
  },
  {
    name: 'has samples of two shapes',
    change: (profile: Mutable<Profile>) => {
      profile.samples[1]!.values = [5n];
    },
  },
  {
    name: 'has fewer values than moments',
    change: (profile: Mutable<Profile>) => {
      for (const sample of profile.samples) sample.values = [5n];
    },
  },
  {
    name: 'has no samples',
    change: (profile: Mutable<Profile>) => {
      profile.samples = [];
    },
  },
]) {
  test(`a profile that ${name} stays itself`, () => {
    const own = spoiled(change);
    const profiles = profilesOf(join([goodProfiles(), own, goodProfiles()]));
    assert.equal(profiles.length, 2);
    const { timeUnixNano, durationNano, profileId, samples } = profilesOf(own)[0]!;
    const endUnixNano = timeUnixNano + durationNano;
    assert.deepEqual(profiles[1]!.profileId, profileId);
    assert.equal(profiles[1]!.timeUnixNano + profiles[1]!.durationNano, endUnixNano);
    assert.deepEqual(
      [...profiles[1]!.samples].map(({ values }) => values),
      [...samples].map(({ values }) => values),
    );
  });
}

test('a profile stays apart where it is told to', () => {
  const profiles = profilesOf(join([goodProfiles(), goodProfiles(), goodProfiles()], { joins: () => 'samples' }));
  const { profileId } = profilesOf(goodProfiles())[0]!;
  assert.deepEqual(
    profiles.map((profile) => profile.profileId),
    [profileId, profileId, profileId],
  );
});

test('sums are added up, and one beyond 64 bits begins a profile of its own', () => {
  const sum = (value: bigint): ProfilesData =>
    spoiled((profile) => {
      for (const sample of profile.samples) Object.assign(sample, { values: [value], timestampsUnixNano: [] });
    });
  const valuesOf = (data: ProfilesData): bigint[][] =>
    profilesOf(data).map(({ samples }) => [...samples].flatMap(({ values }) => values));
  assert.deepEqual(valuesOf(join([sum(2n), sum(3n)])), [[5n, 5n]]);
  const largest = 2n ** 63n - 1n;
  const beyond = [sum(largest), sum(1n)];
  assert.deepEqual(observations([join(beyond)]), observations(beyond));
  assert.ok(
    valuesOf(join(beyond))
      .flat()
      .every((value) => value <= largest),
  );
  assert.deepEqual(checkConformance(join(beyond)), []);
});

test('a location without lines gets those that are known, and is the same then as one that had them', () => {
  const nameless = spoiled((_, { dictionary }) => {
    dictionary.locationTable[2]!.lines = [];
  });
  const asked: number[] = [];
  const joiner = new ProfilesJoiner(() => newId);
  joiner.add(goodProfiles());
  const [, inlined, caller] = [...joiner.dictionary.functionTable].keys();
  joiner.add(nameless, {
    linesIn: (target) => (location) => {
      asked.push(location);
      if (location !== 2) return;
      const { locationTable } = target.tables;
      locationTable.addLine({ functionIndex: inlined!, line: 7n, column: 3n });
      locationTable.addLine({ functionIndex: caller!, line: 42n, column: 0n });
    },
  });
  assert.deepEqual(asked.sort(), [1, 2]);
  assert.deepEqual(observations([joiner.build()]), observations([goodProfiles(), goodProfiles()]));
  assert.deepEqual(checkConformance(joiner.build()), []);
});

test('a joiner counts what it holds, and equal requests add little to it', () => {
  const joiner = new ProfilesJoiner(() => newId);
  const sizes = Array.from({ length: 3 }, () => {
    joiner.add(goodProfiles());
    return joiner.sizeBytes;
  });
  assert.ok(sizes[0]! > 2_000);
  assert.ok(sizes[2]! > sizes[1]!);
  assert.ok(sizes[2]! - sizes[1]! < sizes[0]! / 10, `${sizes}`);
  const payload = spoiled((profile) => {
    Object.assign(profile, { originalPayloadFormat: 'jfr', originalPayload: new Uint8Array(100_000) });
  });
  joiner.add(payload);
  assert.ok(joiner.sizeBytes > 100_000 + sizes[2]!);
});
