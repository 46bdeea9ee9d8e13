import type { BatchReplyMessage } from './frames-messages.ts';
import type { CollectorCounts } from './replay-collector.ts';

const maxPrintedRejections = 10;

/** What has become of everything that was sent, over all collectors. */
export class ReplayTally {
  readonly #print: (line: string) => void;
  readonly #collectors: CollectorCounts[] = [];
  #accepted = 0;
  #rejected = 0;
  #duplicates = 0;
  #refusedBatches = 0;
  #printedRejections = 0;
  #lagMs = 0;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  addCollector(counts: CollectorCounts): void {
    this.#collectors.push(counts);
  }

  addReply(name: string, { acceptedSamples, rejectedSamples, rejections, duplicate }: BatchReplyMessage): void {
    // The first answer to a duplicate was lost with its connection, so this one counts.
    if (duplicate) this.#duplicates += 1;
    this.#accepted += acceptedSamples;
    this.#rejected += rejectedSamples;
    for (const { path, reason } of rejections) this.#printRejection(`${name}: rejected ${path}: ${reason}`);
  }

  addRefusal(name: string, sequence: bigint, reason: string): void {
    this.#refusedBatches += 1;
    this.#printRejection(`${name}: batch ${sequence} was refused: ${reason}`);
  }

  /** How much later than it should the newest batch was sent. */
  setLag(lagMs: number): void {
    this.#lagMs = lagMs;
  }

  /** Whether the service took what was sent; some rejected samples, e.g. at a bound, do not count as a failure. */
  get isTaken(): boolean {
    return this.#refusedBatches === 0 && (this.#accepted > 0 || this.#rejected === 0);
  }

  progress(elapsedMs: number): string {
    const { samples, namesSent, namesSentAgain } = this.#sums();
    const seconds = (elapsedMs / 1000).toFixed(0).padStart(4);
    return `${seconds} s: ${samples} samples and ${namesSent} names sent, ${namesSentAgain} names sent again, ${Math.round(this.#lagMs)} ms behind`;
  }

  summary(): string {
    const { samples, namesSent, namesSentAgain, namesUnknown, executablesSentAgain } = this.#sums();
    const lines = [
      `${samples} samples sent, ${this.#accepted} accepted, ${this.#rejected} rejected`,
      `${namesSent} names sent, ${namesSentAgain} sent again because the service asked, ${namesUnknown} asked for and not known here`,
    ];
    if (executablesSentAgain > 0)
      lines.push(`${executablesSentAgain} executables sent again because the service asked`);
    if (this.#duplicates > 0) lines.push(`${this.#duplicates} batches arrived twice and were counted once`);
    if (this.#refusedBatches > 0) lines.push(`${this.#refusedBatches} batches refused`);
    return lines.map((line) => `${line}\n`).join('');
  }

  #sums(): CollectorCounts {
    const sum = { samples: 0, namesSent: 0, namesSentAgain: 0, namesUnknown: 0, executablesSentAgain: 0 };
    for (const counts of this.#collectors) {
      sum.samples += counts.samples;
      sum.namesSent += counts.namesSent;
      sum.namesSentAgain += counts.namesSentAgain;
      sum.namesUnknown += counts.namesUnknown;
      sum.executablesSentAgain += counts.executablesSentAgain;
    }
    return sum;
  }

  #printRejection(line: string): void {
    this.#printedRejections += 1;
    if (this.#printedRejections <= maxPrintedRejections) this.#print(line);
    if (this.#printedRejections === maxPrintedRejections) this.#print('further rejections are counted, not printed');
  }
}
