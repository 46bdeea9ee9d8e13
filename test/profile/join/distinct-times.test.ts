import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { KeyValue, Profile, ProfilesData } from '../../../src/otlp/profiles-data.ts';
import { checkConformance } from '../../../src/profile/check/check-conformance.ts';
import { applyDialect } from '../../../src/profile/dialects/apply-dialect.ts';
import { dialectNames } from '../../../src/profile/dialects/dialect.ts';
import { ProfileCutter } from '../../../src/profile/dialects/profile-cutter.ts';
import { withDistinctTimes } from '../../../src/profile/join/distinct-times.ts';
import { mergeProfiles, ProfilesJoiner } from '../../../src/profile/join/profiles-joiner.ts';
import { splitProfiles } from '../../../src/profile/split/split-profiles.ts';
import { atOnce } from '../../../src/support/steps.ts';
import { arbitraryRequest } from '../../otlp/arbitrary-request.ts';
import { buildData, startUnixNano } from '../../support/build-data.ts';
import { withLists } from '../../support/with-lists.ts';

const numRuns = Math.ceil(Number(process.env.PROPERTY_RUNS ?? 300) / 3);

/** Requests whose profiles begin within a few nanoseconds of each other, as parts and profiles of equal labels do. */
const crowdedRequest = fc
  .tuple(arbitraryRequest, fc.array(fc.nat(30), { minLength: 30, maxLength: 30 }))
  .map(([data, offsets]) => {
    let next = 0;
    return mapProfiles(data, (profile) => {
      const offset = BigInt(offsets[next++ % offsets.length]!);
      const { timeUnixNano, durationNano } = profile;
      return { ...profile, timeUnixNano: timeUnixNano + offset, durationNano: durationNano - offset };
    });
  });

const limits = fc.oneof(
  fc.record({ maxItems: fc.integer({ min: 1, max: 7 }) }),
  fc.record({ maxBytes: fc.integer({ min: 700, max: 4000 }) }),
);

/** What an exporter does to requests on their way, as far as it changes profiles. */
const way = fc.record({
  requests: fc.array(crowdedRequest, { minLength: 1, maxLength: 3 }),
  isJoined: fc.boolean(),
  dialect: fc.constantFrom(...dialectNames),
  maxSamples: fc.integer({ min: 1, max: 20 }),
  splits: fc.array(limits, { maxLength: 3 }),
});

test('no two outgoing profiles have equal labels and one time, whatever was joined, written in a dialect, cut, merged and split', () => {
  fc.assert(
    fc.property(way, (chosen) => {
      const sent = travel(chosen);
      assert.deepEqual(labelsAtOneTime(sent), []);
      for (const data of sent.filter(({ resourceProfiles }) => resourceProfiles.length > 0)) {
        assert.deepEqual(checkConformance(data), []);
      }
      assert.deepEqual(travel(chosen).map(withLists), sent.map(withLists), 'times are the same at each try');
    }),
    { numRuns },
  );
});

function travel({
  requests,
  isJoined,
  dialect,
  maxSamples,
  splits,
}: typeof way extends fc.Arbitrary<infer T> ? T : never) {
  const begun = isJoined ? [join(requests)] : requests.map((request) => mergeProfiles([request]));
  const written = begun.map((data) => applyDialect(data, dialect).data);
  const cut = written.map((data) => atOnce(new ProfileCutter(data, { maxSamples, maxConvertedBytes: 2000 }).cutAll()));
  let sent = [mergeProfiles(cut)];
  for (const each of splits) {
    sent = sent.flatMap((data) => splitProfiles(data, each).parts.map((part) => part.data));
  }
  return sent;
}

test('profiles of other labels or of other times stay as they are, and so does the data', () => {
  const data = buildData(
    { samples: [{ at: [1] }] },
    { samples: [{ at: [1] }], resource: { 'service.name': 'till' } },
    { samples: [{ at: [1] }], type: 'events/count' },
  );
  assert.equal(withDistinctTimes(data), data);
});

