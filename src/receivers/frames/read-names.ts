import type { FileId } from '../../model/file-id.ts';
import type { StubKind, SubmittedExecutable, SubmittedStub, SubmittedSymbol } from '../../model/frame-batch.ts';
import type { FrameSymbol } from '../../model/frame-symbol.ts';
import type { Process } from '../../model/process.ts';
import { highHalf, lowHalf } from '../../support/halves.ts';
import type { Steps } from '../../support/steps.ts';
import type { Spans } from './batch-spans.ts';
import { inRanges, mostTableEntries, tooMany } from './batch-spans.ts';
import type { TableContext } from './read-tables.ts';
import type { EntryList, Rejections } from './rejections.ts';
import { badVarint, endOfVarint, longVarint, outOfRange } from './wire.ts';
import type { WireReader } from './wire-reader.ts';

/** Inlining deeper than this is a fault of the symbolizer. */
const mostLocations = 64;

const addressSpaceBytes = 1n << 64n;

export function readSymbols(context: NameContext, spans: Spans): Steps<SubmittedSymbol[]> {
  return readEntries(context, 'symbols', spans, readSymbol);
}

/** Names cost several times as much a byte as other entries. */
const nameBytesPerStep = 2_048;

/** The entries without a fault. */
function* readEntries<T>(
  context: NameContext,
  list: EntryList,
  spans: Spans,
  readEntry: (entry: NameEntryReader) => T | undefined,
): Steps<T[]> {
  const entries: T[] = [];
  const reader = new NameEntryReader(context, list);
  yield* inRanges(spans, nameBytesPerStep, ({ bounds, from, to }) => {
    for (let i = from; i < to; i++) {
      const entry = readEntry(reader.open(i, bounds));
      if (entry !== undefined && reader.isWhole) entries.push(entry);
    }
  });
  return entries;
}

function readSymbol(entry: NameEntryReader): SubmittedSymbol | undefined {
  const { reader } = entry;
  let fileId: FileId | undefined;
  let address = 0n;
  const locations: FrameSymbol[] = [];
  while (reader.next()) {
    if (reader.field === 1) fileId = entry.fileId('file_id');
    else if (reader.field === 2) address = reader.fixed64('address_or_line');
    else if (reader.field === 3) locations.push(readLocation(entry, locations.length));
    else reader.skip();
  }
  if (fileId === undefined) entry.reject('file_id', 'is not set; say which file the address belongs to');
  if (locations.length === 0) entry.reject('locations', 'empty; send at least the function of the address');
  if (locations.length > mostLocations) {
    entry.reject('locations', `${locations.length} entries, at most ${mostLocations} are taken; send the outermost`);
  }
  if (fileId === undefined || !entry.isWhole) return undefined;
  const outermost = locations.pop()!;
  return {
    fileId,
    addressHigh: highHalf(address),
    addressLow: lowHalf(address),
    symbol: { ...outermost, inlined: locations },
  };
}

function readLocation(entry: NameEntryReader, position: number): FrameSymbol {
  const { reader } = entry;
  const at = `locations[${position}]`;
  const outerEnd = reader.enter(at);
  let functionName = '';
  let systemName = '';
  let filePath = '';
  let line = 0;
  let column = 0;
  let startLine = 0;
  while (reader.next()) {
    if (reader.field === 1) functionName = entry.text('function', `${at}.function`);
    else if (reader.field === 2) systemName = entry.text('system_name', `${at}.system_name`);
    else if (reader.field === 3) filePath = entry.text('file', `${at}.file`);
    else if (reader.field === 4) line = reader.uint32('line');
    else if (reader.field === 5) column = reader.uint32('column');
    else if (reader.field === 6) startLine = reader.uint32('start_line');
    else reader.skip();
  }
  reader.leave(outerEnd);
  if (functionName === '') entry.reject(`${at}.function`, 'no text; a symbol needs the name of its function');
  return { functionName, systemName, filePath, line, column, startLine, inlined: [] };
}

export function readStubs(context: NameContext, spans: Spans): Steps<SubmittedStub[]> {
  return readEntries(context, 'stubs', spans, readStub);
}

