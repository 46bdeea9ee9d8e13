import type { FrameSymbol } from '../../model/frame-symbol.ts';
import type {
  CollectedFrame,
  CollectedMapping,
  CollectedProcess,
  CollectedSample,
  CollectedStub,
  CollectedType,
  LossReasonName,
} from './collected.ts';
import type { RecordedExecutable } from './executables.ts';
import type {
  BatchMessage,
  ExecutableMessage,
  FrameMessage,
  FrameSymbolMessage,
  MappingMessage,
  ProcessMessage,
  ProfileTypeMessage,
  SampleMessage,
  SourceLocationMessage,
  StubMessage,
} from './frames-messages.ts';

const maxTextBytes = 65_535;
const ellipsisBytes = 3;
const stubKinds = { stub: 'STUB_KIND_STUB', interpreter: 'STUB_KIND_INTERPRETER', jit: 'STUB_KIND_JIT' } as const;

/** Builds one batch: an entry that is added twice is in its table once. */
export class BatchBuilder {
  readonly #strings = new Interner<string, string>();
  readonly #fileIds = new Interner<string, string>();
  readonly #mappings = new Interner<CollectedMapping, MappingMessage>();
  readonly #frames = new Interner<CollectedFrame, FrameMessage>();
  readonly #stacks = new Interner<string, BatchMessage['stacks'][number]>();
  readonly #processes = new Interner<CollectedProcess, ProcessMessage>();
  readonly #types = new Interner<CollectedType, ProfileTypeMessage>();
  readonly #samples: SampleMessage[] = [];
  readonly #symbols: FrameSymbolMessage[] = [];
  readonly #stubs: StubMessage[] = [];
  readonly #executables: ExecutableMessage[] = [];
  readonly #processExits: number[] = [];
  readonly #lostSamples: { reason: LossReasonName; count: bigint }[] = [];
  #cutTexts = 0;
  readonly #startTimeOf: (process: CollectedProcess) => bigint;

  constructor(startTimeOf: (process: CollectedProcess) => bigint) {
    this.#startTimeOf = startTimeOf;
  }

  addSample(sample: CollectedSample, timestampNano: bigint): void {
    const frames = sample.frames.map((frame) => this.#frame(frame));
    const { truncated } = sample;
    this.#samples.push({
      stack: this.#stacks.intern(`${frames} ${truncated}`, () => ({ frames, truncated })),
      process: this.#process(sample.process),
      profileType: this.#type(sample.type),
      threadId: sample.threadId,
      threadName: this.#string(sample.threadName),
      cpuPlusOne: sample.cpu + 1,
      timestamps: [timestampNano],
      ...(sample.value !== undefined && { values: [sample.value] }),
    });
  }

  addSymbol(fileId: string, addressOrLine: bigint, symbol: FrameSymbol): void {
    const locations = [...symbol.inlined, symbol].map((location) => this.#location(location));
    this.#symbols.push({ fileId: this.#fileId(fileId), addressOrLine, locations });
  }

  addStub(process: CollectedProcess, stub: CollectedStub): void {
    this.#stubs.push({
      process: this.#process(process),
      start: stub.start,
      length: stub.length,
      name: this.#string(stub.functionName),
      systemName: this.#string(stub.systemName),
      file: this.#string(stub.file),
      line: stub.line,
      kind: stubKinds[stub.stubKind],
      tier: this.#string(stub.tier),
    });
  }

  addExecutable({ fileId, fileName, gnuBuildId, fileIdIsHtlhash }: RecordedExecutable): void {
    this.#executables.push({
      fileId: this.#fileId(fileId),
      fileName: this.#string(fileName),
      gnuBuildId: this.#string(gnuBuildId),
      fileIdIsHtlhash,
    });
  }

  addExit(process: CollectedProcess): void {
    this.#processExits.push(this.#process(process));
  }

  addLost(reason: LossReasonName, count: bigint): void {
    this.#lostSamples.push({ reason, count });
  }

  /** Texts that were longer than the protocol allows. */
  get cutTexts(): number {
    return this.#cutTexts;
  }

  get hasContent(): boolean {
    const lists = [this.#samples, this.#symbols, this.#stubs, this.#executables, this.#processExits];
    return lists.some(({ length }) => length > 0) || this.#lostSamples.length > 0;
  }

  build({ collector, sequence, clock }: Pick<BatchMessage, 'collector' | 'sequence' | 'clock'>): BatchMessage {
    return {
      collector,
      sequence,
      strings: this.#strings.values,
      fileIds: Buffer.from(this.#fileIds.values.join(''), 'hex'),
      mappings: this.#mappings.values,
      frames: this.#frames.values,
      stacks: this.#stacks.values,
      processes: this.#processes.values,
      profileTypes: this.#types.values,
      samples: this.#samples,
      symbols: this.#symbols,
      stubs: this.#stubs,
      executables: this.#executables,
      processExits: this.#processExits,
      lostSamples: this.#lostSamples,
      clock,
    };
  }

  #type(type: CollectedType): number {
    const { sampleType, sampleUnit, periodType, periodUnit, period } = type;
    return this.#types.intern(type, () => ({
      sampleType: this.#string(sampleType),
      sampleUnit: this.#string(sampleUnit),
      periodType: this.#string(periodType),
      periodUnit: this.#string(periodUnit),
      period,
    }));
  }

  #string(text: string): number {
    return text === '' ? 0 : this.#strings.intern(text, () => this.#bounded(text));
  }

  /** The protocol's longest text, cut between two characters. */
  #bounded(text: string): string {
    if (Buffer.byteLength(text) <= maxTextBytes) return text;
    this.#cutTexts += 1;
    const bytes = Buffer.from(text).subarray(0, maxTextBytes - ellipsisBytes);
    // A character that was cut in two is decoded as U+FFFD.
    return `${bytes.toString().replace(/\ufffd$/, '')}…`;
  }

  #fileId(fileId: string): number {
    return this.#fileIds.intern(fileId, () => fileId);
  }

  #frame(frame: CollectedFrame): number {
    const { owner, address, kind, mapping } = frame;
    return this.#frames.intern(frame, () => ({
      fileId: typeof owner === 'string' ? this.#fileId(owner) : 0,
      process: typeof owner === 'string' ? 0 : this.#process(owner),
      addressOrLine: address,
      kind,
      mapping: mapping === undefined ? 0 : this.#mapping(mapping),
    }));
  }

  #mapping(mapping: CollectedMapping): number {
    const { executable, start, end, fileOffset } = mapping;
    return this.#mappings.intern(mapping, () => ({ fileId: this.#fileId(executable.fileId), start, end, fileOffset }));
  }

  #process(process: CollectedProcess): number {
    return this.#processes.intern(process, () => ({
      pid: process.pid,
      namespacePid: process.namespacePid,
      startTimeNano: this.#startTimeOf(process),
      comm: this.#string(process.comm),
      executablePath: this.#string(process.executablePath),
    }));
  }

  #location({ functionName, systemName, filePath, line, column, startLine }: FrameSymbol): SourceLocationMessage {
    return {
      function: this.#string(functionName),
      systemName: this.#string(systemName),
      file: this.#string(filePath),
      line,
      column,
      startLine,
    };
  }
}

/** One table of a batch: gives each key an index, counted from 1, and keeps the entry that was made for it first. */
export class Interner<K, V> {
  readonly #indices = new Map<K, number>();
  readonly values: V[] = [];

  intern(key: K, create: () => V): number {
    let index = this.#indices.get(key);
    if (index === undefined) {
      const value = create();
      index = this.values.push(value);
      this.#indices.set(key, index);
    }
    return index;
  }
}
