import type { Collector, FrameBatch } from '../../model/frame-batch.ts';
import type { Steps } from '../../support/steps.ts';
import { atOnce } from '../../support/steps.ts';
import type { StackArrays } from './batch-columns.ts';
import { BatchColumns } from './batch-columns.ts';
import { BatchSpans, batchFields } from './batch-spans.ts';
import { BatchTables, mostBytesOfKeptTables } from './batch-tables.ts';
import { readClock, readCollector, readLostSamples } from './read-collector.ts';
import type { TableSizes } from './read-frames.ts';
import { readFrames, readStacks } from './read-frames.ts';
import type { NameContext } from './read-names.ts';
import { readExecutables, readProcessExits, readStubs, readSymbols } from './read-names.ts';
import type { SampleTarget } from './read-samples.ts';
import { mostMomentsInSample, readSamples } from './read-samples.ts';
import {
  readFileIds,
  readLabelSets,
  readLinks,
  readMappings,
  readProcesses,
  readProfileTypes,
  readStrings,
} from './read-tables.ts';
import { Rejections } from './rejections.ts';
import { RepeatedEntries } from './repeated-entries.ts';
import type { TimeBounds } from './sample-time.ts';
import { SampleTime } from './sample-time.ts';
import type { TextRepairs } from './wire-reader.ts';
import { WireReader } from './wire-reader.ts';

export interface DecodedBatch {
  readonly batch: FrameBatch;
  readonly rejections: Rejections;
  /** Element `i` is where sample `i` of the batch was in the message, before those at fault were left out. */
  readonly samplePositions: Uint32Array;
  readonly unknownFrameKinds: number;
  readonly repairs: TextRepairs;
}

/**
 * Turns the bytes of `framekeeper.frames.v1.Batch` into a checked batch. The columns of a batch are the decoder's own
 * and are written again by the next `decode`, so one batch is handled to its end before the next is decoded.
 */
export class BatchDecoder {
  readonly #bounds: TimeBounds;
  readonly #spans = new BatchSpans();
  readonly #columns = new BatchColumns();
  readonly #tables = new BatchTables();
  readonly #repeated = new RepeatedEntries();

  constructor(bounds: TimeBounds) {
    this.#bounds = bounds;
  }

  /** Samples of the batch that was decoded last, with those at fault; also of one that was refused. */
  get sampleCount(): number {
    return this.#spans.of(batchFields.samples).count;
  }

  /**
   * `nowUnixNano` is what timestamps are held against, within `bounds`.
   * @throws InvalidMessage when the batch as a whole is at fault. Single entries at fault are left out and told.
   */
  decode(message: Uint8Array, nowUnixNano: bigint, bounds?: TimeBounds): DecodedBatch {
    return atOnce(this.decodeInSteps(message, nowUnixNano, bounds));
  }

