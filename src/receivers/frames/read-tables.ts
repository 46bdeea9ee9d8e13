import { pathOfFile } from '../../model/executable.ts';
import type { FileId } from '../../model/file-id.ts';
import { fileIdSizeBytes } from '../../model/file-id.ts';
import type { FileMapping, TraceLink } from '../../model/frame-batch.ts';
import { InvalidMessage } from '../../model/invalid-message.ts';
import type { Process } from '../../model/process.ts';
import type { ProfileType } from '../../model/profile-type.ts';
import type { Steps } from '../../support/steps.ts';
import type { Spans } from './batch-spans.ts';
import { inRanges, mostHotEntries, tooMany } from './batch-spans.ts';
import type { ReusedTable } from './batch-tables.ts';
import { noFile } from './batch-tables.ts';
import type { ProcessFields, RepeatedEntries } from './repeated-entries.ts';
import { indexError } from './wire.ts';
import type { WireReader } from './wire-reader.ts';

/** The bytes of one batch, and what reads them. */
export interface BatchContext {
  readonly bytes: Buffer;
  readonly view: DataView;
  readonly reader: WireReader;
  readonly entries: RepeatedEntries;
}

/** The same, and the tables that have been read so far. */
export interface TableContext extends BatchContext {
  readonly strings: readonly string[];
  readonly fileIds: readonly FileId[];
}

const mostProfileTypes = 64;
const mostLabels = 32;

const noLabels: ReadonlyMap<string, string> = new Map();
const noProcess = {
  pid: 0,
  namespacePid: 0,
  startTimeNano: 0n,
  comm: '',
  executablePath: '',
  containerId: '',
  serviceName: '',
  labels: noLabels,
};

/** Bytes of entries, and file IDs, that are read in one step. */
const entryBytesPerStep = 4_096;
const textBytesPerStep = 16_384;
const fileIdsPerStep = 2_048;

export function* readStrings(
  { bytes, reader, entries }: BatchContext,
  spans: Spans,
  table: ReusedTable<string>,
): Steps<string[]> {
  const strings = table.ofCount(spans.count);
  yield* inRanges(spans, textBytesPerStep, ({ bounds, from, to }) => {
    for (let i = from; i < to; i++) {
      strings[i + 1] = entries.text(bytes, bounds[2 * i]!, bounds[2 * i + 1]!, reader.repairs);
    }
  });
  return strings;
}

/** Several chunks are one field that was sent in parts: the last one counts, as for any single field of protobuf. */
export function* readFileIds(
  { bytes, view, entries }: BatchContext,
  { bounds, count }: Spans,
  table: ReusedTable<FileId>,
): Steps<FileId[]> {
  if (count === 0) return [noFile];
  const start = bounds[2 * count - 2]!;
  const end = bounds[2 * count - 1]!;
  if ((end - start) % fileIdSizeBytes !== 0) {
    const problem = `${end - start} bytes are not a multiple of ${fileIdSizeBytes}`;
    throw new InvalidMessage('batch.file_ids', problem, 'send 16 bytes a file ID');
  }
  if (end - start > mostHotEntries * fileIdSizeBytes) throw tooMany('batch.file_ids', mostHotEntries);
  const fileIds = table.ofCount((end - start) / fileIdSizeBytes);
  for (let i = 1; i < fileIds.length; i++) {
    if (i % fileIdsPerStep === 0) yield;
    fileIds[i] = entries.fileId(bytes, view, start + (i - 1) * fileIdSizeBytes);
  }
  return fileIds;
}

export function readMappings(context: TableContext, spans: Spans): Steps<(FileMapping | undefined)[]> {
  return readTable(context, 'mappings', spans, (reader) => {
    let fileId = 0;
    let start = 0n;
    let end = 0n;
    let fileOffset = 0n;
    while (reader.next()) {
      if (reader.field === 1) fileId = reader.uint32('file_id');
      else if (reader.field === 2) start = reader.fixed64('start');
      else if (reader.field === 3) end = reader.fixed64('end');
      else if (reader.field === 4) fileOffset = reader.uint64('file_offset');
      else reader.skip();
    }
    checkIndex(reader, 'file_id', fileId, context.fileIds.length - 1, 1);
    if (start >= end && !(start === 0n && end === 0n)) {
      const problem = `start ${hex(start)} is not before end ${hex(end)}`;
      throw new InvalidMessage(reader.path(''), problem, 'send start < end, or 0 for both when they are unknown');
    }
    return { fileId: context.fileIds[fileId]!, start, end, fileOffset };
  });
}

export function readProcesses(
  context: TableContext,
  spans: Spans,
  table: ReusedTable<Process | undefined>,
): Steps<(Process | undefined)[]> {
  // One object for all: nearly every process is one that is known, and needs none of its own.
  const fields: ProcessFields = { ...noProcess };
  const readEntry = (reader: WireReader): Process => {
    Object.assign(fields, noProcess);
    startTime.fill(0);
    while (reader.next()) {
      if (reader.field === 1) fields.pid = reader.uint32('pid');
      else if (reader.field === 2) fields.namespacePid = reader.uint32('namespace_pid');
      else if (reader.field === 3) reader.fixed64Halves('start_time_nano', startTime);
      else if (reader.field === 4) fields.comm = readText(context, 'comm');
      else if (reader.field === 5) fields.executablePath = pathOfFile(readText(context, 'executable_path'));
      else if (reader.field === 6) fields.containerId = readText(context, 'container_id');
      else if (reader.field === 7) fields.serviceName = readText(context, 'service_name');
      else if (reader.field === 8) fields.labels = addLabel(context, fields.labels);
      else reader.skip();
    }
    return context.entries.process(fields, startTime);
  };
  return readTable(context, 'processes', spans, readEntry, table.ofCount(spans.count));
}

