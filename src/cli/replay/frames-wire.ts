import { ProtobufReader } from '../../otlp/protobuf/protobuf-reader.ts';
import { ProtobufWriter } from '../../otlp/protobuf/protobuf-writer.ts';
import type {
  BatchMessage,
  BatchReplyMessage,
  NeededNameMessage,
  ProcessMessage,
  SampleMessage,
  SourceLocationMessage,
  StubMessage,
} from './frames-messages.ts';

const stubKinds = { STUB_KIND_STUB: 1, STUB_KIND_INTERPRETER: 2, STUB_KIND_JIT: 3 } as const;
const lossReasons = { REASON_BUFFER_FULL: 1, REASON_UNWIND_FAILED: 2 } as const;
const clockKinds = { KIND_UNIX: 0, KIND_MONOTONIC: 1, KIND_BOOTTIME: 2 } as const;

/** The protobuf of a `Batch` of frames.proto. The writer goes from the end to the beginning. */
export function encodeBatch(batch: BatchMessage): Uint8Array {
  const writer = new ProtobufWriter(64 * 1024);
  const { clock, collector } = batch;
  let mark = writer.length;
  writer.fixed64(3, clock.anchorUnixNano);
  writer.fixed64(2, clock.anchorNano);
  writer.uint32(1, clockKinds[clock.kind]);
  writer.message(18, mark);
  writer.messages(17, batch.lostSamples, ({ reason, count }) => {
    writer.int64(2, count);
    writer.uint32(1, lossReasons[reason]);
  });
  writer.packedInt32(16, batch.processExits);
  writer.messages(15, batch.executables, (executable) => {
    writer.uint32(5, executable.fileIdIsHtlhash ? 1 : 0);
    writer.uint32(3, executable.gnuBuildId);
    writer.uint32(2, executable.fileName);
    writer.uint32(1, executable.fileId);
  });
  writer.messages(14, batch.stubs, (stub) => writeStub(writer, stub));
  writer.messages(13, batch.symbols, (symbol) => {
    writer.messages(3, symbol.locations, (location) => writeLocation(writer, location));
    writer.fixed64(2, symbol.addressOrLine);
    writer.uint32(1, symbol.fileId);
  });
  writer.messages(12, batch.samples, (sample) => writeSample(writer, sample));
  writeTables(writer, batch);
  writer.int64(2, batch.sequence);
  mark = writer.length;
  writer.text(3, collector.scopeName);
  writer.messages(2, collector.resourceAttributes, ({ key, value }) => {
    writer.text(2, value);
    writer.text(1, key);
  });
  writer.bytes(1, collector.instanceId);
  writer.message(1, mark);
  return writer.finish();
}

function writeTables(writer: ProtobufWriter, batch: BatchMessage): void {
  writer.messages(11, batch.profileTypes, (type) => {
    writer.int64(5, type.period);
    writer.uint32(4, type.periodUnit);
    writer.uint32(3, type.periodType);
    writer.uint32(2, type.sampleUnit);
    writer.uint32(1, type.sampleType);
  });
  writer.messages(8, batch.processes, (process) => writeProcess(writer, process));
  writer.messages(7, batch.stacks, ({ frames, truncated }) => {
    writer.uint32(2, truncated ? 1 : 0);
    writer.packedInt32(1, frames);
  });
  writer.messages(6, batch.frames, (frame) => {
    writer.uint32(5, frame.mapping);
    writer.uint32(4, frame.kind);
    writer.fixed64(3, frame.addressOrLine);
    writer.uint32(2, frame.process);
    writer.uint32(1, frame.fileId);
  });
  writer.messages(5, batch.mappings, (mapping) => {
    writer.int64(4, mapping.fileOffset);
    writer.fixed64(3, mapping.end);
    writer.fixed64(2, mapping.start);
    writer.uint32(1, mapping.fileId);
  });
  writer.bytes(4, batch.fileIds);
  for (let index = batch.strings.length - 1; index >= 0; index--) writer.explicitText(3, batch.strings[index]!);
}

