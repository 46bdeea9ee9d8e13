import { isDeepStrictEqual } from 'node:util';
import type { Ledger } from './ledger.ts';
import type { NumberedSamples } from './numbered-samples.ts';
import type { RecordedCopy } from './recording-backend.ts';

/** What a run is judged by. */
export interface RunEvidence {
  readonly samples: NumberedSamples;
  readonly ledger: Ledger;
  readonly record: ReadonlyMap<number, readonly RecordedCopy[]>;
  /** What the service counted as dropped, in all of its lives. */
  readonly dropped: { readonly sendFailed: number; readonly enqueueFailed: number };
  readonly isDurable: boolean;
  /** Lives of the service that were killed. */
  readonly killedLives: readonly number[];
  /** Lives that were stopped while a stored request may have been sent in part: then all of it is sent again. */
  readonly partingLives: readonly number[];
}

export interface Verdict {
  readonly violations: readonly string[];
  readonly missingCount: number;
  readonly duplicateCount: number;
}

/** A run that went wrong does so in many samples; the first ones tell enough. */
const mostListed = 5;
/** Timestamps of numbered samples are at least 500 ns apart, so a smaller shift cannot make one timestamp another. */
const mostShiftNano = 500n;

/** What was promised and did not hold. */
export function checkRecord(evidence: RunEvidence): Verdict {
  const { ledger, record } = evidence;
  const missing = [...ledger.acknowledged].filter((number) => !record.has(number));
  const twice = [...record].filter(([, copies]) => copies.length > 1);
  const unsent = [...record.keys()].filter((number) => !ledger.sent.has(number));
  const unexplained = twice.filter(
    ([number, copies]) => copies.length - 1 > explicableCopies(evidence, number, copies),
  );
  const violations = [
    ...ledger.problems,
    ...listed('in the record and never sent', unsent, String),
    ...listed('twice in the record, without a reason', unexplained, ([number, copies]) => describe(number, copies)),
    ...listed(
      'not what was sent',
      [...record].flatMap(([number, copies]) => differences(evidence, number, copies)),
    ),
    ...lossesOf(evidence, missing),
  ];
  const duplicateCount = twice.reduce((sum, [, copies]) => sum + copies.length - 1, 0);
  return { violations, missingCount: missing.length, duplicateCount };
}

function lossesOf(evidence: RunEvidence, missing: readonly number[]): string[] {
  const { isDurable, dropped, ledger } = evidence;
  if (isDurable) {
    const problems = listed('acknowledged, and not in the record', missing, String);
    if (dropped.sendFailed > 0)
      problems.push(`${dropped.sendFailed} samples of a durable queue counted as send_failed`);
    if (dropped.enqueueFailed > ledger.otlpUntakenSampleCount) {
      const refused = `only ${ledger.otlpUntakenSampleCount} samples were refused to their senders`;
      problems.push(`${dropped.enqueueFailed} samples counted as enqueue_failed, but ${refused}`);
    }
    return problems;
  }
  const counted = dropped.sendFailed + dropped.enqueueFailed;
  if (missing.length > counted) {
    return listed(`acknowledged, not in the record, and only ${counted} counted as dropped`, missing, String);
  }
  const most = missing.length + mayBeCountedToo(evidence);
  return counted > most ? [`${counted} samples counted as dropped, but at most ${most} can be`] : [];
}

/** Samples that are rightly counted as dropped and in the record all the same, or that were never acknowledged. */
function mayBeCountedToo({ ledger, record }: RunEvidence): number {
  const unconfirmed = [...record.values()].flat().filter((copy) => !copy.isConfirmed()).length;
  const sentToSeveralLives = [...ledger.sent.values()].reduce((sum, lives) => sum + lives.size - 1, 0);
  return unconfirmed + sentToSeveralLives + ledger.otlpUntakenSampleCount;
}

/** How many copies beyond the first delivery at least once can account for. */
function explicableCopies(evidence: RunEvidence, number: number, copies: readonly RecordedCopy[]): number {
  const lives = evidence.ledger.sent.get(number) ?? new Set<number>();
  const firstLife = Math.min(...lives);
  const laterEnds = [...evidence.killedLives, ...evidence.partingLives].filter((life) => life >= firstLife).length;
  const unconfirmed = copies.filter((copy) => !copy.isConfirmed()).length;
  return unconfirmed + (lives.size - 1) + laterEnds;
}

function differences({ samples }: RunEvidence, number: number, copies: readonly RecordedCopy[]): string[] {
  const { service, type, frames, timestamps, values } = samples.expected(number);
  const expected = { service, type, frames, timestamps, values };
  return copies.flatMap(({ sample }) => {
    const { service, type, frames, timestamps, values } = sample;
    const found = { service, type, frames, timestamps, values };
    const isThere = areTheTimes(timestamps, expected.timestamps);
    const withTimes = isThere ? { ...found, timestamps: expected.timestamps } : found;
    return isDeepStrictEqual(withTimes, expected) ? [] : [`${number}: ${text(found)} in place of ${text(expected)}`];
  });
}

/** A part of a profile begins later by a nanosecond a sample before it, and timestamps before its start move to the start. */
function areTheTimes(found: readonly bigint[], expected: readonly bigint[]): boolean {
  return (
    found.length === expected.length &&
    found.every((time, index) => time >= expected[index]! && time - expected[index]! < mostShiftNano)
  );
}

function describe(number: number, copies: readonly RecordedCopy[]): string {
  return `${number} (${copies.map((copy) => (copy.isConfirmed() ? 'confirmed' : 'unconfirmed')).join(', ')})`;
}

function listed<T>(what: string, items: readonly T[], describeItem: (item: T) => string = String): string[] {
  if (items.length === 0) return [];
  return [`${items.length} samples ${what}: ${items.slice(0, mostListed).map(describeItem).join('; ')}`];
}

function text(value: unknown): string {
  return JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? String(item) : item));
}
