import { basename } from 'node:path';
import { fnv128a } from '../../model/file-id.ts';
import type { FrameKind } from '../../model/frame-kind.ts';
import { frameKinds } from '../../model/frame-kind.ts';
import type { CollectedFrame, CollectedProcess, CollectedSample, CollectedType, Recording } from './collected.ts';
import { ofTextFile, Remarks } from './collected.ts';
import type { CountedStackFormat, NamedFrame } from './counted-stacks.ts';
import { parseCountedStacks } from './counted-stacks.ts';
import { RecordedFrames } from './recorded-frames.ts';

// The text has no times: its stacks are spread over ten seconds, at most a hundred a second.
const spanNano = 10_000_000_000n;
const maxGapNano = 10_000_000n;

/**
 * Reads stacks of names with counts. They have no times, no addresses and no period: a function is known by its name alone,
 * as a method of a JVM is. `countedType` is the `TYPE/UNIT` of the counts, by default samples/count.
 * @throws Error that names the file when it has no stacks.
 */
export function readCountedStacks(
  file: string,
  text: string,
  format: CountedStackFormat,
  countedType?: string,
): Recording {
  const remarks = new Remarks();
  const type = typeOf(countedType ?? 'samples/count');
  const stacks = [...parseCountedStacks(text, format, remarks)];
  if (stacks.length === 0) throw new Error(`${file}: has no stacks with a count; record for longer.`);
  if (countedType === undefined)
    remarks.add('stacks whose counts are taken for samples (--type says otherwise)', stacks.length);
  const gapNano = minimum(maxGapNano, spanNano / BigInt(stacks.length));
  const processes = new Map<string, CollectedProcess>();
  const frames = new NamedFrames();
  const samples = stacks.map(({ comm, pid, frames: names, count }, index): CollectedSample => {
    const name = comm || basename(file);
    const key = `${pid} ${name}`;
    const process = processes.get(key) ?? newProcess(name, pid || firstInventedPid + processes.size);
    processes.set(key, process);
    return {
      timeNano: BigInt(index + 1) * gapNano,
      process,
      threadId: 0,
      threadName: comm,
      cpu: -1,
      frames: names.map((frame) => frames.intern(frame)),
      truncated: false,
      type,
      value: count,
    };
  });
  return {
    ...ofTextFile(file, samples),
    processes: [...processes.values()],
    lost: [],
    remarks: remarks.counts,
  };
}

function typeOf(text: string): CollectedType {
  const slash = text.indexOf('/');
  const [sampleType, sampleUnit] = [text.slice(0, slash), text.slice(slash + 1)];
  return { sampleType, sampleUnit, periodType: '', periodUnit: '', period: 0n };
}

// Above the kernel's largest process ID (2^22), so that it is none of a real process.
const firstInventedPid = 1 << 23;

function newProcess(comm: string, pid: number): CollectedProcess {
  return { pid, namespacePid: 0, firstSeenNano: 0n, endNano: undefined, comm, executablePath: '' };
}

/** Makes each function once. */
class NamedFrames {
  readonly #table = new RecordedFrames();

  intern({ name, isKernel }: NamedFrame): CollectedFrame {
    const { functionName, filePath, line } = splitPlace(name);
    const kind = isKernel ? frameKinds.kernel : kindOf(functionName, filePath);
    const owner = fnv128a('function without address', String(kind), functionName, filePath);
    return this.#table.intern({ owner, address: BigInt(line), kind, mapping: undefined }, () => {
      // A number alone is an address that nobody named.
      if (/^0x[0-9a-f]+$|^\[unknown\]$/.test(functionName)) return undefined;
      const place = { systemName: '', filePath, line, column: 0, startLine: 0, inlined: [] };
      return { kind: 'symbol', symbol: { functionName, ...place } };
    });
  }
}

/** `function (file.py:12)`, as py-spy and rbspy write; other brackets are part of a name. */
function splitPlace(name: string): { functionName: string; filePath: string; line: number } {
  const bracket = name.endsWith(')') ? name.lastIndexOf(' (') : -1;
  const place = name.slice(bracket + 2, -1);
  const colon = place.lastIndexOf(':');
  const line = /^\d{1,9}$/.test(place.slice(colon + 1)) ? Number(place.slice(colon + 1)) : 0;
  const filePath = line > 0 ? place.slice(0, colon) : place;
  if (bracket <= 0 || !/\.\w{1,5}$/.test(filePath)) return { functionName: name, filePath: '', line: 0 };
  return { functionName: name.slice(0, bracket), filePath, line };
}

const kindsByExtension: Readonly<Record<string, FrameKind>> = {
  py: frameKinds.cpython,
  rb: frameKinds.ruby,
  js: frameKinds.v8js,
  mjs: frameKinds.v8js,
  cjs: frameKinds.v8js,
  ts: frameKinds.v8js,
  php: frameKinds.php,
  pl: frameKinds.perl,
};

function kindOf(functionName: string, filePath: string): FrameKind {
  const byFile = kindsByExtension[filePath.slice(filePath.lastIndexOf('.') + 1)];
  // java/lang/Thread.run
  const isMethod = /^[\w$]+(?:\/[\w$]+)+\.[\w$<>]+$/.test(functionName);
  return byFile ?? (isMethod ? frameKinds.jvm : frameKinds.native);
}

function minimum(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
