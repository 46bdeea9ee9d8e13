import type { SampleColumns } from '../../model/frame-batch.ts';

/**
 * The first `sampleCount` samples, and of their moments those with the numbers `moments`, rising; `undefined`: all of them. A
 * sample that keeps none is left out.
 */
export function selectMoments(
  samples: SampleColumns,
  sampleCount: number,
  moments: Uint32Array | undefined,
): SampleColumns {
  if (moments === undefined) return { ...samples, count: Math.min(sampleCount, samples.count) };
  const kept: number[] = [];
  const momentStart = [0];
  let next = 0;
  for (let sample = 0; sample < Math.min(sampleCount, samples.count); sample++) {
    const first = next;
    while (next < moments.length && moments[next]! < samples.momentStart[sample + 1]!) next++;
    if (next === first) continue;
    kept.push(sample);
    momentStart.push(next);
  }
  const column = (values: Uint32Array): Uint32Array => Uint32Array.from(kept, (sample) => values[sample]!);
  return {
    count: kept.length,
    stack: column(samples.stack),
    process: column(samples.process),
    profileType: column(samples.profileType),
    threadId: column(samples.threadId),
    threadName: column(samples.threadName),
    cpuPlusOne: column(samples.cpuPlusOne),
    link: column(samples.link),
    labelSet: column(samples.labelSet),
    momentStart: Uint32Array.from(momentStart),
    timestampsUnixNano: BigUint64Array.from(moments, (moment) => samples.timestampsUnixNano[moment]!),
    values: BigInt64Array.from(moments, (moment) => samples.values[moment]!),
  };
}
