import type { ProfilesData, Sample } from '../../src/otlp/profiles-data.ts';

/** One sample with everything it refers to written out, as a reader of the profile sees it. */
export interface PlainSample {
  readonly service: string;
  readonly type: string;
  /** Leaf first; the name, or the address in hexadecimal where there is none. */
  readonly frames: readonly string[];
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly timestamps: readonly bigint[];
  readonly values: readonly bigint[];
  readonly range: readonly [bigint, bigint];
}

export function plainSamples(data: ProfilesData | undefined): PlainSample[] {
  const samples: PlainSample[] = [];
  for (const { resource, scopeProfiles } of data?.resourceProfiles ?? []) {
    const service = String(resource.attributes.find(({ key }) => key === 'service.name')?.value);
    for (const profile of scopeProfiles.flatMap(({ profiles }) => profiles)) {
      const { typeStrindex, unitStrindex } = profile.sampleType;
      const strings = data!.dictionary.stringTable;
      for (const sample of profile.samples) {
        samples.push({
          service,
          type: `${strings.at(typeStrindex)}/${strings.at(unitStrindex)}`,
          frames: framesOf(data!, sample),
          attributes: attributesOf(data!, sample.attributeIndices),
          timestamps: sample.timestampsUnixNano,
          values: sample.values,
          range: [profile.timeUnixNano, profile.timeUnixNano + profile.durationNano],
        });
      }
    }
  }
  return samples;
}

export function attributesOf({ dictionary }: ProfilesData, indices: readonly number[]): Record<string, unknown> {
  return Object.fromEntries(
    indices.map((index) => {
      const { keyStrindex, value } = dictionary.attributeTable[index]!;
      return [dictionary.stringTable.at(keyStrindex)!, value];
    }),
  );
}

function framesOf({ dictionary }: ProfilesData, sample: Sample): string[] {
  return dictionary.stackTable.at(sample.stackIndex)!.locationIndices.flatMap((index) => {
    const { address, lines } = dictionary.locationTable.at(index)!;
    if (lines.length === 0) return [`0x${address.toString(16)}`];
    return lines.map(
      ({ functionIndex }) => dictionary.stringTable.at(dictionary.functionTable.at(functionIndex)!.nameStrindex)!,
    );
  });
}
