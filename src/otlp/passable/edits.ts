// hot
import type { ProtobufWriter } from '../protobuf/protobuf-writer.ts';

/** A span of a message that is written anew. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  /** Writes what takes its place: whole fields. */
  readonly write: (writer: ProtobufWriter) => void;
}

/** Writes the bytes from `start` to `end` with edits, which are in ascending order and do not overlap. */
export function writeEdited(
  writer: ProtobufWriter,
  bytes: Uint8Array,
  [start, end]: readonly [start: number, end: number],
  edits: readonly Edit[],
): void {
  let copied = end;
  for (let i = edits.length - 1; i >= 0; i--) {
    const edit = edits[i]!;
    writer.copy(bytes.subarray(edit.end, copied));
    edit.write(writer);
    copied = edit.start;
  }
  writer.copy(bytes.subarray(start, copied));
}

/** A field with a message, whose bytes lie between `bodyStart` and `end`, with edits in it. `start` is that of its tag. */
export function editedMessage(
  bytes: Uint8Array,
  tag: number,
  { start, bodyStart, end }: { readonly start: number; readonly bodyStart: number; readonly end: number },
  edits: readonly Edit[],
): Edit {
  const write = (writer: ProtobufWriter): void => {
    const mark = writer.length;
    writeEdited(writer, bytes, [bodyStart, end], edits);
    writer.message(tag >>> 3, mark);
  };
  return { start, end, write };
}
