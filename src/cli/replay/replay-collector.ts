import { fileIdSizeBytes } from '../../model/file-id.ts';
import { BatchBuilder } from './batch-builder.ts';
import type { CollectedFrame, CollectedProcess, CollectedStub, Recording } from './collected.ts';
import type { RecordedExecutable } from './executables.ts';
import type { BatchMessage, BatchReplyMessage, NeededNameMessage } from './frames-messages.ts';
import type { RecordingSlice } from './recording-slices.ts';
import type { Timeline } from './timeline.ts';

/** Work of one collector. Names and executables count once their batch has a reply. */
export interface CollectorCounts {
  /** In batches that were made. */
  samples: number;
  /** Symbols and stubs, each when it was first seen. */
  namesSent: number;
  /** Symbols and stubs that the service asked for and got again. */
  namesSentAgain: number;
  /** Names that the service asked for and that the recording lacks. */
  namesUnknown: number;
  /** Texts that were cut to what the protocol allows. */
  textsCut: number;
  /** Executables that the service asked for and got again. */
  executablesSentAgain: number;
}

/** Names and executables in one batch. */
interface BatchContent {
  names: number;
  namesAgain: number;
  executablesAgain: number;
}

/**
 * The part of a collector that makes batches. A name goes out once, with the first sample that needs it, and again only
 * when a reply asks: a name of a file ID for as long as the collector lives, one of a process as long as the process.
 * So does an executable.
 */
export class ReplayCollector {
  readonly counts: CollectorCounts = {
    samples: 0,
    namesSent: 0,
    namesSentAgain: 0,
    namesUnknown: 0,
    textsCut: 0,
    executablesSentAgain: 0,
  };
  readonly #recording: Recording;
  readonly #identity: BatchMessage['collector'];
  readonly #framesByKey = new Map<string, CollectedFrame>();
  readonly #named = new Set<CollectedFrame | CollectedStub>();
  /** Executables that were sent, by file ID. */
  readonly #described = new Map<string, RecordedExecutable>();
  readonly #asked = new Set<CollectedFrame>();
  readonly #askedExecutables = new Set<RecordedExecutable>();
  /** Contents of the batches without a reply, by sequence. */
  readonly #unanswered = new Map<bigint, BatchContent>();
  #content: BatchContent = { names: 0, namesAgain: 0, executablesAgain: 0 };
  #timeline: Timeline | undefined;
  #sequence = 0n;

  /** `instanceId` are 16 random bytes. */
  constructor(recording: Recording, instanceId: Uint8Array) {
    this.#recording = recording;
    const resourceAttributes = Object.entries(recording.resourceAttributes).map(([key, value]) => ({ key, value }));
    this.#identity = { instanceId, resourceAttributes, scopeName: 'framekeeper-replay' };
  }

