/** One moment on both clocks, and how the samples were taken. */
export interface RawHeader {
  readonly kernel: string;
  readonly arch: string;
  readonly hz: number;
  readonly mono: bigint;
  readonly real: bigint;
  /** Depth at which the kernel cuts a stack. */
  readonly maxdepth: number;
}

export interface RawMap {
  readonly t: bigint;
  readonly pid: number;
  /** Hexadecimal with 0x. */
  readonly start: string;
  readonly limit: string;
  readonly off: string;
  readonly path: string;
  readonly buildid: string;
}

export interface RawSample {
  readonly t: bigint;
  readonly pid: number;
  readonly tid: number;
  readonly nspid: number;
  readonly cpu: number;
  readonly comm: string;
  /** Kernel and user addresses, leaf first, hexadecimal. */
  readonly k: readonly string[];
  readonly u: readonly string[];
  /** Interpreter frames, leaf first: address of the code object in hexadecimal, byte offset, flags. */
  readonly py: readonly (readonly [string, number, number])[];
}

export interface RawCode {
  readonly pid: number;
  readonly code: string;
  readonly file: string;
  readonly qualname: string;
  readonly firstlineno: number;
  /** Hexadecimal. */
  readonly linetable: string;
}

export interface RawRecords {
  readonly header: RawHeader;
  readonly maps: readonly RawMap[];
  readonly samples: readonly RawSample[];
  readonly codes: readonly RawCode[];
  readonly lost: bigint;
}

/**
 * Reads `raw.jsonl` (recordings/README.md). Records of other types are left out.
 * @throws Error with file name and line when a line is not a record, or there is no header.
 */
export function parseRawRecords(text: string, fileName: string): RawRecords {
  let header: RawHeader | undefined;
  let lost = 0n;
  const maps: RawMap[] = [];
  const samples: RawSample[] = [];
  const codes: RawCode[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const record = parseLine(line, `${fileName}:${index + 1}`);
    const t = BigInt(record.t ?? 0);
    if (record.type === 'header') header = { ...record, mono: BigInt(record.mono), real: BigInt(record.real) };
    else if (record.type === 'map') maps.push({ ...record, t });
    else if (record.type === 'sample') samples.push({ ...record, t, py: record.py ?? [] });
    else if (record.type === 'pycode') codes.push(record);
    else if (record.type === 'end') lost = BigInt(record.lost);
  }
  if (header === undefined) throw new Error(`${fileName}: has no header record; it may be cut off or another format.`);
  // Each CPU has its own way to the file, so the order of lines is not that of time.
  samples.sort((a, b) => Number(a.t - b.t));
  maps.sort((a, b) => Number(a.t - b.t));
  return { header, maps, samples, codes, lost };
}

// biome-ignore lint/suspicious/noExplicitAny: one line of a file of our own making, taken apart by its type above.
function parseLine(line: string, where: string): any {
  try {
    // Nanoseconds may exceed 2^53, which JSON's numbers cannot hold here.
    return JSON.parse(line.replace(/"(t|mono)":(\d+)/g, '"$1":"$2"'));
  } catch (cause) {
    throw new Error(`${where}: is not a JSON record; repair or remove the line.`, { cause });
  }
}
