import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BatchMessage, BatchReplyMessage, NeededNameMessage } from '../../../src/cli/replay/frames-messages.ts';
import { readRecording } from '../../../src/cli/replay/read-recording.ts';
import { sliceRecording } from '../../../src/cli/replay/recording-slices.ts';
import { ReplayCollector } from '../../../src/cli/replay/replay-collector.ts';
import { liveTimeline, recordedTimeline } from '../../../src/cli/replay/timeline.ts';

const java = readRecording('java');
const slices = sliceRecording(java);
const startUnixNano = 1_800_000_000_000_000_000n;

function startedCollector(): ReplayCollector {
  const collector = new ReplayCollector(java, new Uint8Array(16).fill(7));
  collector.startPass(liveTimeline(java, startUnixNano, 1));
  return collector;
}

function asking(...namesNeeded: NeededNameMessage[]): BatchReplyMessage {
  const counts = { acceptedSamples: 0, rejectedSamples: 0, rejections: [], retryDelayMs: 0, duplicate: false };
  return { sequence: 1n, ...counts, namesNeeded, executablesNeeded: new Uint8Array(0) };
}

function neededStub(batch: BatchMessage): NeededNameMessage {
  const stub = batch.stubs[0]!;
  const frame = batch.frames.find(
    ({ process, addressOrLine: address }) => process > 0 && address >= stub.start && address < stub.start + stub.length,
  )!;
  const { pid, startTimeNano } = batch.processes[frame.process - 1]!;
  return { fileId: new Uint8Array(0), pid, startTimeNano, addressOrLine: frame.addressOrLine, kind: frame.kind };
}

function neededSymbol(batch: BatchMessage): NeededNameMessage {
  const { fileId: index, addressOrLine } = batch.symbols[0]!;
  const fileId = batch.fileIds.subarray((index - 1) * 16, index * 16);
  const { kind } = batch.frames.find((frame) => frame.fileId === index && frame.addressOrLine === addressOrLine)!;
  return { fileId, pid: 0, startTimeNano: 0n, addressOrLine, kind };
}

test('ReplayCollector sends a stub again when it is asked, with the next batch, once', () => {
  const collector = startedCollector();
  const first = collector.batchOf(slices[0]!);
  collector.takeReply(asking(neededStub(first), neededStub(first)));
  const second = collector.batchOf(slices[1]!);
  const third = collector.batchOf(slices[2]!);
  const withStart = (batch: BatchMessage): number =>
    batch.stubs.filter(({ start }) => start === first.stubs[0]!.start).length;
  assert.deepEqual([withStart(second), withStart(third)], [1, 0]);
  assert.equal(collector.counts.namesSentAgain, 0);
  collector.takeReply({ ...asking(), sequence: second.sequence });
  assert.equal(collector.counts.namesSentAgain, 1);
});

test('ReplayCollector sends a symbol again without waiting for samples', () => {
  const collector = startedCollector();
  const batch = slices.map((slice) => collector.batchOf(slice)).find(({ symbols }) => symbols.length > 0)!;
  collector.takeReply(asking(neededSymbol(batch)));
  const answer = collector.answerBatch()!;
  assert.equal(answer.samples.length, 0);
  assert.deepEqual(
    answer.symbols.map(({ addressOrLine }) => addressOrLine),
    [batch.symbols[0]!.addressOrLine],
  );
  assert.equal(collector.answerBatch(), undefined);
});

test('ReplayCollector sends an executable again when it is asked, once, and leaves out what it does not know', () => {
  const collector = startedCollector();
  const { fileIds, executables } = collector.batchOf(slices[0]!);
  const { fileId: index } = executables[0]!;
  const fileId = fileIds.subarray((index - 1) * 16, index * 16);
  const unknown = new Uint8Array(16).fill(9);
  collector.takeReply({ ...asking(), executablesNeeded: Buffer.concat([fileId, unknown, fileId]) });
  const answer = collector.answerBatch()!;
  assert.deepEqual([answer.executables.length, answer.fileIds], [1, Buffer.from(fileId)]);
  collector.takeReply({ ...asking(), sequence: answer.sequence });
  assert.deepEqual([answer.samples.length, collector.counts.executablesSentAgain], [0, 1]);
  assert.equal(collector.answerBatch(), undefined);
});

