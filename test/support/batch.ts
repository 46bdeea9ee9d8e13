import type { FileId } from '../../src/model/file-id.ts';
import { readFileId } from '../../src/model/file-id.ts';
import type { FileMapping, FrameBatch, TraceLink } from '../../src/model/frame-batch.ts';
import type { FrameKind } from '../../src/model/frame-kind.ts';
import { frameKinds } from '../../src/model/frame-kind.ts';
import type { FrameSymbol } from '../../src/model/frame-symbol.ts';
import type { Process } from '../../src/model/process.ts';
import type { ProfileType } from '../../src/model/profile-type.ts';

/** A frame as a test writes it down; belongs to a process when `process` is given. */
export interface FrameSketch {
  readonly file?: FileId;
  readonly process?: Process;
  readonly address: bigint;
  readonly kind?: FrameKind;
  readonly mapping?: FileMapping;
}

export interface SampleSketch {
  /** Leaf first. */
  readonly frames: readonly FrameSketch[];
  readonly truncated?: boolean;
  readonly process?: Process;
  readonly type?: ProfileType;
  readonly threadId?: number;
  readonly threadName?: string;
  readonly cpu?: number;
  readonly labels?: ReadonlyMap<string, string>;
  readonly link?: TraceLink;
  readonly timestamps: readonly bigint[];
  readonly values?: readonly bigint[];
}

export type BatchSketch = Partial<
  Pick<FrameBatch, 'symbols' | 'stubs' | 'executables' | 'processExits' | 'lostSamples' | 'sequence'>
> & {
  readonly collector?: Partial<FrameBatch['collector']>;
  readonly samples?: readonly SampleSketch[];
};

export const onCpu: ProfileType = {
  sampleType: 'samples',
  sampleUnit: 'count',
  periodType: 'cpu',
  periodUnit: 'nanoseconds',
  period: 50_000_000n,
};

export const offCpu: ProfileType = {
  sampleType: 'off_cpu',
  sampleUnit: 'nanoseconds',
  periodType: '',
  periodUnit: '',
  period: 0n,
};

export function fileIdOf(number: number): FileId {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, 0x5eed0000);
  new DataView(bytes.buffer).setUint32(12, number);
  return readFileId(bytes);
}

export function processOf(pid: number, fields: Partial<Process> = {}): Process {
  return {
    pid,
    namespacePid: 0,
    startTimeNano: 1n,
    comm: 'work',
    executablePath: '/srv/work',
    containerId: '',
    serviceName: '',
    labels: new Map(),
    ...fields,
  };
}

export function symbolOf(functionName: string, fields: Partial<FrameSymbol> = {}): FrameSymbol {
  return { functionName, systemName: '', filePath: '', line: 0, column: 0, startLine: 0, inlined: [], ...fields };
}

/** A decoded batch, its tables filled with what the sketch uses; each sketch object is one entry. */
export function batchOf(sketch: BatchSketch): FrameBatch {
  const tables = new Tables();
  const samples = (sketch.samples ?? []).map((sample) => ({ ...sample, indices: tables.add(sample) }));
  const momentStart = new Uint32Array(samples.length + 1);
  samples.forEach(({ timestamps }, i) => {
    momentStart[i + 1] = momentStart[i]! + timestamps.length;
  });
  const column = (read: (sample: (typeof samples)[number]) => number): Uint32Array => Uint32Array.from(samples, read);
  return {
    collector: {
      instanceId: '00112233445566778899aabbccddeeff',
      resourceAttributes: new Map([['host.name', 'node-1']]),
      scopeName: 'test collector',
      scopeVersion: '1',
      ...sketch.collector,
    },
    sequence: sketch.sequence ?? 0n,
    ...tables.build(),
    samples: {
      count: samples.length,
      stack: column(({ indices }) => indices.stack),
      process: column(({ indices }) => indices.process),
      profileType: column(({ indices }) => indices.profileType),
      threadId: column(({ threadId }) => threadId ?? 0),
      threadName: column(({ indices }) => indices.threadName),
      cpuPlusOne: column(({ cpu }) => (cpu ?? -1) + 1),
      link: column(({ indices }) => indices.link),
      labelSet: column(({ indices }) => indices.labelSet),
      momentStart,
      timestampsUnixNano: BigUint64Array.from(samples.flatMap(({ timestamps }) => timestamps)),
      values: BigInt64Array.from(samples.flatMap(({ timestamps, values }) => values ?? timestamps.map(() => 1n))),
    },
    symbols: sketch.symbols ?? [],
    stubs: sketch.stubs ?? [],
    executables: sketch.executables ?? [],
    processExits: sketch.processExits ?? [],
    lostSamples: sketch.lostSamples ?? [],
  };
}

