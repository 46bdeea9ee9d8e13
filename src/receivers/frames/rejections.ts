import type { SampleRejection } from '../../model/batch-outcome.ts';

/** Reason of a rejected entry; the value of the counters' `reason`. */
export type RejectionCause =
  | 'stack'
  | 'process'
  | 'profile_type'
  | 'thread_name'
  | 'link'
  | 'label_set'
  | 'timestamps'
  | 'values'
  | 'too_old'
  | 'in_future'
  | 'not_taken';

/** Lists of a batch whose entries are rejected one by one. */
export type EntryList = 'samples' | 'symbols' | 'stubs' | 'executables' | 'process_exits';

/** A reply names at most this many rejected entries; it counts them all. */
export const mostRejectionsListed = 64;

/** Rejections of one batch. The list is bounded, the counts are not. */
export class Rejections {
  readonly listed: SampleRejection[] = [];
  // Nearly every batch has none.
  #samplesByCause: Map<RejectionCause, number> | undefined;
  #entriesByList: Map<EntryList, number> | undefined;

  get samplesByCause(): ReadonlyMap<RejectionCause, number> {
    return this.#samplesByCause ?? noCauses;
  }

  get entriesByList(): ReadonlyMap<EntryList, number> {
    return this.#entriesByList ?? noLists;
  }

  get sampleCount(): number {
    return this.#entriesByList?.get('samples') ?? 0;
  }

  /** True once further rejections are counted alone, so that their reasons need not be written. */
  get isFull(): boolean {
    return this.listed.length >= mostRejectionsListed;
  }

  addSample(index: number, field: string, cause: RejectionCause, reason: () => string): void {
    this.#samplesByCause ??= new Map();
    increment(this.#samplesByCause, cause);
    this.addEntry('samples', index, field, reason);
  }

  /** `field` is empty for an entry that is a bare number. */
  addEntry(list: EntryList, index: number, field: string, reason: () => string): void {
    this.#entriesByList ??= new Map();
    increment(this.#entriesByList, list);
    if (!this.isFull)
      this.listed.push({ path: `${list}[${index}]${field === '' ? '' : `.${field}`}`, reason: reason() });
  }
}

const noCauses: ReadonlyMap<RejectionCause, number> = new Map();
const noLists: ReadonlyMap<EntryList, number> = new Map();

function increment<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