test('ReplayCollector answers for a file of an earlier pass, but not for its processes', () => {
  const collector = startedCollector();
  const batches = slices.map((slice) => collector.batchOf(slice));
  collector.startPass(liveTimeline(java, startUnixNano + 60_000_000_000n, 1));
  const symbol = neededSymbol(batches.find(({ symbols }) => symbols.length > 0)!);
  const stub = neededStub(batches.find(({ stubs }) => stubs.length > 0)!);
  collector.takeReply(asking(symbol, stub));
  const { symbols, stubs } = collector.answerBatch()!;
  assert.deepEqual([symbols.length, stubs.length, collector.counts.namesUnknown], [1, 0, 1]);
});

test('ReplayCollector counts what is asked and unknown to it', () => {
  const collector = startedCollector();
  const needed = neededStub(collector.batchOf(slices[0]!));
  collector.takeReply(asking({ ...needed, startTimeNano: 1n }, { ...needed, addressOrLine: 1n }));
  assert.equal(collector.counts.namesUnknown, 2);
  assert.equal(collector.answerBatch(), undefined);
});

test('ReplayCollector names the code of a new process again, but not files that it has named', () => {
  const collector = startedCollector();
  const count = (pick: (batch: BatchMessage) => number): number =>
    slices.map((slice) => collector.batchOf(slice)).reduce((sum, batch) => sum + pick(batch), 0);
  const names = ({ stubs, symbols }: BatchMessage): number => stubs.length * 1_000_000 + symbols.length;
  const firstPass = count(names);
  collector.startPass(liveTimeline(java, startUnixNano + 60_000_000_000n, 1));
  const secondPass = count(names);
  assert.equal(Math.floor(secondPass / 1_000_000), Math.floor(firstPass / 1_000_000));
  assert.deepEqual([firstPass % 1_000_000 > 0, secondPass % 1_000_000], [true, 0]);
});

test('ReplayCollector numbers its batches from 1 through all passes, and ends with the exits', () => {
  const collector = startedCollector();
  const batches = slices.map((slice) => collector.batchOf(slice));
  assert.deepEqual(
    batches.map(({ sequence }) => sequence),
    slices.map((_, index) => BigInt(index + 1)),
  );
  assert.deepEqual(
    batches.map(({ processExits }) => processExits.length),
    slices.map(({ isLast }) => (isLast ? 1 : 0)),
  );
  collector.startPass(liveTimeline(java, startUnixNano, 1));
  assert.equal(collector.batchOf(slices[0]!).sequence, BigInt(slices.length + 1));
});

for (const { name, timeline, first, span } of [
  { name: 'at recorded speed', timeline: liveTimeline(java, startUnixNano, 1), first: startUnixNano, span: 1 },
  { name: 'twice as fast', timeline: liveTimeline(java, startUnixNano, 2), first: startUnixNano, span: 0.5 },
  {
    name: 'at any speed, which ends now',
    timeline: liveTimeline(java, startUnixNano, Number.POSITIVE_INFINITY),
    first: startUnixNano - (java.samples.at(-1)!.timeNano - java.samples[0]!.timeNano),
    span: 1,
  },
  {
    name: 'when it was recorded',
    timeline: recordedTimeline(java.anchorNano, java.anchorUnixNano!, 0),
    first: java.anchorUnixNano! + java.samples[0]!.timeNano - java.anchorNano,
    span: 1,
  },
]) {
  test(`a timeline puts samples ${name}`, () => {
    const unixOf = (timeNano: bigint): bigint =>
      timeline.timestampOf(timeNano) - timeline.anchorNano + timeline.anchorUnixNano;
    const [begin, end] = [java.samples[0]!.timeNano, java.samples.at(-1)!.timeNano];
    assert.equal(unixOf(begin), first);
    const recordedSpan = Number(end - begin);
    assert.ok(Math.abs(Number(unixOf(end) - first) - recordedSpan * span) < 1_000);
    assert.equal(timeline.startTimeOf(java.processes[0]!), first);
  });
}

test('sliceRecording leaves out no sample and keeps to 100 ms and 500 samples', () => {
  assert.deepEqual(
    slices.flatMap(({ samples }) => samples),
    java.samples,
  );
  for (const { samples, dueNano } of slices) {
    assert.ok(samples.length <= 500 && dueNano > samples.at(-1)!.timeNano);
    assert.ok(dueNano - samples[0]!.timeNano <= 100_000_000n);
  }
});