function writeStub(writer: ProtobufWriter, stub: StubMessage): void {
  writer.uint32(10, stub.systemName);
  writer.uint32(9, stub.tier);
  writer.uint32(8, stubKinds[stub.kind]);
  writer.uint32(7, stub.line);
  writer.uint32(6, stub.file);
  writer.uint32(5, stub.name);
  writer.int64(4, stub.length);
  writer.fixed64(3, stub.start);
  writer.uint32(1, stub.process);
}

function writeLocation(writer: ProtobufWriter, location: SourceLocationMessage): void {
  writer.uint32(6, location.startLine);
  writer.uint32(5, location.column);
  writer.uint32(4, location.line);
  writer.uint32(3, location.file);
  writer.uint32(2, location.systemName);
  writer.uint32(1, location.function);
}

function writeSample(writer: ProtobufWriter, sample: SampleMessage): void {
  writer.packedInt64(10, sample.values ?? []);
  writer.packedFixed64(9, sample.timestamps);
  writer.uint32(6, sample.cpuPlusOne);
  writer.uint32(5, sample.threadName);
  writer.uint32(4, sample.threadId);
  writer.uint32(3, sample.profileType);
  writer.uint32(2, sample.process);
  writer.uint32(1, sample.stack);
}

function writeProcess(writer: ProtobufWriter, process: ProcessMessage): void {
  writer.uint32(5, process.executablePath);
  writer.uint32(4, process.comm);
  writer.fixed64(3, process.startTimeNano);
  writer.uint32(2, process.namespacePid);
  writer.uint32(1, process.pid);
}

type Reader = ProtobufReader<undefined>;
type Draft<Message> = { -readonly [Key in keyof Message]: Message[Key] };

/** Reads a `BatchReply`. @throws InvalidMessage */
export function decodeReply(bytes: Uint8Array): BatchReplyMessage {
  const rejections: BatchReplyMessage['rejections'][number][] = [];
  const namesNeeded: NeededNameMessage[] = [];
  const reply: Draft<BatchReplyMessage> = {
    ...{ sequence: 0n, acceptedSamples: 0, rejectedSamples: 0, retryDelayMs: 0, duplicate: false },
    ...{ rejections, namesNeeded, executablesNeeded: new Uint8Array() },
  };
  const reader = new ProtobufReader(bytes, undefined);
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x08) reply.sequence = reader.uint64();
    else if (tag === 0x10) reply.acceptedSamples = reader.int32() >>> 0;
    else if (tag === 0x18) reply.rejectedSamples = reader.int32() >>> 0;
    else if (tag === 0x22) rejections.push(readMessage(reader, 'rejections', { path: '', reason: '' }, readRejection));
    else if (tag === 0x2a) namesNeeded.push(readMessage(reader, 'names_needed', noName(), readNeededName));
    else if (tag === 0x30) reply.retryDelayMs = reader.int32() >>> 0;
    else if (tag === 0x38) reply.duplicate = reader.bool();
    else if (tag === 0x42) reply.executablesNeeded = reader.bytes();
    else reader.skip();
  }
  return reply;
}

function readMessage<Message>(
  reader: Reader,
  name: string,
  draft: Message,
  read: (reader: Reader, draft: Message) => void,
): Message {
  reader.message(name, draft, read);
  return draft;
}

function readRejection(reader: Reader, draft: Draft<BatchReplyMessage['rejections'][number]>): void {
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x0a) draft.path = reader.text();
    else if (tag === 0x12) draft.reason = reader.text();
    else reader.skip();
  }
}

function noName(): Draft<NeededNameMessage> {
  return { fileId: new Uint8Array(), pid: 0, startTimeNano: 0n, addressOrLine: 0n, kind: 0 };
}

function readNeededName(reader: Reader, draft: Draft<NeededNameMessage>): void {
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x0a) draft.fileId = reader.bytes();
    else if (tag === 0x10) draft.pid = reader.int32() >>> 0;
    else if (tag === 0x19) draft.startTimeNano = reader.fixed64();
    else if (tag === 0x21) draft.addressOrLine = reader.fixed64();
    else if (tag === 0x28) draft.kind = reader.int32();
    else reader.skip();
  }
}
