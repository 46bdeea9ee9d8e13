import type { Remarks } from './collected.ts';
import type { PerfEntry, PerfFrame, PerfSample } from './perf-entries.ts';
import { fieldsOf, hexadecimalAt, parseRecord, scanHead } from './perf-script-line.ts';

type OpenSample = Omit<PerfSample, 'frames'> & { readonly frames: PerfFrame[] };

export const withoutTime = 'samples without time (print it: perf script -F +time)';
export const withoutProcess = 'samples without a process ID (print it: perf script -F +pid)';

/**
 * Reads the text line by line, in time linear in its length. It does not matter which fields were asked for as long as process,
 * time and addresses are there. Lines of unknown form and samples without these fields are left out and counted.
 */
export function* parsePerfScript(text: string, remarks: Remarks): Generator<PerfEntry> {
  let sample: OpenSample | undefined;
  // Frames behind a head that cannot be used are its, and are not counted on their own.
  let isSkipping = false;
  for (const line of linesOf(text)) {
    if (line.trim() === '') {
      if (sample !== undefined) yield sample;
      sample = undefined;
      isSkipping = false;
      continue;
    }
    if (line.startsWith('\t') && addFrame(line, sample)) continue;
    const head = scanHead(line);
    if (head === undefined) {
      if (line.startsWith('#') || addFrame(line, sample) || addSource(line, sample) || isSkipping) continue;
      const lacking = lackingField(line);
      isSkipping = lacking !== undefined;
      if (isSkipping && sample !== undefined) yield sample;
      if (isSkipping) sample = undefined;
      remarks.add(lacking ?? 'lines of unknown form');
      continue;
    }
    if (sample !== undefined) yield sample;
    sample = undefined;
    isSkipping = false;
    if (head.rest.startsWith('PERF_RECORD_')) {
      const entry = parseRecord(head);
      if (entry !== undefined) yield entry;
    } else sample = openSample(head);
  }
  if (sample !== undefined) yield sample;
}

function* linesOf(text: string): Generator<string> {
  for (let from = 0; from < text.length; ) {
    const feed = text.indexOf('\n', from);
    const end = feed < 0 ? text.length : feed;
    yield text.slice(from, text[end - 1] === '\r' ? Math.max(from, end - 1) : end);
    from = end + 1;
  }
}

/** `[period] event: text of a tracepoint`; each may be missing. */
function openSample({ rest, ...head }: NonNullable<ReturnType<typeof scanHead>>): OpenSample {
  const [first = '', second = ''] = fieldsOf(rest, 2);
  const hasPeriod = /^\d{1,19}$/.test(first);
  const event = hasPeriod ? second : first;
  const name = event.endsWith(':') ? event.slice(0, -1) : event;
  return { kind: 'sample', ...head, period: hasPeriod ? BigInt(first) : 0n, event: name, frames: [] };
}

/** The reason why a line that looks like the head of a sample is none. */
function lackingField(line: string): string | undefined {
  if (!line.trimEnd().endsWith(':')) return undefined;
  const fields = fieldsOf(line, 12);
  if (fields.slice(1).some((field) => /^-?\d+(\/-?\d+)?$/.test(field))) return withoutTime;
  return fields.some((field) => /^\d+\.\d+:$/.test(field)) ? withoutProcess : undefined;
}

/** Adds the frame that a line tells, where it tells one. Without a sample it is left alone. */
function addFrame(line: string, sample: OpenSample | undefined): boolean {
  const address = hexadecimalAt(line);
  if (address === undefined) return false;
  if (sample === undefined) return false;
  const { symbol: text, path } = splitPath(line.slice(address.end).trim());
  const plus = text.lastIndexOf('+0x');
  const hasOffset = plus >= 0 && /^[0-9a-f]{1,16}$/.test(text.slice(plus + 3));
  const symbol = hasOffset ? text.slice(0, plus) : text;
  sample.frames.push({
    address: address.value,
    symbol: symbol === '[unknown]' ? '' : symbol,
    symbolOffset: hasOffset ? BigInt(text.slice(plus + 1)) : 0n,
    path,
    isInlined: path === 'inlined',
    sourceFile: '',
    sourceLine: 0,
  });
  return true;
}

/**
 * Splits `symbol+0x10 (path)`. Both may hold spaces and brackets: the path begins in the last bracket behind an offset, else in
 * the last one that a slash or a square bracket follows, else in the last one.
 */
function splitPath(text: string): { symbol: string; path: string } {
  if (!text.endsWith(')')) return { symbol: text, path: '' };
  if (text.startsWith('(')) return { symbol: '', path: text.slice(1, -1) };
  if (text.startsWith('[unknown] (')) return { symbol: '', path: text.slice(11, -1) };
  const last = text.lastIndexOf(' (');
  let best = -1;
  for (let at = last; at > 0; at = text.lastIndexOf(' (', at - 1)) {
    if (text[at + 2] !== '/' && text[at + 2] !== '[') continue;
    if (best < 0) best = at;
    if (/\+0x[0-9a-f]{1,16}$/.test(text.slice(Math.max(0, at - 19), at))) {
      best = at;
      break;
    }
  }
  const bracket = best < 0 ? last : best;
  return bracket < 0
    ? { symbol: text, path: '' }
    : { symbol: text.slice(0, bracket), path: text.slice(bracket + 2, -1) };
}

/** `file:line` below a frame, from `-F +srcline`. */
function addSource(line: string, sample: OpenSample | undefined): boolean {
  const frame = sample?.frames.at(-1);
  const place = line.trim();
  const colon = place.lastIndexOf(':');
  if (frame === undefined || !line.startsWith(' ') || colon <= 0 || !/^\d{1,9}$/.test(place.slice(colon + 1))) {
    return false;
  }
  const sourceFile = place.slice(0, colon);
  if (sourceFile === '??') return true;
  sample!.frames[sample!.frames.length - 1] = { ...frame, sourceFile, sourceLine: Number(place.slice(colon + 1)) };
  return true;
}