/** Of the process that is being read, in halves. */
const startTime = new Uint32Array(2);

export function readLabelSets(context: TableContext, spans: Spans): Steps<(ReadonlyMap<string, string> | undefined)[]> {
  return readTable(context, 'label_sets', spans, (reader) => {
    let labels = noLabels;
    while (reader.next()) {
      if (reader.field === 1) labels = addLabel(context, labels);
      else reader.skip();
    }
    return labels;
  });
}

export function readLinks(context: TableContext, spans: Spans): Steps<(TraceLink | undefined)[]> {
  return readTable(context, 'links', spans, (reader) => {
    let traceId = new Uint8Array();
    let spanId = new Uint8Array();
    while (reader.next()) {
      // Copied: the message must not be kept in memory by a link.
      if (reader.field === 1) traceId = Uint8Array.from(reader.bytes('trace_id'));
      else if (reader.field === 2) spanId = Uint8Array.from(reader.bytes('span_id'));
      else reader.skip();
    }
    checkId(reader, 'trace_id', traceId, 16);
    checkId(reader, 'span_id', spanId, 8);
    return { traceId, spanId };
  });
}

export function readProfileTypes(context: TableContext, spans: Spans): Steps<(ProfileType | undefined)[]> {
  if (spans.count > mostProfileTypes) {
    const problem = `${spans.count} entries, at most ${mostProfileTypes} are taken`;
    throw new InvalidMessage('batch.profile_types', problem, 'split the batch');
  }
  return readTable(context, 'profile_types', spans, (reader) => {
    const texts = ['', '', '', '', ''];
    let period = 0n;
    while (reader.next()) {
      if (reader.field === 5) period = reader.uint64('period');
      else if (reader.field < 5) texts[reader.field] = readText(context, profileTypeTexts[reader.field]!);
      else reader.skip();
    }
    for (const field of [1, 2]) {
      if (texts[field] !== '') continue;
      throw new InvalidMessage(
        reader.path(profileTypeTexts[field]!),
        'no text',
        'say what a sample counts, and its unit',
      );
    }
    return { sampleType: texts[1]!, sampleUnit: texts[2]!, periodType: texts[3]!, periodUnit: texts[4]!, period };
  });
}

const profileTypeTexts = ['', 'sample_type', 'sample_unit', 'period_type', 'period_unit'];

/** The string that the index at hand refers to. */
function readText({ reader, strings }: TableContext, name: string): string {
  const index = reader.uint32(name);
  checkIndex(reader, name, index, strings.length - 1, 0);
  return strings[index]!;
}

function* readTable<T>(
  { reader }: TableContext,
  list: string,
  spans: Spans,
  readEntry: (reader: WireReader) => T,
  table: (T | undefined)[] = new Array(spans.count + 1).fill(undefined),
): Steps<(T | undefined)[]> {
  yield* inRanges(spans, entryBytesPerStep, ({ bounds, from, to }) => {
    for (let i = from; i < to; i++) {
      reader.open(list, i, bounds[2 * i]!, bounds[2 * i + 1]!);
      table[i + 1] = readEntry(reader);
    }
  });
  return table;
}

/** Adds a label to those of the entry at hand, which nobody else has yet. */
function addLabel(context: TableContext, labels: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const { reader } = context;
  const outerEnd = reader.enter(`labels[${labels.size}]`);
  let key = '';
  let value = '';
  while (reader.next()) {
    if (reader.field === 1) key = readText(context, 'key');
    else if (reader.field === 2) value = readText(context, 'value');
    else reader.skip();
  }
  checkKey(reader, key, labels, mostLabels);
  reader.leave(outerEnd);
  return (labels === noLabels ? new Map<string, string>() : (labels as Map<string, string>)).set(key, value);
}

/** @throws InvalidMessage unless `key` can be added to `attributes`. */
export function checkKey(reader: WireReader, key: string, attributes: ReadonlyMap<string, string>, most: number): void {
  if (key === '') throw new InvalidMessage(reader.path('key'), 'no text', 'name the label');
  if (attributes.has(key))
    throw new InvalidMessage(reader.path('key'), `"${key}" is there twice`, 'send each key once');
  if (attributes.size === most) throw new InvalidMessage(reader.path(''), `at most ${most} are taken`, 'send fewer');
}

function checkIndex(reader: WireReader, name: string, index: number, count: number, least: 0 | 1): void {
  if (index < least || index > count) throw indexError(reader.path(name), index, least, count);
}

function checkId(reader: WireReader, name: string, id: Uint8Array, size: number): void {
  if (id.length !== size) {
    throw new InvalidMessage(reader.path(name), `${id.length} bytes`, `send ${size} bytes`);
  }
  if (id.every((byte) => byte === 0))
    throw new InvalidMessage(reader.path(name), 'all bytes are zero', 'leave the link out');
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}
