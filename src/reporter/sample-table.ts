// hot
import type { WindowSamples } from '../profile/build/window-contents.ts';
import { grown } from '../support/grown-column.ts';
import { hashSeed, mixWord } from '../support/mix-words.ts';
import type { Steps } from '../support/steps.ts';
import { recordsInSteps, slotsInSteps } from '../support/uint32-list.ts';

/** All of an event but its time and value, by indices of its window; `link`, `cpu` and `labels` are -1 for none. */
export interface SampleKey {
  stack: number;
  resource: number;
  profileType: number;
  link: number;
  threadId: number;
  threadName: number;
  cpu: number;
  labels: number;
}

/** Words of a record: half of a cache line. Signed, so that V8 compares words and not doubles. */
const recordWords = 8;
const stackAt = 0;
const resourceAt = 1;
const profileTypeAt = 2;
const linkPlusOneAt = 3;
const threadIdAt = 4;
const threadNameAt = 5;
const cpuPlusOneAt = 6;
const labelsPlusOneAt = 7;

// Not exported, so that V8 folds them into the code. Secret, so that nobody can choose words that cancel each other.
const firstSeed = hashSeed;
const secondSeed = mixWord(hashSeed, 1);
const factor = mixWord(hashSeed, 2) | 1;

/**
 * Numbers distinct samples 0, 1, 2 … in the order of their first appearance. Open addressing with linear probing at a load of at most
 * one half; equality is on all words. 40 to 48 bytes a sample.
 */
export class SampleTable implements WindowSamples {
  #records = new Int32Array(recordWords * 32);
  #count = 0;
  /** Number of the sample plus one; 0 is a free slot. The length is a power of two. */
  #slots = new Int32Array(64);

  get count(): number {
    return this.#count;
  }

  /** Counts up to four slots a sample rather than those that are there: which sender's sample doubles a table is chance. */
  get sizeBytes(): number {
    return 4 * (recordWords + 4) * this.#count;
  }

  /** Makes room for `more` samples, in steps; nothing is added between them. */
  *makeRoom(more: number): Steps<void> {
    const needed = this.#count + more;
    this.#records = yield* recordsInSteps(this.#records, needed * recordWords);
    this.#slots = yield* slotsInSteps(this.#slots, this.#count, needed, (slots, from, to) =>
      this.#fill(slots, from, to),
    );
  }

  /** Adds the sample or finds it. It was new when `count` has grown. */
  intern(key: SampleKey): number {
    // As 32-bit integers, which the records have.
    const stack = key.stack | 0;
    const resource = key.resource | 0;
    const profileType = key.profileType | 0;
    const link = (key.link + 1) | 0;
    const threadId = key.threadId | 0;
    const threadName = key.threadName | 0;
    const cpu = (key.cpu + 1) | 0;
    const labels = (key.labels + 1) | 0;
    const first = hashOf(firstSeed, stack, threadId, resource, labels);
    const hash = mixWord(Math.imul(first, factor), hashOf(secondSeed, cpu, threadName, profileType, link));
    const records = this.#records;
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const entry = slots[slot]!;
      if (entry === 0) break;
      const at = (entry - 1) * recordWords;
      if (
        records[at + stackAt] === stack &&
        records[at + threadIdAt] === threadId &&
        records[at + cpuPlusOneAt] === cpu &&
        records[at + resourceAt] === resource &&
        records[at + profileTypeAt] === profileType &&
        records[at + linkPlusOneAt] === link &&
        records[at + threadNameAt] === threadName &&
        records[at + labelsPlusOneAt] === labels
      ) {
        return entry - 1;
      }
      slot = (slot + 1) & mask;
    }
    return this.#add(slot, key);
  }

  stack(sample: number): number {
    return this.#word(sample, stackAt);
  }

  resource(sample: number): number {
    return this.#word(sample, resourceAt);
  }

  profileType(sample: number): number {
    return this.#word(sample, profileTypeAt);
  }

  link(sample: number): number {
    return this.#word(sample, linkPlusOneAt) - 1;
  }

  threadId(sample: number): number {
    return this.#word(sample, threadIdAt) >>> 0;
  }

  threadName(sample: number): number {
    return this.#word(sample, threadNameAt);
  }

  cpu(sample: number): number {
    return (this.#word(sample, cpuPlusOneAt) >>> 0) - 1;
  }

  labels(sample: number): number {
    return this.#word(sample, labelsPlusOneAt) - 1;
  }

  #word(sample: number, position: number): number {
    return this.#records[sample * recordWords + position]!;
  }

  #add(slot: number, key: SampleKey): number {
    const added = this.#count++;
    const at = added * recordWords;
    if (at === this.#records.length) this.#records = grown(this.#records, at + recordWords);
    const records = this.#records;
    records[at + stackAt] = key.stack;
    records[at + resourceAt] = key.resource;
    records[at + profileTypeAt] = key.profileType;
    records[at + linkPlusOneAt] = key.link + 1;
    records[at + threadIdAt] = key.threadId;
    records[at + threadNameAt] = key.threadName;
    records[at + cpuPlusOneAt] = key.cpu + 1;
    records[at + labelsPlusOneAt] = key.labels + 1;
    this.#slots[slot] = added + 1;
    if (2 * this.#count > this.#slots.length) {
      const slots = new Int32Array(2 * this.#slots.length);
      this.#fill(slots, 0, this.#count);
      this.#slots = slots;
    }
    return added;
  }

  #fill(slots: Int32Array, from: number, to: number): void {
    const mask = slots.length - 1;
    for (let sample = from; sample < to; sample++) {
      let slot = this.#hash(sample) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = sample + 1;
    }
  }

  #hash(sample: number): number {
    const records = this.#records;
    const at = sample * recordWords;
    const first = hashOf(
      firstSeed,
      records[at + stackAt]!,
      records[at + threadIdAt]!,
      records[at + resourceAt]!,
      records[at + labelsPlusOneAt]!,
    );
    const second = hashOf(
      secondSeed,
      records[at + cpuPlusOneAt]!,
      records[at + threadNameAt]!,
      records[at + profileTypeAt]!,
      records[at + linkPlusOneAt]!,
    );
    return mixWord(Math.imul(first, factor), second);
  }
}

/** Two words a step. */
function hashOf(start: number, a: number, b: number, c: number, d: number): number {
  return mixWord(mixWord(start, a ^ Math.imul(b, factor)), c ^ Math.imul(d, factor));
}
