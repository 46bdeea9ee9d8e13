import { InvalidMessage } from '../../model/invalid-message.ts';
import { ProtobufReader } from '../../otlp/protobuf/protobuf-reader.ts';
import type { PprofLabel, PprofProfile, PprofValueType } from './pprof-profile.ts';

/** True if the bytes are a pprof profile rather than OTLP: strings at the top are in pprof alone. Never throws. */
export function isPprof(bytes: Uint8Array): boolean {
  const reader = new ProtobufReader(bytes, undefined);
  try {
    for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
      if (tag === stringTag) return true;
      reader.skip();
    }
  } catch {
    return false;
  }
  return false;
}

/**
 * Reads the protobuf of a profile, not compressed.
 * @throws InvalidMessage with the path of an ID or index that leads nowhere
 */
export function decodePprof(bytes: Uint8Array): PprofProfile {
  const raw = readRaw(bytes);
  const text = textReader(raw.strings);
  const functions = numbered('function', raw.functions);
  const mappings = numbered('mapping', raw.mappings);
  const locations = numbered('location', raw.locations);
  const valueType = ([type, unit]: readonly bigint[], path: string): PprofValueType => ({
    type: text(type!, path),
    unit: text(unit!, path),
  });
  return {
    sampleTypes: raw.sampleTypes.map((type, index) => valueType(type, `sample_type[${index}]`)),
    samples: raw.samples.map(({ locationIds, values, labels }, index) => {
      const path = `sample[${index}]`;
      if (values.length !== raw.sampleTypes.length) {
        throw new InvalidMessage(path, `has ${values.length} values for ${raw.sampleTypes.length} sample types`);
      }
      return {
        locations: locationIds.map((id) => locations.indexOf(id, `${path}: location_id`)),
        values,
        labels: labels.map((label) => readLabel(label, text, path)),
      };
    }),
    mappings: mappings.of(({ numbers, file, buildId, flags }, path) => ({
      start: BigInt.asUintN(64, numbers[2]!),
      limit: BigInt.asUintN(64, numbers[3]!),
      offset: BigInt.asUintN(64, numbers[4]!),
      file: text(file, path),
      buildId: text(buildId, path),
      hasFunctions: flags[7] ?? false,
      hasFilenames: flags[8] ?? false,
      hasLineNumbers: flags[9] ?? false,
      hasInlineFrames: flags[10] ?? false,
    })),
    locations: locations.of(({ mappingId, address, lines, isFolded }, path) => ({
      mapping: mappingId === 0n ? 0 : mappings.indexOf(mappingId, `${path}: mapping_id`),
      address: BigInt.asUintN(64, address),
      lines: lines.map(([id, line, column]) => ({
        function: functions.indexOf(id!, `${path}: line: function_id`),
        line: line!,
        column: column!,
      })),
      isFolded,
    })),
    functions: functions.of(({ name, systemName, file, startLine }, path) => ({
      name: text(name, path),
      systemName: text(systemName, path),
      file: text(file, path),
      startLine,
    })),
    timeUnixNano: raw.numbers[9] ?? 0n,
    durationNano: raw.numbers[10] ?? 0n,
    periodType: raw.periodType && valueType(raw.periodType, 'period_type'),
    period: raw.numbers[12] ?? 0n,
    comments: raw.comments.map((index) => text(index, 'comment')),
    defaultSampleType: text(raw.numbers[14] ?? 0n, 'default_sample_type'),
    dropFrames: text(raw.numbers[7] ?? 0n, 'drop_frames'),
    keepFrames: text(raw.numbers[8] ?? 0n, 'keep_frames'),
    docUrl: text(raw.numbers[15] ?? 0n, 'doc_url'),
  };
}

const stringTag = (6 << 3) | 2;

type Reader = ProtobufReader<undefined>;

interface RawMapping {
  id: bigint;
  numbers: bigint[];
  file: bigint;
  buildId: bigint;
  flags: boolean[];
}
interface RawLocation {
  id: bigint;
  mappingId: bigint;
  address: bigint;
  lines: (readonly bigint[])[];
  isFolded: boolean;
}
interface RawFunction {
  id: bigint;
  name: bigint;
  systemName: bigint;
  file: bigint;
  startLine: bigint;
}
interface RawSample {
  readonly locationIds: bigint[];
  readonly values: bigint[];
  labels: (readonly bigint[])[];
}

function readRaw(bytes: Uint8Array) {
  const raw = {
    strings: [] as string[],
    sampleTypes: [] as (readonly bigint[])[],
    samples: [] as RawSample[],
    mappings: [] as RawMapping[],
    locations: [] as RawLocation[],
    functions: [] as RawFunction[],
    comments: [] as bigint[],
    periodType: undefined as readonly bigint[] | undefined,
    /** Of the fields that are a number at the top, by their own number. */
    numbers: [] as bigint[],
  };
  const reader: Reader = new ProtobufReader(bytes, undefined);
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    const [field, wire] = [tag >>> 3, tag & 7];
    if (wire === 0 && field === 13) raw.comments.push(reader.int64());
    else if (wire === 0) raw.numbers[field] = reader.int64();
    else if (wire !== 2) reader.skip();
    else if (field === 1) raw.sampleTypes.push(readNumbers(reader, 'sample_type', [1, 2]));
    else if (field === 2) raw.samples.push(readSample(reader, raw.samples.length));
    else if (field === 3) raw.mappings.push(readMapping(reader, raw.mappings.length));
    else if (field === 4) raw.locations.push(readLocation(reader, raw.locations.length));
    else if (field === 5) raw.functions.push(readFunction(reader, raw.functions.length));
    else if (field === 6) raw.strings.push(reader.text());
    else if (field === 11) raw.periodType = readNumbers(reader, 'period_type', [1, 2]);
    else if (field === 13) reader.packedInt64(raw.comments);
    else reader.skip();
  }
  return raw;
}

