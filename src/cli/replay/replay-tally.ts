import type { BatchReplyMessage } from './frames-messages.ts';
import type { CollectorCounts } from './replay-collector.ts';

const maxPrintedRejections = 10;

/** Adds up the fate of all samples and names, over all collectors. */
export class ReplayTally {
  readonly #print: (line: string) => void;
  readonly #collectors: CollectorCounts[] = [];
  #accepted = 0;
  #rejected = 0;
  #duplicates = 0;
  #refusedBatches = 0;
  #refusedSamples = 0;
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

  addRefusal(name: string, sequence: bigint, sampleCount: number, reason: string): void {
    this.#refusedBatches += 1;
    this.#refusedSamples += sampleCount;
    this.#printRejection(`${name}: batch ${sequence} was refused: ${reason}`);
  }

  /** Delay of the newest batch against its time in the recording. */
  setLag(lagMs: number): void {
    this.#lagMs = lagMs;
  }

  /** True when the service took samples and refused no batch; some rejected samples, e.g. at a bound, are no failure. */
  get isTaken(): boolean {
    return this.#refusedBatches === 0 && (this.#accepted > 0 || this.#rejected === 0);
  }

  progress(elapsedMs: number): string {
    const seconds = (elapsedMs / 1000).toFixed(0).padStart(4);
    const names = `${this.#sum('namesSent')} names sent, ${this.#sum('namesSentAgain')} names sent again`;
    return `${seconds} s: ${this.#accepted} samples and ${names}, ${Math.round(this.#lagMs)} ms behind`;
  }

  /** "Sent" is what the service has taken. */
  summary(): string {
    const unanswered = this.#sum('samples') - this.#accepted - this.#rejected - this.#refusedSamples;
    const again = this.#sum('executablesSentAgain');
    const cut = this.#sum('textsCut');
    return [
      `${this.#accepted} samples sent and accepted, ${this.#rejected} rejected`,
      ...(unanswered > 0 ? [`${unanswered} samples without a reply`] : []),
      ...(this.#refusedBatches > 0
        ? [`${this.#refusedBatches} batches refused, with ${this.#refusedSamples} samples`]
        : []),
      `${this.#sum('namesSent')} names sent, ${this.#sum('namesSentAgain')} sent again because the service asked, ${this.#sum('namesUnknown')} asked for and not known here`,
      ...(again > 0 ? [`${again} executables sent again because the service asked`] : []),
      ...(this.#duplicates > 0 ? [`${this.#duplicates} batches arrived twice and were counted once`] : []),
      ...(cut > 0 ? [`${cut} names and other texts were longer than 65,535 bytes and were cut`] : []),
    ]
      .map((line) => `${line}\n`)
      .join('');
  }

  #sum(field: keyof CollectorCounts): number {
    return this.#collectors.reduce((sum, counts) => sum + counts[field], 0);
  }

  #printRejection(line: string): void {
    this.#printedRejections += 1;
    if (this.#printedRejections <= maxPrintedRejections) this.#print(line);
    if (this.#printedRejections === maxPrintedRejections) this.#print('further rejections are counted, not printed');
  }
}
