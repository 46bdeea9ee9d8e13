/**
 * Kind of a node in a flame graph. `interpreted`: functions of a language whose bytecode is
 * interpreted; `managed`: functions that a runtime compiles (JVM, V8, .NET); `stub`: code that a runtime made for
 * itself; `unresolved`: without a name yet; `other`: nodes that were too small to keep.
 */
export type FrameClass =
  | 'root'
  | 'service'
  | 'kernel'
  | 'native'
  | 'managed'
  | 'interpreted'
  | 'stub'
  | 'unresolved'
  | 'other';

/** Function as a flame graph shows it. Texts are bounded by `maxTextLength`. */
export interface FlameFrame {
  readonly name: string;
  readonly class: FrameClass;
  /** `profile.frame.type`; empty when unknown. */
  readonly type: string;
  /** Path of the mapped file; empty when unknown. */
  readonly module: string;
  readonly file: string;
  /** First line of the function, or else its lowest line seen; 0 when unknown. */
  readonly line: number;
}

export const maxTextLength = 512;

/**
 * Stacks of one profile type, folded into a tree: root, services, then frames from the outermost caller to the leaf.
 * Columns are parallel, one element a node; a parent stands before its children. Node 0 is the root.
 */
export interface FlameTree {
  readonly type: FlameProfileType;
  readonly frames: readonly FlameFrame[];
  /** -1 for the root. */
  readonly parents: readonly number[];
  /** Indices of `frames`. */
  readonly nodeFrames: readonly number[];
  /**
   * Value of the node itself; a node's total is this and the totals of its children. A JavaScript number: for
   * drawing, so that a sum above 2^53 may be rounded.
   */
  readonly selfValues: readonly number[];
  /** Number of nodes that were folded into `other` nodes to keep to the bound. */
  readonly foldedNodes: number;
}

/** As `Profile.sampleType`, `periodType` and `period` of OTLP. Texts are bounded like those of a frame. */
export interface FlameProfileType {
  readonly sampleType: string;
  readonly sampleUnit: string;
  readonly periodType: string;
  readonly periodUnit: string;
  /** 0 when there is none. */
  readonly period: number;
}

/** Equal for equal profile types, e.g. `samples:count:cpu:nanoseconds:50000000`. */
export function profileTypeKey({ sampleType, sampleUnit, periodType, periodUnit, period }: FlameProfileType): string {
  return [sampleType, sampleUnit, periodType, periodUnit, period].join(':');
}

/** Everything that one reporting cycle has to draw. */
export interface FlameTrees {
  readonly trees: readonly FlameTree[];
  /** Samples left out because there were too many profile types. */
  readonly omittedSampleCount: number;
}