/** Fields of a message of numbers, in the order asked for. */
function readNumbers(reader: Reader, name: string, wanted: readonly number[]): bigint[] {
  const numbers = wanted.map(() => 0n);
  reader.message(name, numbers, (message, draft) => {
    for (let tag = message.nextTag(); tag !== 0; tag = message.nextTag()) {
      const index = wanted.indexOf(tag >>> 3);
      if ((tag & 7) === 0 && index >= 0) draft[index] = message.int64();
      else message.skip();
    }
  });
  return numbers;
}

function readSample(reader: Reader, index: number): RawSample {
  const sample: RawSample = { locationIds: [], values: [], labels: [] };
  reader.message(
    'sample',
    sample,
    (message, draft) => {
      for (let tag = message.nextTag(); tag !== 0; tag = message.nextTag()) {
        if (tag === 0x0a) message.packedInt64(draft.locationIds);
        else if (tag === 0x08) draft.locationIds.push(message.int64());
        else if (tag === 0x12) message.packedInt64(draft.values);
        else if (tag === 0x10) draft.values.push(message.int64());
        else if (tag === 0x1a) draft.labels.push(readNumbers(message, 'label', [1, 2, 3, 4]));
        else message.skip();
      }
    },
    index,
  );
  return sample;
}

function readMapping(reader: Reader, index: number): RawMapping {
  const mapping: RawMapping = { id: 0n, numbers: [0n, 0n, 0n, 0n, 0n], file: 0n, buildId: 0n, flags: [] };
  reader.message(
    'mapping',
    mapping,
    (message, draft) => {
      for (let tag = message.nextTag(); tag !== 0; tag = message.nextTag()) {
        const field = tag >>> 3;
        if ((tag & 7) !== 0) message.skip();
        else if (field === 1) draft.id = message.int64();
        else if (field <= 4) draft.numbers[field] = message.int64();
        else if (field === 5) draft.file = message.int64();
        else if (field === 6) draft.buildId = message.int64();
        else if (field <= 10) draft.flags[field] = message.bool();
        else message.skip();
      }
    },
    index,
  );
  return mapping;
}

function readLocation(reader: Reader, index: number): RawLocation {
  const location: RawLocation = { id: 0n, mappingId: 0n, address: 0n, lines: [], isFolded: false };
  reader.message(
    'location',
    location,
    (message, draft) => {
      for (let tag = message.nextTag(); tag !== 0; tag = message.nextTag()) {
        if (tag === 0x08) draft.id = message.int64();
        else if (tag === 0x10) draft.mappingId = message.int64();
        else if (tag === 0x18) draft.address = message.int64();
        else if (tag === 0x22) draft.lines.push(readNumbers(message, 'line', [1, 2, 3]));
        else if (tag === 0x28) draft.isFolded = message.bool();
        else message.skip();
      }
    },
    index,
  );
  return location;
}

function readFunction(reader: Reader, index: number): RawFunction {
  const [id, name, systemName, file, startLine] = readNumbers(reader, `function[${index}]`, [1, 2, 3, 4, 5]) as [
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  return { id, name, systemName, file, startLine };
}

function textReader(strings: readonly string[]): (index: bigint, path: string) => string {
  return (index, path) => {
    const text = strings[Number(index)];
    if (text !== undefined) return text;
    throw new InvalidMessage(path, `string ${index} is out of range [0..${strings.length})`);
  };
}

function readLabel(
  [key, text, number, unit]: readonly bigint[],
  textOf: (index: bigint, path: string) => string,
  path: string,
): PprofLabel {
  const name = textOf(key!, `${path}: label`);
  if (text !== 0n) return { key: name, text: textOf(text!, `${path}: label`) };
  return { key: name, number: number!, unit: textOf(unit!, `${path}: label`) };
}

/** Entries by their IDs, which are any numbers but 0; their indices count from 1. */
function numbered<T extends { readonly id: bigint }>(name: string, entries: readonly T[]) {
  const indices = new Map(entries.map(({ id }, index) => [id, index + 1]));
  return {
    indexOf: (id: bigint, path: string): number => {
      const index = indices.get(id);
      if (index !== undefined) return index;
      throw new InvalidMessage(path, `there is no ${name} ${id}`);
    },
    /** All entries behind one that is unused. */
    of: <U>(create: (entry: T, path: string) => U): U[] => {
      const made = entries.map((entry, index) => create(entry, `${name}[${index}]`));
      return made.slice(0, 1).concat(made);
    },
  };
}
