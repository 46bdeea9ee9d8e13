import type { FileId } from '../../model/file-id.ts';
import type { Process } from '../../model/process.ts';

/** A larger batch has tables of its own, so that what it refers to is not kept until the next one comes. */
export const mostBytesOfKeptTables = 262_144;

/** Entry 0 of the file IDs. */
export const noFile: FileId = { word0: 0, word1: 0, word2: 0, word3: 0 };

/** The tables that nearly every batch has, used again for the next one, as its columns are. */
export class BatchTables {
  readonly strings: ReusedTable<string> = new ReusedTable('');
  readonly fileIds: ReusedTable<FileId> = new ReusedTable(noFile);
  readonly processes: ReusedTable<Process | undefined> = new ReusedTable<Process | undefined>(undefined);
}

/** Entries 1 and up are those of a batch. */
export class ReusedTable<T> {
  readonly #none: T;
  #entries: T[] = [];

  /** `none` is entry 0. */
  constructor(none: T) {
    this.#none = none;
  }

  /** Entries 0 to `count`, of which the last table's are to be written over. */
  ofCount(count: number): T[] {
    if (this.#entries.length > count) this.#entries.length = count + 1;
    else this.#entries = new Array<T>(count + 1).fill(this.#none);
    return this.#entries;
  }
}