const defaultProcess = processOf(1);
const zeroFile: FileId = { word0: 0, word1: 0, word2: 0, word3: 0 };

class Tables {
  readonly #strings = [''];
  readonly #files: FileId[] = [zeroFile];
  readonly #mappings: (FileMapping | undefined)[] = [undefined];
  readonly #frames: (FrameSketch | undefined)[] = [undefined];
  readonly #stacks: { frames: number[]; truncated: boolean }[] = [];
  readonly #processes: (Process | undefined)[] = [undefined];
  readonly #links: (TraceLink | undefined)[] = [undefined];
  readonly #labelSets: (ReadonlyMap<string, string> | undefined)[] = [undefined];
  readonly #profileTypes: (ProfileType | undefined)[] = [undefined];

  add(sample: SampleSketch): Record<'stack' | 'process' | 'profileType' | 'threadName' | 'link' | 'labelSet', number> {
    const frames = sample.frames.map((frame) => {
      if (frame.file !== undefined) intern(this.#files, frame.file);
      if (frame.mapping !== undefined) intern(this.#files, frame.mapping.fileId);
      intern(this.#mappings, frame.mapping);
      intern(this.#processes, frame.process);
      return intern(this.#frames, frame);
    });
    return {
      stack: this.#stacks.push({ frames, truncated: sample.truncated ?? false }),
      process: intern(this.#processes, sample.process ?? defaultProcess),
      profileType: intern(this.#profileTypes, sample.type ?? onCpu),
      threadName: intern(this.#strings, sample.threadName ?? ''),
      link: intern(this.#links, sample.link),
      labelSet: intern(this.#labelSets, sample.labels),
    };
  }

  build(): Pick<
    FrameBatch,
    'strings' | 'fileIds' | 'mappings' | 'frames' | 'stacks' | 'processes' | 'links' | 'labelSets' | 'profileTypes'
  > {
    const frames = this.#frames;
    const column = (read: (frame: FrameSketch) => number): Uint32Array =>
      Uint32Array.from(frames, (frame) => (frame === undefined ? 0 : read(frame)));
    const start = [0, 0];
    for (const stack of this.#stacks) start.push(start.at(-1)! + stack.frames.length);
    return {
      strings: this.#strings,
      fileIds: this.#files,
      mappings: this.#mappings,
      frames: {
        count: frames.length - 1,
        fileId: column(({ file }) => (file === undefined ? 0 : this.#files.indexOf(file))),
        process: column(({ process }) => this.#processes.indexOf(process)),
        addressHigh: column(({ address }) => Number(address >> 32n)),
        addressLow: column(({ address }) => Number(address & 0xffff_ffffn)),
        kind: Uint8Array.from(column(({ kind }) => kind ?? frameKinds.native)),
        mapping: column(({ mapping }) => this.#mappings.indexOf(mapping)),
      },
      stacks: {
        count: this.#stacks.length,
        start: Uint32Array.from(start),
        frames: Uint32Array.from(this.#stacks.flatMap((stack) => stack.frames)),
        truncated: Uint8Array.from([0, ...this.#stacks.map(({ truncated }) => (truncated ? 1 : 0))]),
      },
      processes: this.#processes,
      links: this.#links,
      labelSets: this.#labelSets,
      profileTypes: this.#profileTypes,
    };
  }
}

function intern<T>(entries: T[], entry: T): number {
  const known = entries.indexOf(entry);
  return known >= 0 ? known : entries.push(entry) - 1;
}
