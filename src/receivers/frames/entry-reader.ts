import type { FileId } from '../../model/file-id.ts';
import type { Process } from '../../model/process.ts';
import type { TableContext } from './read-tables.ts';
import type { EntryList, Rejections } from './rejections.ts';
import { outOfRange } from './wire.ts';
import type { WireReader } from './wire-reader.ts';

/** NameContext is the tables that names refer to, and the record of faulty entries. */
export interface NameContext extends TableContext {
  readonly processes: readonly (Process | undefined)[];
  readonly rejections: Rejections;
}

/**
 * Reads entries that are rejected one by one: a reference that leads nowhere is told to the rejections, once an entry,
 * and reading goes on. Bytes that are no message refuse the whole batch, as everywhere.
 */
export class EntryReader {
  readonly reader: WireReader;
  readonly #context: NameContext;
  readonly #list: EntryList;
  #index = 0;
  #isWhole = true;

  constructor(context: NameContext, list: EntryList) {
    this.reader = context.reader;
    this.#context = context;
    this.#list = list;
  }

  /** Goes to entry `index`, whose bytes are `bounds[2 * index] .. bounds[2 * index + 1]`. */
  open(index: number, bounds: Uint32Array): this {
    this.reader.open(this.#list, index, bounds[2 * index]!, bounds[2 * index + 1]!);
    this.#index = index;
    this.#isWhole = true;
    return this;
  }

  /** Whether nothing was wrong with the entry so far. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** Rejects the entry. Only the first reason is told. */
  reject(field: string, reason: string): void {
    if (!this.#isWhole) return;
    this.#isWhole = false;
    this.#context.rejections.addEntry(this.#list, this.#index, field, () => reason);
  }

  /** The string that the field refers to; `path` where it is a field of a nested message. */
  text(name: string, path: string = name): string {
    return this.#lookUp(this.#context.strings, 0, name, path) ?? '';
  }

  /** `undefined` when the field is 0, or rejected. */
  fileId(name: string): FileId | undefined {
    return this.#lookUpOptional(this.#context.fileIds, name);
  }

  /** `undefined` when the field is 0, or rejected. */
  process(name: string): Process | undefined {
    return this.#lookUpOptional(this.#context.processes, name) ?? undefined;
  }

  #lookUpOptional<T>(table: readonly T[], name: string): T | undefined {
    const entry = this.#lookUp(table, 0, name, name);
    return entry === table[0] ? undefined : entry;
  }

  #lookUp<T>(table: readonly T[], least: 0 | 1, name: string, path: string): T | undefined {
    const index = this.reader.uint32(name);
    if (index < table.length) return table[index];
    const { problem, remedy } = outOfRange(index, least, table.length - 1);
    this.reject(path, `${problem}; ${remedy}`);
    return undefined;
  }
}