  /** The same in steps; no other batch is decoded between them. */
  *decodeInSteps(message: Uint8Array, nowUnixNano: bigint, bounds: TimeBounds = this.#bounds): Steps<DecodedBatch> {
    const bytes = Buffer.isBuffer(message)
      ? message
      : Buffer.from(message.buffer, message.byteOffset, message.byteLength);
    const spans = this.#spans;
    yield* spans.survey(bytes);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const reader = new WireReader(bytes, view);
    const collector = this.#readCollector(bytes, reader);
    const kept = bytes.length > mostBytesOfKeptTables ? new BatchTables() : this.#tables;
    const context = { bytes, view, reader, entries: this.#repeated };
    const strings = yield* readStrings(context, spans.of(batchFields.strings), kept.strings);
    const fileIds = yield* readFileIds(context, spans.of(batchFields.fileIds), kept.fileIds);
    const tables = { ...context, strings, fileIds };
    // Most batches lack most of these.
    const mappings = spans.has(batchFields.mappings)
      ? yield* readMappings(tables, spans.of(batchFields.mappings))
      : noTable;
    const processes = yield* readProcesses(tables, spans.of(batchFields.processes), kept.processes);
    const links = spans.has(batchFields.links) ? yield* readLinks(tables, spans.of(batchFields.links)) : noTable;
    const labelSets = spans.has(batchFields.labelSets)
      ? yield* readLabelSets(tables, spans.of(batchFields.labelSets))
      : noTable;
    const profileTypes = yield* readProfileTypes(tables, spans.of(batchFields.profileTypes));
    const sizes: TableSizes = {
      strings: strings.length - 1,
      fileIds: fileIds.length - 1,
      mappings: mappings.length - 1,
      frames: spans.of(batchFields.frames).count,
      stacks: spans.of(batchFields.stacks).count,
      processes: processes.length - 1,
      links: links.length - 1,
      labelSets: labelSets.length - 1,
      profileTypes: profileTypes.length - 1,
    };
    const frames = this.#columns.frames(sizes.frames + 1);
    const unknownFrameKinds = yield* readFrames(context, spans.of(batchFields.frames), frames, sizes);
    const stacks = this.#stackColumns();
    yield* readStacks(bytes, spans.of(batchFields.stacks), stacks, sizes.frames);
    const rejections = new Rejections();
    const time = new SampleTime(nowUnixNano, bounds, readClock(reader, spans.of(batchFields.clock)));
    const target = this.#sampleTarget(sizes, time, rejections);
    yield* readSamples(context, spans.of(batchFields.samples), target);
    const batch: FrameBatch = {
      collector,
      sequence: spans.sequence,
      strings,
      fileIds,
      mappings,
      frames,
      stacks,
      processes,
      links,
      labelSets,
      profileTypes,
      samples: target.columns,
      ...(spans.hasNames ? yield* this.#readNames({ ...tables, processes, rejections }) : noNames),
      lostSamples: readLostSamples(reader, spans.of(batchFields.lostSamples)),
    };
    return { batch, rejections, samplePositions: target.columns.position, unknownFrameKinds, repairs: reader.repairs };
  }

  #readCollector(bytes: Buffer, reader: WireReader): Collector {
    const spans = this.#spans.of(batchFields.collector);
    const read = (): Collector => readCollector(reader, spans);
    if (spans.count !== 1) return read();
    return this.#repeated.collector(bytes, spans.bounds[0]!, spans.bounds[1]!, reader.repairs, read);
  }

  #stackColumns(): StackArrays {
    const { bounds, count } = this.#spans.of(batchFields.stacks);
    // An index takes at least a byte.
    return this.#columns.stacks(count + 2, sumOfSizes(bounds, count));
  }

  #sampleTarget(sizes: TableSizes, time: SampleTime, rejections: Rejections): SampleTarget {
    const { bounds, count } = this.#spans.of(batchFields.samples);
    // A timestamp takes 8 bytes. Values take one, so that a sample with more values than timestamps needs room too.
    const totalBytes = sumOfSizes(bounds, count);
    const spareMoments = Math.min(totalBytes, mostMomentsInSample);
    const moments = this.#columns.moments(Math.floor(totalBytes / 8) + spareMoments);
    return { columns: this.#columns.samples(count + 1, moments), moments, sizes, time, rejections };
  }

  *#readNames(context: NameContext): Steps<BatchNames> {
    const spans = this.#spans;
    return {
      symbols: yield* readSymbols(context, spans.of(batchFields.symbols)),
      stubs: yield* readStubs(context, spans.of(batchFields.stubs)),
      executables: yield* readExecutables(context, spans.of(batchFields.executables)),
      processExits: yield* readProcessExits(context, spans.of(batchFields.processExits)),
    };
  }
}

type BatchNames = Pick<FrameBatch, 'symbols' | 'stubs' | 'executables' | 'processExits'>;

const noNames: BatchNames = { symbols: [], stubs: [], executables: [], processExits: [] };
const noTable = [undefined];

function sumOfSizes(bounds: Uint32Array, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += bounds[2 * i + 1]! - bounds[2 * i]!;
  return sum;
}
