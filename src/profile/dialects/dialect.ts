import type { ProfileType } from '../../model/profile-type.ts';
import type { AnyValue, KeyValue } from '../../otlp/profiles-data.ts';

export const dialectNames = ['generic', 'pyroscope', 'parca', 'devfiler', 'elastic'] as const;

/** Which backend OTLP profiles are written for. `generic` is OTLP as it is. */
export type DialectName = (typeof dialectNames)[number];

/** What a backend wants otherwise than OTLP as it is. Every function is pure. */
export interface Dialect {
  /** Whether the backend takes profiles of this type; others are dropped and counted. */
  isTaken(type: ProfileType): boolean;
  /** The type under the names, and with the period, that the backend shows right. */
  profileType(type: ProfileType): ProfileType;
  /**
   * `total`: one value, no timestamps. `moments`: a timestamp for each observation, the profile's start where none is
   * known. `uniform`: the one of both that the profile has already.
   */
  readonly sampleShape: 'total' | 'moments' | 'uniform';
  /** The value to send in place of this one; `undefined` leaves the attribute out. */
  resourceAttribute(key: string, value: AnyValue): AnyValue;
  readonly maxResourceAttributes: number;
  sampleAttribute(key: string, value: AnyValue): AnyValue;
  readonly maxSampleAttributes: number;
  mappingAttributes(attributes: readonly KeyValue[]): readonly KeyValue[];
  /** `profile.frame.type` to send; `type` is empty when the location has none. */
  frameType(type: string): string;
  /** Whether a frame keeps its mapping. */
  keepsMapping(frameType: string, address: bigint): boolean;
  /** Name for a frame that nobody named; empty leaves it nameless. `file` is the mapping's, or empty. */
  namelessFrame(file: string, address: bigint): string;
  /** Whether profiles of one type become one where their resources have become equal. */
  readonly mergesProfiles: boolean;
  /** Bounds on one profile, which is cut into several at them; `undefined`: none. */
  readonly limits: ProfileLimits | undefined;
}

export interface ProfileLimits {
  readonly maxSamples: number;
  /** Of the pprof that the backend makes of it, as `convertedSize` estimates it. */
  readonly maxConvertedBytes: number;
}

/** Everything as it is: what a dialect says otherwise comes after `...asReceived`. */
export const asReceived: Dialect = {
  isTaken: () => true,
  profileType: (type) => type,
  sampleShape: 'uniform',
  resourceAttribute: (_key, value) => value,
  maxResourceAttributes: Infinity,
  sampleAttribute: (_key, value) => value,
  maxSampleAttributes: Infinity,
  mappingAttributes: (attributes) => attributes,
  frameType: (type) => type,
  keepsMapping: () => true,
  namelessFrame: () => '',
  mergesProfiles: false,
  limits: undefined,
};