  /** Begins a pass through the recording; its processes are new ones. */
  startPass(timeline: Timeline): void {
    this.#timeline = timeline;
    for (const [key, { owner }] of this.#framesByKey) if (typeof owner !== 'string') this.#framesByKey.delete(key);
    for (const frame of this.#asked) if (typeof frame.owner !== 'string') this.#asked.delete(frame);
    for (const name of this.#named) if (isStub(name)) this.#named.delete(name);
  }

  /** The batch with a slice of the recording, and with what replies asked for since the last one. */
  batchOf(slice: RecordingSlice): BatchMessage {
    const timeline = this.#requireTimeline();
    const builder = new BatchBuilder((process) => timeline.startTimeOf(process));
    this.#answer(builder);
    for (const sample of slice.samples) {
      builder.addSample(sample, timeline.timestampOf(sample.timeNano));
      for (const frame of sample.frames) this.#introduce(frame, builder);
    }
    for (const process of slice.exits) builder.addExit(process);
    if (slice.isLast) for (const { reason, count } of this.#recording.lost) builder.addLost(reason, count);
    this.counts.samples += slice.samples.length;
    return this.#build(builder);
  }

  /** A batch with the names and executables that were asked for alone; `undefined` when nothing was. */
  answerBatch(): BatchMessage | undefined {
    const timeline = this.#requireTimeline();
    const builder = new BatchBuilder((process) => timeline.startTimeOf(process));
    this.#answer(builder);
    return builder.hasContent ? this.#build(builder) : undefined;
  }

  /** Notes that a batch has arrived, and the names and executables that the service lacks: the next batch has them. */
  takeReply({ sequence, namesNeeded, executablesNeeded }: BatchReplyMessage): void {
    const content = this.#unanswered.get(sequence);
    this.#unanswered.delete(sequence);
    this.counts.namesSent += content?.names ?? 0;
    this.counts.namesSentAgain += content?.namesAgain ?? 0;
    this.counts.executablesSentAgain += content?.executablesAgain ?? 0;
    for (const needed of namesNeeded) {
      const frame = this.#framesByKey.get(keyOfNeeded(needed));
      if (frame?.name === undefined) this.counts.namesUnknown += 1;
      else this.#asked.add(frame);
    }
    for (let at = 0; at < executablesNeeded.length; at += fileIdSizeBytes) {
      const fileId = Buffer.from(executablesNeeded.subarray(at, at + fileIdSizeBytes)).toString('hex');
      const executable = this.#described.get(fileId);
      if (executable !== undefined) this.#askedExecutables.add(executable);
    }
  }

  /** The service would not take the batch; its names are sent again when they are asked for. */
  takeRefusal(sequence: bigint): void {
    this.#unanswered.delete(sequence);
  }

  #introduce(frame: CollectedFrame, builder: BatchBuilder): void {
    this.#framesByKey.set(this.#keyOf(frame), frame);
    const executable = frame.mapping?.executable;
    if (executable !== undefined && !this.#described.has(executable.fileId)) {
      this.#described.set(executable.fileId, executable);
      builder.addExecutable(executable);
    }
    const name = frame.name?.kind === 'stub' ? frame.name : frame;
    if (frame.name === undefined || this.#named.has(name)) return;
    this.#named.add(name);
    addName(frame, builder);
    this.#content.names += 1;
  }

  #answer(builder: BatchBuilder): void {
    const stubs = new Set<CollectedStub>();
    for (const frame of this.#asked) {
      if (frame.name?.kind === 'stub') {
        if (stubs.has(frame.name)) continue;
        stubs.add(frame.name);
      }
      addName(frame, builder);
      this.#content.namesAgain += 1;
    }
    this.#asked.clear();
    for (const executable of this.#askedExecutables) builder.addExecutable(executable);
    this.#content.executablesAgain += this.#askedExecutables.size;
    this.#askedExecutables.clear();
  }

  #build(builder: BatchBuilder): BatchMessage {
    const { anchorNano, anchorUnixNano } = this.#requireTimeline();
    this.#sequence += 1n;
    const clock = { kind: 'KIND_MONOTONIC' as const, anchorNano, anchorUnixNano };
    const head = { collector: this.#identity, sequence: this.#sequence, clock };
    this.#unanswered.set(this.#sequence, this.#content);
    this.#content = { names: 0, namesAgain: 0, executablesAgain: 0 };
    this.counts.textsCut += builder.cutTexts;
    return builder.build(head);
  }

  #keyOf({ owner, address, kind }: CollectedFrame): string {
    if (typeof owner === 'string') return `${owner} ${address} ${kind}`;
    return `${owner.pid} ${this.#requireTimeline().startTimeOf(owner)} ${address} ${kind}`;
  }

  #requireTimeline(): Timeline {
    if (this.#timeline === undefined) throw new TypeError('startPass comes first');
    return this.#timeline;
  }
}

function addName({ owner, address, name }: CollectedFrame, builder: BatchBuilder): void {
  if (name?.kind === 'stub') builder.addStub(owner as CollectedProcess, name);
  else if (name?.kind === 'symbol') builder.addSymbol(owner as string, address, name.symbol);
}

function keyOfNeeded({ fileId, pid, startTimeNano, addressOrLine, kind }: NeededNameMessage): string {
  const owner = fileId.length > 0 ? Buffer.from(fileId).toString('hex') : `${pid} ${startTimeNano}`;
  return `${owner} ${addressOrLine} ${kind}`;
}

function isStub(name: CollectedFrame | CollectedStub): name is CollectedStub {
  return 'stubKind' in name;
}
