import type { ProfileType } from '../../model/profile-type.ts';
import type { AnyValue, KeyValue } from '../../otlp/profiles-data.ts';

export const dialectNames = ['generic', 'pyroscope', 'parca', 'devfiler', 'elastic'] as const;

/** Backend that OTLP profiles are written for. `generic` is OTLP as it is. */
export type DialectName = (typeof dialectNames)[number];

/** Options of an exporter's dialect; each has an effect in one dialect alone. */
export interface DialectOptions {
  /** Pyroscope: keys of labels have `_` in place of dots. */
  readonly underscores: boolean;
  /** Parca: each function is written twice, see `withFunctionsTwice`. */
  readonly functionsTwice: boolean;
}

export const defaultDialectOptions: DialectOptions = { underscores: false, functionsTwice: true };

/** Differences between OTLP as it is and OTLP as a backend wants it. Every function is pure. */
export interface Dialect {
  /** True when the backend takes profiles of this type; others are dropped and counted. */
  isTaken(type: ProfileType): boolean;
  /** Profile type with the names and the period that the backend shows right. */
  profileType(type: ProfileType): ProfileType;
  /** Form of the observations, as `inShape` writes it. */
  readonly sampleShape: 'sums' | 'timestamps' | 'uniform';
  /** Value to send in place of the given value; `undefined` leaves the attribute out. */
  resourceAttribute(key: string, value: AnyValue): AnyValue;
  /** Attributes of a resource that the backend needs and that follow from the given ones. */
  resourceAdditions(attributes: readonly KeyValue[]): readonly KeyValue[];
  /** Key to send in place of the given key, of attributes of resources, scopes and samples. */
  attributeKey(key: string, options: DialectOptions): string;
  readonly maxResourceAttributes: number;
  sampleAttribute(key: string, value: AnyValue): AnyValue;
  readonly maxSampleAttributes: number;
  /** Attributes of a mapping to send, of the given ones. */
  mappingAttributes<T extends KeyValue>(attributes: readonly T[]): readonly T[];
  /** `profile.frame.type` to send; `type` is empty when the location has none. */
  frameType(type: string): string;
  /** True when a frame keeps its mapping. */
  keepsMapping(frameType: string, address: bigint): boolean;
  /** Name for a frame without a name; empty leaves the frame nameless. `file` is that of the mapping, or empty. */
  namelessFrame(file: string, address: bigint): string;
  /** True when profiles of one type become one where their resources have become equal. */
  readonly mergesProfiles: boolean;
  /** Bounds of one profile; a larger one is cut. `undefined`: none. */
  readonly limits: ProfileLimits | undefined;
}

export interface ProfileLimits {
  readonly maxSamples: number;
  /** Bytes of the pprof that the backend makes of the profile, as `ConvertedSize` estimates them. */
  readonly maxConvertedBytes: number;
}

/** Everything as it is; a dialect writes its differences after `...asReceived`. */
export const asReceived: Dialect = {
  isTaken: () => true,
  profileType: (type) => type,
  sampleShape: 'uniform',
  resourceAttribute: (_key, value) => value,
  resourceAdditions: () => [],
  attributeKey: (key) => key,
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
