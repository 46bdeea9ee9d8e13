import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { FrameReader, frameLabel } from '../../src/profile/flame/frame-reader.ts';
import type { Attributes } from './build-data.ts';

export interface PlainProfile {
  readonly resource: Attributes;
  /** `type/unit`. */
  readonly type: string;
  /** `period type/unit`, or empty. */
  readonly period: string;
  readonly samples: readonly PlainSample[];
}

export interface PlainSample {
  /** `type:label@mapping file`, leaf first. */
  readonly stack: readonly string[];
  readonly attributes: Attributes;
  readonly values: readonly bigint[];
  /** Nanoseconds after the start of the profile. */
  readonly at: readonly number[];
}

/** Profiles with every index resolved, to be compared with what a test expects. */
export function plainProfiles({ resourceProfiles, dictionary }: ProfilesData): PlainProfile[] {
  const reader = new FrameReader(dictionary);
  const attributes = (indices: readonly number[]): Attributes =>
    Object.fromEntries(
      indices.map((index) => {
        const { keyStrindex, value } = dictionary.attributeTable[index]!;
        return [reader.text(keyStrindex), value];
      }),
    );
  return resourceProfiles.flatMap(({ resource, scopeProfiles }) =>
    scopeProfiles.flatMap(({ profiles }) =>
      profiles.map(({ sampleType, periodType, period, samples, timeUnixNano }) => ({
        resource: Object.fromEntries(resource.attributes.map(({ key, value }) => [key, value])),
        type: `${reader.text(sampleType.typeStrindex)}/${reader.text(sampleType.unitStrindex)}`,
        period:
          periodType.typeStrindex === 0 && period === 0n
            ? ''
            : `${period} ${reader.text(periodType.typeStrindex)}/${reader.text(periodType.unitStrindex)}`,
        samples: [...samples].map(({ stackIndex, attributeIndices, values, timestampsUnixNano }) => ({
          stack: reader
            .stackFrames(stackIndex)
            .map((frame) => `${frame.frameType}:${frameLabel(frame)}${frame.mappingFile && `@${frame.mappingFile}`}`),
          attributes: attributes(attributeIndices),
          values,
          at: timestampsUnixNano.map((moment) => Number(moment - timeUnixNano)),
        })),
      })),
    ),
  );
}