for (const { name, second, shift } of [
  { name: 'its attributes in another order', second: { resource: { b: 'y', a: 'x' } }, shift: 2n },
  { name: 'another scope name, which is no label', second: { resource: { a: 'x', b: 'y' } }, shift: 2n },
  { name: 'a scope attribute more', second: { resource: { a: 'x', b: 'y' }, scope: { c: 'z' } }, shift: 0n },
] as const) {
  test(`a profile of one resource with ${name} begins ${shift} ns later`, () => {
    const samples = [{ at: [100] }, { at: [200], stack: [{ names: ['other'] }] }];
    const data = buildData({ samples, resource: { a: 'x', b: 'y' } }, { samples, ...second });
    const { resourceProfiles } = withDistinctTimes(data);
    const [first, later] = profilesOf({ ...data, resourceProfiles }) as [Profile, Profile];
    assert.equal(first.timeUnixNano, startUnixNano);
    assert.equal(later.timeUnixNano, startUnixNano + shift);
    assert.equal(later.timeUnixNano + later.durationNano, startUnixNano + 5_000_000_000n, 'the end stays');
    assert.deepEqual(later.samples, first.samples);
  });
}

test('a timestamp before the start of a later part moves to it, and no further', () => {
  const samples = Array.from({ length: 4 }, (_, index) => ({ at: [0, 7], stack: [{ names: [`f${index}`] }] }));
  const parts = splitProfiles(buildData({ samples }), { maxItems: 1 }).parts.flatMap(({ data }) => profilesOf(data));
  assert.deepEqual(
    parts.map(({ samples: [sample] }) => sample!.timestampsUnixNano.map((at) => at - startUnixNano)),
    [0n, 1n, 2n, 3n].map((start) => [start, 7n]),
  );
});

test('an unknown start stays unknown', () => {
  const data = mapProfiles(
    buildData({ samples: [{ values: [1n] }, { values: [1n], stack: [{ names: ['b'] }] }] }),
    (each) => ({
      ...each,
      timeUnixNano: 0n,
    }),
  );
  const parts = splitProfiles(data, { maxItems: 1 }).parts.flatMap(({ data: part }) => profilesOf(part));
  assert.deepEqual(
    parts.map(({ timeUnixNano }) => timeUnixNano),
    [0n, 0n],
  );
});

/** Labels, as a series of Pyroscope has them, that two profiles have at one time. */
function labelsAtOneTime(requests: readonly ProfilesData[]): string[] {
  const seen = new Map<string, Profile>();
  const doubled: string[] = [];
  for (const { resourceProfiles, dictionary } of requests) {
    const text = (index: number): string => dictionary.stringTable.at(index)!;
    for (const { resource, scopeProfiles } of resourceProfiles) {
      for (const { scope, profiles } of scopeProfiles) {
        for (const profile of profiles) {
          const { sampleType, periodType } = profile;
          const types = [sampleType, periodType].map((type) => `${text(type.typeStrindex)}/${text(type.unitStrindex)}`);
          for (const { attributeIndices } of profile.samples) {
            const own = attributeIndices.map((index): KeyValue => {
              const { keyStrindex, value } = dictionary.attributeTable[index]!;
              return { key: text(keyStrindex), value };
            });
            const labels = [...resource.attributes, ...scope.attributes, ...own].map(
              ({ key, value }) => `${key}=${value}`,
            );
            const series = `${labels.sort()} ${types} at ${profile.timeUnixNano}`;
            const other = seen.get(series);
            if (other !== undefined && other !== profile) doubled.push(series);
            seen.set(series, profile);
          }
        }
      }
    }
  }
  return doubled;
}

function join(requests: readonly ProfilesData[]): ProfilesData {
  const joiner = new ProfilesJoiner(() => new Uint8Array(16).fill(9));
  for (const request of requests) joiner.add(request);
  return joiner.build();
}

function mapProfiles(data: ProfilesData, change: (profile: Profile) => Profile): ProfilesData {
  const resourceProfiles = data.resourceProfiles.map((resource) => ({
    ...resource,
    scopeProfiles: resource.scopeProfiles.map((scope) => ({ ...scope, profiles: scope.profiles.map(change) })),
  }));
  return { ...data, resourceProfiles };
}

function profilesOf({ resourceProfiles }: ProfilesData): Profile[] {
  return resourceProfiles.flatMap(({ scopeProfiles }) => scopeProfiles.flatMap(({ profiles }) => profiles));
}
