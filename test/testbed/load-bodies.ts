import type { Recording } from '../../src/cli/replay/collected.ts';
import type { BatchMessage } from '../../src/cli/replay/frames-messages.ts';
import { bundledRecordings, readRecording } from '../../src/cli/replay/read-recording.ts';
import { ReplayCollector } from '../../src/cli/replay/replay-collector.ts';
import type { Timeline } from '../../src/cli/replay/timeline.ts';
import { encodeBatch } from '../support/frames-client.ts';

/** Batches of recorded stacks, encoded but for their sequence number and clock, which are appended when they are sent. */
export interface LoadBodies {
  /** With the names of their frames: to be sent once. */
  readonly named: readonly Buffer[];
  /** The same samples without names, as a collector sends them from then on. */
  readonly bare: readonly LoadBody[];
}

export interface LoadBody {
  readonly bytes: Buffer;
  readonly sampleCount: number;
}

/** As many as frames.proto calls cheap. */
const batchSamples = 500;
const idsPerCopy = 100_000;
/** The samples of a batch lie in so many nanoseconds from the anchor of its clock on. */
export const batchSpanNano = 50_000_000n;

/**
 * All recordings that come with Framekeeper: C++, Java, Node.js, Python and kernel work. Each recorded program runs `copies`
 * times, with processes and threads of its own, so that the samples of a cycle are not alike.
 */
export function encodeLoad(copies: number): LoadBodies {
  const batches = bundledRecordings.flatMap((name, index) => batchesOf(readRecording(name), index));
  const named: Buffer[] = [];
  const bare: LoadBody[] = [];
  for (let copy = 0; copy < copies; copy++) {
    for (const batch of batches) {
      const copied = copyOf(batch, copy);
      // Names of files are the same in every copy; those of processes are not.
      named.push(encodeBatch(copy === 0 ? { ...copied } : { ...copied, symbols: [], executables: [] }));
      const bytes = encodeBatch({ ...copied, symbols: [], stubs: [], executables: [] });
      bare.push({ bytes, sampleCount: batch.samples.length });
    }
  }
  return { named, bare };
}

function batchesOf(recording: Recording, index: number): BatchMessage[] {
  const collector = new ReplayCollector(recording, Buffer.alloc(16, 1 + index));
  const { samples } = recording;
  const firstNano = samples[0]!.timeNano;
  const lengthNano = samples.at(-1)!.timeNano - firstNano + 1n;
  const timeline: Timeline = {
    anchorNano: 0n,
    anchorUnixNano: 0n,
    timestampOf: (timeNano) => ((timeNano - firstNano) * batchSpanNano) / lengthNano,
    startTimeOf: ({ firstSeenNano }) => firstSeenNano,
  };
  collector.startPass(timeline);
  const batches: BatchMessage[] = [];
  for (let at = 0; at < samples.length; at += batchSamples) {
    const slice = { dueNano: 0n, samples: samples.slice(at, at + batchSamples), exits: [], isLast: false };
    // Sequence and clock are left out, so that those that are appended are the only ones.
    const { sequence: _, clock: __, ...body } = collector.batchOf(slice);
    batches.push(body as BatchMessage);
  }
  return batches;
}

function copyOf(batch: BatchMessage, copy: number): BatchMessage {
  const shift = copy * idsPerCopy;
  return {
    ...batch,
    processes: batch.processes.map((process) => ({ ...process, pid: process.pid + shift })),
    samples: batch.samples.map((sample) => ({ ...sample, threadId: sample.threadId + shift })),
  };
}

/** A body with its sequence number and a clock whose zero is at `anchorUnixNano`. */
export function finishBatch(body: Buffer, sequence: number, anchorUnixNano: bigint): Buffer {
  const tail = Buffer.alloc(32);
  let at = tail.writeUInt8((2 << 3) | 0, 0);
  for (let rest = sequence; ; rest = Math.floor(rest / 128)) {
    at = tail.writeUInt8(rest >= 128 ? (rest % 128) | 128 : rest, at);
    if (rest < 128) break;
  }
  // Clock: kind = 1 (monotonic), anchor_nano left at 0, anchor_unix_nano = 3.
  tail.set([((18 << 3) & 0x7f) | 2 | 0x80, (18 << 3) >> 7, 11, (1 << 3) | 0, 1, (3 << 3) | 1], at);
  at = tail.writeBigUInt64LE(anchorUnixNano, at + 6);
  return Buffer.concat([body, tail.subarray(0, at)]);
}
