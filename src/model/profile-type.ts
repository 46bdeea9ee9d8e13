/** The quantity that a sample counts, and the sampling period. */
export interface ProfileType {
  /** E.g. `samples` / `count`, `off_cpu` / `nanoseconds`, `events` / `count`. */
  readonly sampleType: string;
  readonly sampleUnit: string;
  /** E.g. `cpu` / `nanoseconds`; empty when the profile has no period. */
  readonly periodType: string;
  readonly periodUnit: string;
  /** Distance between two samples in `periodUnit`; 0 when there is none. */
  readonly period: bigint;
}
