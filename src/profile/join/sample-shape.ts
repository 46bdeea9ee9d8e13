// hot

import type { Profile, Sample } from '../../otlp/profiles-data.ts';
import { noElements } from '../../otlp/profiles-data.ts';
import type { SampleColumns, SampleRange } from '../../otlp/sample-columns.ts';
import type { Steps } from '../../support/steps.ts';

/**
 * Form of the observations in the samples of a profile (the protocol allows one form a profile): timestamps that count 1 each,
 * one sum without timestamps, or timestamps with a value each. `nothing`: there are no samples.
 */
export type SampleShape = 'timestamps' | 'sums' | 'timestamps with values' | 'nothing';

/** Shape of the samples; `undefined` when they differ in shape or have none that the protocol knows, and so cannot be joined. */
export function shapeOf({ columns, first, length }: SampleRange): SampleShape | undefined {
  let shape: SampleShape | undefined = 'nothing';
  for (let i = 0; i < length; i++) {
    const own = shapeOfSample(columns, first + i);
    if (own === undefined || (i > 0 && own !== shape)) return undefined;
    shape = own;
  }
  return shape;
}

function shapeOfSample(columns: SampleColumns, sample: number): SampleShape | undefined {
  const values = columns.valuesEnd(sample) - columns.valuesStart(sample);
  const times = columns.timesEnd(sample) - columns.timesStart(sample);
  if (times === 0) return values === 1 ? 'sums' : undefined;
  if (values === 0) return 'timestamps';
  return values === times ? 'timestamps with values' : undefined;
}

type WantedShape = 'sums' | 'timestamps' | 'uniform';

/** A sample takes about a microsecond. */
const samplesAStep = 128;

/**
 * The profile with all its samples in one shape, and with a duration above 0. `sums`: one value a sample. `timestamps`: one for
 * each observation, the start of the profile where none is known, inside the profile, with values unless all are 1.
 * `uniform`: timestamps if a sample has some, else sums.
 */
export function* inShape(profile: Profile, wanted: WantedShape): Steps<Profile> {
  const { timeUnixNano } = profile;
  const samples = [...profile.samples];
  const durationNano = profile.durationNano > 0n ? profile.durationNano : 1n;
  const isTimed =
    wanted === 'timestamps' ||
    (wanted === 'uniform' && samples.some(({ timestampsUnixNano }) => timestampsUnixNano.length > 0));
  const shaped: Sample[] = [];
  for (let i = 0; i < samples.length; i++) {
    if (i % samplesAStep === samplesAStep - 1) yield;
    const sample = samples[i]!;
    shaped.push(isTimed ? toTimed(sample, timeUnixNano, timeUnixNano + durationNano - 1n) : toSum(sample));
  }
  if (!isTimed) return { ...profile, durationNano, samples: shaped };
  const timed = shaped;
  const isCount = timed.every(({ values }) => values.every((value) => value === 1n));
  return {
    ...profile,
    durationNano,
    samples: isCount ? timed.map((sample) => ({ ...sample, values: noElements })) : timed,
  };
}

function toSum(sample: Sample): Sample {
  const { values, timestampsUnixNano } = sample;
  const sum = values.length === 0 ? BigInt(timestampsUnixNano.length) : values.reduce((a, b) => a + b, 0n);
  return { ...sample, values: [sum], timestampsUnixNano: noElements };
}

function toTimed(sample: Sample, first: bigint, last: bigint): Sample {
  if (sample.timestampsUnixNano.length === 0) {
    return { ...sample, values: toSum(sample).values, timestampsUnixNano: [first] };
  }
  return {
    ...sample,
    values: sample.timestampsUnixNano.map((_, index) => sample.values[index] ?? 1n),
    timestampsUnixNano: sample.timestampsUnixNano.map((unixNano) => within(unixNano, first, last)),
  };
}

function within(unixNano: bigint, first: bigint, last: bigint): bigint {
  if (unixNano < first) return first;
  return unixNano > last ? last : unixNano;
}
