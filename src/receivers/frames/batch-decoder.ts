import type { Collector, FrameBatch, FrameColumns, SampleColumns, StackColumns } from '../../model/frame-batch.ts';
import type { Steps } from '../../support/steps.ts';
import { atOnce } from '../../support/steps.ts';
import { BatchColumns } from './batch-columns.ts';
import { BatchSpans, batchFields } from './batch-spans.ts';
import { readClock, readCollector, readLostSamples } from './read-collector.ts';
import type { TableSizes } from './read-frames.ts';
import { readFrames, readStacks } from './read-frames.ts';
import { readExecutables, readProcessExits, readStubs, readSymbols } from './read-names.ts';
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
    const reader = new WireReader(bytes);
    const collector = this.#readCollector(bytes, reader);
    const strings = yield* readStrings(bytes, spans.of(batchFields.strings), this.#repeated, reader.repairs);
    const fileIds = yield* readFileIds(bytes, spans.of(batchFields.fileIds), this.#repeated);
    const tables = { bytes, reader, strings, fileIds };
    // Most batches lack most of these.
    const has = (field: number): boolean => spans.of(field).count > 0;
    const mappings = has(batchFields.mappings) ? yield* readMappings(tables, spans.of(batchFields.mappings)) : noTable;
    const processes = yield* readProcesses(tables, spans.of(batchFields.processes), this.#repeated);
    const links = has(batchFields.links) ? yield* readLinks(tables, spans.of(batchFields.links)) : noTable;
    const labelSets = has(batchFields.labelSets)
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
    const { frames, unknownFrameKinds } = yield* this.#readFrames(bytes, sizes);
    const stacks = yield* this.#readStacks(bytes, sizes.frames);
    const rejections = new Rejections();
    const time = new SampleTime(nowUnixNano, bounds, readClock(reader, spans.of(batchFields.clock)));
    const { samples, samplePositions } = yield* this.#readSamples(bytes, { sizes, time, rejections });
    const names = { ...tables, processes, rejections };
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
      samples,
      symbols: has(batchFields.symbols) ? yield* readSymbols(names, spans.of(batchFields.symbols)) : [],
      stubs: has(batchFields.stubs) ? yield* readStubs(names, spans.of(batchFields.stubs)) : [],
      executables: has(batchFields.executables) ? yield* readExecutables(names, spans.of(batchFields.executables)) : [],
      processExits: has(batchFields.processExits)
        ? yield* readProcessExits(names, spans.of(batchFields.processExits))
        : [],
      lostSamples: readLostSamples(reader, spans.of(batchFields.lostSamples)),
    };
    return { batch, rejections, samplePositions, unknownFrameKinds, repairs: reader.repairs };
  }

  #readCollector(bytes: Buffer, reader: WireReader): Collector {
    const spans = this.#spans.of(batchFields.collector);
    const read = (): Collector => readCollector(reader, spans);
    if (spans.count !== 1) return read();
    return this.#repeated.collector(bytes, spans.bounds[0]!, spans.bounds[1]!, reader.repairs, read);
  }

  *#readFrames(bytes: Buffer, sizes: TableSizes): Steps<{ frames: FrameColumns; unknownFrameKinds: number }> {
    const columns = this.#columns.frames(sizes.frames + 1);
    const unknownFrameKinds = yield* readFrames(bytes, this.#spans.of(batchFields.frames), columns, sizes);
    return { frames: { count: sizes.frames, ...columns }, unknownFrameKinds };
  }

  *#readStacks(bytes: Buffer, frameCount: number): Steps<StackColumns> {
    const spans = this.#spans.of(batchFields.stacks);
    const columns = this.#columns.stacks(spans.count + 2);
    // An index takes at least a byte.
    const frames = this.#columns.stackFrames(sumOfSizes(spans.bounds, spans.count));
    yield* readStacks(bytes, spans, { columns, frames, frameCount });
    return { count: spans.count, frames, ...columns };
  }

  *#readSamples(
    bytes: Buffer,
    checks: { sizes: TableSizes; time: SampleTime; rejections: Rejections },
  ): Steps<{ samples: SampleColumns; samplePositions: Uint32Array }> {
    const spans = this.#spans.of(batchFields.samples);
    const { position, ...columns } = this.#columns.samples(spans.count + 1);
    // A timestamp takes 8 bytes. Values take one, so that a sample with more values than timestamps needs room too.
    const totalBytes = sumOfSizes(spans.bounds, spans.count);
    const spareMoments = Math.min(totalBytes, mostMomentsInSample);
    const moments = this.#columns.moments(Math.floor(totalBytes / 8) + spareMoments);
    const count = yield* readSamples(bytes, spans, { columns: { position, ...columns }, moments, ...checks });
    const { timestampsUnixNano, values } = moments;
    return { samples: { count, ...columns, timestampsUnixNano, values }, samplePositions: position };
  }
}

const noTable = [undefined];

function sumOfSizes(bounds: Uint32Array, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += bounds[2 * i + 1]! - bounds[2 * i]!;
  return sum;
}
