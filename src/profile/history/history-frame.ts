import type { FrameClass } from '../flame/frame-class.ts';

/** Function as the live page shows it. Texts are bounded by `maxTextLength`. */
export interface HistoryFrame {
  readonly name: string;
  readonly class: FrameClass;
  /** `profile.frame.type`; empty when unknown. */
  readonly type: string;
  /** Path of the mapped file; empty when unknown. */
  readonly module: string;
  readonly file: string;
  /** First line of the function, or else its lowest line seen; 0 when unknown. */
  readonly line: number;
  /** Of a frame without a name; 0 otherwise. */
  readonly address: bigint;
  /** GNU build ID of the mapped file; empty when unknown. */
  readonly buildId: string;
}

const maxTextLength = 512;

/** As `Profile.sampleType`, `periodType` and `period` of OTLP. Texts are bounded like those of a frame. */
export interface HistoryType {
  readonly sampleType: string;
  readonly sampleUnit: string;
  readonly periodType: string;
  readonly periodUnit: string;
  /** 0 when there is none. */
  readonly period: number;
}

/** Equal for equal profile types, e.g. `samples:count:cpu:nanoseconds:50000000`. */
export function typeKeyOf({ sampleType, sampleUnit, periodType, periodUnit, period }: HistoryType): string {
  return [sampleType, sampleUnit, periodType, periodUnit, period].join(':');
}

/** A frame that stands for no function: the root, a group, or values below the resolution of the history. */
export function pseudoFrame(name: string, frameClass: FrameClass): HistoryFrame {
  return { name, class: frameClass, type: '', module: '', file: '', line: 0, address: 0n, buildId: '' };
}

/** Frame of values whose callees the history no longer tells apart. */
export const foldedFrame: HistoryFrame = pseudoFrame('(below resolution)', 'other');

export function boundedText(text: string | undefined): string {
  if (text === undefined || text.length <= maxTextLength) return text ?? '';
  return `${text.slice(0, maxTextLength - 1)}…`;
}
