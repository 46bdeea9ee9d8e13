import assert from 'node:assert/strict';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { mergeProfiles, ProfilesJoiner } from '../../src/profile/join/profiles-joiner.ts';
import { splitProfiles } from '../../src/profile/split/split-profiles.ts';
import type { BenchSuite } from './bench.ts';
import { compareInRounds } from './bench.ts';
import { syntheticProfiles } from './synthetic-profiles.ts';

const cycleCount = 4;
const sampleCount = cycleCount * 1000;

/**
 * Splitting against encoding what comes out of it, merging and joining against decoding what goes in: what has to be done
 * in any case.
 */
export const suite: BenchSuite = {
  name: 'split',
  async run({ rounds }) {
    const encoded = encodeProfilesData(syntheticProfiles());
    const cycles = Array.from({ length: cycleCount }, () => decodeProfilesData(encoded));
    const whole = mergeProfiles(cycles);
    const sizeBytes = encodeProfilesData(whole).length;
    const comparison = {
      unit: 'ns/sample',
      rounds,
      runsPerRound: 2,
      convert: (nanoseconds: number) => nanoseconds / sampleCount,
    };
    const rows = compareInRounds(
      [
        { what: `decode ${cycleCount} cycles`, run: () => cycles.map(() => decodeProfilesData(encoded)) },
        { what: `merge ${cycleCount} cycles`, run: () => mergeProfiles(cycles) },
        { what: `join ${cycleCount} cycles`, run: () => join(cycles) },
        { what: `encode ${cycleCount} merged cycles`, run: () => encodeProfilesData(whole) },
      ],
      comparison,
    );
    for (const count of [1, 4, 16]) {
      const maxBytes = Math.ceil(sizeBytes / count);
      const { parts, tooLargeSampleCount } = splitProfiles(whole, { maxBytes });
      assert.equal(tooLargeSampleCount, 0);
      rows.push(
        ...compareInRounds(
          [
            { what: `encode ${parts.length} parts`, run: () => parts.map(({ data }) => encodeProfilesData(data)) },
            { what: `split into ${parts.length} parts`, run: () => splitProfiles(whole, { maxBytes }) },
          ],
          comparison,
        ),
      );
    }
    return rows;
  },
};

/** As the reporting cycle does it: one request after the other. */
function join(cycles: readonly ProfilesData[]): ProfilesData {
  const joiner = new ProfilesJoiner(() => new Uint8Array(16));
  for (const cycle of cycles) joiner.add(cycle);
  return joiner.build();
}
