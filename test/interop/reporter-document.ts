import { basename } from 'node:path';
import { Interner } from '../../src/cli/replay/batch-builder.ts';
import type { CollectedFrame, CollectedMapping, CollectedSample, Recording } from '../../src/cli/replay/collected.ts';
import { frameTypeName } from '../../src/model/frame-kind.ts';
import type { Observation, ObservedFrame } from './observations.ts';
import { sortedAttributes } from './observations.ts';

/** What `peers/ebpf-reporter` reads: stacks in the form in which the eBPF profiler hands them to its reporter. */
export interface ReporterDocument {
  readonly samplesPerSecond: number;
  readonly mappings: readonly {
    readonly fileId: string;
    readonly fileName: string;
    readonly gnuBuildId: string;
    readonly start: string;
    readonly end: string;
    readonly fileOffset: string;
  }[];
  readonly frames: readonly ReporterFrame[];
  readonly events: readonly ReporterEvent[];
}

interface ReporterFrame {
  readonly type: string;
  readonly function: string;
  readonly file: string;
  readonly line: number;
  readonly address: string;
  readonly mapping?: number;
}

interface ReporterEvent {
  readonly frames: readonly number[];
  readonly timeUnixNano: string;
  readonly pid: number;
  readonly tid: number;
  readonly cpu: number;
  readonly comm: string;
  readonly executablePath: string;
  readonly containerId: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** The recording as if its first sample had been taken at `startUnixNano`, with attributes that the recordings lack. */
export function reporterDocument({ samples }: Recording, startUnixNano: bigint): ReporterDocument {
  const mappings = new Interner<CollectedMapping, ReporterDocument['mappings'][number]>();
  // By content: addresses in generated code tell frames apart that the reporter cannot.
  const frames = new Interner<string, ReporterFrame>();
  const addMapping = (mapping: CollectedMapping): number => {
    const { fileId, fileName, gnuBuildId } = mapping.executable;
    const [start, end, fileOffset] = [`${mapping.start}`, `${mapping.end}`, `${mapping.fileOffset}`];
    // Interners count from 1.
    return mappings.intern(mapping, () => ({ fileId, fileName, gnuBuildId, start, end, fileOffset })) - 1;
  };
  const addFrame = (collected: CollectedFrame): number => {
    const frame = reporterFrame(collected, addMapping);
    return frames.intern(JSON.stringify(frame), () => frame) - 1;
  };
  const events = samples.map((sample) => ({
    frames: sample.frames.map(addFrame),
    timeUnixNano: String(startUnixNano + sample.timeNano - samples[0]!.timeNano),
    ...ownerOf(sample),
  }));
  const samplesPerSecond = Number(1_000_000_000n / samples[0]!.type.period);
  return { samplesPerSecond, mappings: mappings.values, frames: frames.values, events };
}

/** What a faithful sender makes of the document: an observation for each event, nothing else. */
export function expectedObservations(document: ReporterDocument): Observation[] {
  const type = `samples/count cpu/nanoseconds ${Math.floor(1e9 / document.samplesPerSecond)}`;
  const mappings = document.mappings.map(({ fileId, fileName, gnuBuildId, start, end, fileOffset }) => ({
    fileName,
    start: BigInt(start),
    end: BigInt(end),
    fileOffset: BigInt(fileOffset),
    attributes: sortedAttributes({
      ...(gnuBuildId && { 'process.executable.build_id.gnu': gnuBuildId }),
      'process.executable.build_id.htlhash': fileId,
    }),
  }));
  const frames = document.frames.map(
    (frame): ObservedFrame => ({
      type: frame.type,
      address: BigInt(frame.address),
      mapping: frame.mapping === undefined ? undefined : mappings[frame.mapping],
      lines: frame.function === '' ? [] : [{ function: frame.function, file: frame.file, line: frame.line }],
    }),
  );
  return document.events.map(({ frames: stack, timeUnixNano, ...owner }) => ({
    timeUnixNano: BigInt(timeUnixNano),
    scope: 'ebpf-reporter',
    type,
    resource: sortedAttributes({
      ...(owner.containerId && { 'container.id': owner.containerId }),
      'process.pid': BigInt(owner.pid),
      ...(owner.executablePath && {
        'process.executable.path': owner.executablePath,
        'process.executable.name': basename(owner.executablePath),
      }),
      // Added on the way: the reporter sends no name of a service.
      'service.name': `unknown_service${owner.executablePath && `:${basename(owner.executablePath)}`}`,
    }),
    attributes: sortedAttributes({
      ...Object.fromEntries(
        Object.entries(owner.labels).map(([key, value]) => [`process.context.label.${key}`, value]),
      ),
      'thread.name': owner.comm,
      'thread.id': BigInt(owner.tid),
      'cpu.logical_number': BigInt(owner.cpu),
    }),
    stack: stack.map((index) => frames[index]!),
  }));
}

/** The profiler gives code of an interpreter a function, a file and a line, and neither an address nor a mapping. */
function reporterFrame(
  { address, kind, mapping, name }: CollectedFrame,
  addMapping: (mapping: CollectedMapping) => number,
): ReporterFrame {
  const symbol = name?.kind === 'symbol' ? name.symbol : undefined;
  const stub = name?.kind === 'stub' ? name : undefined;
  const isInFile = mapping !== undefined;
  return {
    type: frameTypeName(kind),
    function: symbol?.functionName ?? stub?.functionName ?? '',
    file: symbol?.filePath ?? stub?.file ?? '',
    // Of generated code the recording knows where its function begins, not which line ran.
    line: symbol?.line ?? 0,
    address: isInFile || name === undefined ? String(address) : '0',
    ...(isInFile && { mapping: addMapping(mapping) }),
  };
}

function ownerOf({
  process,
  threadId,
  threadName,
  cpu,
}: CollectedSample): Omit<ReporterEvent, 'frames' | 'timeUnixNano'> {
  return {
    pid: process.pid,
    tid: threadId,
    cpu,
    comm: threadName,
    executablePath: process.executablePath,
    // Half of the processes are in a container, half of the threads have a label.
    containerId: process.pid % 2 === 0 ? '' : process.pid.toString(16).padStart(64, 'c0'),
    labels: threadId % 2 === 0 ? { tenant: `of ${threadName}` } : {},
  };
}
