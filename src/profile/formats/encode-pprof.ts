import { ProtobufWriter } from '../../otlp/protobuf/protobuf-writer.ts';
import type { PprofProfile, PprofSample, PprofValueType } from './pprof-profile.ts';

/** The protobuf of a profile, not compressed. The first mapping of a profile is that of its main program. */
export function encodePprof(profile: PprofProfile): Uint8Array {
  const strings = new StringTable();
  const writer = new ProtobufWriter(4096 + 32 * profile.samples.length + 48 * profile.locations.length);
  // Backwards: the string table is written last and so stands first, when all strings are known.
  writer.int64(15, strings.index(profile.docUrl));
  writer.int64(14, strings.index(profile.defaultSampleType));
  writer.packedInt64(
    13,
    profile.comments.map((comment) => strings.index(comment)),
  );
  writer.int64(12, profile.period);
  if (profile.periodType !== undefined) writeValueType(writer, 11, profile.periodType, strings);
  writer.int64(10, profile.durationNano);
  writer.int64(9, profile.timeUnixNano);
  writer.int64(8, strings.index(profile.keepFrames));
  writer.int64(7, strings.index(profile.dropFrames));
  writeFunctions(writer, profile, strings);
  writeLocations(writer, profile);
  writeMappings(writer, profile, strings);
  for (const sample of profile.samples.toReversed()) writeSample(writer, sample, strings);
  for (const type of profile.sampleTypes.toReversed()) writeValueType(writer, 1, type, strings);
  for (const text of strings.texts.toReversed()) writer.explicitText(6, text);
  return writer.finish();
}

class StringTable {
  readonly texts: string[] = [''];
  readonly #indices = new Map<string, bigint>([['', 0n]]);

  index(text: string): bigint {
    let index = this.#indices.get(text);
    if (index === undefined) {
      index = BigInt(this.texts.push(text) - 1);
      this.#indices.set(text, index);
    }
    return index;
  }
}

function writeValueType(
  writer: ProtobufWriter,
  field: number,
  { type, unit }: PprofValueType,
  strings: StringTable,
): void {
  const mark = writer.length;
  writer.int64(2, strings.index(unit));
  writer.int64(1, strings.index(type));
  writer.message(field, mark);
}

function writeSample(writer: ProtobufWriter, { locations, values, labels }: PprofSample, strings: StringTable): void {
  const mark = writer.length;
  for (const label of labels.toReversed()) {
    const labelMark = writer.length;
    if ('text' in label) writer.int64(2, strings.index(label.text));
    else {
      writer.int64(4, strings.index(label.unit));
      writer.int64(3, label.number);
    }
    writer.int64(1, strings.index(label.key));
    writer.message(3, labelMark);
  }
  writer.packedInt64(2, values);
  writer.packedInt32(1, locations);
  writer.message(2, mark);
}

function writeMappings(writer: ProtobufWriter, { mappings }: PprofProfile, strings: StringTable): void {
  for (let id = mappings.length - 1; id > 0; id--) {
    const { start, limit, offset, file, buildId, ...has } = mappings[id]!;
    const mark = writer.length;
    for (const [field, value] of [
      [10, has.hasInlineFrames],
      [9, has.hasLineNumbers],
      [8, has.hasFilenames],
      [7, has.hasFunctions],
    ] as const) {
      if (value) writer.explicitBool(field, true);
    }
    writer.int64(6, strings.index(buildId));
    writer.int64(5, strings.index(file));
    writer.int64(4, offset);
    writer.int64(3, limit);
    writer.int64(2, start);
    writer.uint32(1, id);
    writer.message(3, mark);
  }
}

function writeLocations(writer: ProtobufWriter, { locations }: PprofProfile): void {
  for (let id = locations.length - 1; id > 0; id--) {
    const { mapping, address, lines, isFolded } = locations[id]!;
    const mark = writer.length;
    if (isFolded) writer.explicitBool(5, true);
    for (const line of lines.toReversed()) {
      const lineMark = writer.length;
      writer.int64(3, line.column);
      writer.int64(2, line.line);
      writer.uint32(1, line.function);
      writer.message(4, lineMark);
    }
    writer.int64(3, address);
    writer.uint32(2, mapping);
    writer.uint32(1, id);
    writer.message(4, mark);
  }
}

function writeFunctions(writer: ProtobufWriter, { functions }: PprofProfile, strings: StringTable): void {
  for (let id = functions.length - 1; id > 0; id--) {
    const { name, systemName, file, startLine } = functions[id]!;
    const mark = writer.length;
    writer.int64(5, startLine);
    writer.int64(4, strings.index(file));
    writer.int64(3, strings.index(systemName));
    writer.int64(2, strings.index(name));
    writer.uint32(1, id);
    writer.message(5, mark);
  }
}
