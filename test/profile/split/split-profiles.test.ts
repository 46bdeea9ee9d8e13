import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ProfilesData } from '../../../src/otlp/profiles-data.ts';
import { countSamples } from '../../../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { checkConformance } from '../../../src/profile/check/check-conformance.ts';
import { splitProfiles } from '../../../src/profile/split/split-profiles.ts';
import { syntheticProfiles } from '../../bench/synthetic-profiles.ts';
import { assertSameProfiles, normalForm } from '../../interop/normal-form.ts';
import { arbitraryRequest, withoutIdentity } from '../../otlp/arbitrary-request.ts';
import { goodProfiles } from '../../otlp/good-profiles.ts';

// Each run splits a whole request in several ways.
const numRuns = Math.ceil(Number(process.env.PROPERTY_RUNS ?? 250) / 10);

test('parts hold exactly the samples of the whole, in their order, and conform', () => {
  fc.assert(
    fc.property(
      arbitraryRequest,
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 300, max: 3000 }),
      (data, maxItems, maxBytes) => {
        for (const limits of [{ maxItems }, { maxBytes }, { maxItems, maxBytes }]) {
          const { parts, tooLargeSampleCount } = splitProfiles(data, limits);
          for (const { data: part, sampleCount, sizeBytes } of parts) {
            assert.deepEqual(checkConformance(part), []);
            assert.equal(sizeBytes, encodeProfilesData(part).length);
            assert.equal(sampleCount, countSamples(part));
            if ('maxBytes' in limits) assert.ok(sizeBytes <= maxBytes);
            if ('maxItems' in limits) assert.ok(sampleCount <= maxItems);
          }
          if (!('maxBytes' in limits)) assert.equal(tooLargeSampleCount, 0);
          const found = parts.map(({ data: part }) => withoutIdentity(part));
          if (tooLargeSampleCount === 0) {
            // A profile without samples for which there is no room is left out: no sample is missed.
            const toCompare = 'maxBytes' in limits ? withoutEmptyProfiles : (whole: ProfilesData) => whole;
            const sent = toCompare(withoutIdentity(data));
            assertSameProfiles(normalForm(found.map(toCompare)), normalForm([sent]));
          }
          assert.equal(sum(parts.map(({ sampleCount }) => sampleCount)) + tooLargeSampleCount, countSamples(data));
        }
      },
    ),
    { numRuns },
  );
});

test('every part is as full as it can be: one byte less, and it is two', () => {
  fc.assert(
    fc.property(arbitraryRequest, fc.integer({ min: 500, max: 2000 }), (data, maxBytes) => {
      for (const { data: part, sizeBytes } of splitProfiles(data, { maxBytes }).parts) {
        assert.equal(splitProfiles(part, { maxBytes: sizeBytes }).parts.length, 1);
        const { parts, tooLargeSampleCount } = splitProfiles(part, { maxBytes: sizeBytes - 1 });
        assert.ok(parts.length === 2 || tooLargeSampleCount > 0 || hasPayload(part) || countSamples(part) === 0);
      }
    }),
    { numRuns: 2 * numRuns },
  );
});

test('a request within its limits is one part that encodes to the same bytes', () => {
  const data = goodProfiles();
  const bytes = encodeProfilesData(data);
  const { parts } = splitProfiles(data, { maxBytes: bytes.length, maxItems: 2 });
  assert.equal(parts.length, 1);
  assert.equal(parts[0]!.sizeBytes, bytes.length);
  assertSameProfiles(normalForm([parts[0]!.data]), normalForm([data]));
  assert.equal(splitProfiles(data, { maxBytes: bytes.length - 1 }).parts.length, 2);
});

test('what nobody uses stays behind, and an index that points nowhere becomes nothing', () => {
  const data = goodProfiles();
  data.dictionary.stringTable.push('orphan');
  data.dictionary.stackTable.push({ locationIndices: [1] });
  profileOf(data).samples[0]!.stackIndex = 99;
  const [part] = splitProfiles(data, {}).parts;
  assert.deepEqual(checkConformance(part!.data), []);
  assert.equal(profileOf(part!.data).samples.at(0)!.stackIndex, 0);
});

test('the first part of a profile keeps its ID, later parts get one that is the same at every try', () => {
  const data = oneProfile(6);
  const idsOf = (whole: ProfilesData): string[] =>
    splitProfiles(whole, { maxItems: 2 }).parts.map(({ data: part }) => hex(profileOf(part).profileId));
  const ids = idsOf(data);
  assert.equal(ids[0], hex(profileOf(data).profileId));
  assert.deepEqual([new Set(ids).size, ids.every((id) => id.length === 32)], [3, true]);
  assert.deepEqual(idsOf(data), ids);

  // Parts of parts do not meet parts of the whole.
  const halves = splitProfiles(data, { maxItems: 3 }).parts.map(({ data: part }) => part);
  const quarters = halves.flatMap((half) => idsOf(half));
  assert.equal(new Set([...quarters, hex(profileOf(halves[1]!).profileId)]).size, 4);
  profileOf(data).profileId = new Uint8Array(0);
  assert.deepEqual(idsOf(data), ['', '', '']);
});

