import type { FileId } from '../../../src/model/file-id.ts';
import { writeFileId } from '../../../src/model/file-id.ts';
import type { FrameBatch } from '../../../src/model/frame-batch.ts';
import type { FrameSymbol } from '../../../src/model/frame-symbol.ts';
import type { PlainBatch } from '../../support/frames-client.ts';

const stubKinds = ['', 'stub', 'interpreter', 'jit'];
const lossReasons = ['unspecified', 'buffer_full', 'unwind_failed', 'queue_full', 'throttled'];

/**
 * The plain object that a batch was encoded from: names and processes turned back into indices. Distinct strings
 * are needed, and the kinds of stubs are told apart only where they are known.
 */
export function plainBatchOf(batch: FrameBatch): PlainBatch {
  const text = (value: string): number => batch.strings.indexOf(value);
  const file = (id: FileId): number => batch.fileIds.indexOf(id);
  const labels = (map: ReadonlyMap<string, string>): object[] =>
    [...map].map(([key, value]) => ({ key: text(key), value: text(value) }));
  const { collector, frames, stacks, samples } = batch;
  const fileIds = new Uint8Array(16 * (batch.fileIds.length - 1));
  for (const [i, id] of batch.fileIds.slice(1).entries()) writeFileId(id, fileIds, 16 * i);
  const location = (symbol: FrameSymbol): object => ({
    function: text(symbol.functionName),
    systemName: text(symbol.systemName),
    file: text(symbol.filePath),
    line: symbol.line,
    column: symbol.column,
    startLine: symbol.startLine,
  });
  return {
    collector: {
      instanceId: Uint8Array.from(Buffer.from(collector.instanceId, 'hex')),
      resourceAttributes: [...collector.resourceAttributes].map(([key, value]) => ({ key, value })),
      scopeName: collector.scopeName,
      scopeVersion: collector.scopeVersion,
    },
    sequence: batch.sequence,
    strings: batch.strings.slice(1),
    fileIds,
    mappings: batch.mappings.slice(1).map((mapping) => ({ ...mapping, fileId: file(mapping!.fileId) })),
    frames: range(1, frames.count + 1).map((i) => ({
      fileId: frames.fileId[i],
      process: frames.process[i],
      addressOrLine: (BigInt(frames.addressHigh[i]!) << 32n) | BigInt(frames.addressLow[i]!),
      kind: frames.kind[i],
      mapping: frames.mapping[i],
    })),
    stacks: range(1, stacks.count + 1).map((i) => ({
      frames: [...stacks.frames.slice(stacks.start[i], stacks.start[i + 1])],
      truncated: stacks.truncated[i] === 1,
    })),
    processes: batch.processes.slice(1).map((process) => ({
      pid: process!.pid,
      namespacePid: process!.namespacePid,
      startTimeNano: process!.startTimeNano,
      comm: text(process!.comm),
      executablePath: text(process!.executablePath),
      containerId: text(process!.containerId),
      serviceName: text(process!.serviceName),
      labels: labels(process!.labels),
    })),
    links: batch.links.slice(1),
    labelSets: batch.labelSets.slice(1).map((set) => ({ labels: labels(set!) })),
    profileTypes: batch.profileTypes.slice(1).map((type) => ({
      sampleType: text(type!.sampleType),
      sampleUnit: text(type!.sampleUnit),
      periodType: text(type!.periodType),
      periodUnit: text(type!.periodUnit),
      period: type!.period,
    })),
    samples: range(0, samples.count).map((i) => ({
      stack: samples.stack[i],
      process: samples.process[i],
      profileType: samples.profileType[i],
      threadId: samples.threadId[i],
      threadName: samples.threadName[i],
      cpuPlusOne: samples.cpuPlusOne[i],
      link: samples.link[i],
      labelSet: samples.labelSet[i],
      timestamps: [...samples.timestampsUnixNano.slice(samples.momentStart[i], samples.momentStart[i + 1])],
      values: [...samples.values.slice(samples.momentStart[i], samples.momentStart[i + 1])],
    })),
    symbols: batch.symbols.map(({ fileId, addressHigh, addressLow, symbol }) => ({
      fileId: file(fileId),
      addressOrLine: (BigInt(addressHigh) << 32n) | BigInt(addressLow),
      locations: [...symbol.inlined, symbol].map(location),
    })),
    stubs: batch.stubs.map(({ owner, start, length, symbol, kind, tier }) => ({
      fileId: 'fileId' in owner ? file(owner.fileId) : 0,
      process: 'process' in owner ? batch.processes.indexOf(owner.process) : 0,
      start,
      length,
      name: text(symbol.functionName),
      file: text(symbol.filePath),
      line: symbol.startLine,
      kind: stubKinds.indexOf(kind),
      tier: text(tier),
      systemName: text(symbol.systemName),
    })),
    processExits: batch.processExits.map((process) => batch.processes.indexOf(process)),
    lostSamples: batch.lostSamples.map(({ reason, count }) => ({ reason: lossReasons.indexOf(reason), count })),
  };
}

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}
