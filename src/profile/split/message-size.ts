// hot

import type { SmallTable } from '../../otlp/column-tables.ts';
import type { EntryOf } from '../../otlp/profiles-data.ts';
import type { EncodeEntry } from '../../otlp/protobuf/encode-dictionary.ts';
import { smallEncoders } from '../../otlp/protobuf/encode-dictionary.ts';
import { encodeSample } from '../../otlp/protobuf/encode-profiles-data.ts';
import { ProtobufWriter } from '../../otlp/protobuf/protobuf-writer.ts';
import type { SampleColumns } from '../../otlp/sample-columns.ts';

/** Bytes of a message or text as a field: its tag (one byte), its length and its body. */
export function fieldSizeBytes(bodyBytes: number): number {
  if (bodyBytes < 0x80) return bodyBytes + 2;
  if (bodyBytes < 0x4000) return bodyBytes + 3;
  if (bodyBytes < 0x20_0000) return bodyBytes + 4;
  return bodyBytes + (bodyBytes < 0x1000_0000 ? 5 : 6);
}

/** Measures messages by encoding them: a second description of the wire could be wrong. */
export class SizeMeter {
  readonly #writer = new ProtobufWriter(4096);

  /** Bytes of the fields of a message. */
  bodyBytes<T>(encode: (writer: ProtobufWriter, message: T) => void, message: T): number {
    encode(this.#writer, message);
    const { length } = this.#writer;
    this.#writer.rewind(0);
    return length;
  }

  /** Bytes of the fields of a sample. */
  sampleBytes(columns: SampleColumns, index: number): number {
    encodeSample(this.#writer, columns, index);
    const { length } = this.#writer;
    this.#writer.rewind(0);
    return length;
  }

  /** Bytes of an entry of a table in the dictionary. */
  entryBytes<Entries>(encode: EncodeEntry<Entries>, table: Entries, index: number): number {
    encode(this.#writer, table, index);
    const { length } = this.#writer;
    this.#writer.rewind(0);
    return fieldSizeBytes(length);
  }

  /** The same of an object. */
  smallBytes<T extends SmallTable>(table: T, entry: EntryOf<T>): number {
    return fieldSizeBytes(this.bodyBytes(smallEncoders[table] as EncodeAny, entry));
  }
}

type EncodeAny = (writer: ProtobufWriter, entry: unknown) => void;
