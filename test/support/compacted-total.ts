import type { KeyValue, ProfilesData } from '../../src/otlp/profiles-data.ts';

/** Observations that a backend got, and those that are left after its compaction. */
export interface Totals {
  readonly received: bigint;
  readonly kept: bigint;
}

/**
 * What Pyroscope keeps of requests: attributes of resource, scope and sample are the labels of a series, and of the profiles with
 * equal labels, types and `time_unix_nano`, its compaction keeps one (pkg/block/section_profiles.go,
 * DedupeProfileRowIterator; measured). A profile that is sent again is so harmless, and parts with equal times are lost.
 */
export function compactedTotals(requests: readonly ProfilesData[]): Totals {
  let received = 0n;
  const kept = new Map<string, bigint>();
  for (const { resourceProfiles, dictionary } of requests) {
    const text = (index: number): string => dictionary.stringTable.at(index)!;
    const labelsOf = (attributes: readonly KeyValue[]): string[] =>
      attributes.map(({ key, value }) => `${key}=${value}`);
    for (const { resource, scopeProfiles } of resourceProfiles) {
      for (const { scope, profiles } of scopeProfiles) {
        const labels = [...labelsOf(resource.attributes), ...labelsOf(scope.attributes)];
        for (const { samples, sampleType, periodType, timeUnixNano } of profiles) {
          const rows = new Map<string, bigint>();
          const types = [sampleType.typeStrindex, sampleType.unitStrindex, periodType.typeStrindex].map(text);
          for (const { attributeIndices, values, timestampsUnixNano } of samples) {
            const own = attributeIndices.map((index) => {
              const { keyStrindex, value } = dictionary.attributeTable[index]!;
              return { key: text(keyStrindex), value };
            });
            const series = `${[...labels, ...labelsOf(own)].sort()} ${types} at ${timeUnixNano}`;
            const value = values.length === 0 ? BigInt(timestampsUnixNano.length) : values.reduce((a, b) => a + b);
            rows.set(series, (rows.get(series) ?? 0n) + value);
            received += value;
          }
          for (const [series, value] of rows) kept.set(series, value);
        }
      }
    }
  }
  return { received, kept: [...kept.values()].reduce((a, b) => a + b, 0n) };
}