function readStub(entry: NameEntryReader): SubmittedStub | undefined {
  const { reader } = entry;
  let process: Process | undefined;
  let fileId: FileId | undefined;
  let start = 0n;
  let length = 0n;
  let line = 0;
  let kind: StubKind = 'stub';
  const texts = { name: '', file: '', tier: '', systemName: '' };
  while (reader.next()) {
    if (reader.field === 1) process = entry.process('process');
    else if (reader.field === 2) fileId = entry.fileId('file_id');
    else if (reader.field === 3) start = reader.fixed64('start');
    else if (reader.field === 4) length = reader.uint64('length');
    else if (reader.field === 5) texts.name = entry.text('name');
    else if (reader.field === 6) texts.file = entry.text('file');
    else if (reader.field === 7) line = reader.uint32('line');
    else if (reader.field === 8) kind = stubKinds[reader.integer('kind')] ?? 'stub';
    else if (reader.field === 9) texts.tier = entry.text('tier');
    else if (reader.field === 10) texts.systemName = entry.text('system_name');
    else reader.skip();
  }
  const owner = process !== undefined ? { process } : fileId !== undefined ? { fileId } : undefined;
  if (owner === undefined || (process !== undefined && fileId !== undefined)) {
    entry.reject('', `process and file_id are ${owner === undefined ? 'both 0' : 'both set'}; set exactly one of them`);
  }
  if (length === 0n) entry.reject('length', 'is 0; send the number of bytes of the range');
  if (start + length > addressSpaceBytes) {
    entry.reject(
      'length',
      `0x${start.toString(16)} + ${length} wraps around 2^64; send a range that ends at 2^64 or before`,
    );
  }
  if (texts.name === '') entry.reject('name', 'no text; send what the range is called');
  if (owner === undefined) return undefined;
  // The line of a range is where its function starts: it says nothing of where in the function an address is.
  const unknown = { line: 0, column: 0, inlined: [] };
  const { name: functionName, systemName, file: filePath, tier } = texts;
  const symbol: FrameSymbol = { functionName, systemName, filePath, startLine: line, ...unknown };
  return { owner, start, length, symbol, kind, tier };
}

/** By the numbers of `StubKind`; one that is unspecified or unknown is told as a stub. */
const stubKinds: readonly StubKind[] = ['stub', 'stub', 'interpreter', 'jit'];

/** NameContext is the tables that names refer to, and the record of faulty entries. */
export interface NameContext extends TableContext {
  readonly processes: readonly (Process | undefined)[];
  readonly rejections: Rejections;
}

/**
 * Reads entries that are rejected one by one: a reference that leads nowhere is told to the rejections, once an entry,
 * and reading goes on. Bytes that are no message refuse the whole batch, as everywhere.
 */
class NameEntryReader {
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

  /** True as long as the entry has no fault. */
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

export function readExecutables(context: NameContext, spans: Spans): Steps<SubmittedExecutable[]> {
  return readEntries(context, 'executables', spans, readExecutable);
}

function readExecutable(entry: NameEntryReader): SubmittedExecutable | undefined {
  const { reader } = entry;
  let fileId: FileId | undefined;
  let fileName = '';
  let gnuBuildId = '';
  let goBuildId = '';
  let hasHtlHash = false;
  while (reader.next()) {
    if (reader.field === 1) fileId = entry.fileId('file_id');
    else if (reader.field === 2) fileName = entry.text('file_name');
    else if (reader.field === 3) gnuBuildId = entry.text('gnu_build_id');
    else if (reader.field === 4) goBuildId = entry.text('go_build_id');
    else if (reader.field === 5) hasHtlHash = reader.integer('file_id_is_htlhash') !== 0;
    else reader.skip();
  }
  if (!/^([0-9a-f]{2})*$/i.test(gnuBuildId)) {
    entry.reject('gnu_build_id', 'is not hexadecimal; send two digits a byte');
  }
  if (fileId === undefined) {
    entry.reject('file_id', 'is not set; say which file it is');
    return undefined;
  }
  return { fileId, executable: { fileName, gnuBuildId: gnuBuildId.toLowerCase(), goBuildId, hasHtlHash } };
}

const exitsPerStep = 1_024;

/** Reads `process_exits`, packed or one by one: every span is a run of varints. */
export function* readProcessExits(context: NameContext, { bounds, count }: Spans): Steps<Process[]> {
  const { bytes, processes, rejections } = context;
  const exits: Process[] = [];
  let index = 0;
  for (let i = 0; i < count; i++) {
    const end = bounds[2 * i + 1]!;
    for (let p = bounds[2 * i]!; p < end; index++) {
      if (index === mostTableEntries) throw tooMany('batch.process_exits', mostTableEntries);
      if (index % exitsPerStep === exitsPerStep - 1) yield;
      const value = longVarint(bytes, p, end);
      if (!(value <= 0xffffffff)) throw badVarint(`batch.process_exits[${index}]`, value);
      p = endOfVarint(bytes, p);
      const process = processes[value];
      if (process !== undefined) exits.push(process);
      else {
        rejections.addEntry('process_exits', index, '', () => {
          const { problem, remedy } = outOfRange(value, 1, processes.length - 1);
          return `${problem}; ${remedy}`;
        });
      }
    }
  }
  return exits;
}
