// hot
import type { Steps } from '../../support/steps.ts';
import type { ProtobufWriter } from '../protobuf/protobuf-writer.ts';

/** A span of a message that is written anew. */
export type Edit =
  | {
      readonly start: number;
      readonly end: number;
      /** Writes what takes its place: whole fields. */
      readonly write: (writer: ProtobufWriter) => void | Steps<void>;
    }
  | MessageEdit;

/** A field with a message, whose bytes lie between `bodyStart` and `end`, with edits in it. `start` is that of its tag. */
export interface MessageEdit {
  readonly start: number;
  readonly bodyStart: number;
  readonly end: number;
  readonly field: number;
  readonly edits: readonly Edit[];
}

/** An edit takes a fraction of a microsecond. */
const editsAStep = 512;
/** Bytes between two edits that are copied together. */
const mostCopiedAtOnceBytes = 256 * 1024;

/** Writes the bytes from `start` to `end` with edits, which are in ascending order and do not overlap. */
export function* writeEdited(
  writer: ProtobufWriter,
  bytes: Uint8Array,
  [start, end]: readonly [start: number, end: number],
  edits: readonly Edit[],
): Steps<void> {
  let copied = end;
  for (let i = edits.length - 1; i >= 0; i--) {
    const edit = edits[i]!;
    if (i % editsAStep === editsAStep - 1) yield;
    const between = bytes.subarray(edit.end, copied);
    if (between.length > mostCopiedAtOnceBytes) yield* writer.copyInSteps(between);
    else writer.copy(between);
    if ('write' in edit) {
      const steps = edit.write(writer);
      if (steps !== undefined) yield* steps;
    } else {
      const mark = writer.length;
      yield* writeEdited(writer, bytes, [edit.bodyStart, edit.end], edit.edits);
      writer.message(edit.field, mark);
    }
    copied = edit.start;
  }
  yield* writer.copyInSteps(bytes.subarray(start, copied));
}
