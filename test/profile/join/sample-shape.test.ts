import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Profile } from '../../../src/otlp/profiles-data.ts';
import { columnsOf } from '../../../src/otlp/sample-columns.ts';
import { inShape, shapeOf } from '../../../src/profile/join/sample-shape.ts';
import { atOnce } from '../../../src/support/steps.ts';
import type { TestSample } from '../../support/build-data.ts';
import { buildData, startUnixNano } from '../../support/build-data.ts';

function profileOf(samples: readonly TestSample[], changes: Partial<Profile> = {}): Profile {
  return { ...buildData({ samples }).resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!, ...changes };
}

for (const { name, samples, shape } of [
  { name: 'timestamps', samples: [{ at: [1, 2] }, { at: [3] }], shape: 'timestamps' },
  { name: 'one value each', samples: [{ values: [5n] }, { values: [1n] }], shape: 'sums' },
  { name: 'a value for each timestamp', samples: [{ at: [1, 2], values: [5n, 6n] }], shape: 'timestamps with values' },
  { name: 'no samples', samples: [], shape: 'nothing' },
  { name: 'two shapes', samples: [{ at: [1] }, { values: [5n] }], shape: undefined },
  { name: 'fewer values than timestamps', samples: [{ at: [1, 2], values: [5n] }], shape: undefined },
  { name: 'several values without timestamps', samples: [{ values: [5n, 6n] }], shape: undefined },
] as const) {
  test(`shapeOf tells ${shape} of a profile with ${name}`, () =>
    assert.equal(shapeOf(columnsOf(profileOf(samples).samples)), shape));
}

for (const { wanted, samples, written } of [
  {
    wanted: 'sums',
    samples: [{ at: [1, 2] }, { at: [1], values: [7n] }],
    written: [
      [[2n], []],
      [[7n], []],
    ],
  },
  {
    wanted: 'uniform',
    samples: [{ values: [3n] }, { values: [4n] }],
    written: [
      [[3n], []],
      [[4n], []],
    ],
  },
  {
    wanted: 'uniform',
    samples: [{ at: [1] }, { values: [1n] }],
    written: [
      [[], [1n]],
      [[], [0n]],
    ],
  },
  {
    wanted: 'timestamps',
    samples: [{ at: [1, 2], values: [5n] }],
    written: [
      [
        [5n, 1n],
        [1n, 2n],
      ],
    ],
  },
  { wanted: 'timestamps', samples: [{ at: [-5, 6_000_000_000] }], written: [[[], [0n, 4_999_999_999n]]] },
] as const) {
  test(`inShape writes ${JSON.stringify(samples, (_, value) => (typeof value === 'bigint' ? Number(value) : value))} as ${wanted}`, () => {
    const shaped = atOnce(inShape(profileOf(samples as readonly TestSample[]), wanted));
    assert.deepEqual(
      [...shaped.samples].map(({ values, timestampsUnixNano }) => [
        values,
        timestampsUnixNano.map((at) => at - startUnixNano),
      ]),
      written,
    );
    assert.notEqual(shapeOf(columnsOf(shaped.samples)), undefined);
  });
}

test('inShape gives a profile without duration one nanosecond, in which its samples are', () => {
  const shaped = atOnce(inShape(profileOf([{ at: [0, 9] }], { durationNano: 0n }), 'timestamps'));
  assert.equal(shaped.durationNano, 1n);
  assert.deepEqual(shaped.samples.at(0)!.timestampsUnixNano, [startUnixNano, startUnixNano]);
});
