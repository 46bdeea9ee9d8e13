/**
 * A batch as a busy host of 60 processes sends it: 1,000 samples of 300 stacks of 34 frames on average, out of 4,216
 * frames of 120 files. The same on every run: numbers come from a fixed generator.
 */
export const sampleCount = 1_000;
export const nowUnixNano = 1_767_225_600_000_000_000n;

const counts = { files: 120, frames: 4_216, stacks: 300, processes: 60, strings: 200 };

/** `Batch` of frames.proto, as protobufjs's `fromObject` takes it. */
export function syntheticBatch(): Record<string, unknown> {
  const next = generator();
  const upTo = (most: number): number => 1 + (next() % most);
  const repeat = <T>(count: number, make: (index: number) => T): T[] =>
    Array.from({ length: count }, (_, i) => make(i));
  return {
    collector: { instanceId: repeat(16, (i) => i + 1), resourceAttributes: [{ key: 'host.name', value: 'node-1' }] },
    sequence: 1,
    strings: ['samples', 'count', 'cpu', 'nanoseconds', ...repeat(counts.strings - 4, (i) => `worker-thread-${i}`)],
    fileIds: repeat(16 * counts.files, () => next() & 255),
    frames: repeat(counts.frames, () => ({
      fileId: upTo(counts.files),
      addressOrLine: String((BigInt(next() & 0x7fff) << 32n) | BigInt(next())),
      kind: upTo(6),
    })),
    stacks: repeat(counts.stacks, () => ({ frames: repeat(14 + (next() % 41), () => upTo(counts.frames)) })),
    processes: repeat(counts.processes, (i) => ({
      pid: 1_000 + i,
      startTimeNano: String(nowUnixNano - BigInt(next())),
      comm: upTo(counts.strings),
      executablePath: upTo(counts.strings),
    })),
    profileTypes: [{ sampleType: 1, sampleUnit: 2, periodType: 3, periodUnit: 4, period: 50_000_000 }],
    samples: repeat(sampleCount, () => ({
      stack: upTo(counts.stacks),
      process: upTo(counts.processes),
      profileType: 1,
      threadId: 1_000 + upTo(400),
      threadName: upTo(counts.strings),
      cpuPlusOne: upTo(128),
      timestamps: [String(nowUnixNano - BigInt(next()))],
    })),
  };
}

/** A batch with a symbol for each frame, and an executable for each file, of another one. */
export function namesOf(batch: Record<string, unknown>): Record<string, unknown> {
  const frames = batch.frames as { fileId: number; addressOrLine: string }[];
  const strings = [...(batch.strings as string[]), ...frames.map((_, i) => `namespace::function_${i}`)];
  const symbols = frames.map(({ fileId, addressOrLine }, i) => ({
    fileId,
    addressOrLine,
    locations: [{ function: strings.length - frames.length + i + 1, file: 5 + (i % 100), line: i + 1 }],
  }));
  const fileCount = (batch.fileIds as readonly number[]).length / 16;
  const executables = Array.from({ length: fileCount }, (_, i) => ({ fileId: i + 1, fileName: 5 + (i % 100) }));
  return { ...batch, strings, symbols, executables, samples: [], sequence: 2 };
}

/** xorshift32 (https://www.jstatsoft.org/article/view/v008i14). */
function generator(): () => number {
  let state = 0x9e3779b9;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
