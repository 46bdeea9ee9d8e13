/** Linux `perf script` text, one entry after the other. Addresses are as printed. */
export type PerfEntry = PerfMapping | PerfSample | PerfExit | PerfLoss;

/** An executable mapping, from `--show-mmap-events`. */
export interface PerfMapping {
  readonly kind: 'mapping';
  readonly timeNano: bigint;
  readonly pid: number;
  readonly comm: string;
  readonly start: bigint;
  readonly size: bigint;
  readonly fileOffset: bigint;
  /** Hexadecimal; empty without `perf record --buildid-mmap`. */
  readonly buildId: string;
  readonly path: string;
}

export interface PerfSample {
  readonly kind: 'sample';
  readonly timeNano: bigint;
  readonly pid: number;
  readonly tid: number;
  /** -1 when not printed. */
  readonly cpu: number;
  readonly comm: string;
  /** Event count between samples, in nanoseconds for clock events; 0 when not printed. */
  readonly period: bigint;
  readonly event: string;
  /** Leaf first. */
  readonly frames: readonly PerfFrame[];
}

export interface PerfFrame {
  readonly address: bigint;
  /** Empty when perf did not know. */
  readonly symbol: string;
  /** Bytes from the symbol's start. */
  readonly symbolOffset: bigint;
  readonly path: string;
  /** The function was inlined into that of the frame below it, which has the same address. */
  readonly isInlined: boolean;
}

/** The end of a process, from `--show-task-events`. */
export interface PerfExit {
  readonly kind: 'exit';
  readonly timeNano: bigint;
  readonly pid: number;
}

export interface PerfLoss {
  readonly kind: 'loss';
  readonly count: bigint;
}

// comm, pid or pid/tid, [cpu], seconds.fraction, then what the event says. A comm may hold spaces.
const headPattern = /^\s*(\S.*?)\s+(-?\d+)(?:\/(-?\d+))?\s+(?:\[(\d+)\]\s+)?(\d+)\.(\d+):\s*(.*)$/;
const mappingPattern =
  /^PERF_RECORD_MMAP2? (-?\d+)\/-?\d+: \[0x([0-9a-f]+)\(0x([0-9a-f]+)\) @ (?:0x)?([0-9a-f]+)(?: <([0-9a-f]+)>| [^\]]*)?\]: (\S+) (.*)$/;
// With the file in parentheses behind it, which may hold spaces and parentheses itself, or without.
const framePatterns = [
  /^\s+([0-9a-f]{1,16})(?:\s+(.*?))?\s+\((\/.*|\[.*|inlined|\S+)\)$/,
  /^\s+([0-9a-f]{1,16})(?:\s+(\S.*))?$/,
];

/**
 * Reads the text line by line. Comments, other events and lines of another form are left out, so that it does not
 * matter which fields were asked for as long as process, time and addresses are there.
 */
export function* parsePerfScript(text: string): Generator<PerfEntry> {
  let sample: (Omit<PerfSample, 'frames'> & { readonly frames: PerfFrame[] }) | undefined;
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) continue;
    if (line.trim() === '') {
      if (sample !== undefined) yield sample;
      sample = undefined;
      continue;
    }
    const head = headPattern.exec(line);
    if (head === null) {
      const frame = parseFrame(line);
      if (frame !== undefined) sample?.frames.push(frame);
      continue;
    }
    if (sample !== undefined) yield sample;
    sample = undefined;
    const entry = parseHead(head);
    if (entry?.kind === 'sample') sample = { ...entry, frames: [] };
    else if (entry !== undefined) yield entry;
  }
  if (sample !== undefined) yield sample;
}

function parseFrame(line: string): PerfFrame | undefined {
  const parts = framePatterns[0]!.exec(line) ?? framePatterns[1]!.exec(line);
  if (parts === null) return undefined;
  const [, address, text = '', path = ''] = parts;
  const [, symbol, offset] = /^(.*?)(?:\+0x([0-9a-f]+))?$/.exec(text)!;
  return {
    address: BigInt(`0x${address}`),
    symbol: symbol === '[unknown]' ? '' : symbol!,
    symbolOffset: BigInt(`0x${offset ?? 0}`),
    path,
    isInlined: path === 'inlined',
  };
}

type Head = [string, string, string, string | undefined, string | undefined, string, string, string];

function parseHead(head: RegExpExecArray): PerfEntry | undefined {
  const [, comm, pid, tid, cpu, seconds, fraction, rest] = head as unknown as Head;
  const timeNano = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9));
  if (rest.startsWith('PERF_RECORD_')) return parseRecord(rest, comm, timeNano);
  const [, period, event] = /^(?:(\d+)\s+)?(\S+?)?:?\s*$/.exec(rest) ?? [];
  const ids = { pid: Number(pid), tid: Number(tid ?? pid), cpu: Number(cpu ?? -1) };
  return { kind: 'sample', timeNano, ...ids, comm, period: BigInt(period ?? 0), event: event ?? '', frames: [] };
}

function parseRecord(text: string, comm: string, timeNano: bigint): PerfEntry | undefined {
  const mapping = mappingPattern.exec(text);
  if (mapping !== null) {
    const [, pid, start, size, fileOffset, buildId = '', permissions, path] = mapping;
    // perf reports data too when asked; the kernel's own text has no permissions.
    if (!permissions!.includes('x') && !path!.startsWith('[kernel')) return undefined;
    return {
      kind: 'mapping',
      timeNano,
      pid: Number(pid),
      comm,
      start: BigInt(`0x${start}`),
      size: BigInt(`0x${size}`),
      fileOffset: BigInt(`0x${fileOffset}`),
      buildId,
      path: path!,
    };
  }
  const exit = /^PERF_RECORD_EXIT\((\d+):(\d+)\)/.exec(text);
  if (exit !== null) return exit[1] === exit[2] ? { kind: 'exit', timeNano, pid: Number(exit[1]) } : undefined;
  const lost = /^PERF_RECORD_LOST(?:_SAMPLES)?\D+(\d+)/.exec(text);
  return lost === null ? undefined : { kind: 'loss', count: BigInt(lost[1]!) };
}
