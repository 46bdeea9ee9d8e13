import type { PerfLoss, PerfMapping, PerfTask } from './perf-entries.ts';

/** The beginning of a sample or record: `comm pid/tid [cpu] seconds.fraction:`, and the rest of the line. */
export interface PerfHead {
  readonly comm: string;
  /** `undefined` when one ID stands alone: it is the thread's. */
  readonly pid: number | undefined;
  readonly tid: number;
  /** -1 when not printed. */
  readonly cpu: number;
  readonly timeNano: bigint;
  readonly rest: string;
}

interface Field {
  readonly start: number;
  readonly end: number;
}

/**
 * Finds the first time of a line that IDs stand before; all before these is the thread's name, which may be empty and hold
 * spaces, digits and any sign. `undefined` when the line is no head.
 */
export function scanHead(line: string): PerfHead | undefined {
  let before: Field | undefined;
  let ids: Field | undefined;
  for (const field of fields(line)) {
    const time = timeOf(line, field);
    if (time !== undefined && before !== undefined) {
      const cpu = cpuOf(line, before);
      const place = cpu === undefined ? before : ids;
      const parsed = place && idsOf(line, place);
      if (parsed !== undefined) {
        const comm = line.slice(0, place!.start).trim();
        return { comm, ...parsed, cpu: cpu ?? -1, timeNano: time, rest: line.slice(field.end).trim() };
      }
    }
    ids = before;
    before = field;
  }
  return undefined;
}

/** Fields between blanks, one after the other. */
function* fields(line: string): Generator<Field> {
  for (let at = 0; at < line.length; ) {
    while (isBlank(line, at)) at += 1;
    const start = at;
    while (at < line.length && !isBlank(line, at)) at += 1;
    if (at > start) yield { start, end: at };
  }
}

/** The first fields of a line, as texts; at most `count`. */
export function fieldsOf(line: string, count: number): string[] {
  const texts: string[] = [];
  for (const { start, end } of fields(line)) {
    if (texts.push(line.slice(start, end)) === count) break;
  }
  return texts;
}

/** The hexadecimal number that a line begins with, behind blanks; `undefined` without blanks or where more than it follows. */
export function hexadecimalAt(line: string): { value: bigint; end: number } | undefined {
  if (!isBlank(line, 0)) return undefined;
  const [field] = fields(line);
  if (field === undefined) return undefined;
  const text = line.slice(field.start, Math.min(field.end, field.start + 17));
  return /^[0-9a-f]{1,16}$/.test(text) ? { value: BigInt(`0x${text}`), end: field.end } : undefined;
}

function isBlank(line: string, at: number): boolean {
  const code = line.charCodeAt(at);
  return code === 32 || code === 9;
}

/** Nanoseconds of `seconds.fraction:`. */
function timeOf(line: string, { start, end }: Field): bigint | undefined {
  // Most fields are none: the last and the first sign tell.
  if (line[end - 1] !== ':' || end - start > 32 || !/\d/.test(line[start]!)) return undefined;
  const [, seconds, fraction] = /^(\d{1,12})\.(\d{1,18}):$/.exec(line.slice(start, end)) ?? [];
  if (seconds === undefined) return undefined;
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction!.padEnd(9, '0').slice(0, 9));
}

function cpuOf(line: string, { start, end }: Field): number | undefined {
  const text = line.slice(start, Math.min(end, start + 12));
  return /^\[\d{1,9}\]$/.test(text) ? Number(text.slice(1, -1)) : undefined;
}

function idsOf(line: string, { start, end }: Field): { pid: number | undefined; tid: number } | undefined {
  const [, first, second] =
    /^(-?\d{1,10})(?:\/(-?\d{1,10}))?$/.exec(line.slice(start, Math.min(end, start + 24))) ?? [];
  if (first === undefined) return undefined;
  return second === undefined ? { pid: undefined, tid: Number(first) } : { pid: Number(first), tid: Number(second) };
}

const mappingPattern =
  /^PERF_RECORD_MMAP2? (-?\d+)\/(-?\d+): \[(?:0x)?([0-9a-f]{1,16})\((?:0x)?([0-9a-f]{1,16})\) @ (?:0x)?([0-9a-f]{1,16})(?: <([0-9a-f]+)>| [^\]]*)?\]: (\S+) (.*)$/;

/** A record that tells of code, processes or losses; `undefined` for others. */
export function parseRecord({ rest: text, comm, timeNano }: PerfHead): PerfMapping | PerfTask | PerfLoss | undefined {
  const name = /^PERF_RECORD_(\w+)/.exec(text)?.[1];
  if (name === 'MMAP' || name === 'MMAP2') return parseMapping(text, comm, timeNano);
  if (name === 'COMM') return parseComm(text, timeNano);
  if (name === 'LOST' || name === 'LOST_SAMPLES') {
    const count = /\d+/.exec(text.slice('PERF_RECORD_'.length + name.length))?.[0];
    return count === undefined ? undefined : { kind: 'loss', count: BigInt(count) };
  }
  const ids = /^PERF_RECORD_(?:FORK|EXIT)\((\d+):(\d+)\):\((-?\d+):/.exec(text);
  if (ids === null) return undefined;
  const [pid, tid, parentPid] = ids.slice(1).map(Number) as [number, number, number];
  // A thread begins or ends; its process goes on.
  if (name === 'EXIT' && pid !== tid) return undefined;
  return {
    kind: name === 'FORK' ? 'fork' : 'exit',
    timeNano,
    pid,
    tid,
    parentPid: name === 'FORK' ? parentPid : 0,
    comm: '',
  };
}

function parseMapping(text: string, comm: string, timeNano: bigint): PerfMapping | undefined {
  const parts = mappingPattern.exec(text);
  if (parts === null) return undefined;
  const [, pid, tid, startText, size, fileOffset, buildId = '', permissions, path] = parts;
  // perf reports data too when asked; the kernel's own text has no permissions.
  if (!permissions!.includes('x') && !path!.startsWith('[kernel')) return undefined;
  const start = BigInt(`0x${startText}`);
  const end = start + BigInt(`0x${size}`);
  // Nothing lies beyond the end of memory.
  if (end <= start || end > 1n << 64n) return undefined;
  return {
    kind: 'mapping',
    timeNano,
    pid: Number(pid),
    tid: Number(tid),
    comm,
    start,
    end,
    fileOffset: BigInt(`0x${fileOffset}`),
    buildId,
    path: path!,
  };
}

/** `PERF_RECORD_COMM exec: name:pid/tid`; the name may hold any sign. */
function parseComm(text: string, timeNano: bigint): PerfTask | undefined {
  const isExec = text.startsWith('PERF_RECORD_COMM exec: ');
  const from = text.indexOf(': ') + 2;
  const colon = text.lastIndexOf(':');
  const [, pid, tid] = /^(\d{1,10})\/(\d{1,10})$/.exec(text.slice(colon + 1)) ?? [];
  if (pid === undefined || colon < from) return undefined;
  const ids = { pid: Number(pid), tid: Number(tid), parentPid: 0 };
  return { kind: isExec ? 'exec' : 'name', timeNano, ...ids, comm: text.slice(from, colon) };
}
