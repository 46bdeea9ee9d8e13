/** Content of a file of OTLP profiles. All texts are as found; counts and totals are exact. */
export interface ProfilesSummary {
  readonly resources: readonly ResourceSummary[];
  readonly types: readonly TypeSummary[];
}

export interface ResourceSummary {
  /** Attribute values as text, in their order. */
  readonly attributes: Readonly<Record<string, string>>;
  /** `name version`, each once. */
  readonly scopes: readonly string[];
  readonly profiles: number;
  readonly samples: number;
}

/** All profiles of one sample type. */
export interface TypeSummary {
  /** E.g. `samples/count`. */
  readonly sampleType: string;
  /** E.g. `cpu/nanoseconds`; empty when there is none. */
  readonly periodType: string;
  readonly period: bigint;
  readonly profiles: number;
  readonly samples: number;
  /** Timestamps, or 1 for a sample without. */
  readonly observations: number;
  /** Sum of the values; an observation without a value counts 1. */
  readonly total: bigint;
  /** From the earliest profile's start to the latest one's end. */
  readonly startUnixNano: bigint;
  readonly endUnixNano: bigint;
  readonly frameTypes: readonly FrameTypeSummary[];
  /** By mapping file, most first. */
  readonly unnamed: readonly UnnamedSummary[];
  /** By self, then by total, most first. */
  readonly functions: readonly FunctionSummary[];
}

/** Frames of one `profile.frame.type`. A frame counts once for each observation that it is in. */
export interface FrameTypeSummary {
  readonly frameType: string;
  readonly frames: bigint;
  readonly named: bigint;
  /** Named code that a runtime made for itself. */
  readonly stubs: bigint;
  readonly unnamed: bigint;
  /** Part of the total that was measured in a frame of this type itself. */
  readonly self: bigint;
  /** Part of `self` that was measured in stubs. */
  readonly stubSelf: bigint;
}

export interface UnnamedSummary {
  /** Empty when the frames have no mapping. */
  readonly file: string;
  /** Distinct addresses. */
  readonly addresses: number;
  readonly frames: bigint;
}

export interface FunctionSummary {
  /** Name, or file and address. */
  readonly name: string;
  readonly file: string;
  readonly frameType: string;
  readonly self: bigint;
  readonly total: bigint;
}