test('an original payload goes with the first part alone, and is left out where it has no room', () => {
  const data = oneProfile(4);
  Object.assign(profileOf(data), { originalPayloadFormat: 'jfr', originalPayload: new Uint8Array(5000) });
  const payloads = (limits: { maxBytes?: number; maxItems?: number }): number[] =>
    splitProfiles(data, limits).parts.map(({ data: part }) => profileOf(part).originalPayload.length);
  assert.deepEqual(payloads({ maxItems: 2 }), [5000, 0]);
  assert.deepEqual(payloads({ maxBytes: 4000 }), [0]);
  const { droppedPayloadCount, tooLargeSampleCount, parts } = splitProfiles(data, { maxBytes: 4000 });
  assert.deepEqual([droppedPayloadCount, tooLargeSampleCount], [1, 0]);
  assert.deepEqual(checkConformance(parts[0]!.data), []);
});

test('a sample that fits in no part is left out and counted; all others are kept', () => {
  const data = oneProfile(5);
  const { samples } = profileOf(data);
  samples[2]!.timestampsUnixNano = Array.from({ length: 500 }, (_, i) => profileOf(data).timeUnixNano + BigInt(i));
  const { parts, tooLargeSampleCount } = splitProfiles(data, { maxBytes: 1000 });
  assert.deepEqual([sum(parts.map(({ sampleCount }) => sampleCount)), tooLargeSampleCount], [4, 1]);
  assert.deepEqual(splitProfiles(data, { maxBytes: 10 }), {
    parts: [],
    tooLargeSampleCount: 5,
    overBudgetSampleCount: 0,
    largestEntry: '',
    droppedPayloadCount: 0,
  });
});

test('a reporting cycle of a busy node comes apart into parts of exactly known size', () => {
  const data = syntheticProfiles();
  const few = splitProfiles(data, { maxBytes: 100_000 });
  const many = splitProfiles(data, { maxBytes: 10_000 });
  assert.deepEqual([few.tooLargeSampleCount, many.tooLargeSampleCount], [0, 0]);
  assert.equal(sum(many.parts.map(({ sampleCount }) => sampleCount)), 1000);
  for (const { sizeBytes, data: part } of [...few.parts, ...many.parts]) {
    assert.equal(sizeBytes, encodeProfilesData(part).length);
  }
});

test('the largest entry is named where samples are over the budget, in lists and in columns', () => {
  const { resourceProfiles, dictionary } = syntheticProfiles();
  const stringTable = [...dictionary.stringTable];
  stringTable[7] = 'é'.repeat(2_000);
  const listed = { resourceProfiles, dictionary: { ...dictionary, stringTable } };
  for (const data of [listed, decodeProfilesData(encodeProfilesData(listed))]) {
    const limits = { maxBytes: 10_000, maxTotalBytes: () => 30_000 };
    const { overBudgetSampleCount, largestEntry } = splitProfiles(data, limits);
    assert.ok(overBudgetSampleCount > 0);
    assert.equal(largestEntry, 'stringTable[7] with 4003 bytes');
  }
});

/** A profile of `count` samples with the same stack and thread names of their own. */
function oneProfile(count: number): ReturnType<typeof goodProfiles> {
  const data = goodProfiles();
  const profile = profileOf(data);
  profile.samples = Array.from({ length: count }, (_, i) => {
    const attribute = data.dictionary.attributeTable.push({ keyStrindex: 12, value: `t${i}`, unitStrindex: 0 }) - 1;
    return { ...profile.samples[0]!, attributeIndices: [attribute] };
  });
  return data;
}

function profileOf<T extends ProfilesData>(
  data: T,
): T['resourceProfiles'][number]['scopeProfiles'][number]['profiles'][number] {
  return data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!;
}

function hasPayload(data: ProfilesData): boolean {
  return data.resourceProfiles.some(({ scopeProfiles }) =>
    scopeProfiles.some(({ profiles }) => profiles.some(({ originalPayload }) => originalPayload.length > 0)),
  );
}

function withoutEmptyProfiles(data: ProfilesData): ProfilesData {
  const resourceProfiles = data.resourceProfiles.map((entry) => ({
    ...entry,
    scopeProfiles: entry.scopeProfiles.map((scopeProfiles) => ({
      ...scopeProfiles,
      profiles: scopeProfiles.profiles.filter(({ samples }) => samples.length > 0),
    })),
  }));
  return { ...data, resourceProfiles };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
