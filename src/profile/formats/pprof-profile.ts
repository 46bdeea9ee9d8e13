/**
 * A profile in pprof's format (https://github.com/google/pprof/blob/main/proto/profile.proto) with its texts in place. Tables
 * are numbered from 1: entry 0 of each is unused, and index 0 means none, as in OTLP's dictionary.
 */
export interface PprofProfile {
  readonly sampleTypes: readonly PprofValueType[];
  readonly samples: readonly PprofSample[];
  readonly mappings: readonly PprofMapping[];
  readonly locations: readonly PprofLocation[];
  readonly functions: readonly PprofFunction[];
  readonly timeUnixNano: bigint;
  readonly durationNano: bigint;
  readonly periodType: PprofValueType | undefined;
  readonly period: bigint;
  readonly comments: readonly string[];
  /** Type of a sample type; empty for the last one. */
  readonly defaultSampleType: string;
  readonly dropFrames: string;
  readonly keepFrames: string;
  readonly docUrl: string;
}

export interface PprofValueType {
  readonly type: string;
  readonly unit: string;
}

export interface PprofSample {
  /** Leaf first. */
  readonly locations: readonly number[];
  /** Values by the sample types, in their order. */
  readonly values: readonly bigint[];
  readonly labels: readonly PprofLabel[];
}

/** A text, or a number with its unit. */
export type PprofLabel =
  | { readonly key: string; readonly text: string }
  | { readonly key: string; readonly number: bigint; readonly unit: string };

export interface PprofMapping {
  readonly start: bigint;
  readonly limit: bigint;
  readonly offset: bigint;
  readonly file: string;
  readonly buildId: string;
  /** True if all locations of the mapping have functions, and these file and line: then nothing is left to symbolize. */
  readonly hasFunctions: boolean;
  readonly hasFilenames: boolean;
  readonly hasLineNumbers: boolean;
  readonly hasInlineFrames: boolean;
}

/** Stands before a build ID that is OpenTelemetry's hash of the file, so that nobody takes it for a GNU build ID. */
export const htlHashPrefix = 'htlhash:';

export interface PprofLocation {
  readonly mapping: number;
  readonly address: bigint;
  /** Innermost inlined function first. */
  readonly lines: readonly { readonly function: number; readonly line: bigint; readonly column: bigint }[];
  readonly isFolded: boolean;
}

export interface PprofFunction {
  readonly name: string;
  readonly systemName: string;
  readonly file: string;
  readonly startLine: bigint;
}
