import assert from 'node:assert/strict';
import { encodeProfilesData } from '../../src/otlp/encode-profiles-data.ts';
import { mergeProfiles } from '../../src/otlp/merge-profiles.ts';
import { splitProfiles } from '../../src/otlp/split-profiles.ts';
import type { BenchSuite } from './bench.ts';
import { compareInRounds } from './bench.ts';
import { syntheticProfiles } from './synthetic-profiles.ts';

const cycleCount = 4;
const sampleCount = cycleCount * 1000;

/** Splitting and merging, each against encoding what comes out of it: what has to be done in any case. */
export const suite: BenchSuite = {
  name: 'split',
  async run({ rounds }) {
    const cycles = Array.from({ length: cycleCount }, () => syntheticProfiles());
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
        { what: `encode ${cycleCount} merged cycles`, run: () => encodeProfilesData(whole) },
        { what: `merge ${cycleCount} cycles`, run: () => mergeProfiles(cycles) },
      ],
      comparison,
    );
    for (const parts of [1, 4, 16]) {
      const maxBytes = Math.ceil(sizeBytes / parts);
      const { pieces, tooLargeSampleCount } = splitProfiles(whole, { maxBytes });
      assert.equal(tooLargeSampleCount, 0);
      rows.push(
        ...compareInRounds(
          [
            { what: `encode ${pieces.length} pieces`, run: () => pieces.map(({ data }) => encodeProfilesData(data)) },
            { what: `split into ${pieces.length} pieces`, run: () => splitProfiles(whole, { maxBytes }) },
          ],
          comparison,
        ),
      );
    }
    return rows;
  },
};
