// hot
import type { MomentArrays } from './batch-columns.ts';
import type { TableSizes } from './read-frames.ts';
import type { RejectionCause, Rejections } from './rejections.ts';
import type { SampleTime } from './sample-time.ts';
import { outOfRange } from './wire.ts';

/** Names of `Sample`'s fields, by number. */
export const sampleFieldNames: readonly string[] = [
  '',
  'stack',
  'process',
  'profile_type',
  'thread_id',
  'thread_name',
  'cpu_plus_one',
  'link',
  'label_set',
  'timestamps',
  'values',
];
export const timestampsField = 9;
export const valuesField = 10;

/** What a sample is held against. */
export interface SampleChecks {
  readonly moments: MomentArrays;
  readonly sizes: TableSizes;
  readonly time: SampleTime;
  readonly rejections: Rejections;
}

interface ReadSample {
  readonly fields: Uint32Array;
  readonly index: number;
  readonly firstMoment: number;
}

/**
 * Whether a sample that has been read is whole: its references, its values, its times. One that is not is told to
 * `rejections`. Turns its timestamps into Unix nanoseconds and writes the values that it left out.
 */
export function isTaken({ fields, index, firstMoment }: ReadSample, checks: SampleChecks): boolean {
  const { moments, sizes, time, rejections } = checks;
  const stack = fields[1]!;
  const process = fields[2]!;
  const profileType = fields[3]!;
  const count = fields[timestampsField]!;
  const valueCount = fields[valuesField]!;
  if (stack === 0 || stack > sizes.stacks) return rejectIndex(rejections, index, 'stack', stack, 1, sizes.stacks);
  if (process === 0 || process > sizes.processes) {
    return rejectIndex(rejections, index, 'process', process, 1, sizes.processes);
  }
  if (profileType === 0 || profileType > sizes.profileTypes) {
    return rejectIndex(rejections, index, 'profile_type', profileType, 1, sizes.profileTypes);
  }
  if (fields[5]! > sizes.strings) return rejectIndex(rejections, index, 'thread_name', fields[5]!, 0, sizes.strings);
  if (fields[7]! > sizes.links) return rejectIndex(rejections, index, 'link', fields[7]!, 0, sizes.links);
  if (fields[8]! > sizes.labelSets) return rejectIndex(rejections, index, 'label_set', fields[8]!, 0, sizes.labelSets);
  if (count === 0) {
    rejections.addSample(index, 'timestamps', 'timestamps', () => 'empty; send the time of the sample');
    return false;
  }
  if (valueCount === 0) moments.values.fill(1n, firstMoment, firstMoment + count);
  else if (valueCount !== count || fields[0] !== 0) return rejectValues(rejections, index, fields);
  const far = time.convert(moments.timestampWords, firstMoment, firstMoment + count);
  return far < 0 || rejectTime(checks, index, far - firstMoment, moments.timestampsUnixNano[far]!);
}

function rejectIndex(
  rejections: Rejections,
  index: number,
  field: RejectionCause,
  value: number,
  least: 0 | 1,
  count: number,
): false {
  rejections.addSample(index, field, field, () => {
    const { problem, remedy } = outOfRange(value, least, count);
    return `${problem}; ${remedy}`;
  });
  return false;
}

function rejectValues(rejections: Rejections, index: number, fields: Uint32Array): false {
  const values = fields[valuesField]!;
  const timestamps = fields[timestampsField]!;
  rejections.addSample(index, 'values', 'values', () =>
    values !== timestamps
      ? `${values} values for ${timestamps} timestamps; send one a timestamp, or none where each counts 1`
      : 'a value is negative; send values of at least 0',
  );
  return false;
}

function rejectTime({ time, rejections }: SampleChecks, index: number, position: number, timestamp: bigint): false {
  const field = `timestamps[${position}]`;
  const now = `the service's time is ${time.nowUnixNano}`;
  const isLate = timestamp > time.latestUnixNano;
  rejections.addSample(index, field, isLate ? 'in_future' : 'too_old', () =>
    isLate
      ? `${timestamp} lies further in the future than max_future allows, ${now}; check the collector's clock and anchors`
      : `${timestamp} is older than max_age allows, ${now}; check the collector's clock and anchors`,
  );
  return false;
}
