// hot
import type { DictionaryTarget, Table } from './dictionary-copy.ts';
import type { DictionaryTables } from './empty-dictionary.ts';
import { emptyDictionary } from './empty-dictionary.ts';
import type { MessageTable } from './encode-dictionary.ts';
import { entryEncoders } from './encode-dictionary.ts';
import type { ProfilesDictionary } from './profiles-data.ts';
import { ProtobufWriter } from './protobuf-writer.ts';

/** Tables that hold no value twice. Attributes of an entry are a set: their order makes no difference. */
export class InternedDictionary implements DictionaryTarget {
  readonly tables: DictionaryTables = emptyDictionary();
  readonly #writer = new ProtobufWriter(4096);
  readonly #indexByString = new Map<string, number>([['', 0]]);
  /** What is written of an entry, to its index. The zero value of a table is written as nothing. */
  readonly #indexByBytes: { readonly [T in MessageTable]: Map<string, number> } = {
    mappingTable: new Map([['', 0]]),
    locationTable: new Map([['', 0]]),
    functionTable: new Map([['', 0]]),
    linkTable: new Map([['', 0]]),
    attributeTable: new Map([['', 0]]),
    stackTable: new Map([['', 0]]),
  };

  add<T extends Table>(table: T, entry: ProfilesDictionary[T][number]): number {
    const entries = this.tables[table] as (typeof entry)[];
    if (table === 'stringTable') return intern(this.#indexByString, entry as string, entries, entry);
    return intern(this.#indexByBytes[table as MessageTable], this.#keyOf(table as MessageTable, entry), entries, entry);
  }

  #keyOf<T extends MessageTable>(table: T, entry: ProfilesDictionary[Table][number]): string {
    const encode = entryEncoders[table] as (writer: ProtobufWriter, entry: unknown) => void;
    encode(this.#writer, withSortedAttributes(entry));
    const key = this.#writer.latin1();
    this.#writer.rewind(0);
    return key;
  }
}

function intern<T>(indexByKey: Map<string, number>, key: string, entries: T[], entry: T): number {
  const known = indexByKey.get(key);
  if (known !== undefined) return known;
  const index = entries.push(entry) - 1;
  indexByKey.set(key, index);
  return index;
}

function withSortedAttributes(entry: ProfilesDictionary[Table][number]): ProfilesDictionary[Table][number] {
  if (typeof entry !== 'object' || !('attributeIndices' in entry) || entry.attributeIndices.length < 2) return entry;
  return { ...entry, attributeIndices: [...entry.attributeIndices].sort((a, b) => a - b) };
}
